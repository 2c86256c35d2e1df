-- The prose of a chapter: from Markdown with marks to blocks that pandoc can write. See
-- noweb.lua.

local tools = require 'tools'
local book = require 'book'
local code = require 'code'
local esc, raw, raw_inline = tools.esc, tools.raw, tools.raw_inline

local prose = {is_live = false}    -- whether the page needs live.js

local MARKDOWN = 'markdown-raw_html-raw_tex-raw_attribute-native_divs-native_spans' ..
  '-markdown_in_html_blocks-auto_identifiers-latex_macros-example_lists'
local TEXT_WIDTH = 656    -- pixels; --text in style.css
local COLUMNS = 80        -- of code that fit into it

function prose.parse(text) return pandoc.read(text, MARKDOWN) end
local function to_inlines(blocks) return pandoc.utils.blocks_to_inlines(blocks, {pandoc.LineBreak()}) end

---------------------------------------------------------------- marks

local function quote_html(mark, with_links)
  local name = mark.quote:match('^<<(.*)>>$')
  if name and book.chunks[name] then return with_links and code.use_of(name) or code.chunk_name(name) end
  if not with_links then return '<code>' .. esc(mark.quote) .. '</code>' end
  local html = code.highlight(mark.quote, 'c', code.prose_state(mark.order, mark.quote))
  return '<code>' .. html:gsub('</?span[^>]*>', '') .. '</code>'
end

-- A number with commas if it has so many digits, else the text as it is.
local function grouped(number, least)
  local sign, digits, rest = number:match('^(-?)(%d+)(%.?%d*)$')
  if not sign or #digits < least then return number end
  return sign .. digits:reverse():gsub('(%d%d%d)', '%1,'):reverse():gsub('^,', '') .. rest
end
-- A measured number; pointing at it tells where it comes from.
local function number_html(mark, least_digits)
  local value, result = book.look_up(mark)
  if not result then return value end
  local title = ('results/%s.tsv: %s, on %s, %s'):format(result.name, result.command, result.machine, result.date)
  return '<span class="measured" title="' .. esc(title) .. '">' .. esc(grouped(value, least_digits)) .. '</span>'
end

