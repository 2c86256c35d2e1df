# Reads the chapters in order and refuses what the press can't print or the book
# does not allow. Each error is a line FILE:LINE: message on standard error; exit 1.
# Where all is well it prints the places where a test can stop a thread:
# event, chunk, file, line of every hook("event", ...), with tabs between.
#
# The file is in three parts: what is collected line by line, how code and prose are
# read, and what can only be told when all chapters are known (END).

BEGIN {
    OFS = "\t"
    CHUNK = "<<([^<>]|<[^<]|>[^>])*>>"
    UNIT = "[0-9][0-9.,]*[ \302\240]?(ns|us|µs|ms|Mops/s|x|×|%|percent)($|[^A-Za-z0-9_])|[0-9][0-9.,]*[ \302\240]s($|[^A-Za-z0-9_])"
}

function error(file, line, message) {
    found[++errors] = sprintf("%06d %06d\t%s:%d: %s", file_number[file], line, file, line, message)
}
function here(message) { error(FILENAME, FNR, message) }
function trim(text) { gsub(/[ \t\n]+/, " ", text); gsub(/^ | $/, "", text); return text }
function is_root(name) { return name ~ /^[^ ]+\/[^ ]+$/ }
function is_starter(name) { return name ~ /^starter: / }
function is_c(name) { return name ~ /\.[chS]$/ }
function slug(name) {
    name = tolower(name)
    gsub(/[^a-z0-9]+/, "-", name)
    gsub(/^-|-$/, "", name)
    return "chunk-" name
}
function add_id(id, file, line) {
    if (id in id_line) error(file, line, "id \"" id "\" is already at " id_line[id])
    else id_line[id] = file ":" line
}

