# Takes what Criterion suites say when run with -j1 --verbose, a file each; prints for
# every test its name, a verdict and a message, with tabs between. The verdict is
#   passed      or, when it failed,
#   assertion   the message says where and what
#   crash       a signal, or an early exit
#   watchdog    it took too long: its suite was stopped, or it ran -v spin=SECONDS
# What a test prints itself comes before that: its name, "printed", the line.
BEGIN { OFS = "\t" }

FNR == 1 { stopped() }
/^\[RUN \] / { stopped(); test = substr($0, 8); message = ""; if (spin) start = systime(); next }
/^\[PASS\]/ { print test, "passed", ""; test = ""; next }
/^\[FAIL\]/ {
    if (spin && /CRASH!/ && systime() - start >= spin) verdict = "watchdog"
    else verdict = /CRASH!/ || message == "" ? "crash" : "assertion"
    print test, verdict, message
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
END { stopped() }

function stopped() {
    if (test != "") print test, "watchdog", message
}
