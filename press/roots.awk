# Takes noweb's token stream and marks for mnt which chunks are files.
#   -v form=plain  a header comment opens each file, and a chunk that is used on a
#                  line of its own leaves its name there as a comment
#   -v form=lines  each C file is starred: mnt then writes #line directives
# A chunk is a file when its name is a path; mnt takes names without a space, so
# names that are not paths and have none get one.

function is_path(name) { return name ~ /^[^ ]+\/[^ ]+$/ }
function is_c(name) { return name ~ /\.[ch]$/ }
function mark(name) {
    if (!is_path(name)) return name " "
    return form == "lines" && is_c(name) ? name "*" : name
}
function chapter_of(path) { sub(/^.*\//, "", path); return path }

# A blank line of the source is a lone "@nl"; hold one text token back to see
# whether a chunk use stands alone on its line.
function flush_text() { if (held != "") print held; held = "" }

/^@file / { file = substr($0, 7) }
/^@begin docs/ { in_docs = 1 }
/^@end docs/ { in_docs = 0 }
in_docs && /^@text #+ / && at_start {
    section = substr($0, 7)
    gsub(/^#+ +| *\{[^}]*\} *$/, "", section)
}
in_docs { at_start = /^@nl/ || /^@begin docs/; print; next }

/^@defn / {
    name = substr($0, 7)
    print "@defn " mark(name)
    opened = form == "plain" && is_c(name) && is_path(name) && !(name in seen)
    seen[name]
    in_c = 1
    first = 1
    next
}
/^@begin code/ { line_start = 0 }
/^@nl/ && first {
    print
    first = 0
    line_start = 1
    if (opened) {
        printf "@text /* %s: from chapters/%s, \"%s\" */\n@nl\n", name, chapter_of(file), section
        print "@nl"
    }
    next
}
/^@text/ {
    flush_text()
    held = $0
    alone = line_start && $0 ~ /^@text *$/
    next
}
/^@use / {
    used = substr($0, 6)
    if (form == "plain" && (alone || held == "" && line_start)) {
        indent = substr(held, 7)
        printf "@text %s/* %s */\n@nl\n", indent, used
    }
    flush_text()
    print "@use " mark(used)
    alone = 0
    line_start = 0
    next
}
{
    flush_text()
    print
    line_start = /^@nl/
    alone = 0
}
