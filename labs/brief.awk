# Takes the tangled C of a chapter (NAME/*.c), then the chapter, and makes of its Lab
# section what a lab tree begins with:
#   standard output    the brief as plain Markdown
#   -v starters=FILE   a replacement for press/tangle: each stub in its chunk's place;
#                      those of the first -v done=N tasks are left out
#   -v tasks=FILE      a line for each task: number, points, title, with tabs
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
    text = gensub(/\[\[([^\]]+)\]\]/, "`\\1`", "g", text)
    gsub(/@<</, "<<", text)
    gsub(/[ \n]\[@[^\]]*\]/, "", text)
    text = gensub(/\[([^\]]+)\]\{[^}]*\}/, "\\1", "g", text)
    print gensub(/\[([^\]]+)\]\([^)]*\)/, "*\\1*", "g", text) "\n"
    paragraph = ""
}

# A chunk's name stands as a comment in the file where the chunk lands.
FILENAME !~ /\.nw$/ {
    if (match($0, /^ *\/\* (.*) \*\/$/, at)) file_of[at[1]] = FILENAME
    next
}

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
    print task "\t" points "\t" at[2] > tasks
    print "## Task " task ": " at[2] " (" points " points)\n"
    next
}
/^$/ { end_paragraph(); next }
{ paragraph = paragraph (paragraph == "" ? "" : "\n") $0 }

END { if (!failed && task == "") fail("there is no Lab section with tasks") }
