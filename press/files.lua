-- The files of the book as pages: each line of C with a link to the chunk that it stands
-- in; and what changes from one version of an allocator to the next. See noweb.lua.

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

-- The lines of a file as HTML, with links to what the names in them mean.
local known_html = {}
function files.html_of(path)
  if known_html[path] then return known_html[path] end
  local lines = files.lines_of(path)
  local visible = book.visible_from{path}
  local state = {}
  function state.resolve(name, is_tag) return book.resolve_in_code(name, is_tag, state.chunk, visible) end
  function state.at_line(n) state.chunk = lines[n].chunk end
  local html = code.highlight(table.concat(tools.map(lines, function(line) return line.text end), '\n'),
                              code.language_of(path), state)
  local result = {}
  for line in tools.lines_of(html) do
    local names = lines[#result + 1].names
    if names then
      line = line:gsub(esc(names):gsub('%p', '%%%0'),
                       function(name) return code.link_to(book.chunks[names][1], name) end, 1)
    end
    result[#result + 1] = line
  end
  known_html[path] = result
  return result
end

-- The page's code: the number of a line leads to its chunk.
function files.code_of(path)
  local lines, numbered, seen = files.lines_of(path), {}, {}
  for n, line in ipairs(files.html_of(path)) do
    local chunk, before = lines[n].chunk, n > 1 and lines[n - 1].chunk
    local id = seen[chunk] and '' or ' id="' .. chunk.id .. '"'
    seen[chunk] = true
    numbered[n] = '<span class="line"' .. id .. '><a id="L' .. n .. '" href="' .. book.url_of(chunk) .. '"' ..
      (chunk == before and ' tabindex="-1"' or ' title="' .. esc(chunk.name) .. '"') .. '>' .. n .. '</a>' ..
      line .. '\n</span>'
  end
  return '<pre class="whole wide" ' .. tools.scrolling('Code: ' .. path) .. '><code>' ..
    table.concat(numbered) .. '</code></pre>'
end

---------------------------------------------------------------- what changed

-- The file of a chapter's allocator, or nil: heap.c, or one named like the chapter.
function files.main_of(chapter)
  for _, name in ipairs{'heap', chapter.stem:match('%-([^-]*)$')} do
    local path = chapter.stem .. '/' .. name .. '.c'
    if book.chunks[path] then return path end
  end
end
-- The versions of it, in order: the steps, and the file itself.
function files.versions_of(chapter)
  local paths = {}
  for _, path in ipairs(book.names) do
    if path:match('^[^/]*/steps/[^/]*%.c$') and path:sub(1, #chapter.stem + 1) == chapter.stem .. '/' then
      paths[#paths + 1] = path
    end
  end
  table.sort(paths, function(a, b)
    return (tonumber(a:match('/(%d+)[^/]*$')) or 0) < (tonumber(b:match('/(%d+)[^/]*$')) or 0)
  end)
  paths[#paths + 1] = files.main_of(chapter)
  return paths
end

-- What diff says of two files, with the lines as they are on their pages.
function files.changes(old, new)
  local names = {}
  for i, path in ipairs{old, new} do
    names[i] = os.tmpname()
    local file = assert(io.open(names[i], 'w'))
    for _, line in ipairs(files.lines_of(path)) do file:write(line.text, '\n') end
    file:close()
  end
  local pipe = io.popen(('diff -U2 %s %s'):format(names[1], names[2]))
  local said = pipe:read('a')
  pipe:close()
  for _, name in ipairs(names) do os.remove(name) end
  local out, at_old, at_new = {}, nil, nil
  local function add(class, sign, html)
    out[#out + 1] = '<span class="line ' .. class .. '">' .. sign .. ' ' .. html .. '\n</span>'
  end
  local old_html, new_html = files.html_of(old), files.html_of(new)
  for line in tools.lines_of(said) do
    local from, to = line:match('^@@ %-(%d+)[,%d]* %+(%d+)')
    if from then
      at_old, at_new = tonumber(from), tonumber(to)
      local chunk = (files.lines_of(new)[at_new] or {}).chunk
      out[#out + 1] = '<span class="line hunk">  <a href="' .. book.page_of_file(new) .. '.html#L' .. at_new ..
        '">line ' .. at_new .. '</a>' .. (chunk and ', ' .. code.link_to(chunk, code.chunk_name(chunk.name)) or '') .. '\n</span>'
    elseif at_old then
      local sign = line:sub(1, 1)
      if sign == '-' then add('gone', '−', old_html[at_old] or '') end
      if sign == '+' then add('come', '+', new_html[at_new] or '') end
      if sign == ' ' then add('same', ' ', new_html[at_new] or '') end
      if sign ~= '+' and sign ~= '\\' then at_old = at_old + 1 end
      if sign ~= '-' and sign ~= '\\' then at_new = at_new + 1 end
    end
  end
  return '<pre class="changes wide" ' .. tools.scrolling('Changes: ' .. old .. ' to ' .. new) .. '><code>' ..
    table.concat(out) .. '</code></pre>'
end

-- The functions that a file defines: name -> {definition, text of its chunk}.
function files.functions_of(path)
  local found = {}
  for name, list in pairs(book.definitions) do
    for _, d in ipairs(list) do
      for _, other in ipairs(d.files) do
        if other == path and d.kind == 'function' then found[name] = d end
      end
    end
  end
  return found
end

return files
