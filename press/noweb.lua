-- A pandoc reader that makes one page of the book. Takes these files, told apart by
-- their names:
--   book.tokens        all chapters in order, as noweb's `markup` puts them
--   definitions.tsv    what definitions.awk makes
--   index.md           the front page: title and pitch
--   *.tsv              the measured tables of results/
-- and from the environment PAGE: a chapter's file without .nw, or index, chunks,
-- identifiers. What page.html needs is in the metadata of the document.
-- An error is a line FILE:LINE: message on standard error, exit 1, and no page.
--
-- tools.lua, book.lua (the book as data), code.lua (code and the cards of chunks) and
-- prose.lua (all the rest of a chapter) are parts of the reader; the pages are here.

package.path = PANDOC_SCRIPT_FILE:gsub('[^/]*$', '?.lua')
local tools = require 'tools'
local book = require 'book'
local code = require 'code'
local prose = require 'prose'
local map, raw, plain = tools.map, tools.raw, tools.plain

local front    -- the front page: {title, pitch}

local function read_title(chapter)
  local yaml = chapter.docs[1].text:match('^%-%-%-\n.-\n%-%-%-\n') or ''
  local meta = prose.parse(yaml).meta
  local function html_of(value)
    if pandoc.utils.type(value) == 'Blocks' then value = pandoc.utils.blocks_to_inlines(value) end
    return tools.html_of(prose.without_links(value or {}))
  end
  chapter.title, chapter.question = html_of(meta.title), html_of(meta.question)
end

---------------------------------------------------------------- what pages have in common

local function chapter_label(chapter)
  return '<span class="number">' .. chapter.number .. '</span> ' .. chapter.title
end
local function turn(rel, stem, html)
  return '<a rel="' .. rel .. '" href="' .. stem .. '.html"><span class="to">' .. html .. '</span></a>'
end

