-- Code as HTML: colors from pandoc, links from the book; and the card of a chunk. See
-- noweb.lua.

local tools = require 'tools'
local book = require 'book'
local esc, map = tools.esc, tools.map

local code = {}

---------------------------------------------------------------- names as HTML

local function breakable(path) return '<span class="path">' .. esc(path):gsub('/', '/<wbr/>') .. '</span>' end

function code.chunk_name(name)
  if book.is_path(name) then return breakable(name) end
  return '<span class="angle">⟨</span>' .. esc(name) .. '<span class="angle">⟩</span>'
end
function code.link_to(chunk, html, title)
  return '<a href="' .. book.url_of(chunk) .. '"' .. (title and ' title="' .. title .. '"' or '') .. '>' .. html .. '</a>'
end
-- Links to several chunks, by their names.
function code.links_to(chunks)
  return map(chunks, function(chunk) return code.link_to(chunk, code.chunk_name(chunk.name)) end)
end
function code.use_of(name)
  return '<a class="use" href="' .. book.url_of(book.chunks[name][1]) .. '">' .. code.chunk_name(name) .. '</a>'
end
local function identifier(name, url, class)
  return '<a class="' .. (class or 'id') .. '" href="' .. url .. '">' .. name .. '</a>'
end
local function in_index(name, class)
  return identifier(name, book.url_of_page('identifiers') .. '#id-' .. name, class)
end

---------------------------------------------------------------- colors and links

local TAG_WORDS = {struct = true, union = true, enum = true}
-- Pandoc's classes for comments, strings and what is included: there no word is linked.
local NO_CODE = {co = true, st = true, ch = true, sc = true, im = true}

