# Makes the operator mutants of a C file of build/lines: each has one relation, operator
# or constant turned into another, or one statement dropped. Writes mutant N to
# OUT/N/PATH and prints N, its place (file:line of the chapter), the chunk there, the line
# as it was, and as it reads now, with tabs between. The second line of a chunk that reads
# the same ends with #2 there, and so on. Called with -v out=OUT -v path=PATH.

BEGIN {
    OFS = "\t"
    may_be("<", "<= >="); may_be("<=", "< >"); may_be(">", ">= <="); may_be(">=", "> <")
    may_be("==", "!="); may_be("!=", "==")
    may_be("&&", "||"); may_be("||", "&&")
    may_be("+", "-"); may_be("-", "+"); may_be("*", "+"); may_be("/", "*"); may_be("%", "/")
    may_be("&", "|"); may_be("|", "&"); may_be("<<", ">>"); may_be(">>", "<<")
    may_be("+=", "-="); may_be("-=", "+="); may_be("++", "--"); may_be("--", "++")
    may_be("true", "false"); may_be("false", "true")
    OPERATOR = "^(->|<<|>>|[<>=!+-]=|&&|\\|\\||\\+\\+|--|[-+*/%&|<>!~])"
}
function may_be(token, others) { becomes[token] = others }

# The code of a line: comments, strings and characters are blanks of the same length.
function code_of(rest,   result, n) {
    while (rest != "") {
        if (in_comment) {
            n = index(rest, "*/") ? index(rest, "*/") + 1 : length(rest)
            in_comment = !index(rest, "*/")
        } else if (rest ~ /^\/\*/) {
            n = 2
            in_comment = 1
        } else if (match(rest, /^("([^"\\]|\\.)*"|'([^'\\]|\\.)+')/)) {
            n = RLENGTH
        } else {
            result = result substr(rest, 1, 1)
            rest = substr(rest, 2)
            continue
        }
        result = result sprintf("%" n "s", "")
        rest = substr(rest, n + 1)
    }
    return result
}

match($0, /^#line ([0-9]+) "(.*)"$/, at) { number = at[1] - 1; file = at[2] }
{
    text[NR] = $0
    code[NR] = /^#/ ? "" : code_of($0)
    place[NR] = file ":" number++
}

END {
    before = ";"
    for (i = 1; i <= NR; i++) {
        if (code[i] !~ /[^ ]/) continue
        change_tokens(i)
        if (depth > 0 && before ~ /[;{}:)]$|else$|do$/ && code[i] ~ /; *$/)
            mutant(i, ";", "without: " text[i])
        depth += gsub(/{/, "{", code[i]) - gsub(/}/, "}", code[i])
        before = gensub(/ +$/, "", 1, code[i])
    }
}

function change_tokens(i,   at, rest, token, others, n, k, spaced) {
    for (at = 1; at <= length(code[i]); at += length(token)) {
        rest = substr(code[i], at)
        if (match(rest, /^[A-Za-z_][A-Za-z_0-9]*/)) others = becomes[token = substr(rest, 1, RLENGTH)]
        else if (match(rest, /^[0-9][0-9A-Za-z]*/)) {
            token = substr(rest, 1, RLENGTH)
            n = strtonum(token)
            others = n + 1 (n > 0 ? " " n - 1 : "")
        } else if (match(rest, OPERATOR)) {
            token = substr(rest, 1, RLENGTH)
            # A binary operator has spaces around it, and so has no pointer.
            spaced = substr(code[i], at - 1, 1) == " " && substr(rest, RLENGTH + 1, 1) == " "
            if (token ~ /^[!~]$/ || token == "-" && !spaced) others = "_"
            else others = spaced || token ~ /^(\+\+|--)$/ ? becomes[token] : ""
        } else {
            token = substr(rest, 1, 1)
            others = ""
        }
        n = split(others, other, " ")
        for (k = 1; k <= n; k++)
            mutant(i, substr(text[i], 1, at - 1) (other[k] == "_" ? " " : other[k]) substr(text[i], at + length(token)))
    }
}

function mutant(i, changed, said,   k, to) {
    to = out "/" ++count "/" path
    system("mkdir -p '" gensub(/\/[^\/]*$/, "", 1, to) "'")
    for (k = 1; k <= NR; k++) print k == i ? changed : text[k] > to
    close(to)
    print count, place[i], chunk_at(place[i]), squeezed(text[i]) nth[place[i]], squeezed(said == "" ? changed : said)
}
function squeezed(line) { return gensub(/^ /, "", 1, gensub(/  +/, " ", "g", line)) }

# The chunk that a line of a chapter is in. Numbers the lines that a chunk has twice.
function chunk_at(place,   part, line, n, chunk, times) {
    split(place, part, ":")
    if (!(part[1] in is_read)) {
        is_read[part[1]]
        while ((getline line < part[1]) > 0) {
            if (line ~ /^<<.*>>=$/) chunk = substr(line, 3, length(line) - 5)
            chunks[part[1], ++n] = chunk
            times = ++seen[chunk, squeezed(line)]
            if (times > 1) nth[part[1] ":" n] = " #" times
        }
    }
    return chunks[part[1], part[2]]
}
