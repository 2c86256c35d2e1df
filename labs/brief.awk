# Takes the tangled C of a chapter (NAME/*.c), then the chapter, and makes of its Lab
# section what a lab tree begins with:
#   standard output    the brief as plain Markdown
#   -v starters=FILE   a replacement for press/tangle: each stub in its chunk's place;
#                      those of the first -v done=N tasks are left out
#   -v tasks=FILE      a line for each task: number, points, title, the sections to read,
#                      with tabs
#   -v stubs=FILE      the files in which stubs stand: those that a reader writes
# What it can't use is an error: file:line: message, exit 1.

function fail(message) {
    printf "%s:%d: %s\n", FILENAME, FNR, message > "/dev/stderr"
    failed = 1
    exit 1
}

# Prose without what only the book's pages have.
function end_paragraph(   text) {
    text = paragraph
    if (text == "") return
    note_sections(text)
    text = gensub(/\[\[([^\]]+)\]\]/, "`\\1`", "g", text)
    gsub(/@<</, "<<", text)
    gsub(/[ \n]\[@[^\]]*\]/, "", text)
    text = gensub(/\[([^\]]+)\]\{[^}]*\}/, "\\1", "g", text)
    print gensub(/\[([^\]]+)\]\([^)]*\)/, "*\\1*", "g", text) "\n"
    paragraph = ""
}

# Links of a task lead to the sections that it needs.
function note_sections(text,   at) {
    for (; task != "" && match(text, /\[([^\[\]]+)\]\(#([^)]*)\)/, at); text = substr(text, RSTART + RLENGTH))
        sections[task] = sections[task] (sections[task] == "" ? "" : "; ") gensub(/\n/, " ", "g", at[1]) " (" page "#" at[2] ")"
}

# A chunk's name stands as a comment in the file where the chunk lands.
FILENAME !~ /\.nw$/ {
    if (match($0, /^ *\/\* (.*) \*\/$/, at)) file_of[at[1]] = FILENAME
    next
}

FNR == 1 { page = gensub(/^.*\/|\.nw$/, "", "g", FILENAME) ".html" }
/^title: / && title == "" { title = substr($0, 8) }
/^## / {
    end_paragraph()
    inside = /-lab\}$/
    if (inside) print "# Lab " gensub(/^.*\/0*|-.*$/, "", "g", FILENAME) ": " title "\n"
    next
}
!inside { next }

match($0, /^<<starter: (.*)>>=$/, at) {
    end_paragraph()
    if (!(at[1] in file_of)) fail("<<" at[1] ">> is in no file of the lab")
    if (stubs != "" && !(file_of[at[1]] in noted)) print file_of[at[1]] > stubs
    noted[file_of[at[1]]]
    print "In `" file_of[at[1]] "`, where it says `/* " at[1] " */`.\n"
    $0 = "<<" at[1] ">>="
    in_stub = 1
}
in_stub && /^@( |$)/ { in_stub = 0; $0 = "@" }
in_stub || $0 == "@" { if (task > done) print > starters; next }
/^<</ { fail("a chunk of the Lab section is a starter") }

/^:::/ {
    end_paragraph()
    points = match($0, /\.step.* points=([0-9]+)/, at) ? at[1] : ""
    next
}
/^### / {
    if (!match($0, /^### Task ([0-9]+): (.*[^ ]) *\{/, at) || points == "")
        fail("a task begins with ::: {.step points=N} and ### Task N: title {#id}")
    task = at[1]
    line_of[task] = task "\t" points "\t" at[2]
    print "## Task " task ": " at[2] " (" points " points)\n"
    next
}
/^$/ { end_paragraph(); next }
{ paragraph = paragraph (paragraph == "" ? "" : "\n") $0 }

END {
    if (failed) exit
    if (task == "") fail("there is no Lab section with tasks")
    for (i = 1; i <= task; i++) print line_of[i] "\t" sections[i] > tasks
}
