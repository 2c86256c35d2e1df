# Makes the score of heaps from what the judge measured. Takes
#   .../times     the rows of `judge time`; none if nothing was timed
#   .../replays   the rows of `judge replay`, each after the name of its heap and a tab
# and shapes=N, how many of the traces come first and are shapes. Prints what
# press/score promises, and writes the tables score=FILE and ladder=FILE.

BEGIN {
    FS = OFS = "\t"
    ALLOWANCE = 40 * 1024   # bytes: a heap up to here counts as no larger
    FAST = 64               # million operations a second: faster counts as this
    LEAD = 1.1              # times libc: faster counts as this
    NOISY = 5               # percent: libc's runs may lie so far from their median
}

FILENAME ~ /times$/ {
    mops[$2, $1] = $5
    if ($2 == "libc") spread[$1] = 100 * ($6 - $4) / $5 / 2
    next
}

{
    heap = $1
    split($2, word, / +/)   # trace, operations, peak payload, final heap, ...
    trace = word[1]
    if (!(heap in fails)) { heaps[++heap_count] = heap; fails[heap] = 0 }
    if (!(trace in operations)) traces[++trace_count] = trace
    operations[trace] = word[2]
    if ($2 ~ / ok$/) {
        utilization[heap, trace] = at_least(word[3], ALLOWANCE) / at_least(word[4], ALLOWANCE)
    } else {
        fails[heap]++
        failures = failures heap " on " trace ": " substr($2, index($2, "fail at")) "\n"
    }
}

END {
    is_timed = ("libc", traces[1]) in mops
    print_table()
    if (is_timed) print_noise()
    print ""
    for (i = 1; i <= heap_count; i++) print_score(heaps[i])
    if (is_timed) { write_score(); write_ladder() }
}

function at_least(number, least) { return number > least ? number : least }
function at_most(number, most) { return number < most ? number : most }

# The numbers of a heap over traces first..last, into `sum`. One that the heap cannot
# finish counts 0 in the mean, and makes the geometric means 0.
function add_up(heap, first, last, sum,   i, trace, n, util, speed, libc, counted) {
    delete sum
    n = last - first + 1
    for (i = first; i <= last; i++) {
        trace = traces[i]
        if (!((heap, trace) in utilization)) { sum["fails"]++; continue }
        util = utilization[heap, trace]
        sum["mean"] += 100 * util / n
        if (!sum["util min"] || 100 * util < sum["util min"]) sum["util min"] = 100 * util
        sum["log util"] += log(util)
        if (!is_timed) continue
        speed = mops[heap, trace]
        libc = mops["libc", trace]
        sum["log mops"] += log(speed)
        sum["log ratio"] += log(speed / libc)
        if (!sum["ratio min"] || speed / libc < sum["ratio min"]) sum["ratio min"] = speed / libc
        if (speed / libc > sum["ratio max"]) sum["ratio max"] = speed / libc
        sum["log counted"] += log(at_most(1, speed / at_most(LEAD * libc, FAST)))
    }
    sum["finished"] = n - sum["fails"]
    if (sum["finished"] > 0) {
        sum["mops"] = exp(sum["log mops"] / sum["finished"])
        sum["ratio"] = exp(sum["log ratio"] / sum["finished"])
        sum["P finished"] = 100 * exp((sum["log util"] + sum["log counted"]) / sum["finished"] / 2)
    }
    sum["P"] = sum["fails"] ? 0 : sum["P finished"]
}
# A speed, or "-" where a trace has none; small ones with a digit that is not 0.
function speed_text(sum, what) {
    if (sum["fails"]) return "-"
    return sprintf(sum[what] < 0.1 ? "%.1g" : "%.2f", sum[what])
}

