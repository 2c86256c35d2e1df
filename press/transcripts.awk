# Checks the transcripts of chapters. press/transcripts calls it, says what it takes
# and makes, and sets `root`, where commands run, and `scratch`, a directory.
#
# A transcript is a fenced block of class .transcript. A line of it that begins with
# "$ " is a command; the lines up to the next command are what it prints, where
#   …          in a line stands for any characters, alone on a line for any lines
#   {{t r c}}  stands for any number: the page shows the one in results/
#   [exit N]   at the end says that the command ends with N; else it ends with 0

BEGIN {
    TIMEOUT = 60    # seconds
    NUMBER = "-?[0-9]+([.,][0-9]+)*"
}
BEGINFILE {
    fence = ""
    in_code = 0
    if (ERRNO) { complain(FILENAME ": " ERRNO); nextfile }
}
ENDFILE {
    if (fence != "" && is_transcript) complain(FILENAME ":" fence_line ": this transcript is never closed")
}

/^<<.*>>=[ \t]*$/ && fence == "" { in_code = 1; next }
/^@([ \t]|$)/ { in_code = 0; next }
in_code { next }
fence == "" && match($0, /^ *(```+|~~~+)/) { open_fence(); next }
fence == "" { next }
$0 ~ "^ *" fence { close_fence(); next }
is_transcript { transcript_line(substr($0, indent + 1)) }

END {
    printf "transcripts: %d of %d commands print what the book says\n", right, commands
    exit wrong
}

function complain(message) {
    print message > "/dev/stderr"
    wrong = 1
}

function open_fence() {
    match($0, /^ */)
    indent = RLENGTH
    match($0, /(```+|~~~+)/)
    fence = substr($0, RSTART, RLENGTH)
    fence_line = FNR
    is_transcript = /\{[^}]*\.transcript[ }]/
    command = ""
}
function transcript_line(line) {
    gsub(/@<</, "<<", line)     # noweb's escapes
    gsub(/@>>/, ">>", line)
    if (line ~ /^\$ /) {
        check_command()
        command = substr(line, 3)
        command_line = FNR
        lines = 0
    } else if (command != "") {
        expected[++lines] = line
    } else
        complain(FILENAME ":" FNR ": a transcript begins with a command: a line that begins with \"$ \"")
}
function close_fence() {
    if (is_transcript) check_command()
    fence = ""
}

# Runs the command that was read, if there is one, and compares.
function check_command(   code, expected_code, last) {
    if (command == "") return
    commands++
    last = command_line + lines
    expected_code = 0
    if (lines > 0 && match(expected[lines], /^\[exit [0-9]+\]$/))
        expected_code = substr(expected[lines--], 7) + 0
    code = run(command)
    if (code == 124 && expected_code != 124)
        complain(FILENAME ":" command_line ": \"" command "\" takes more than " TIMEOUT " seconds")
    else if (is_same_output()) {
        if (code == expected_code) right++
        else differ(last, "[exit " expected_code "]", "[exit " code "]")
    }
}
function run(command,   file) {
    file = scratch "/command"
    print command > file
    close(file)
    return system("exec > '" scratch "/output' 2>&1 < /dev/null; cd '" root "'; timeout -k 5 " \
        TIMEOUT " sh -c 'eval \"$1\"; exit $?' sh \"$(cat '" file "')\"")
}
function differ(line, should, is) {
    complain(FILENAME ":" line ": \"" command "\" does not print this\n  expected: " should "\n  got:      " is)
}

# `now` holds, for the expected lines so far, how many lines of output they may have
# used up: one number, or several behind a line that stands for any lines.
function is_same_output(   got, n, i, j, now, after, most) {
    n = 0
    while ((getline got[n + 1] < (scratch "/output")) > 0) n++
    close(scratch "/output")
    now[0]
    for (i = 1; i <= lines; i++) {
        delete after
        most = n
        for (j in now) if (j + 0 < most) most = j + 0
        if (expected[i] == "…")
            for (j = most; j <= n; j++) after[j]
        else
            for (j in now) if (j < n && got[j + 1] ~ pattern(expected[i])) after[j + 1]
        if (length(after) == 0) {
            differ(command_line + i, expected[i], \
                most == n ? "(nothing more)" : length(now) > 1 ? "(no such line)" : got[most + 1])
            return 0
        }
        delete now
        for (j in after) now[j]
    }
    if (n in now) return 1
    most = 0
    for (j in now) if (j + 0 > most) most = j + 0
    differ(command_line + lines, "(nothing more)", got[most + 1])
    return 0
}
function pattern(text,   result) {
    while (match(text, /…|\{\{[^}]*\}\}/)) {
        result = result literal(substr(text, 1, RSTART - 1)) (substr(text, RSTART, RLENGTH) == "…" ? ".*" : NUMBER)
        text = substr(text, RSTART + RLENGTH)
    }
    return "^" result literal(text) "$"
}
function literal(text) {
    gsub(/[][\\.*+?(){}|^$]/, "\\\\&", text)
    return text
}
