# Takes all pages of the site twice and complains about links to an id that is on no
# page: FILE: message, exit 1.
BEGINFILE {
    page = FILENAME
    sub(/^.*\//, "", page)
    pass = FILENAME in seen ? 2 : 1
    seen[FILENAME]
}
pass == 1 {
    rest = $0
    while (match(rest, /(^|[ "])id="([^"]*)"/, at)) {
        ids[page, at[2]]
        rest = substr(rest, RSTART + RLENGTH)
    }
}
pass == 2 {
    rest = $0
    while (match(rest, /(^|[ "])href="([^":]*)#([^"]+)"/, at)) {
        if (!((at[2] == "" ? page : at[2], at[3]) in ids))
            complain("a link to " at[2] "#" at[3] ", which is not there")
        rest = substr(rest, RSTART + RLENGTH)
    }
}
END { exit wrong }

function complain(message) {
    print FILENAME ": " message > "/dev/stderr"
    wrong = 1
}
