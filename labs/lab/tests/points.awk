# Takes tasks.tsv, graded.tsv and what log.awk makes of a lab's suites; prints for each
# task, with tabs: number, points, points earned, tests that pass, tests, title, sections
# to read; and of its first test that fails the name, its sentence, and the message.
# Points are earned in proportion to the tests that pass, rounded down; none if the
# allocator was refused (-v refused).
BEGIN { FS = OFS = "\t" }
FILENAME ~ /tasks\.tsv$/ { points[$1] = $2; title[$1] = $3; sections[$1] = $4; tasks = $1; next }
FILENAME ~ /graded\.tsv$/ { order[++count] = $1; task_of[$1] = $2; total[$2]++; next }
$2 == "printed" { next }
$2 == "passed" { if ($1 in task_of && !passed_test[$1]++) passed[task_of[$1]]++; next }
$2 == "watchdog" { message[$1] = "it takes too long"; next }
$2 == "crash" { message[$1] = "it crashes" ($3 != "" ? ": " $3 : ""); next }
{ message[$1] = $3 }
END {
    for (task = 1; task <= tasks; task++) {
        failing = ""
        for (i = 1; i <= count && failing == ""; i++)
            if (task_of[order[i]] == task && !passed_test[order[i]]) failing = order[i]
        earned = refused == "" ? int(points[task] * passed[task] / total[task]) : 0
        if (refused == "" && failing != "" && !(failing in message)) message[failing] = "it did not run to its end"
        print task, points[task], earned, passed[task] + 0, total[task] + 0, title[task], sections[task], failing,
            sentence(failing), message[failing]
    }
}
# "my_malloc::returns_NULL_..." reads as a sentence of the interface.
function sentence(test,   part, text) {
    if (test == "") return ""
    split(test, part, "::")
    text = part[2]
    gsub(/_/, " ", text)
    gsub(/my (malloc|free|realloc|calloc|init|check|walk)/, "my&", text)
    gsub(/mymy /, "my_", text)
    return part[1] " " text
}
