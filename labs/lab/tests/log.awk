# Takes what Criterion suites say when run with -j1 --verbose, a file each; prints for
# every test its name, a verdict and a message, with tabs between. The verdict is
#   passed      or, when it failed,
#   assertion   the message says where and what
#   crash       a signal, or an early exit
#   watchdog    it took too long: its suite was stopped, or it ran -v spin=SECONDS
# What a test prints itself comes before that: its name, "printed", the line. A test that
# runs once for each of its parameters passes if it does for all.
BEGIN { OFS = "\t" }

FNR == 1 { stopped(); say() }
/^\[RUN \] / { stopped(); test = substr($0, 8); if (test != said) say(); message = ""; if (spin) start = systime(); next }
/^\[PASS\]/ { note(test, "passed", ""); test = ""; next }
/^\[FAIL\]/ {
    if (spin && /CRASH!/ && systime() - start >= spin) verdict = "watchdog"
    else verdict = /CRASH!/ || message == "" ? "crash" : "assertion"
    note(test, verdict, message)
    test = ""
    next
}
/^\[====\]/ || test == "" { next }
/^\[----\] / {
    sub(/^\[----\] */, "")
    sub(/ Assertion Failed$/, "")
    if ($0 != "") message = message (message == "" ? "" : " ") $0
    next
}
$0 != "" { print test, "printed", $0 }
END { stopped(); say() }

function stopped() {
    if (test != "") note(test, "watchdog", message)
}
# The first run that fails is what is said of the test.
function note(test, its_verdict, its_message) {
    if (test == said && result != "passed") return
    if (test != said) say()
    said = test
    result = its_verdict
    why = its_message
}
function say() {
    if (said != "") print said, result, why
    said = ""
}