# Utilization over the shapes and over the real programs; speeds over the real ones; P
# over the shapes and over all; what is not finished.
function print_table(   i, heap, over_shapes, over_real, over_all) {
    print_row("", "util of", "util of", "Mops/s", "x libc", "P of", "P of", "")
    print_row("heap", "shapes", "real", "real", "real", "shapes", "all", "fails")
    for (i = 1; i <= heap_count; i++) {
        heap = heaps[i]
        add_up(heap, 1, shapes, over_shapes)
        add_up(heap, shapes + 1, trace_count, over_real)
        add_up(heap, 1, trace_count, over_all)
        print_row(heap, number(over_shapes["mean"]), number(over_real["mean"]), speed_text(over_real, "mops"),
            speed_text(over_real, "ratio"), number(over_shapes["P"]), number(over_all["P"]), over_all["fails"] + 0)
    }
    print ""
    for (i = 1; i <= heap_count && is_timed; i++) if (fails[heaps[i]] > 0) {
        add_up(heaps[i], 1, trace_count, sum)
        printf "%s would have P %.2f if only the %d of %d traces counted that it finishes\n",
            heaps[i], sum["P finished"], sum["finished"], trace_count
    }
    printf "%s", failures
}
function number(value) { return sprintf("%.2f", value) }
# A line of the table; speeds and P only if they were measured.
function print_row(heap, util_shapes, util_real, mops, ratio, p_shapes, p_all, fails) {
    printf "%-32s %8s %8s", heap, util_shapes, util_real
    if (is_timed) printf " %8s %8s %8s %8s", mops, ratio, p_shapes, p_all
    printf " %6s\n", fails
}

# How far libc's runs of a trace lie from their median: half of them no farther than
# this. Over all traces, the median.
function print_noise(   i, n, sorted) {
    for (i = 1; i <= trace_count; i++) sorted[i] = spread[traces[i]]
    n = asort(sorted)
    noise = sorted[int((n + 1) / 2)]
    printf "\nnoise: half of libc's runs of a trace lie within %.1f %% of their median\n", noise
    if (noise > NOISY)
        print "noise: this machine is too noisy to tell: measure again when it has nothing else to do"
}

function print_score(heap) {
    add_up(heap, 1, shapes, sum)
    printf "score %s util=%.1f", heap, sum["mean"]
    if (is_timed) {
        add_up(heap, shapes + 1, trace_count, sum)
        printf " tput=%.2f", sum["fails"] ? 0 : sum["ratio"]
        add_up(heap, 1, trace_count, sum)
        printf " P=%.1f", sum["P"]
    }
    print ""
}

function write_score(   i, j, heap, trace, is_served) {
    printf "# noise: %.1f %%\n", noise >> score
    print "heap", "trace", "utilization", "seconds", "libc_seconds" >> score
    for (i = 1; i <= heap_count; i++)
        for (j = 1; j <= trace_count; j++) {
            heap = heaps[i]
            trace = traces[j]
            is_served = (heap, trace) in utilization
            print heap, trace, is_served ? sprintf("%.2f", 100 * utilization[heap, trace]) : "-",
                is_served ? seconds(mops[heap, trace], trace) : "-", seconds(mops["libc", trace], trace) >> score
        }
}
function seconds(speed, trace) { return sprintf("%.6f", operations[trace] / speed / 1e6) }

# Over the shapes: utilization and its worst, P. Over the real programs: utilization,
# speed, and the ratio to libc with its worst and best. Over all: P.
function write_ladder(   i, heap, over_shapes, over_real, over_all) {
    print "heap", "utilization", "utilization_min", "real_utilization", "mops", "libc_ratio", "libc_ratio_min",
        "libc_ratio_max", "p_shapes", "p" >> ladder
    for (i = 1; i <= heap_count; i++) {
        heap = heaps[i]
        add_up(heap, 1, shapes, over_shapes)
        add_up(heap, shapes + 1, trace_count, over_real)
        add_up(heap, 1, trace_count, over_all)
        printf "%s\t%.1f\t%.1f\t%.1f\t%s\t%s\t%s\t%s\t%.1f\t%.1f\n", heap, over_shapes["mean"],
            over_shapes["fails"] ? 0 : over_shapes["util min"], over_real["mean"], speed_text(over_real, "mops"),
            speed_text(over_real, "ratio"), speed_text(over_real, "ratio min"), speed_text(over_real, "ratio max"),
            over_shapes["P"], over_all["P"] >> ladder
    }
}
