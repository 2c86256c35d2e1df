-- The whole book as data: chapters, chunks, identifiers, measured numbers, and what can
-- be linked to. See noweb.lua.

local tools = require 'tools'
local lines_of, fields_of = tools.lines_of, tools.fields_of

-- Marks in the prose stand for what is no Markdown until that is parsed. Pandoc takes
-- them for letters: OPEN number CLOSE.
local OPEN, CLOSE = utf8.char(0x10300), utf8.char(0x10301)

local book = {
  page = os.getenv('PAGE'),
  this = nil,         -- the chapter that this page shows, if it shows one
  chapters = {},      -- in order: {file, stem, number, text, docs, chunks}
  names = {},         -- of chunks, in the order of their first definitions
  chunks = {},        -- name -> its definitions in order
  users = {},         -- name -> the definitions that use it, each once
  definitions = {},   -- identifier -> {name, kind, static, chunk, files}, ...
  results = {},       -- table -> {name, columns, rows, machine, date, command}
  used_results = {},  -- table -> true if this page shows a number of it
  ids = {},           -- what can be linked to: id -> {page, label, number}
  figures = {},       -- in order: {chapter, id, caption}
  terms = {},         -- what rows of tables define as [TERM]{#term-ID}: {chapter, id, term, text}
  pages = {index = true, chunks = true, identifiers = true, figures = true, glossary = true},
  MARK = OPEN .. '(%d+)' .. CLOSE,
}

---------------------------------------------------------------- errors

local errors = {}
function book.complain(file, line, message)
  errors[#errors + 1] = file .. (line and ':' .. line or '') .. ': ' .. message .. '\n'
end
function book.stop_on_errors()
  if #errors == 0 then return end
  io.stderr:write(table.concat(errors))
  os.exit(1)
end

---------------------------------------------------------------- chapters and chunks

local marks = {}    -- number -> {quote = text} or {reference = text, file, line}
local chunk_at = {} -- "file:line" -> definition
local order = 0     -- of the last definition

local function add_mark(mark)
  marks[#marks + 1] = mark
  mark.order = order
  return OPEN .. #marks .. CLOSE
end
function book.mark(number) return marks[tonumber(number)] end

local function mark_references(text, file, first_line)
  return (text:gsub('(){{([^{}]*)}}', function(position, reference)
    local _, breaks = text:sub(1, position):gsub('\n', '')
    return add_mark{reference = reference, file = file, line = first_line + breaks}
  end))
end

local function new_chunk(name, chapter)
  local list = book.chunks[name]
  if not list then
    list = {}
    book.chunks[name] = list
    book.names[#book.names + 1] = name
  end
  order = order + 1
  local nth = #list + 1
  list[nth] = {
    name = name, chapter = chapter, order = order, nth = nth,
    id = 'chunk-' .. tools.slug(name) .. (nth > 1 and '-' .. nth or ''),
    parts = {},        -- strings, and {use = name}
    first_line = nil,  -- of its own text, where it has any
  }
  return list[nth]
end

-- A chunk stands in the prose as a fenced block of class chunk, its number inside.
local function finish_chunk(chunk)
  local chapter = chunk.chapter
  chunk.blank_lines = -1    -- at its end
  while chunk.parts[#chunk.parts] == '\n' do
    table.remove(chunk.parts)
    chunk.blank_lines = chunk.blank_lines + 1
  end
  chapter.chunks[#chapter.chunks + 1] = chunk
  chapter.text[#chapter.text + 1] = '\n```{.chunk}\n' .. #chapter.chunks .. '\n```\n\n'
end

-- What noweb's `markup` writes: a token a line. Code and prose go into lists of pieces.
local function read_tokens(text)
  local chapter, chunk, quote, docs, line, into
  local is_name_line    -- the rest of the line with a chunk's name is no code
  local on = {}
  function on.file(path)
    local stem = path:match('([^/]*)%.nw$')
    chapter = {file = path, stem = stem, number = tonumber(stem:match('^%d+')),
               text = {}, docs = {}, chunks = {}}
    book.chapters[#book.chapters + 1] = chapter
    line = 1
  end
  function on.begin(what)
    if not what:match('^docs') then return end
    docs = {line = line}
    into = docs
  end
  on['end'] = function(what)
    if what:match('^code') then return finish_chunk(chunk) end
    docs.text = table.concat(docs)
    chapter.docs[#chapter.docs + 1] = docs
    chapter.text[#chapter.text + 1] = mark_references(docs.text, chapter.file, docs.line)
  end
  function on.defn(name)
    chunk = new_chunk(name, chapter)
    into = chunk.parts
    is_name_line = true
  end
  function on.quote()
    quote = {}
    into = quote
  end
  function on.endquote()
    docs[#docs + 1] = add_mark{quote = table.concat(quote)}
    into = docs
  end
  function on.text(piece)
    into[#into + 1] = piece
    if into == (chunk and chunk.parts) then
      chunk_at[chapter.file .. ':' .. line] = chunk
      if piece:match('%S') then chunk.first_line = chunk.first_line or line end
    end
  end
  function on.use(name) into[#into + 1] = into == quote and '<<' .. name .. '>>' or {use = name} end
  function on.nl()
    line = line + 1
    if is_name_line then is_name_line = false else into[#into + 1] = '\n' end
  end
  function on.index(what) if what == 'nl' then line = line + 1 end end

  for token in lines_of(text) do
    local kind, rest = token:match('^@(%S+) ?(.*)$')
    if on[kind] then on[kind](rest) end
  end
end

local function link_chunks()
  for _, name in ipairs(book.names) do
    for _, chunk in ipairs(book.chunks[name]) do
      for _, part in ipairs(chunk.parts) do
        if part.use then
          local list = book.users[part.use] or {}
          if list[#list] ~= chunk then list[#list + 1] = chunk end
          book.users[part.use] = list
        end
      end
    end
  end
end

function book.is_path(name) return name:match('^%S+/%S+$') ~= nil end
-- The name of the chunk that a stub stands for, or nil.
function book.whole_of(name) return name:match('^starter: (.*)$') end

-- The files that a chunk becomes part of, in the order in which the book begins them.
local known_files = {}
function book.files_of(name)
  if known_files[name] then return known_files[name] end
  local seen = {}
  local function visit(user)
    if seen[user] then return end
    seen[user] = true
    for _, chunk in ipairs(book.users[user] or {}) do visit(chunk.name) end
  end
  visit(book.whole_of(name) or name)
  local files = {}
  for _, n in ipairs(book.names) do
    if seen[n] and book.is_path(n) then files[#files + 1] = n end
  end
  known_files[name] = files
  return files
end

-- Where a page is; all are one in the page "book".
function book.url_of_page(stem)
  return (stem == book.page or book.page == 'book') and '' or stem .. '.html'
end
-- The start of a page, to follow a link to.
function book.url_of_start(stem) return book.page == 'book' and '#' .. stem or stem .. '.html' end
function book.page_of_file(path) return (path:gsub('/', '.')) end
-- A link to the page of a file, at a chunk, where there are such pages.
function book.link_to_file(path, id, html)
  if book.page == 'book' or os.getenv('TARGET') == 'epub' then return html end
  return '<a href="' .. book.page_of_file(path) .. '.html' .. (id and '#' .. id or '') .. '">' .. html .. '</a>'
end
function book.url_of(chunk) return book.url_of_page(chunk.chapter.stem) .. '#' .. chunk.id end

---------------------------------------------------------------- identifiers

local includes = {}    -- path -> headers
local functions = {}   -- "file:line" -> path -> function
local TAGS = {struct = true, union = true, enum = true}

local function add_definition(name, kind, static, path, chunk)
  local list = book.definitions[name] or {}
  book.definitions[name] = list
  for _, d in ipairs(list) do
    if d.chunk == chunk and d.kind == kind then
      d.files[#d.files + 1] = path
      return
    end
  end
  list[#list + 1] = {name = name, kind = kind, static = static, chunk = chunk, files = {path}}
end

-- What definitions.awk writes.
local function read_definitions(text)
  for line in lines_of(text) do
    local f = fields_of(line)
    if f[1] == 'definition' then
      add_definition(f[2], f[3], f[4] == 'static', f[5], chunk_at[f[6] .. ':' .. f[7]])
    elseif f[1] == 'place' then
      local at = f[2] .. ':' .. f[3]
      functions[at] = functions[at] or {}
      functions[at][f[4]] = f[5]
    elseif f[1] == 'include' then
      includes[f[2]] = includes[f[2]] or {}
      table.insert(includes[f[2]], f[3])
    end
  end
  for _, list in pairs(book.definitions) do
    table.sort(list, function(a, b)
      if a.chunk ~= b.chunk then return a.chunk.order < b.chunk.order end
      return a.kind < b.kind
    end)
  end
end

-- The function of the file `path` that a chunk begins in, or nil outside of all.
function book.function_of(chunk, path)
  if chunk.first_line then
    local at = functions[chunk.chapter.file .. ':' .. chunk.first_line]
    return at and at[path]
  end
  for _, part in ipairs(chunk.parts) do
    if part.use then return book.function_of(book.chunks[part.use][1], path) end
  end
end

-- Of the definitions of a name that `fits` accepts, the last one before a place in the
-- book, else the first one behind it. After "struct" only a tag will do, elsewhere none.
local function nearest(name, is_tag, place, fits)
  local found
  for _, d in ipairs(book.definitions[name]) do
    if (TAGS[d.kind] or false) == is_tag and fits(d) and (not found or d.chunk.order <= place) then
      found = d
    end
  end
  return found
end

-- The files as a set; with the headers that they include, the ones which these do, ...
local function set_of(files)
  local set = {}
  for _, path in ipairs(files) do set[path] = true end
  return set
end
function book.visible_from(files)
  local set = {}
  local function visit(path)
    if set[path] then return end
    set[path] = true
    for _, header in ipairs(includes[path] or {}) do visit(header) end
  end
  for _, path in ipairs(files) do visit(path) end
  return set
end
local function is_in(d, set)
  for _, path in ipairs(d.files) do if set[path] then return true end end
end
local function folder_of(path) return path:match('^(.*)/') end
local function is_in_folder(d, folder)
  for _, path in ipairs(d.files) do if folder_of(path) == folder then return true end end
end

-- What an identifier in a chunk means to the compiler: a definition in the same file,
-- or in a header that the file includes, or what such a header declares: then its
-- definition in a folder near the file, or near the header.
function book.resolve_in_code(name, is_tag, chunk, visible)
  local files = book.files_of(chunk.name)
  local here = set_of(files)
  local function find(fits) return nearest(name, is_tag, chunk.order, fits) end
  local function is_definition_in(set)
    return function(d) return d.kind ~= 'declaration' and is_in(d, set) end
  end
  local found = find(is_definition_in(here)) or find(is_definition_in(visible))
  if found then return found end
  local declared = find(function(d) return is_in(d, visible) end)
  if not declared then return nil end
  for _, path in ipairs{files[1], declared.files[1]} do
    for _, folder in ipairs{folder_of(path), path:match('^[^/]*')} do
      found = find(function(d)
        return d.kind ~= 'declaration' and not d.static and is_in_folder(d, folder)
      end)
      if found then return found end
    end
  end
  return declared
end

-- What an identifier in the prose of a chapter means: what the chapter defines, else
-- what an earlier one does for others too.
function book.resolve_in_prose(name, is_tag, chapter, place)
  return nearest(name, is_tag, place, function(d)
    return d.kind ~= 'declaration' and d.chunk.chapter == chapter
  end) or nearest(name, is_tag, place, function(d)
    return not d.static and d.chunk.chapter.number <= chapter.number
  end)
end

---------------------------------------------------------------- measured numbers

local function read_results(name, text)
  local result = {name = name, machine = '?', date = '?', command = '?', rows = {}}
  for line in lines_of(text) do
    local key, value = line:match('^# *(%w+): *(.*)$')
    if key then result[key] = value
    elseif not result.columns then
      result.columns = {}
      for i, column in ipairs(fields_of(line)) do result.columns[column] = i end
    else result.rows[#result.rows + 1] = fields_of(line) end
  end
  book.results[name] = result
end

-- The cell that a mark refers to, and the result that holds it; or ? and nothing.
function book.look_up(mark)
  local function fail(why)
    book.complain(mark.file, mark.line, '{{' .. mark.reference .. '}}: ' .. why)
    return '?'
  end
  local name, row, column = mark.reference:match('^%s*(%S+)%s+(%S+)%s+(%S+)%s*$')
  if not name then return fail('this is not {{table row column}}') end
  local result = book.results[name]
  if not result then return fail('there is no results/' .. name .. '.tsv') end
  local c = result.columns[column]
  if not c then return fail('results/' .. name .. '.tsv has no column "' .. column .. '"') end
  local found
  for _, cells in ipairs(result.rows) do
    local key = ''
    for i = 1, #cells - 1 do
      key = key .. (i > 1 and '/' or '') .. cells[i]
      if key == row and found then return fail('"' .. row .. '" is more than one row of the table') end
      if key == row then found = cells end
    end
  end
  if not found then return fail('results/' .. name .. '.tsv has no row "' .. row .. '"') end
  book.used_results[name] = true
  return found[c], result
end

-- Text with its marks as they were written; or with what they stand for.
function book.as_written(text)
  return (text:gsub(book.MARK, function(number)
    local mark = book.mark(number)
    return mark.quote and '[[' .. mark.quote .. ']]' or '{{' .. mark.reference .. '}}'
  end))
end
function book.as_text(text)
  return (text:gsub(book.MARK, function(number)
    local mark = book.mark(number)
    return mark.quote or (book.look_up(mark))
  end))
end

---------------------------------------------------------------- what can be linked to

-- Finds the ids in the prose of a chapter, and numbers sections, figures and exercises.
local function read_ids(chapter)
  local count = {figure = 0, exercise = 0, section = 0, subsection = 0}
  local fence, boxes = nil, 0    -- the fence that is open; ::: boxes that are
  local function add(id, label, number)
    book.ids[id] = {page = chapter.stem, label = label, number = number}
  end
  local function add_numbered(id, what)
    count[what] = count[what] + 1
    add(id, what .. ' ' .. chapter.number .. '.' .. count[what])
  end
  local function add_figure(id, caption)
    add_numbered(id, 'figure')
    book.figures[#book.figures + 1] = {chapter = chapter, id = id, caption = mark_references(caption or '', chapter.file, chapter.docs[1].line)}
  end
  local function add_section(id, level)
    local number
    if boxes > 0 then return add(id) end
    if level == 2 then
      count.section, count.subsection = count.section + 1, 0
      number = chapter.number .. '.' .. count.section
    else
      count.subsection = count.subsection + 1
      number = chapter.number .. '.' .. count.section .. '.' .. count.subsection
    end
    add(id, 'section ' .. number, number)
  end
  local function read_line(line)
    local ticks = line:match('^%s*(```+)') or line:match('^%s*(~~~+)')
    if fence then
      if ticks and ticks:sub(1, #fence) == fence then fence = nil end
      return
    end
    fence = ticks
    local drawing, figure = line:match('{%.(%l+).-#([%w-]+)')
    if ticks and (drawing == 'dot' or drawing == 'heap' or drawing == 'chart') then
      add_figure(figure, line:match(' caption="([^"]*)"'))
    end
    if ticks then return end

    local term, term_id, text = line:match('^| *%[([^%]]*)%]{#(term%-[%w-]+)} *| *(.-) *|%s*$')
    if term then table.insert(book.terms, {chapter = chapter, id = term_id, term = term, text = text}) end
    local box = line:match('^:::+%s*(.*)')
    local level, heading = line:match('^(#+)%s.*{[^{}]-#([%w-]+)[^{}]*}%s*$')
    if box then
      boxes = boxes + (box == '' and -1 or 1)
      local id = box:match('#([%w-]+)')
      if id and box:match('%.exercise') then add_numbered(id, 'exercise') elseif id then add(id) end
    elseif level then
      add_section(heading, #level)
    else
      for id in line:gmatch('{%s*#([%w-]+)') do
        if id:match('^fig%-') then add_figure(id, line:match('^!%[(.*)%]%(')) else add(id) end
      end
    end
  end
  for _, docs in ipairs(chapter.docs) do
    for line in lines_of(docs.text) do read_line(line) end
  end
  for _, chunk in ipairs(chapter.chunks) do add(chunk.id, chunk.name) end
end

-- The line of a chapter where a text stands first.
function book.line_of(chapter, text)
  for _, docs in ipairs(chapter.docs) do
    local position = docs.text:find(text, 1, true)
    if position then
      local _, breaks = docs.text:sub(1, position):gsub('\n', '')
      return docs.line + breaks
    end
  end
end

---------------------------------------------------------------- all of it

-- Takes the texts of the files that noweb.lua names, by name.
function book.read(texts)
  read_tokens(texts['book.tokens'])
  link_chunks()
  read_definitions(texts['definitions.tsv'])
  for name, text in pairs(texts) do
    local result = name:match('^(.*)%.tsv$')
    if result and result ~= 'definitions' then read_results(result, text) end
  end
  for _, chapter in ipairs(book.chapters) do
    book.pages[chapter.stem] = true
    if chapter.stem == book.page then book.this = chapter end
    if book.page == 'book' then book.ids[chapter.stem] = {page = 'book'} end
    read_ids(chapter)
  end
end

return book
