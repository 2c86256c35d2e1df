-- A pandoc reader that makes one page of the book. Takes these files, told apart by
-- their names:
--   book.tokens        all chapters in order, as noweb's `markup` puts them
--   definitions.tsv    what definitions.awk makes
--   index.md           the front page: title and pitch
--   *.tsv              the measured tables of results/
--   glossary.md        terms and what they mean, as a list of definitions
-- and from the environment PAGE: a chapter's file without .nw, or index, chunks,
-- identifiers, figures, glossary; book, which is all of these in one; or files, which writes to the folder OUT the pages of
-- all C files, and what the search looks through, search.js. A chapter's page writes there
-- what is shown of its chunks elsewhere, PAGE.previews.js. What page.html needs is in the
-- metadata of the document; VERSION stands at the foot of each.
-- An error is a line FILE:LINE: message on standard error, exit 1, and no page.
--
-- tools.lua, book.lua (the book as data), code.lua (code and the cards of chunks) and
-- prose.lua (all the rest of a chapter) are parts of the reader; the pages are here.

package.path = PANDOC_SCRIPT_FILE:gsub('[^/]*$', '?.lua')
local tools = require 'tools'
local book = require 'book'
local code = require 'code'
local prose = require 'prose'
local files = require 'files'
local map, raw, plain = tools.map, tools.raw, tools.plain

local front    -- the front page: {title, pitch}
local terms    -- the glossary

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
  return '<a rel="' .. rel .. '" href="' .. book.url_of_start(stem) .. '"><span class="to">' .. html .. '</span></a>'
end

local INDEXES = {{'chunks', 'Index of chunks'}, {'identifiers', 'Index of identifiers'},
                 {'figures', 'Figures'}, {'glossary', 'Glossary'}}
