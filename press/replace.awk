# Takes noweb's tokens of a replacement, then those of the book, and makes one stream
# in which the replacement's chunks stand for those of the same name. The book's own
# stay where they are, so that line numbers hold, under a name that nothing uses.
# A chunk that replaces none is an error: file: message, exit 1.
/^@file / && ++files == 1 { replacement = substr($0, 7) }
/^@defn / && files == 1 { chunks[$0] }
/^@defn / && files > 1 && $0 in chunks {
    replaced[$0]
    sub(/ /, " replaced: ")
}
{ print }
END {
    for (chunk in chunks)
        if (!(chunk in replaced)) {
            printf "%s: the book has no chunk <<%s>> to replace\n", replacement, substr(chunk, 7) > "/dev/stderr"
            failed = 1
        }
    exit failed
}
