# Takes what is known to be equivalent (see labs/mutants), the mutants (labs/mutants.awk)
# and what labs/try says of each. Prints the survivors that are not known, and every 25
# mutants how far it is. Writes to -v counts=FILE how many were killed, how many
# survived and were not known, and how many were killed although a line of the list is
# about them alone; and to -v met=FILE the numbers of the lines of the list that hold.

ARGIND == 1 { if ($3 == "*") any[$1, $2] = FNR; else known[$1, $2, $3] = FNR; next }
ARGIND == 2 { place[$1] = $2; chunk[$1] = $3; before[$1] = $4; now[$1] = $5; all++; next }
{
    n = $1
    exactly = known[chunk[n], before[n], now[n]]
    line = exactly ? exactly : any[chunk[n], before[n]]
    if ($2 ~ /^(assertion|crash|watchdog)$/) {
        killed++
        if (exactly) {
            wrong++
            print "not equivalent: " place[n] ": " now[n] ": " $3
        }
    } else if ($2 == "survived") {
        if (line) print line > met
        else {
            survived++
            print "survived " place[n] ": " now[n]
        }
    } else if ($2 == "same" && line) print line > met
    if (++done % 25 == 0) print done " of " all " done"
    fflush()
}
END { print killed + 0, survived + 0, wrong + 0 > counts }