-- Links to what comes before and after one of them.
local function turns(stem)
  for i, page in ipairs(INDEXES) do
    if page[1] == stem then
      local before, after = INDEXES[i - 1], INDEXES[i + 1]
      local last = book.chapters[#book.chapters]
      return before and turn('prev', before[1], before[2]) or turn('prev', last.stem, chapter_label(last)),
             after and turn('next', after[1], after[2]) or turn('next', 'index', 'Contents')
    end
  end
end

-- All pages; under the chapter that this page shows, its sections.
local function contents(sections)
  local items = {}
  local function add(stem, label, class)
    local is_here = stem == book.page
    items[#items + 1] = '<li' .. (class and ' class="' .. class .. '"' or '') .. '><a href="' .. book.url_of_start(stem) .. '"' ..
      (is_here and ' aria-current="page"' or '') .. '>' .. label .. '</a>' .. (is_here and sections or '') .. '</li>'
  end
  for _, chapter in ipairs(book.chapters) do add(chapter.stem, chapter_label(chapter)) end
  for _, page in ipairs(INDEXES) do add(page[1], page[2], 'index') end
  return '<ol>\n' .. table.concat(items, '\n') .. '\n</ol>'
end

-- A page: its blocks, and the HTML of the template's fields.
local function document(blocks, fields)
  local meta = {}
  for name, html in pairs(fields) do meta[name] = pandoc.MetaInlines{tools.raw_inline(html)} end
  meta.live = prose.is_live
  local title = (fields.number and fields.number .. ' ' or '') .. plain(fields.title)
  meta.pagetitle = title == front.title and title or title .. ' · ' .. front.title
  meta.book = front.title
  meta.page = book.page
  meta.version = os.getenv('VERSION')
  return pandoc.Pandoc(blocks, meta)
end

---------------------------------------------------------------- the pages

local before_in_changes    -- below
local function chapter_page()
  local blocks, sections = prose.chapter()
  tools.write(book.page .. '.previews.js', 'bookPreviews(' .. tools.script(book.page) .. ',[\n' ..
    table.concat(map(code.previews, tools.script), ',\n') .. '\n]);\n')
  local before, after
  for i, chapter in ipairs(book.chapters) do
    if chapter == book.this then before, after = book.chapters[i - 1], book.chapters[i + 1] end
  end
  local compared = os.getenv('TARGET') ~= 'epub' and before_in_changes(book.this)
  local since = compared and '<a href="' .. book.this.stem .. '.changes.html">What changed since Chapter ' ..
    compared.number .. '</a>' or nil
  return document(blocks, {
    title = book.this.title, number = tostring(book.this.number), question = book.this.question, since = since,
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
      '\n</ol>\n<p class="indexes">' .. table.concat(map(INDEXES, function(page)
        return '<a id="' .. page[1] .. '" href="' .. page[1] .. '.html">' .. page[2] .. '</a>'
      end), ' ') .. '</p></nav>'),
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
    if book.is_path(name) then
      local link = book.link_to_file(name, nil, 'the whole file')
      if link:match('<a') then parts[#parts + 1] = link end
    end
    return '<li><span class="where">' .. list[1].chapter.number .. '</span> ' .. table.concat(parts, ', ') ..
      (#used > 0 and '<p class="users">used in ' .. table.concat(used, ', ') .. '</p>' or '') .. '</li>'
  end
  local function section(id, title, names)
    return '<h2 id="' .. id .. '">' .. title .. '</h2>\n<ul class="entries">\n' ..
      table.concat(map(names, entry), '\n') .. '\n</ul>'
  end
  local paths, others = {}, {}
  for _, name in ipairs(book.names) do
    if book.is_path(name) then paths[#paths + 1] = name else others[name] = true end
  end
  local previous, next = turns('chunks')
  return document({raw(section('files', 'Files', paths)),
                   raw(section('pieces', 'Pieces of files', tools.sorted_keys(others)))}, {
    title = 'Index of chunks', question = 'The number is that of the chapter.', contents = contents(),
    previous = previous, next = next,
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
  local previous, next = turns('identifiers')
  return document({raw('<ul class="entries">\n' .. table.concat(items, '\n') .. '\n</ul>')}, {
    title = 'Index of identifiers', contents = contents(),
    question = 'What the C of this book defines: the number is that of the chapter.',
    previous = previous, next = next,
  })
end

local function figures_page()
  local items = map(book.figures, function(figure)
    local id = figure.id
    return '<li><a href="' .. book.url_of_page(figure.chapter.stem) .. '#' .. id .. '">' ..
      book.ids[id].label:gsub('^f', 'F') .. '</a> ' .. tools.html_of(prose.caption(figure.caption)) .. '</li>'
  end)
  local previous, next = turns('figures')
  return document({raw('<ul class="entries figures">\n' .. table.concat(items, '\n') .. '\n</ul>')}, {
    title = 'Figures', question = 'Each is drawn by a program, and most by the allocator that they show.',
    contents = contents(), previous = previous, next = next,
  })
end

local function glossary_page()
  local items = map(terms, function(term)
    return '<dt id="' .. term.id .. '">' .. tools.esc(term.term) .. '</dt><dd>' .. term.html .. '</dd>'
  end)
  local previous, next = turns('glossary')
  return document({raw('<dl class="glossary">\n' .. table.concat(items, '\n') .. '\n</dl>')}, {
    title = 'Glossary', question = 'The words of the field, as this book uses them.',
    contents = contents(), previous = previous, next = next,
  })
end

-- All of it on one page that needs nothing beside it: to keep, and to print.
local function book_page()
  local blocks = pandoc.List()
  local function opening(stem, kicker, title, question)
    blocks:insert(raw('<section class="chapter" id="' .. stem .. '"><header class="opening">' ..
      (kicker and '<p class="kicker">' .. kicker .. '</p>' or '') .. '<h1>' .. title .. '</h1>' ..
      (question and '<p class="question">' .. question .. '</p>' or '') .. '</header>'))
  end
  for _, chapter in ipairs(book.chapters) do
    book.this = chapter
    opening(chapter.stem, 'Chapter ' .. chapter.number, chapter.title, chapter.question)
    blocks:extend((prose.chapter(true)))
    blocks:insert(raw('</section>'))
  end
  for _, page in ipairs{{'glossary', glossary_page}, {'figures', figures_page}, {'chunks', chunks_page},
                        {'identifiers', identifiers_page}} do
    local doc = page[2]()
    opening(page[1], nil, tools.html_of(doc.meta.title), nil)
    blocks:extend(doc.blocks)
    blocks:insert(raw('</section>'))
  end
  opening('references', nil, 'References', nil)
  blocks:insert(pandoc.Div({}, {id = 'refs'}))
  blocks:insert(raw('</section>'))
  local style = io.open((PANDOC_SCRIPT_FILE:gsub('[^/]*$', 'style.css')))
  local doc = document(blocks, {
    title = front.title, description = tools.esc(pandoc.utils.stringify(front.pitch)),
    contents = contents(), style = style:read('a'),
  })
  style:close()
  doc.meta.live = false
  return doc
end

---------------------------------------------------------------- files of C, and the search

local function file_page(path)
  local first = book.chunks[path][1]
  return document({raw(files.code_of(path))}, {
    title = code.chunk_name(path),
    question = 'The whole file. The number of a line leads to where the book explains it.',
    previous = turn('prev', first.chapter.stem, chapter_label(first.chapter)),
    next = turn('next', 'chunks', 'Index of chunks'),
  })
end

-- From the allocator of the chapter before to this one's: functions by their names; then
-- from version to version, line by line.
local function changes_page(before, chapter)
  local main, old_main = files.main_of(chapter), files.main_of(before)
  local blocks = {}
  local function add(html) blocks[#blocks + 1] = raw(html) end
  local new, old = files.functions_of(main), files.functions_of(old_main)
  local lists = {{'New', {}}, {'Of the same name', {}}, {'Gone', {}}}
  for _, name in ipairs(tools.sorted_keys(new)) do table.insert(lists[old[name] and 2 or 1][2], {name, new[name]}) end
  for _, name in ipairs(tools.sorted_keys(old)) do
    if not new[name] then table.insert(lists[3][2], {name, old[name]}) end
  end
  add('<h2 id="functions">Functions</h2><dl class="glossary">')
  for _, list in ipairs(lists) do
    if #list[2] > 0 then
      add('<dt>' .. list[1] .. '</dt><dd>' .. table.concat(map(list[2], function(item)
        return '<a class="id" href="' .. book.url_of(item[2].chunk) .. '"><code>' .. item[1] .. '</code></a>'
      end), ', ') .. '</dd>')
    end
  end
  add('</dl>')
  local versions = files.versions_of(chapter)
  for i = 2, #versions do
    local from, to = versions[i - 1], versions[i]
    add('<h2 id="to-' .. tools.slug(to:match('[^/]*$')) .. '">' .. code.chunk_name(from) .. ' to ' .. code.chunk_name(to) .. '</h2>' ..
      files.changes(from, to))
  end
  return document(blocks, {
    title = 'What changed since Chapter ' .. before.number,
    question = 'From <code>' .. old_main .. '</code> to <code>' .. main .. '</code>, and from each step of Chapter ' ..
      chapter.number .. ' to the next.',
    previous = turn('prev', before.stem, chapter_label(before)),
    next = turn('next', chapter.stem, chapter_label(chapter)),
  })
end

-- The chapter whose allocator a chapter's is compared with, or nil.
function before_in_changes(chapter)
  local before
  for _, other in ipairs(book.chapters) do
    if other == chapter then break end
    if files.main_of(other) then before = other end
  end
  return files.main_of(chapter) and before
end

-- What can be searched: {kind, title, address, where it is, text}.
local function search_records()
  local records = {}
  local function add(...) records[#records + 1] = {...} end
  local function chapter_name(chapter) return 'Chapter ' .. chapter.number end
  for _, name in ipairs(tools.sorted_keys(book.definitions)) do
    local best = {}    -- of each chapter: what stands in its own files, if that is there
    for _, d in ipairs(book.definitions[name]) do
      local number = d.chunk.chapter.number
      local is_main = d.kind ~= 'declaration' and code.main_file(d.files):match('^[^/]*/[^/]*$')
      if d.kind ~= 'declaration' and (not best[number] or is_main and not best[number].is_main) then
        best[number] = {d = d, is_main = is_main}
      end
    end
    for _, chapter in ipairs(book.chapters) do
      local found = best[chapter.number] and best[chapter.number].d
      if found then
        add('identifier', name, book.url_of(found.chunk), found.kind .. ', ' .. chapter_name(chapter),
            found.kind .. ' ' .. found.chunk.name)
      end
    end
  end
  for _, name in ipairs(book.names) do
    local chunk = book.chunks[name][1]
    if not book.whole_of(name) then
      add(book.is_path(name) and 'file' or 'chunk', name, book.url_of(chunk), chapter_name(chunk.chapter), '')
    end
  end
  for _, chapter in ipairs(book.chapters) do
    add('chapter', chapter.number .. ' ' .. plain(chapter.title), chapter.stem .. '.html', 'chapter', plain(chapter.question))
    for _, section in ipairs(prose.sections(chapter)) do
      local number = section.id and (book.ids[section.id] or {}).number
      add('section', section.id and (number and number .. ' ' or '') .. section.title or plain(chapter.title),
          chapter.stem .. '.html' .. (section.id and '#' .. section.id or ''), chapter_name(chapter), section.text)
    end
  end
  for _, figure in ipairs(book.figures) do
    add('figure', book.ids[figure.id].label, figure.chapter.stem .. '.html#' .. figure.id, chapter_name(figure.chapter),
        pandoc.utils.stringify(prose.caption(figure.caption)))
  end
  for _, term in ipairs(terms) do add('term', term.term, 'glossary.html#' .. term.id, 'glossary', term.text) end
  return records
end

-- Writes these files, and gives an empty document for the page that is none.
local function other_files()
  local template = io.open((PANDOC_SCRIPT_FILE:gsub('[^/]*$', 'page.html')))
  local options = pandoc.WriterOptions{wrap_text = 'none', template = pandoc.template.compile(template:read('a'))}
  template:close()
  for _, path in ipairs(book.names) do
    if book.is_path(path) then
      book.page = book.page_of_file(path)
      tools.write(book.page .. '.html', pandoc.write(file_page(path), 'html5', options))
    end
  end
  for _, chapter in ipairs(book.chapters) do
    local before = before_in_changes(chapter)
    if before then
      book.page = chapter.stem .. '.changes'
      tools.write(book.page .. '.html', pandoc.write(changes_page(before, chapter), 'html5', options))
    end
  end
  tools.write('search.js', 'bookRecords(' .. tools.script(search_records()):gsub('%],%[', '],\n[') .. ');\n')
  return pandoc.Pandoc({}, {pagetitle = 'none'})
end

function Reader(input)
  local texts = {}
  for _, source in ipairs(input) do texts[source.name:match('[^/]*$')] = source.text end
  book.read(texts)
  for _, page in ipairs(INDEXES) do book.ids[page[1]] = {page = 'index'} end
  for _, chapter in ipairs(book.chapters) do read_title(chapter) end
  local doc = prose.parse(texts['index.md'])
  front = {title = pandoc.utils.stringify(doc.meta.title), pitch = doc.blocks}

  if book.page == 'glossary' or book.page == 'files' or book.page == 'book' then
    if book.page ~= 'files' then
      book.this = {file = 'chapters/glossary.md', stem = 'glossary', number = math.huge, docs = {}, chunks = {}}
    end
    terms = prose.terms(texts['glossary.md'] or '')
  end

  local make = {index = index_page, chunks = chunks_page, identifiers = identifiers_page,
                figures = figures_page, glossary = glossary_page, files = other_files, book = book_page}
  doc = (make[book.page] or chapter_page)()
  book.stop_on_errors()
  return doc
end
