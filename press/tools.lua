-- Small functions that the parts of the reader share. See noweb.lua.

local tools = {}

function tools.esc(text)
  return (text:gsub('[&<>"]', {['&'] = '&amp;', ['<'] = '&lt;', ['>'] = '&gt;', ['"'] = '&quot;'}))
end
-- The text of HTML, without its tags.
function tools.plain(html) return (html:gsub('<[^>]*>', '')) end

function tools.lines_of(text) return (text:gsub('\n$', '') .. '\n'):gmatch('(.-)\n') end
function tools.fields_of(line)
  local fields = {}
  for field in (line .. '\t'):gmatch('(.-)\t') do fields[#fields + 1] = field end
  return fields
end

function tools.map(list, f)
  local result = {}
  for i, item in ipairs(list) do result[i] = f(item) end
  return result
end
-- The keys of a table in the order of the alphabet, large and small letters as one.
function tools.sorted_keys(set)
  local keys, small = {}, {}
  for key in pairs(set) do
    keys[#keys + 1] = key
    small[key] = key:lower()
  end
  table.sort(keys, function(a, b)
    local x, y = small[a], small[b]
    if x ~= y then return x < y end
    return a < b
  end)
  return keys
end

-- A slug: what an id is made of.
function tools.slug(name)
  return (name:lower():gsub('[^a-z0-9]+', '-'):gsub('^%-', ''):gsub('%-$', ''))
end
-- A string, or a list of such values, as JavaScript.
function tools.script(value)
  if type(value) == 'table' then return '[' .. table.concat(tools.map(value, tools.script), ',') .. ']' end
  return '"' .. value:gsub('[\\"]', '\\%0'):gsub('\n', '\\n'):gsub('</', '<\\/') .. '"'
end
-- Writes a file beside the pages.
function tools.write(name, text)
  local file = assert(io.open(os.getenv('OUT') .. '/' .. name, 'w'))
  file:write(text)
  file:close()
end

function tools.raw(html) return pandoc.RawBlock('html', html) end
function tools.raw_inline(html) return pandoc.RawInline('html', html) end
function tools.html_of(inlines)
  local options = pandoc.WriterOptions{wrap_text = 'none'}
  return (pandoc.write(pandoc.Pandoc{pandoc.Plain(inlines)}, 'html5', options):gsub('\n$', ''))
end

-- The attributes of what may scroll sideways: the keyboard reaches it, and it has a
-- name of its own.
function tools.scrolling(label)
  return 'tabindex="0" role="region" aria-label="' .. tools.esc(label) .. '"'
end
local count_of = {}
function tools.numbered(what)
  count_of[what] = (count_of[what] or 0) + 1
  return what .. ' ' .. count_of[what]
end

return tools
