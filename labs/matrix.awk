# Takes for each state of a lab, by the number of tasks done, the results of its tests
# (NUMBER.tsv: chapter, test, verdict, message). Set with -v: lab, tasks, said, the table
# labs/graded/LAB.tsv, and graded, the file to write: each test of the lab that start
# fails, and the task that makes it pass. A program with threads (plain::) may pass before
# that task too: where a lock is missing it has luck at times. Its task is the one said.
# What must hold:
# - start fails a suite in every test, each by an assertion, or in none;
# - each task makes some tests pass, and lets none fail that passed;
# - solution passes all, and every state passes the tests of earlier chapters.
# A fault is a line on standard error; exit 1.

BEGIN {
    FS = OFS = "\t"
    while ((getline < said) > 0) if ($1 ~ /^plain::/) lucky_before[$1] = $2
}

function fault(message) { print lab ": " message > "/dev/stderr"; faults++ }
function suite_of(test) { return test ~ /^plain::/ ? test : gensub(/::.*/, "", 1, test) }

FNR == 1 { state = gensub(/^.*\/|\.tsv$/, "", "g", FILENAME) + 0 }
$3 == "printed" { next }
$1 != lab {
    if ($3 != "passed") fault("with " state " tasks done " $1 "'s " $2 " fails: " $4)
    next
}
{
    verdict[state, $2] = $3
    message[state, $2] = $4
    tests[$2]
}

END {
    PROCINFO["sorted_in"] = "@ind_str_asc"
    for (test in tests) check(test)
    for (suite in fails)
        if (fails[suite] < size[suite])
            fault("start passes " size[suite] - fails[suite] " of the " size[suite] " tests of " suite \
                ":" passes[suite])
    for (s = 1; s <= tasks; s++) {
        print "    task " s " makes " makes[s] + 0 " tests pass"
        if (!makes[s]) fault("task " s " makes no test pass")
    }
    print "    start fails " failed + 0 " tests by an assertion"
    exit faults != 0
}

function check(test,   s, suite, task) {
    suite = suite_of(test)
    size[suite]++
    if (verdict[0, test] == "passed") passes[suite] = passes[suite] " " test
    else fails[suite]++
    if (verdict[0, test] ~ /crash|watchdog/) fault("start fails " test " by a " verdict[0, test])
    else if (verdict[0, test] == "assertion") failed++
    for (s = tasks; s >= 0 && verdict[s, test] == "passed"; s--) task = s
    if (task == "") fault("solution fails " test ": " message[tasks, test])
    else if (task > 0) {
        if (task < lucky_before[test]) task = lucky_before[test]
        makes[task]++
        print test, task > graded
    }
    if (test in lucky_before) return
    for (; s >= 0; s--)
        if (verdict[s, test] == "passed") fault("task " s + 1 " makes " test " fail: " message[s + 1, test])
}