-- All pages; under the chapter that this page shows, its sections.
local function contents(sections)
  local items = {}
  local function add(stem, label, class)
    local is_here = stem == book.page
    items[#items + 1] = '<li' .. (class and ' class="' .. class .. '"' or '') .. '><a href="' .. stem .. '.html"' ..
      (is_here and ' aria-current="page"' or '') .. '>' .. label .. '</a>' .. (is_here and sections or '') .. '</li>'
  end
  for _, chapter in ipairs(book.chapters) do add(chapter.stem, chapter_label(chapter)) end
  add('chunks', 'Index of chunks', 'index')
  add('identifiers', 'Index of identifiers', 'index')
  return '<ol>\n' .. table.concat(items, '\n') .. '\n</ol>'
end

-- A page: its blocks, and the HTML of the template's fields.
local function document(blocks, fields)
  local meta = {}
  for name, html in pairs(fields) do meta[name] = pandoc.MetaInlines{tools.raw_inline(html)} end
  local title = (fields.number and fields.number .. ' ' or '') .. plain(fields.title)
  meta.pagetitle = title == front.title and title or title .. ' · ' .. front.title
  meta.book = front.title
  meta.page = book.page
  return pandoc.Pandoc(blocks, meta)
end

---------------------------------------------------------------- the pages

local function chapter_page()
  local blocks, sections = prose.chapter()
  local before, after
  for i, chapter in ipairs(book.chapters) do
    if chapter == book.this then before, after = book.chapters[i - 1], book.chapters[i + 1] end
  end
  return document(blocks, {
    title = book.this.title, number = tostring(book.this.number), question = book.this.question,
    description = plain(book.this.question), contents = contents(sections),
    previous = before and turn('prev', before.stem, chapter_label(before)) or turn('prev', 'index', 'Contents'),
    next = after and turn('next', after.stem, chapter_label(after)) or turn('next', 'chunks', 'Index of chunks'),
  })
end

local function index_page()
  local items = map(book.chapters, function(chapter)
    return '<li><a href="' .. chapter.stem .. '.html"><span class="number">' .. chapter.number ..
      '</span> <span class="title">' .. chapter.title .. '</span></a><p>' .. chapter.question .. '</p></li>'
  end)
  local first = book.chapters[1]
  return document({
    pandoc.Div(front.pitch, {class = 'pitch'}),
    raw('<nav class="book" aria-label="Chapters"><ol>\n' .. table.concat(items, '\n') ..
      '\n</ol>\n<p class="indexes"><a id="chunks" href="chunks.html">Index of chunks</a> ' ..
      '<a id="identifiers" href="identifiers.html">Index of identifiers</a></p></nav>'),
  }, {
    title = front.title, front = 'yes', description = tools.esc(pandoc.utils.stringify(front.pitch)),
    next = turn('next', first.stem, chapter_label(first)),
  })
end

-- Files in the order of the book, then the other chunks by name.
local function chunks_page()
  local function entry(name)
    local list = book.chunks[name]
    local parts = {code.link_to(list[1], code.chunk_name(name))}
    for i = 2, #list do parts[i] = code.link_to(list[i], 'part ' .. i) end
    local used = code.links_to(book.users[name] or {})
    return '<li><span class="where">' .. list[1].chapter.number .. '</span> ' .. table.concat(parts, ', ') ..
      (#used > 0 and '<p class="users">used in ' .. table.concat(used, ', ') .. '</p>' or '') .. '</li>'
  end
  local function section(id, title, names)
    return '<h2 id="' .. id .. '">' .. title .. '</h2>\n<ul class="entries">\n' ..
      table.concat(map(names, entry), '\n') .. '\n</ul>'
  end
  local files, others = {}, {}
  for _, name in ipairs(book.names) do
    if book.is_path(name) then files[#files + 1] = name else others[name] = true end
  end
  local last = book.chapters[#book.chapters]
  return document({raw(section('files', 'Files', files)),
                   raw(section('pieces', 'Pieces of files', tools.sorted_keys(others)))}, {
    title = 'Index of chunks', question = 'The number is that of the chapter.', contents = contents(),
    previous = turn('prev', last.stem, chapter_label(last)),
    next = turn('next', 'identifiers', 'Index of identifiers'),
  })
end

local function identifiers_page()
  local users = {}    -- definition -> chunks that use it
  for _, chapter in ipairs(book.chapters) do
    for _, chunk in ipairs(chapter.chunks) do
      local _, uses = code.of_chunk(chunk)
      for _, d in ipairs(uses) do
        users[d] = users[d] or {}
        table.insert(users[d], chunk)
      end
    end
  end
  local items = map(tools.sorted_keys(book.definitions), function(name)
    local lines = map(book.definitions[name], function(d)
      local used = code.links_to(users[d] or {})
      return '<p class="users">' .. d.kind .. ' in ' .. d.chunk.chapter.number .. ', ' ..
        code.links_to{d.chunk}[1] .. (#used > 0 and ', used in ' .. table.concat(used, ', ') or '') .. '</p>'
    end)
    return '<li id="id-' .. name .. '"><code>' .. name .. '</code>' .. table.concat(lines) .. '</li>'
  end)
  return document({raw('<ul class="entries">\n' .. table.concat(items, '\n') .. '\n</ul>')}, {
    title = 'Index of identifiers', contents = contents(),
    question = 'What the C of this book defines: the number is that of the chapter.',
    previous = turn('prev', 'chunks', 'Index of chunks'), next = turn('next', 'index', 'Contents'),
  })
end

function Reader(input)
  local texts = {}
  for _, source in ipairs(input) do texts[source.name:match('[^/]*$')] = source.text end
  book.read(texts)
  for _, id in ipairs{'chunks', 'identifiers'} do book.ids[id] = {page = 'index'} end
  for _, chapter in ipairs(book.chapters) do read_title(chapter) end
  local doc = prose.parse(texts['index.md'])
  front = {title = pandoc.utils.stringify(doc.meta.title), pitch = doc.blocks}

  local make = {index = index_page, chunks = chunks_page, identifiers = identifiers_page}
  doc = (make[book.page] or chapter_page)()
  book.stop_on_errors()
  return doc
end
