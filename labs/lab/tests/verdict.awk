# Takes tasks.tsv (task, points, title, sections to read), graded.tsv (test, task that
# makes it pass; the simplest first) and what log.awk makes of a lab's suites; prints what
# tests/verdict promises. -v wanted=TASK or empty.

BEGIN { FS = "\t" }

FILENAME ~ /tasks\.tsv$/ { title[$1] = $3; sections[$1] = $4; tasks = $1; next }
FILENAME ~ /graded\.tsv$/ { add($1, $2); next }

$2 == "printed" { if (++lines <= 20) printed = printed "    | " $3 "\n"; next }
{
    if (!($1 in task_of)) add($1, "given")
    if ($2 == "passed") passed[task_of[$1]]++
    else report[$1] = "  " $1 "\n    " why($2, $3) "\n" printed
    printed = ""
    lines = 0
}

function add(test, task) {
    tests[++count] = test
    task_of[test] = task
    total[task]++
}
function why(verdict, message) {
    if (verdict == "watchdog") return "it takes too long"
    return verdict == "crash" ? "it crashes: " message : message
}

END {
    for (s = 1; s <= tasks; s++) {
        row("task " s ": " title[s], passed[s] + 0, total[s] + 0)
        all += passed[s]
        if (todo == "" && passed[s] < total[s]) todo = s
    }
    row("what you were given", passed["given"] + 0, total["given"] + 0)
    if (passed["given"] < total["given"]) print "\nThis passed when you began:\n\n" failures("given", 1)
    if (wanted != "" && passed[wanted] < total[wanted]) print "\n" failures(wanted, count)
    else if (wanted != "") print "\nNothing fails in task " wanted "."
    else if (todo != "") {
        if (all == 0) print "\nNo task is done yet. In a fresh lab that is expected."
        print (all == 0 ? "Begin" : "\nGo on") " with task " todo ": " title[todo] ". README.md says what to do."
        if (sections[todo] != "") print "Read first: " names(sections[todo])
        print "The first of its tests that fails:\n\n" failures(todo, 1)
    } else if (passed["given"] == total["given"]) print "\nAll tests pass: the lab is done."
    exit todo != "" || passed["given"] < total["given"]
}
# The sections "A (page#a); B (page#b)" as "A; B (page)".
function names(list,   page) {
    page = list
    sub(/^.*\(/, "", page)
    sub(/#.*/, "", page)
    gsub(/ \([^()]*#[^()]*\)/, "", list)
    return list " (" page ")"
}
function row(name, good, of) { printf "%-34s %3d of %3d tests pass\n", name, good, of }
# The first `most` failures of a task. A test that never began says nothing.
function failures(task, most,   i, text) {
    for (i = 1; i <= count && most > 0; i++)
        if (task_of[tests[i]] == task && tests[i] in report) {
            text = text report[tests[i]]
            most--
        }
    return text
}
