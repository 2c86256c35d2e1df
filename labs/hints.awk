# Takes a chapter and makes of it the hints of its lab, as plain text: for each task what
# the book says before each chunk that the reader is to write, and the names of the chunks
# in it. -v tasks=FILE are the tasks as brief.awk wrote them: number, points, title, ...
# A hint says where to go on, and shows no code.

function plain(text) {
    text = gensub(/\[\[([^\]]+)\]\]/, "\\1", "g", text)
    gsub(/@<</, "<<", text)
    gsub(/[ \n]*\[@[^\]]*\]|\[\^[^\]]*\]/, "", text)
    text = gensub(/\[([^\]]+)\]\([^)]*\)/, "\\1", "g", text)
    return gensub(/\[([^\]]+)\]\{[^}]*\}/, "\\1", "g", text)
}

# A chunk of the chapter: what is said before it, and what it is made of.
match($0, /^<<(starter: )?(.*)>>=$/, at) {
    if (at[1] != "") { if (task != "") stubs[task] = stubs[task] at[2] "\n"; chunk = "" }
    else {
        chunk = at[2]
        if (!(chunk in before)) before[chunk] = paragraph == "" ? last : paragraph
    }
    in_code = 1
    last = paragraph = ""
    next
}
in_code && /^@( |$)/ { in_code = 0; chunk = ""; paragraph = ""; next }
in_code {
    if (chunk != "" && match($0, /^ *<<(.*)>>$/, at)) parts[chunk] = parts[chunk] at[1] "\n"
    next
}
match($0, /^### Task ([0-9]+):/, at) { task = at[1] }
/^## / { task = "" }
/^(#|:::|```|\||\$\$)/ { paragraph = ""; skipping = /^```|^\$\$/ ? !skipping : skipping; next }
skipping { next }
/^$/ { if (paragraph != "") last = paragraph; paragraph = ""; next }
{ paragraph = paragraph (paragraph == "" ? "" : "\n") $0 }

function hint(chunk, depth,   i, n, part) {
    printf "%s* %s\n", substr("        ", 1, 2 * depth), chunk
    if (before[chunk] != "") print "\n" plain(before[chunk]) "\n"
    n = split(parts[chunk], part, "\n")
    for (i = 1; i < n; i++) hint(part[i], depth + 1)
}
END {
    while ((getline line < tasks) > 0) {
        split(line, field, "\t")
        print "task " field[1] ": " field[3] "\n"
        n = split(stubs[field[1]], stub, "\n")
        for (i = 1; i < n; i++) hint(stub[i], 0)
    }
}