-- A filter that puts HTML in the place of marks. Numbers of four digits have a comma in
-- the columns of tables only.
local IN_TEXT, IN_TABLES, NEVER = 5, 4, math.huge
local function expander(with_links, least_digits)
  return {Str = function(str)
    local list, i = {}, 1
    for before, number, after in str.text:gmatch('()' .. book.MARK .. '()') do
      if before > i then list[#list + 1] = pandoc.Str(str.text:sub(i, before - 1)) end
      local mark = book.mark(number)
      list[#list + 1] = raw_inline(mark.quote and quote_html(mark, with_links) or number_html(mark, least_digits))
      i = after
    end
    if i == 1 then return nil end
    if i <= #str.text then list[#list + 1] = pandoc.Str(str.text:sub(i)) end
    return list
  end}
end
-- For what may not hold links: titles, and links themselves.
function prose.without_links(inlines)
  return pandoc.walk_inline(pandoc.Span(inlines), expander(false, IN_TEXT)).content
end

---------------------------------------------------------------- inlines

-- Where a link leads. An empty one is named after what it leads to.
local function finish_link(link)
  link.content = prose.without_links(link.content)
  local target = link.target
  if target:match('^%a+:') then return link end
  local stem, id = target:match('^([%w-]*)%.html#?(.*)$')
  if not stem then id = target:match('^#(.*)$') end
  local known = book.ids[id]
  if known then
    link.target = book.url_of_page(known.page) .. '#' .. id
    if #link.content == 0 then link.content = {pandoc.Str(known.label or id)} end
  elseif book.pages[stem] and id == '' then
    link.target = book.url_of_start(stem)
  else
    book.complain(book.this.file, book.line_of(book.this, '](' .. target), 'there is no "' .. target .. '" to link to')
  end
  return link
end

-- The number of a note leads to the note, and the note's back.
local notes = 0
local NOTE = '<a class="mark" id="mark-§" href="#note-§" role="doc-noteref" aria-label="Note §">§</a>' ..
  '<span class="note" id="note-§" role="note"><a class="back" href="#mark-§" aria-label="Back from note §">§</a> '
local function margin_note(note)
  notes = notes + 1
  return {raw_inline((NOTE:gsub('§', notes))), pandoc.Span(to_inlines(note.content)), raw_inline('</span>')}
end

local MATH_WIDTH = 30    -- letters of TeX; what is longer may be wider than a telephone
local function finish_math(math)
  math.text = book.as_text(math.text)
  if math.mathtype == 'InlineMath' and #math.text <= MATH_WIDTH then return math end
  return math.mathtype == 'InlineMath' and
    {raw_inline('<span class="long" ' .. tools.scrolling(tools.numbered('Formula')) .. '>'), math, raw_inline('</span>')} or
    {raw_inline('<span class="formula" ' .. tools.scrolling(tools.numbered('Formula')) .. '>'), math,
          raw_inline('</span>')}
end

local function finish_code(element)
  element.text = book.as_written(element.text)
  return element
end

---------------------------------------------------------------- figures

-- Makes a picture part of the page: its black is the text's color, its ids are its own,
-- and a point of graphviz is larger than a pixel.
local function picture(svg, id, alt)
  local is_wide = false
  svg = svg:gsub('^.-(<svg)', '%1'):gsub('(</svg>).*$', '%1'):gsub('<!%-%-.-%-%->', ''):gsub('<title>.-</title>', '')
    :gsub(' role="img" aria%-label="[^"]*"', '')
    :gsub(' xmlns:?%a*="[^"]*"', ''):gsub(' font%-family="[^"]*"', '')
    :gsub('"black"', '"currentColor"'):gsub('"#000000"', '"currentColor"')
    :gsub(' id="', ' id="' .. id .. '-'):gsub('url%(#', 'url(#' .. id .. '-')
    :gsub('href="#', 'href="#' .. id .. '-')
    :gsub(' width="([%d.]+)pt" height="([%d.]+)pt"', function(width, height)
      width, height = math.floor(width * 1.25), math.floor(height * 1.25)
      is_wide = width > TEXT_WIDTH
      return ' width="' .. width .. '" height="' .. height .. '"'
    end, 1)
    :gsub('<svg', '<svg role="img" aria-label="' .. esc(alt) .. '"', 1)
  return '<div class="picture' .. (is_wide and ' wide' or '') .. '" ' ..
    tools.scrolling(tools.numbered('Figure')) .. '>' .. svg .. '</div>'
end
local function figure(element, svg, caption, more)
  local id = element.identifier
  local known = book.ids[id]
  local number = known and known.label and
    '<span class="number">' .. known.label:gsub('^f', 'F') .. '</span> ' or ''
  return {raw('<figure class="drawing" id="' .. id .. '"' .. (more or '') .. '>' ..
              picture(svg, id, book.as_text(element.attributes.alt or ''))),
          raw('<figcaption>' .. number), pandoc.Plain(caption), raw('</figcaption></figure>')}
end

-- The programs that draw figures from what stands in their fences: SVG, or what they
-- have to say against it. They run where chapters/ and results/ lie.
local PRESS = PANDOC_SCRIPT_FILE:match('^(.*)/[^/]*$') or '.'
local function drawer_of(block)
  local class = block.classes[1]
  if class == 'dot' then
    return 'dot', 'dot -Tsvg -Gbgcolor=transparent -Gfontname=monospace -Nfontname=monospace -Efontname=monospace'
  elseif class == 'heap' then
    return 'the judge', 'xargs "$press/../build/bin/judge" picture'
  elseif class == 'chart' then
    return 'gnuplot', '"$press/chart" ' .. (tonumber(block.attributes.height) or 320)
  end
end

-- What measured or drew it, to stand below a figure.
local function command_of(block)
  if block.classes[1] == 'heap' then return 'build/bin/judge picture ' .. block.text end
  local commands, seen = {}, {}
  local function add(command)
    if command and not seen[command] then
      seen[command] = true
      commands[#commands + 1] = command
    end
  end
  for name in block.text:gmatch("table%('([%w_-]+)'%)") do
    if book.results[name] then
      book.used_results[name] = true
      add(book.results[name].command)
    end
  end
  for command in block.text:gmatch("'< *([^']*)'") do add(command) end
  return table.concat(commands, '; ')
end

-- The program of a figure starts when its fence is met and is read when all fences are,
-- so that figures are drawn side by side, and beside our own work.
local drawings = {}
local function start_drawing(block)
  local name, command = drawer_of(block)
  local script = ("press=$(cd '%s' && pwd); cd '%s/..' && %s 2>&1 <<'THE END'\n%s\nTHE END\n"):format(
    PRESS, book.this.file:match('^(.*)/[^/]*$') or '.', command, book.as_text(block.text))
  drawings[#drawings + 1] = {block = block, name = name, pipe = io.popen(script)}
  local caption = to_inlines(prose.parse(block.attributes.caption or '').blocks)
  local drawn_by = command_of(block)
  if drawn_by ~= '' then
    caption:insert(raw_inline(' <code class="drawn">' .. esc(drawn_by) .. '</code>'))
  end
  return pandoc.Div(pandoc.Plain(caption), {class = 'drawing', n = #drawings})
end

-- What makes a heap live in a page: the operations of a trace that is text, and short.
local LIVE_BYTES = 20000
local function live_heap(block)
  local heap, path, step = book.as_text(block.text):match('^%s*(%S+)%s+(%S+%.rep)%s*(%d*)%s*$')
  local file = heap and io.open((book.this.file:match('^(.*)/[^/]*$') or '.') .. '/../' .. path)
  if not file then return '' end
  local count, operations = file:read('a'):match('^%s*%d+%s+%d+%s+(%d+)%s+%d+%s+(.-)%s*$')
  file:close()
  if not operations or #operations > LIVE_BYTES then return '' end
  prose.is_live = true
  return (' data-heap="%s" data-trace="%s" data-step="%s" data-operations="%s"'):format(
    heap, path:match('([^/]*)%.rep$'), step ~= '' and step or count, (operations:gsub('%s+', ' ')))
end

local function drawn_figure(div)
  local drawing = drawings[tonumber(div.attributes.n)]
  local svg = drawing.pipe:read('a')
  drawing.pipe:close()
  if not svg:match('^<%?xml') and not svg:match('^<svg') then
    book.complain(book.this.file, book.line_of(book.this, '#' .. drawing.block.identifier),
                  drawing.name .. ' says of this figure: ' .. svg:match('[^\n]*'))
    return nil
  end
  return figure(drawing.block, svg, div.content[1].content,
                drawing.block.classes[1] == 'heap' and live_heap(drawing.block) or nil)
end

-- A paragraph that is an image and nothing else is a figure. The picture lies beside the
-- chapter.
local function image_figure(para)
  local image = #para.content == 1 and para.content[1]
  if not image or image.t ~= 'Image' then return nil end
  local path = book.this.file:gsub('[^/]*$', '') .. image.src
  local file = path:match('%.svg$') and io.open(path)
  if not file then
    book.complain(book.this.file, book.line_of(book.this, '](' .. image.src), 'there is no picture "' .. path .. '"')
    return nil
  end
  local svg = file:read('a')
  file:close()
  return figure(image, svg, image.caption)
end

---------------------------------------------------------------- blocks

local function transcript(text)
  local lines, is_wide = {}, false
  for line in tools.lines_of(text) do
    local command = line:match('^%$ (.*)$')
    local html = esc(command or line):gsub(book.MARK, function(number)
      local mark = book.mark(number)
      return mark.quote and '[[' .. esc(mark.quote) .. ']]' or number_html(mark, NEVER)
    end):gsub('…', '<span class="dots">…</span>')
    if command then html = '<span class="prompt">$ </span><kbd>' .. html .. '</kbd>'
    elseif line:match('^%[exit %d+%]$') then html = '<span class="exit">' .. html .. '</span>'
    else html = '<samp>' .. html .. '</samp>' end
    lines[#lines + 1] = html
    is_wide = is_wide or utf8.len(line) > COLUMNS
  end
  return raw('<pre class="transcript' .. (is_wide and ' wide' or '') .. '" ' ..
    tools.scrolling(tools.numbered('Terminal')) .. '>' .. table.concat(lines, '\n') .. '</pre>')
end

-- A program of the tests that a transcript runs may have written the schedule of its
-- threads: a table with a column for each thread, which live.js makes a player.
local SCHEDULES = 'build/test/(tests/%d[%w-]*/plain/[%w/-]+)'
local function schedule_of(text)
  local root = (book.this.file:match('^(.*)/[^/]*$') or '.') .. '/../'
  local function contents_of(path)
    local file = io.open(root .. path)
    local contents = file and file:read('a') or ''
    if file then file:close() end
    return contents
  end
  local program = text:match('^%$ ' .. SCHEDULES)
  local name = program and contents_of(program .. '.c'):match('hook_write%("([%w-]+)"%)')
  local record = name and contents_of('build/schedules/' .. name .. '.json') or ''
  local threads, rows, column = {}, {}, {}
  for thread, cpu in record:gmatch('"thread":"([^"]*)","cpu":(%-?%d+)') do
    if not column[thread] then
      threads[#threads + 1] = 'thread ' .. thread .. ', CPU ' .. cpu
      column[thread] = #threads
    end
  end
  if #threads == 0 then return nil end
  for step, thread, event, chunk in record:gmatch('"step":(%d+),"thread":"([^"]*)",.-"event":"(.-)","chunk":(.-),"object"') do
    local list = book.chunks[chunk:match('^"(.*)"$')]
    local html = list and code.link_to(list[1], esc(event)) or esc(event)
    rows[#rows + 1] = '<tr><td>' .. step .. '</td>' .. ('<td></td>'):rep(column[thread] - 1) .. '<td>' .. html .. '</td>' ..
      ('<td></td>'):rep(#threads - column[thread]) .. '</tr>'
  end
  prose.is_live = true
  local label = tools.numbered('Schedule')
  return raw('<div class="schedule" data-name="' .. name .. '" data-schedule="' .. esc(record:gsub('\n', '')) .. '" ' ..
    tools.scrolling(label) .. '><table><caption>The schedule of this run, from top to bottom. Each event is a ' ..
    'place in the code where a thread arrives.</caption><thead><tr><th>step</th><th>' ..
    table.concat(threads, '</th><th>') .. '</th></tr></thead><tbody>' .. table.concat(rows, '\n') .. '</tbody></table></div>')
end

local place = 0    -- the last chunk before what is being read
local function code_block(block)
  local class = block.classes[1] or ''
  if class == 'transcript' then return {transcript(block.text), schedule_of(block.text)} end
  if drawer_of(block) then return start_drawing(block) end
  if class == 'chunk' then
    local chunk = book.this.chunks[tonumber(block.text)]
    place = chunk.order
    return raw(code.card(chunk))
  end
  local state = class == 'c' and code.prose_state(place) or {resolve = function() end}
  return raw('<pre class="sketch" ' .. tools.scrolling(tools.numbered('Sketch')) .. '><code>' ..
    code.highlight(book.as_written(block.text), class, state) .. '</code></pre>')
end

local function box(div)
  local class, id = div.classes[1], div.identifier
  local function around(start, stop)
    local blocks = pandoc.List{raw(start)}
    blocks:extend(div.content)
    blocks:insert(raw(stop))
    return blocks
  end
  local function labeled(label)
    return around('<div class="' .. class .. '" id="' .. id .. '"><p class="label">' .. label .. '</p>', '</div>')
  end
  if class == 'drawing' then return drawn_figure(div) end
  if class == 'answer' then return around('<details class="answer"><summary>Answer</summary>', '</details>') end
  if class == 'step' then return labeled(div.attributes.points .. ' points') end
  if class == 'design-note' then return labeled('Design note') end
  if class ~= 'exercise' then return nil end
  local hard = tonumber(div.attributes.difficulty)
  local known = book.ids[id]
  if not hard or not known then
    book.complain(book.this.file, book.line_of(book.this, '#' .. id), 'an exercise needs an id and a difficulty')
    return nil
  end
  local how_hard = 'difficulty ' .. hard .. ' of 5'
  return labeled('<a class="number" href="#' .. id .. '">' .. known.label:gsub('^e', 'E') .. '</a> ' ..
    '<span class="difficulty" role="img" aria-label="' .. how_hard .. '" title="' .. how_hard .. '">' ..
    ('●'):rep(hard) .. ('○'):rep(5 - hard) .. '</span>')
end

local function scrolling_table(block)
  local caption = book.as_text(pandoc.utils.stringify(to_inlines(block.caption.long)))
  local label = tools.numbered('Table') .. (caption ~= '' and ': ' .. caption or '')
  return {raw('<div class="table" ' .. tools.scrolling(label) .. '>'),
          pandoc.walk_block(block, expander(true, IN_TABLES)), raw('</div>')}
end

local function number_heading(header)
  local number = (book.ids[header.identifier] or {}).number
  if not number then return nil end
  header.content:insert(1, raw_inline('<a class="number" href="#' .. header.identifier .. '">' .. number .. '</a> '))
  return header
end

---------------------------------------------------------------- what other pages show of a chapter

-- A caption as inlines.
function prose.caption(text)
  return prose.without_links(to_inlines(prose.parse(text).blocks))
end

-- The sections of a chapter as plain text: {id, title, text}; what comes before the first
-- has no id. Boxes are sections where they have an id.
function prose.sections(chapter)
  local sections = {{title = '', text = {}}}
  local function begin(id, title) sections[#sections + 1] = {id = id, title = book.as_text(title), text = {}} end
  local function read(blocks)
    for _, block in ipairs(blocks) do
      if block.t == 'Header' then
        begin(block.identifier, pandoc.utils.stringify(block.content))
      elseif block.t == 'Div' then
        local label = (book.ids[block.identifier] or {}).label
        if label then begin(block.identifier, label) end
        read(block.content)
      elseif block.t ~= 'CodeBlock' then
        table.insert(sections[#sections].text, book.as_text(pandoc.utils.stringify(block)))
      end
    end
  end
  read(prose.parse(table.concat(chapter.text)).blocks)
  for _, section in ipairs(sections) do section.text = table.concat(section.text, ' ') end
  return sections
end

-- The terms that the tables of chapters define, and those of a list of definitions in
-- Markdown, in the order of the alphabet: {term, id, text, html}.
function prose.terms(list)
  local terms = {}
  local function add(term, blocks, where)
    blocks = pandoc.Pandoc(blocks):walk{Link = finish_link}:walk(expander(false, IN_TEXT)).blocks
    terms[#terms + 1] = {term = term, id = 'word-' .. tools.slug(term), text = pandoc.utils.stringify(blocks),
                         html = tools.html_of(to_inlines(blocks)) .. where}
  end
  for _, term in ipairs(book.terms) do
    add(term.term, prose.parse(term.text).blocks, (' <a href="%s#%s">Chapter %d</a>'):format(
      book.url_of_page(term.chapter.stem), term.id, term.chapter.number))
  end
  prose.parse(list):walk{DefinitionList = function(definitions)
    for _, item in ipairs(definitions.content) do add(pandoc.utils.stringify(item[1]), item[2][1], '') end
  end}
  table.sort(terms, function(a, b) return a.term:lower() < b.term:lower() end)
  return terms
end

---------------------------------------------------------------- a chapter

-- The headings outside of boxes, two levels deep, as a list of links.
local function list_of_sections(blocks)
  local items, is_inside = {}, false
  for _, block in ipairs(blocks) do
    if block.t == 'Header' and block.level <= 3 then
      local number = (book.ids[block.identifier] or {}).number
      local item = '<li><a href="#' .. block.identifier .. '">' ..
        (number and '<span class="number">' .. number .. '</span> ' or '') ..
        tools.html_of(prose.without_links(block.content)) .. '</a>'
      if block.level == 3 then
        items[#items + 1] = (is_inside and '</li>' or '<ol>') .. item
      else
        items[#items + 1] = (is_inside and '</li></ol>' or '') .. (#items > 0 and '</li>' or '') .. item
      end
      is_inside = block.level == 3
    end
  end
  if #items == 0 then return '' end
  return '<ol>' .. table.concat(items, '\n') .. (is_inside and '</li></ol>' or '') .. '</li></ol>'
end

local function add_references(doc)
  local has_citations = false
  doc:walk{Cite = function() has_citations = true end}
  if not has_citations then return end
  doc.blocks:insert(pandoc.Header(2, {pandoc.Str('References')}, {id = 'references'}))
  doc.blocks:insert(pandoc.Div({}, {id = 'refs'}))
end

local function sources_of_numbers()
  local sources = tools.map(tools.sorted_keys(book.used_results), function(name)
    local result = book.results[name]
    return ('<code>results/%s.tsv</code> by <code>%s</code> on %s, %s'):format(
      name, esc(result.command), esc(result.machine), esc(result.date))
  end)
  if #sources == 0 then return {} end
  return {raw('<p class="sources">The numbers of this chapter were measured: ' .. table.concat(sources, '; ') .. '.</p>')}
end

-- The blocks of this page's chapter, and the list of its sections. What it cites comes at
-- its end, unless that is left to others.
function prose.chapter(is_without_references)
  local doc = prose.parse(table.concat(book.this.text))
  if not is_without_references then add_references(doc) end
  local sections = list_of_sections(doc.blocks)
  doc = doc:walk{Header = number_heading, CodeBlock = code_block, Para = image_figure}
  doc = doc:walk{Div = box, Link = finish_link, Math = finish_math, Code = finish_code}
  doc = doc:walk{Table = scrolling_table, Note = margin_note}
  doc = doc:walk(expander(true, IN_TEXT))
  doc.blocks:extend(sources_of_numbers())
  book.used_results = {}
  return doc.blocks, sections
end

return prose
