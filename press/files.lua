-- The files of the book as pages: each line of C with a link to the chunk that it stands
-- in. See noweb.lua.

local tools = require 'tools'
local book = require 'book'
local code = require 'code'
local esc = tools.esc

local files = {}

-- The lines of a file as press/expand writes them for people: {text, chunk, names}, where
-- `names` is the chunk whose name stands there as a comment.
local known = {}
function files.lines_of(path)
  if known[path] then return known[path] end
  local lines, text, owner = {}, '', nil
  local function finish(names)
    lines[#lines + 1] = {text = text:gsub('%s+$', ''), chunk = owner, names = names}
    text, owner = '', nil
  end
  local function expand(name, indent)
    for i, chunk in ipairs(book.chunks[name]) do
      if i > 1 then
        finish()
        text = indent
      end
      for _, part in ipairs(chunk.parts) do
        owner = owner or chunk
        if part == '\n' then
          finish()
          text, owner = indent, chunk
        elseif part.use then
          local column = text:gsub('.', ' ')
          if not text:match('%S') then
            text = text .. '/* ' .. part.use .. ' */'
            finish(part.use)
            text = column
          end
          owner = nil
          expand(part.use, column)
          owner = owner or chunk
        else
          text = text .. part
        end
      end
      for _ = 1, chunk.blank_lines do
        finish()
        text, owner = indent, chunk
      end
    end
  end
  expand(path, '')
  finish()
  known[path] = lines
  return lines
end

-- The page's code: the number of a line leads to its chunk.
function files.code_of(path)
  local lines = files.lines_of(path)
  local visible = book.visible_from{path}
  local state = {}
  function state.resolve(name, is_tag) return book.resolve_in_code(name, is_tag, state.chunk, visible) end
  function state.at_line(n) state.chunk = lines[n].chunk end
  local html = code.highlight(table.concat(tools.map(lines, function(line) return line.text end), '\n'),
                              code.language_of(path), state)
  local numbered, n, seen = {}, 0, {}
  for line in tools.lines_of(html) do
    n = n + 1
    local chunk, before = lines[n].chunk, n > 1 and lines[n - 1].chunk
    local id = seen[chunk] and '' or ' id="' .. chunk.id .. '"'
    seen[chunk] = true
    local names = lines[n].names
    if names then
      line = line:gsub(esc(names):gsub('%p', '%%%0'),
                       function(name) return code.link_to(book.chunks[names][1], name) end, 1)
    end
    numbered[n] = '<span class="line"' .. id .. '><a id="L' .. n .. '" href="' .. book.url_of(chunk) .. '"' ..
      (chunk == before and ' tabindex="-1"' or ' title="' .. esc(chunk.name) .. '"') .. '>' .. n .. '</a>' ..
      line .. '</span>'
  end
  return '<pre class="whole" ' .. tools.scrolling('Code: ' .. path) .. '><code>' ..
    table.concat(numbered, '\n') .. '</code></pre>'
end

return files
