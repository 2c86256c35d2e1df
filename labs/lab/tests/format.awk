# Takes graded.tsv, points.tsv (points.awk) and tests.tsv (log.awk), and -v out=FOLDER where the file
# task-N says what is wrong in task N and the file refused why nothing counts. Writes
# what tests/grade promises: -v format=text, junit or gradescope.
BEGIN { FS = "\t" }
FILENAME ~ /graded\.tsv$/ { graded[$1]; next }
FILENAME ~ /points\.tsv$/ {
    row[++rows] = $1
    points[$1] = $2; earned[$1] = $3; passed[$1] = $4; total[$1] = $5; title[$1] = $6; promise[$1] = $9
    label[$1] = $1 ~ /^[0-9]+$/ ? "task " $1 ": " $6 : $6
    all += $3; possible += $2
    next
}
$2 != "printed" { test[++tests] = $1; verdict[$1] = $2; why[$1] = $3 }

function contents(file,   line, text) {
    text = ""
    while ((getline line < file) > 0) text = text line "\n"
    close(file)
    return text
}
function details(task) { return task ~ /^[0-9]+$/ ? contents(out "/task-" task) : promise[task] "\n" }
function json(text) {
    gsub(/\\/, "\\\\", text); gsub(/"/, "\\\"", text); gsub(/\n/, "\\n", text); gsub(/\t/, "\\t", text)
    gsub(/[\001-\037\177]/, "?", text)
    return "\"" text "\""
}
function xml(text) {
    gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); gsub(/>/, "\\&gt;", text); gsub(/"/, "\\&quot;", text)
    gsub(/[\001-\010\013\014\016-\037]/, "?", text)
    return text
}

END {
    refused = contents(out "/refused")
    if (format == "junit") junit()
    else if (format == "gradescope") gradescope()
    else text()
}

function text(   i, task) {
    for (i = 1; i <= rows; i++) {
        task = row[i]
        printf "%-44s %3d of %3d points", label[task], earned[task], points[task]
        if (task ~ /^[0-9]+$/) printf "   %3d of %3d tests pass\n", passed[task], total[task]
        else print "   " promise[task]
    }
    if (refused != "") print "\n" refused
    for (i = 1; i <= rows; i++) if (row[i] ~ /^[0-9]+$/ && (more = details(row[i])) != "") print "\n" more
    for (i = 1; i <= tests; i++)
        if (verdict[test[i]] != "passed" && !(test[i] in graded)) print "This passed when you began: " test[i] ": " why[test[i]]
    print ""
    printf "%d of %d points\n", all, possible
}

function gradescope(   i, task) {
    printf "{\"score\": %d, \"output\": %s, \"tests\": [", all, json(refused == "" ? "lab " lab : refused)
    for (i = 1; i <= rows; i++) {
        task = row[i]
        printf "%s\n  {\"name\": %s, \"score\": %d, \"max_score\": %d, \"output\": %s}", (i > 1 ? "," : ""), \
            json(label[task]), earned[task], points[task], json(details(task))
    }
    print "\n]}"
}

function junit(   i, failures) {
    for (i = 1; i <= tests; i++) failures += verdict[test[i]] != "passed"
    if (refused != "") failures++
    print "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
    printf "<testsuite name=\"%s\" tests=\"%d\" failures=\"%d\">\n", xml(lab), tests + (refused != ""), failures
    if (refused != "") printf "  <testcase classname=\"%s\" name=\"is_accepted\"><failure>%s</failure></testcase>\n", xml(lab), xml(refused)
    for (i = 1; i <= tests; i++) {
        split(test[i], part, "::")
        printf "  <testcase classname=\"%s\" name=\"%s\"", xml(part[1]), xml(part[2])
        if (verdict[test[i]] == "passed") print "/>"
        else printf "><failure type=\"%s\">%s</failure></testcase>\n", verdict[test[i]], xml(why[test[i]])
    }
    for (i = 1; i <= rows; i++)
        printf "  <system-out>%s</system-out>\n", xml(label[row[i]] ": " earned[row[i]] " of " points[row[i]] " points\n" details(row[i]))
    print "</testsuite>"
}
