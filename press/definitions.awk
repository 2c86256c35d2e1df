# Takes what ctags says of the tangled C with #line (its table first, then the files)
# and says it of the chapters. Run it where the files lie. Makes lines with tabs:
#   definition NAME KIND STATIC PATH CHAPTER LINE   KIND: "declaration" if only that;
#                                                   STATIC: "static" or "-"
#   place CHAPTER LINE PATH FUNCTION                a line inside a function's body
#   include PATH HEADER
BEGIN { FS = OFS = "\t" }

# NAME KIND PATH LINE END FILE; FILE is "file" if the name is known in its file only
NR == FNR {
    if ($1 ~ /^_[_A-Z]|_H$/) next   # no name of the book: guards, feature macros, no name at all
    names[$3, $4] = names[$3, $4] $1 FS $2 FS ($2 != "macro" && $6 == "file" ? "static" : "-") "\n"
    if ($2 == "function")
        for (i = $4 + 1; i <= $5; i++) inside[$3, i] = $1
    next
}

FNR == 1 { chapter = "" }
match($0, /^#line ([0-9]+) "(.*)"$/, at) { line = at[1] - 1; chapter = at[2]; next }
{ line++ }
chapter == "" { next }
match($0, /^#include "(.*)"$/, at) { print "include", FILENAME, at[1] }
(FILENAME, FNR) in inside { print "place", chapter, line, FILENAME, inside[FILENAME, FNR] }
(FILENAME, FNR) in names {
    count = split(names[FILENAME, FNR], row, "\n")
    for (i = 1; i < count; i++) {
        split(row[i], field, FS)
        kind = field[2] ~ /^(prototype|externvar)$/ ? "declaration" : field[2]
        print "definition", field[1], kind, field[3], FILENAME, chapter, line
    }
}