-- Links the identifiers in a piece of HTML that holds code and no tags. `state` lasts
-- from piece to piece: resolve(name, is_tag) gives a definition or nil, and what is
-- defined in `chunk` itself leads to the index.
local function link_words(html, state)
  local out, i = {}, 1
  while i <= #html do
    local word = html:match('^[%a_][%w_]*', i)
    local piece = word or html:match('^&#?%w+;', i) or html:match('^%d[%w_.]*', i) or
      html:match('^%s+', i) or html:sub(i, i)
    i = i + #piece
    local d = word and book.definitions[word] and not state.is_member and
      state.resolve(word, TAG_WORDS[state.before] or false)
    out[#out + 1] = not d and piece or
      d.chunk == state.chunk and in_index(word, 'id def') or
      identifier(word, book.url_of(d.chunk))
    if not piece:match('^%s') then
      state.is_member = piece == '.' or piece == '&gt;' and state.before == '-'
      state.before = piece
    end
  end
  return table.concat(out)
end

local function link_line(line, state)
  local out, i = {}, 1
  while i <= #line do
    local class, inner, after = line:match('^<span class="(%w+)">(.-)</span>()', i)
    if class then
      if not NO_CODE[class] then inner = link_words(inner, state) end
      out[#out + 1] = '<span class="' .. class .. '">' .. inner .. '</span>'
      i = after
    else
      local text = line:match('^[^<]+', i)
      out[#out + 1] = link_words(text, state)
      i = i + #text
    end
  end
  return table.concat(out)
end

function code.highlight(text, language, state)
  local html = pandoc.write(pandoc.Pandoc{pandoc.CodeBlock(text, {id = 'x', class = language})}, 'html')
  local lines = {}
  for line in tools.lines_of(html:match('<code[^>]*>(.*)</code>')) do
    -- Pandoc makes an anchor of each line.
    line = line:gsub('^<span id="x%-%d+"><a [^>]*></a>(.*)</span>$', '%1')
    if state.at_line then state.at_line(#lines + 1) end
    lines[#lines + 1] = link_line(line, state)
  end
  return table.concat(lines, '\n')
end

-- How to read code in the prose of this page's chapter: `place` is the order of the last
-- chunk before it. A word that is `alone` may mean a struct too.
function code.prose_state(place, alone)
  return {resolve = function(name, is_tag)
    return book.resolve_in_prose(name, is_tag, book.this, place) or
      name == alone and book.resolve_in_prose(name, true, book.this, place) or nil
  end}
end

---------------------------------------------------------------- chunks

local LANGUAGES = {c = 'c', h = 'c', S = 'gnuassembler', sh = 'bash', Makefile = 'makefile'}
function code.language_of(path) return LANGUAGES[path:match('[^./]*$')] or '' end

-- The code of a chunk as HTML; and the definitions that it uses, in order, each once.
function code.of_chunk(chunk)
  local pieces, names = {}, {}
  for i, part in ipairs(chunk.parts) do
    if part.use then
      names[#names + 1] = part.use
      pieces[i] = 'NOWEB' .. #names .. 'USE'
    else pieces[i] = part end
  end
  local files = book.files_of(chunk.name)
  local visible = book.visible_from(files)
  local language = code.language_of(files[1] or '')
  local uses, seen = {}, {}
  local function resolve(name, is_tag)
    local d = book.resolve_in_code(name, is_tag, chunk, visible)
    if d and d.chunk ~= chunk and not seen[d] then
      seen[d] = true
      uses[#uses + 1] = d
    end
    return d
  end
  local html = code.highlight(table.concat(pieces), language, {chunk = chunk, resolve = resolve})
  return html:gsub('NOWEB(%d+)USE', function(n) return code.use_of(names[tonumber(n)]) end), uses
end

-- The file that a chunk is shown to be part of: one of the chapter's own, not of its
-- earlier steps, where there is one.
function code.main_file(files)
  for _, path in ipairs(files) do
    if path:match('^[^/]*/[^/]*$') then return path end
  end
  return files[1]
end
local function place_of(chunk)
  if book.is_path(chunk.name) then return book.link_to_file(chunk.name, nil, 'file') end
  local files = book.files_of(chunk.name)
  local path = code.main_file(files)
  local inside = book.function_of(chunk, path)
  local whole = book.whole_of(chunk.name)
  local target = whole and book.chunks[whole][1] or chunk
  return book.link_to_file(path, target.id, breakable(path)) ..
    (inside and ', in <span class="path">' .. inside .. '()</span>' or '') ..
    (#files > 1 and ' and ' .. #files - 1 .. ' more' or '')
end

local function other_parts(chunk)
  local list = book.chunks[chunk.name]
  if #list == 1 then return '' end
  local function arrow(nth, sign, title)
    if not list[nth] then return '' end
    return ' ' .. code.link_to(list[nth], sign .. '<span class="hidden"> ' .. title .. '</span>', title)
  end
  return '<span class="parts">part ' .. chunk.nth .. ' of ' .. #list ..
    arrow(chunk.nth - 1, '↑', 'previous part') .. arrow(chunk.nth + 1, '↓', 'next part') .. '</span>'
end

-- Links to the names that a chunk defines, and to those that it only declares.
local names_of    -- chunk -> {defined = names, declared = names}, in the order of the alphabet
local function collect_names()
  names_of = {}
  for _, name in ipairs(tools.sorted_keys(book.definitions)) do
    for _, d in ipairs(book.definitions[name]) do
      local lists = names_of[d.chunk] or {defined = {}, declared = {}}
      names_of[d.chunk] = lists
      local list = d.kind == 'declaration' and lists.declared or lists.defined
      if list[#list] ~= name then list[#list + 1] = name end
    end
  end
end
local function defined_by(chunk)
  if not names_of then collect_names() end
  local lists = names_of[chunk] or {defined = {}, declared = {}}
  return map(lists.defined, in_index), map(lists.declared, in_index)
end
local function used_by(chunk, uses)
  local url_of = {}
  for _, d in ipairs(uses) do
    local is_declared
    for _, other in ipairs(book.definitions[d.name]) do is_declared = is_declared or other.chunk == chunk end
    if not is_declared then url_of[d.name] = book.url_of(d.chunk) end
  end
  return map(tools.sorted_keys(url_of), function(name) return identifier(name, url_of[name]) end)
end

local function foot(chunk, uses)
  local sentences = {}
  local function add(verb, list)
    if #list > 0 then sentences[#sentences + 1] = verb .. ' ' .. table.concat(list, ', ') .. '.' end
  end
  local whole = book.whole_of(chunk.name)
  if whole then
    add('Stub of', code.links_to{book.chunks[whole][1]})
  else
    local defined, declared = defined_by(chunk)
    add('Used in', code.links_to(book.users[chunk.name] or {}))
    add('Defines', defined)
    add('Declares', declared)
  end
  add('Uses', used_by(chunk, uses))
  return #sentences > 0 and '<p class="foot">' .. table.concat(sentences, ' ') .. '</p>\n' or ''
end

-- The code of each chunk that has been made a card, without links: {id, HTML}.
code.previews = {}

function code.card(chunk)
  local html, uses = code.of_chunk(chunk)
  table.insert(code.previews, {chunk.id, (html:gsub('</?a[^>]*>', ''))})
  local whole = book.whole_of(chunk.name)
  local class = book.is_path(chunk.name) and ' file' or whole and ' stub' or ''
  local is_later = chunk.nth > 1
  return table.concat{
    '<figure class="chunk', class, '" id="', chunk.id, '">\n<figcaption>',
    '<span class="place">', place_of(chunk), other_parts(chunk), '</span> ',
    '<a class="name" href="#', chunk.id, '">', code.chunk_name(whole or chunk.name), '</a>',
    '<span class="sign">', is_later and '+≡' or '≡', '</span>',
    whole and ' <span class="badge">stub</span>' or '', '</figcaption>\n',
    '<pre ', tools.scrolling('Code: ' .. chunk.name .. (is_later and ', part ' .. chunk.nth or '')), '>',
    '<code>', html, '</code></pre>\n', foot(chunk, uses), '</figure>'}
end

return code
