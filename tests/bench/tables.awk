# Reads runs of the bench, a line each: WORKLOAD HEAP ROUND PAIR KEY=VALUE...
# Writes to the folder `out`, for the workloads of `workloads` and the heaps of `heaps` in
# that order:
#   bench.tsv         of each workload and heap the medians of seconds, KiB at the peak, and
#                     page faults; of the seconds as a multiple of those of libc's run in the
#                     same round and pair the median and the quartiles; and the peak as a
#                     multiple of libc's
#   bench-time.tsv    the medians of those multiples, a column for each heap
#   bench-memory.tsv  the same of the peaks; - where libc's is below 64 KiB
#   bench-calls.tsv   ns that a call takes at the median and at 99.9 %, and the longest:
#                     medians, but of the longest the least, since a pause that does not
#                     come in every run need not be the heap's
#   bench-left.tsv    MiB at the peak, when all is freed, and when no thread is left
# Prints bench-time.tsv and bench-memory.tsv. What is resident in a run of libc before
# malloc is called is no heap's, and is subtracted. libc's own quartiles are those of a
# run as a multiple of the next of its runs: how well a machine says the same twice.
BEGIN {
    OFS = "\t"
    columns = split(heaps, column, " ")
}
{
    split("", value)
    for (i = 5; i <= NF; i++) value[substr($i, 1, index($i, "=") - 1)] = substr($i, index($i, "=") + 1)
    known[$1, $2]
    run = ++runs[$1, $2]
    at[$1, $2, $3, $4] = run
    round_of[$1, $2, run] = $3
    pair_of[$1, $2, run] = $4
    for (key in value) { has[key, $1, $2]; of[key, $1, $2, run] = value[key] }
}

# The values of a key in the runs of a heap, sorted; returns how many.
function collect(key, workload, heap,   i) {
    split("", sorted)
    for (i = 1; i <= runs[workload, heap]; i++) sorted[i] = measured(key, workload, heap, i) + 0
    return asort(sorted)
}
# One value: as the run printed it, or what follows from it and libc's run beside it.
function measured(key, workload, heap, run,   round, pair, beside, kib) {
    round = round_of[workload, heap, run]
    pair = pair_of[workload, heap, run]
    beside = at[workload, "libc", round, pair]
    if (key == "ratio") {
        if (heap == "libc" && !(beside = at[workload, heap, round, pair + 1])) beside = at[workload, heap, round, 1]
        return beside ? of["seconds", workload, heap, run] / of["seconds", workload, "libc", beside] : 1
    }
    if (key ~ /_kib$/) {
        kib = of[key, workload, heap, run] - of["start_kib", workload, "libc", beside ? beside : 1]
        return kib > 0 ? kib : 0
    }
    return of[key, workload, heap, run]
}
function median(key, workload, heap,   n) {
    n = collect(key, workload, heap)
    return n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
}
function quartile(key, workload, heap, is_upper,   n) {
    n = collect(key, workload, heap)
    return is_upper ? sorted[n - int((n - 1) / 4)] : sorted[1 + int((n - 1) / 4)]
}
function least(key, workload, heap) { collect(key, workload, heap); return sorted[1] }
function mib(key, workload, heap) {
    return (key, workload, heap) in has ? sprintf("%.1f", median(key, workload, heap) / 1024) : "-"
}
function is_there(workload, heap) { return (workload, heap) in known && (workload, "libc") in known }
function memory_ratio(workload, heap,   libc) {
    libc = median("peak_kib", workload, "libc")
    return libc < 64 ? "-" : sprintf("%.2f", median("peak_kib", workload, heap) / libc)
}
function ratio_of(kind, workload, heap) {
    if (!is_there(workload, heap)) return "-"
    return kind == "time" ? sprintf("%.2f", median("ratio", workload, heap)) : memory_ratio(workload, heap)
}

# A column for each heap; the traces' means close the table.
function write_wide(kind,   file, w, c, row, r, sum, number) {
    file = out "/bench-" kind ".tsv"
    row = "workload"
    for (c = 1; c <= columns; c++) row = row OFS column[c]
    write_row(file, row)
    for (w = 1; w <= workload_count; w++) {
        row = workload[w]
        for (c = 1; c <= columns; c++) {
            r = ratio_of(kind, workload[w], column[c])
            row = row OFS r
            if (workload[w] ~ /^trace-/ && r != "-") { sum[c] += log(r); number[c]++ }
        }
        write_row(file, row)
    }
    row = "traces"
    for (c = 1; c <= columns; c++) row = row OFS (number[c] ? sprintf("%.2f", exp(sum[c] / number[c])) : "-")
    write_row(file, row)
}
function write_row(file, row,   n, i, cell) {
    print row > file
    n = split(row, cell, OFS)
    for (i = 1; i <= n; i++) {
        sub(/.*\//, "", cell[i])
        printf i == 1 ? "%-16s" : "%13s", cell[i]
    }
    print ""
}

END {
    workload_count = split(workloads, workload, " ")
    print "time, as a multiple of libc's"
    write_wide("time")
    print "\npeak of memory, as a multiple of libc's"
    write_wide("memory")
    column[++columns] = "libc"
    print "workload", "allocator", "seconds", "peak_kib", "ratio", "low", "high", "faults", "peak_ratio" > out "/bench.tsv"
    print "workload", "allocator", "p50_ns", "p999_ns", "longest_us" > out "/bench-calls.tsv"
    print "workload", "allocator", "peak_mib", "idle_mib", "left_mib" > out "/bench-left.tsv"
    for (w = 1; w <= workload_count; w++)
        for (c = 1; c <= columns; c++) write_long(workload[w], column[c])
}
function write_long(workload, heap) {
    if (!is_there(workload, heap)) {
        print workload, heap, "-", "-", "-", "-", "-", "-", "-" > out "/bench.tsv"
        if (("longest", workload, "libc") in has) print workload, heap, "-", "-", "-" > out "/bench-calls.tsv"
        if (("left_kib", workload, "libc") in has) print workload, heap, "-", "-", "-" > out "/bench-left.tsv"
        return
    }
    print workload, heap, sprintf("%.3f", median("seconds", workload, heap)), sprintf("%.0f", median("peak_kib", workload, heap)),
      ratio_of("time", workload, heap), sprintf("%.2f", quartile("ratio", workload, heap)),
      sprintf("%.2f", quartile("ratio", workload, heap, 1)), sprintf("%.0f", median("faults", workload, heap)),
      memory_ratio(workload, heap) > out "/bench.tsv"
    if (("longest", workload, heap) in has)
        print workload, heap, sprintf("%.0f", median("p50", workload, heap)), sprintf("%.0f", median("p999", workload, heap)),
          sprintf("%.0f", least("longest", workload, heap) / 1000) > out "/bench-calls.tsv"
    if (("left_kib", workload, heap) in has)
        print workload, heap, mib("peak_kib", workload, heap), mib("idle_kib", workload, heap),
          mib("left_kib", workload, heap) > out "/bench-left.tsv"
}