BEGINFILE {
    file_number[FILENAME] = ++files
    chapter = FILENAME
    sub(/^.*\//, "", chapter)
    sub(/\.nw$/, "", chapter)
    base = FILENAME ~ /\// ? FILENAME : "./" FILENAME
    sub(/\/[^\/]*$/, "", base)
    chapter_file[chapter] = FILENAME
    in_code = front_matter = 0
    fence = paragraph = ""
    since_chunk = 1
}
ENDFILE {
    end_paragraph()
    if (fence != "") error(FILENAME, fence_line, "this fence is never closed")
    if (front_matter) error(FILENAME, 1, "the front matter is never closed")
}

### Lines: chunks and prose

/^<<.*>>=[ \t]*$/ && fence == "" { begin_chunk(); next }
/^@([ \t]|$)/ { if (in_code) end_chunk(); else end_paragraph(); next }
in_code { code_line($0); next }
{ prose_line($0) }

function begin_chunk(   name) {
    end_paragraph()
    name = $0
    sub(/^<</, "", name)
    sub(/>>=[ \t]*$/, "", name)
    name = trim(name)
    if (!since_chunk) here("chunk <<" name ">> follows another without a word of prose between")
    if ((name in chunk_file) && chunk_file[name] != FILENAME)
        here((is_root(name) ? "file " : "chunk ") "<<" name ">> is already defined at " \
            chunk_file[name] ":" chunk_line[name])
    if (!(name in chunk_file)) {
        chunk_file[name] = FILENAME
        chunk_line[name] = FNR
        names[++count] = name
    }
    part = ++parts[name]
    add_id(slug(name) (part > 1 ? "-" part : ""), FILENAME, FNR)
    in_code = 1
    current = name
    in_comment = in_macro = in_string = 0
    since_chunk = 0
}
function end_chunk() { in_code = 0 }

### Code

function code_line(line,   code, rest, position, name, indent) {
    text_of[current] = text_of[current] line "\n"
    if (line ~ /\t/) tab_line[current] = tab_line[current] FNR " "
    code = line
    gsub(/@<</, "\001", code)
    gsub(/@>>/, "\002", code)
    rest = code
    gsub(CHUNK, "X", rest)
    length_of[current, FNR] = length(code)
    lines_of[current] = lines_of[current] FNR " "
    mark_comments(code)
    while (match(code, CHUNK)) {
        name = trim(substr(code, RSTART + 2, RLENGTH - 4))
        position = RSTART
        if (name == "") here("a chunk use without a name")
        uses[current, ++use_count[current]] = name
        use_line[current, use_count[current]] = FNR
        use_column[current, use_count[current]] = consumed + position - 1
        used[name] = 1
        if (index(substr(marks, consumed + position, 2), "c"))
            here("chunk <<" name ">> is used in a comment")
        if (code ~ /^[ ]*#[ ]*define/ || in_macro)
            here("chunk <<" name ">> is used in a macro")
        else if (substr(line, 1, position) ~ /(^|[^a-z])([A-Z][A-Z0-9_]+|cr_[a-z_]+)\([^)]*<?$/)
            here("chunk <<" name ">> is used in a macro's argument")
        consumed += position + RLENGTH - 1
        code = substr(code, position + RLENGTH)
    }
    consumed = 0
    if (line ~ /\\$/ && in_string) here("a string is continued with \\")
    in_macro = line ~ /\\$/ && (in_macro || line ~ /^[ ]*#[ ]*define/)
    in_string = 0
    if (match(line, /hook\("[^"]*"/)) {
        name = substr(line, RSTART + 6, RLENGTH - 7)
        if (name in hook_at) here("hook \"" name "\" is already at " hook_at[name])
        hook_at[name] = FILENAME ":" FNR
        hooks[++hook_count] = name OFS current OFS FILENAME OFS FNR
    }
    if (match(line, /^#include "[0-9][0-9]-[^\/"]*\//)) {
        name = substr(line, RSTART + 10, RLENGTH - 11)
        if (name > chapter) here("\"" name "\" is a later chapter: a chapter includes earlier ones only")
    }
    if (rest ~ /(^|[^A-Za-z_])(assert\(|__LINE__|__FILE__)/)
        assert_line[current] = assert_line[current] FNR " "
}

# Sets marks: a letter for each character of the line: c in a comment, s in a string,
# - elsewhere. Comments go on over lines, strings only after a backslash.
function mark_comments(code,   i, c, two, state) {
    marks = ""
    state = in_comment ? "c" : "-"
    for (i = 1; i <= length(code); i++) {
        c = substr(code, i, 1)
        two = substr(code, i, 2)
        if (state == "-" && two == "/*") { state = "c"; marks = marks "cc"; i++; continue }
        if (state == "-" && two == "//") {
            for (; i <= length(code); i++) marks = marks "c"
            break
        }
        if (state == "c" && two == "*/") { state = "-"; marks = marks "cc"; i++; continue }
        if (state == "-" && c == "'" && match(substr(code, i), /^'(\\.|[^\\'])'/)) {
            marks = marks substr("ssss", 1, RLENGTH)
            i += RLENGTH - 1
            continue
        }
        if (c == "\"" && state != "c") {
            state = state == "s" ? "-" : "s"
            marks = marks "s"
            continue
        }
        if (state == "s" && c == "\\" && i < length(code)) { marks = marks "ss"; i++; continue }
        marks = marks state
    }
    in_comment = state == "c"
    in_string = state == "s"
}

# The function definitions of a chunk that begin in the first column, as one text.
function signatures(text,   n, i, line, row, result, pending) {
    n = split(text, row, "\n")
    for (i = 1; i <= n; i++) {
        line = row[i]
        if (pending == "" && line !~ /^[A-Za-z_].*\(/) continue
        if (pending == "" && line ~ /;[ ]*$/) continue
        pending = pending " " line
        if (line ~ /[{;]/ || row[i + 1] ~ /^[{]/) {
            sub(/[{].*$/, "", pending)
            result = result trim(pending) "; "
            pending = ""
        }
    }
    sub(/; $/, "", result)
    return result
}

### Prose

function prose_line(line,   id, info) {
    if (FNR == 1 && line == "---") { front_matter = 1; return }
    if (front_matter) { if (line == "---") front_matter = 0; return }
    if (line ~ /[^ \t]/) since_chunk = 1
    if (fence != "") { fenced_line(line); return }
    if (match(line, /^ *(```+|~~~+)/)) { end_paragraph(); open_fence(line); return }
    if (line ~ /^:::/) {
        end_paragraph()
        if (match(line, /#[A-Za-z][A-Za-z0-9-]*/)) add_id(substr(line, RSTART + 1, RLENGTH - 1), FILENAME, FNR)
        return
    }
    if (line ~ /^#+ /) {
        end_paragraph()
        if (match(line, /\{[^}]*#[A-Za-z][A-Za-z0-9-]*[^}]*\} *$/)) {
            id = substr(line, RSTART)
            match(id, /#[A-Za-z][A-Za-z0-9-]*/)
            add_id(substr(id, RSTART + 1, RLENGTH - 1), FILENAME, FNR)
        } else here("this heading has no id: end it with {#name}")
        return
    }
    if (line ~ /^[ \t]*$/) { end_paragraph(); return }
    if (paragraph == "") paragraph_line = FNR
    paragraph = paragraph line "\n"
}

function open_fence(line,   info, mark) {
    match(line, /(```+|~~~+)/)
    fence = substr(line, RSTART, RLENGTH)
    fence_line = FNR
    info = trim(substr(line, RSTART + RLENGTH))
    fence_kind = info ~ /(^|[ .{])transcript/ ? "transcript" : ""
    fence_commands = 0
    if (info ~ /(^|[ .{])(c|C)($|[ }])/ && info !~ /\.sketch/)
        here("C that is no chunk: make it one, or mark it {.c .sketch}")
    if (info ~ /(^|[ .{])(dot|heap|chart)($|[ }])/ && info !~ /alt="[^"]+"/)
        here("this figure has no text alternative: alt=\"...\"")
    if (match(info, /#[A-Za-z][A-Za-z0-9-]*/)) add_id(substr(info, RSTART + 1, RLENGTH - 1), FILENAME, FNR)
    check_references(info, FNR)
}
function fenced_line(line) {
    if (line ~ "^ *" fence) {
        if (fence_kind == "transcript" && !fence_commands)
            error(FILENAME, fence_line, "this transcript has no command: a line that begins with \"$ \"")
        fence = ""
        return
    }
    if (line ~ /^\$ /) fence_commands++
    if (fence_kind == "transcript") check_references(line, FNR)
    check_escape(line, FNR)
}
function check_escape(line, number) {
    gsub(/@<</, "", line)
    gsub(/\[\[[^\]]*<<[^\]]*>>[^\]]*\]\]/, "", line)
    if (line ~ /<</) error(FILENAME, number, "\"<<\" in prose: write \"@<<\"")
}

# The line of a paragraph's character.
function line_at(position,   before) {
    before = substr(paragraph, 1, position)
    return paragraph_line + gsub(/\n/, "", before)
}

# Calls `check` for every match of `pattern` in the paragraph as it stands.
function each(pattern, check,   rest, skipped) {
    rest = paragraph
    skipped = 0
    while (match(rest, pattern)) {
        matched = substr(rest, RSTART, RLENGTH)
        at = line_at(skipped + RSTART - 1)
        skipped += RSTART + RLENGTH - 1
        rest = substr(rest, RSTART + RLENGTH)
        @check()
    }
}
# Blanks what matches but keeps its line breaks, so that lines stay countable.
function blank(pattern,   rest, result, hit) {
    rest = paragraph
    while (match(rest, pattern)) {
        hit = substr(rest, RSTART, RLENGTH)
        gsub(/[^\n]/, " ", hit)
        result = result substr(rest, 1, RSTART - 1) hit
        rest = substr(rest, RSTART + RLENGTH)
    }
    paragraph = result rest
}

function end_paragraph(   n, i, row) {
    if (paragraph == "") return
    n = split(paragraph, row, "\n")
    for (i = 1; i <= n; i++) {
        check_escape(row[i], paragraph_line + i - 1)
        check_references(row[i], paragraph_line + i - 1)
    }
    blank("`[^`]+`")
    blank("\\[\\[[^]]*\\]+\\]")
    blank("\\{\\{[^}]*\\}\\}")
    each("!\\[[^]]*\\]\\([^)]*\\)(\\{[^}]*\\})?", "check_image")
    each("\\]\\([^)]*\\)", "check_link")
    each("\\{[^}]*#[A-Za-z][A-Za-z0-9-]*[^}]*\\}", "note_id")
    each("\\[\\^[^]]+\\]:?", "note_footnote")
    blank("\\]\\([^)]*\\)")
    each("(^|[][ \\n;(-])@[A-Za-z][A-Za-z0-9_:-]*", "note_citation")
    blank("\\$[^$]+\\$")
    blank("\\[[^]]*\\]\\{[^}]*\\.given[^}]*\\}")
    each(UNIT, "refuse_number")
    paragraph = ""
}
function check_image() {
    if (matched !~ /alt="[^"]+"/) error(FILENAME, at, "this figure has no text alternative: {alt=\"...\"}")
}
function check_link(   target) {
    target = substr(matched, 3, length(matched) - 3)
    if (target ~ /^[a-z]+:/) return
    links[++link_count] = target
    link_file[link_count] = FILENAME
    link_line[link_count] = at
    link_chapter[link_count] = chapter
}
function note_id() {
    match(matched, /#[A-Za-z][A-Za-z0-9-]*/)
    add_id(substr(matched, RSTART + 1, RLENGTH - 1), FILENAME, at)
}
function note_footnote(   name) {
    name = matched
    sub(/:$/, "", name)
    if (matched ~ /:$/) note_defined[FILENAME, name] = at
    else note_used[FILENAME, name] = at
}
function note_citation(   key) {
    key = matched
    sub(/^[^@]*@/, "", key)
    sub(/[:-]+$/, "", key)
    load_bibliography(base "/refs.bib")
    if (!((base, key) in bibliography)) error(FILENAME, at, "no entry \"" key "\" in refs.bib")
}
function load_bibliography(path,   line) {
    if (path in loaded) return
    loaded[path] = 1
    while ((getline line < path) > 0)
        if (match(line, /^@[A-Za-z]+\{[^,]+,/)) {
            sub(/^@[A-Za-z]+\{/, "", line)
            sub(/,.*$/, "", line)
            bibliography[base, trim(line)] = 1
        }
    close(path)
}
function refuse_number() {
    error(FILENAME, at, "a number that was not measured here (\"" trim(matched) \
        "\"): use {{table row column}}, or mark it [...]{.given}")
}

# {{table row column}} must name a cell of results/table.tsv.
function check_references(text, line,   reference, part, n) {
    while (match(text, /\{\{[^}]*\}\}/)) {
        reference = trim(substr(text, RSTART + 2, RLENGTH - 4))
        text = substr(text, RSTART + RLENGTH)
        n = split(reference, part, " ")
        if (n != 3) { error(FILENAME, line, "\"{{" reference "}}\" is not {{table row column}}"); continue }
        load_table(part[1])
        if (!((base, part[1], part[2], part[3]) in cell))
            error(FILENAME, line, "results/" part[1] ".tsv has no row \"" part[2] "\" with a column \"" part[3] "\"")
    }
}
function load_table(table,   path, line, n, i, field, column, key) {
    path = base "/../results/" table ".tsv"
    if (path in loaded) return
    loaded[path] = 1
    while ((getline line < path) > 0) {
        if (line ~ /^#/) continue
        n = split(line, field, "\t")
        if (!(path in columns)) {
            columns[path] = n
            for (i = 1; i <= n; i++) column[i] = field[i]
            continue
        }
        key = ""
        for (i = 1; i <= n; i++) {
            if (i > 1) cell_row(table, key, field, column, n)
            key = key (i > 1 ? "/" : "") field[i]
        }
    }
    close(path)
}
function cell_row(table, key, field, column, n,   i) {
    for (i = 1; i <= n; i++) cell[base, table, key, column[i]] = 1
}

### The whole book

END {
    check_chunks()
    check_cycles()
    check_code()
    check_starters()
    check_links()
    check_notes()
    if (errors) {
        asort(found)
        for (i = 1; i <= errors; i++) { sub(/^[^\t]*\t/, "", found[i]); print found[i] > "/dev/stderr" }
        exit 1
    }
    for (i = 1; i <= hook_count; i++) print hooks[i]
}

function check_chunks(   i, j, name) {
    for (i = 1; i <= count; i++) {
        name = names[i]
        for (j = 1; j <= use_count[name]; j++)
            if (!(uses[name, j] in chunk_file))
                error(chunk_file[name], use_line[name, j], "chunk <<" uses[name, j] ">> is not defined")
        if (!(name in used) && !is_root(name) && !is_starter(name))
            error(chunk_file[name], chunk_line[name], "chunk <<" name ">> is never used, and no path of a file")
    }
}

# Depth first; a chunk under way that is met again closes a cycle.
function check_cycles(   i) {
    for (i = 1; i <= count; i++) visit(names[i], "", 0)
}
function visit(name, user, line,   j) {
    if (state[name] == "done" || !(name in chunk_file)) return
    if (state[name] == "open") {
        error(chunk_file[user], line, "chunk <<" name ">> contains itself")
        cyclic = 1
        return
    }
    state[name] = "open"
    for (j = 1; j <= use_count[name]; j++) visit(uses[name, j], name, use_line[name, j])
    state[name] = "done"
}

# Which chunks become C, and how deep they are indented there.
function place(name, indent, in_c,   j) {
    if (!(name in chunk_file)) return
    if (in_c) becomes_c[name] = 1
    if (!(name in depth) || depth[name] < indent) depth[name] = indent
    else if (name in placed) return
    placed[name] = 1
    for (j = 1; j <= use_count[name]; j++)
        place(uses[name, j], indent + use_column[name, j], in_c)
}
function check_code(   i, j, n, name, row) {
    if (cyclic) return
    for (i = 1; i <= count; i++) if (is_root(names[i])) place(names[i], 0, is_c(names[i]))
    for (i = 1; i <= count; i++) {
        name = names[i]
        if (!(name in becomes_c) && !is_starter(name)) continue
        n = split(trim(tab_line[name]), row, " ")
        for (j = 1; j <= n; j++) error(chunk_file[name], row[j], "a tab in C")
        n = split(trim(assert_line[name]), row, " ")
        for (j = 1; j <= n; j++)
            error(chunk_file[name], row[j], "assert, __LINE__ and __FILE__ would tell the two trees apart")
        n = split(trim(lines_of[name]), row, " ")
        for (j = 1; j <= n; j++)
            if (length_of[name, row[j]] > 0 && length_of[name, row[j]] + depth[name] > 80)
                error(chunk_file[name], row[j], "this line is " \
                    length_of[name, row[j]] + depth[name] " columns wide where it lands (80 at most)")
    }
}

function check_starters(   i, name, whole) {
    for (i = 1; i <= count; i++) {
        name = names[i]
        if (!is_starter(name)) continue
        whole = substr(name, length("starter: ") + 1)
        if (!(whole in chunk_file) || chunk_file[whole] != chunk_file[name])
            error(chunk_file[name], chunk_line[name], "there is no chunk <<" whole ">> in this chapter to start")
        else if (signatures(text_of[name]) != signatures(text_of[whole]))
            error(chunk_file[name], chunk_line[name], "this stub's functions are not those of <<" whole \
                ">>: it has \"" signatures(text_of[name]) "\", not \"" signatures(text_of[whole]) "\"")
    }
}

# What a chapter links to may lie in a chapter that was not given: a prefix of the book
# may point ahead, to a file beside its own.
function check_links(   i, target, page, id) {
    for (i = 1; i <= link_count; i++) {
        target = links[i]
        page = id = target
        sub(/#.*$/, "", page)
        if (!sub(/^[^#]*#/, "", id)) id = ""
        if (page ~ /^(index|chunks|identifiers)\.html$/) continue
        if (page ~ /\.html$/) {
            sub(/\.html$/, "", page)
            if (!(page in chapter_file)) {
                if (!exists(directory(link_file[i]) "/" page ".nw"))
                    error(link_file[i], link_line[i], "there is no page \"" page ".html\" to link to")
                continue
            }
        } else if (page != "") {
            if (!exists(directory(link_file[i]) "/" page))
                error(link_file[i], link_line[i], "there is no file \"" page "\" to link to")
            continue
        }
        if (id != "" && !(id in id_line) && !is_ahead(id, directory(link_file[i])))
            error(link_file[i], link_line[i], "there is no \"#" id "\" to link to")
    }
}
function is_ahead(id, where,   i, command, path, ahead) {
    command = "grep -lE '[{ ]#" id "[ }]' " where "/*.nw 2> /dev/null"
    while ((command | getline path) > 0) if (!(path in file_number)) ahead = 1
    close(command)
    return ahead
}
function exists(path) { return system("test -e '" path "'") == 0 }
function directory(path) { return path ~ /\// ? gensub(/\/[^\/]*$/, "", 1, path) : "." }

function check_notes(   key, part) {
    for (key in note_used)
        if (!(key in note_defined)) { split(key, part, SUBSEP); error(part[1], note_used[key], "footnote " part[2] " has no text") }
    for (key in note_defined)
        if (!(key in note_used)) { split(key, part, SUBSEP); error(part[1], note_defined[key], "footnote " part[2] " is never called") }
}
