/* The command `replay`: how a heap serves each of some traces, as a table. */
#include <stdio.h>
#include <stdlib.h>

#include "judge.h"
#include "play.h"

enum {
    ALLOWANCE = 40 * 1024 /* bytes that any heap may have, as in the labs */
};

void outcome_text(const struct trace *trace, const struct progress *progress,
                  char line[OUTCOME_SIZE])
{
    static const char *const words[] = {
        [FAILED] = "fail", [INVALID] = "invalid", [CRASHED] = "crash"};
    char operation[OPERATION_TEXT] = "init";
    if (progress->outcome == PLAYED) {
        snprintf(line, OUTCOME_SIZE, "ok");
        return;
    }
    if (progress->operation > 0)
        operation_text(&trace->operations[progress->operation - 1], operation);
    snprintf(line, OUTCOME_SIZE, "%s at operation %zu (%s): %s",
             words[progress->outcome], progress->operation, operation,
             progress->message);
}

int outcome_status(enum outcome outcome)
{
    if (outcome == PLAYED)
        return STATUS_OK;
    return outcome == FAILED ? STATUS_UNFINISHED : STATUS_INVALID;
}

int worse_status(int one, int other)
{
    if (one == STATUS_OK || other == STATUS_OK)
        return one + other;
    return one < other ? one : other;
}

static void play_all(struct play *play, size_t last)
{
    play_to(play, last);
}

/* How much of the heap the program had use for, as the labs define it: a heap
   up to ALLOWANCE bytes counts as no larger. */
static double utilization(const struct progress *progress)
{
    size_t use = progress->peak, size = progress->heap_size;
    return (double)(use > ALLOWANCE ? use : ALLOWANCE) /
           (double)(size > ALLOWANCE ? size : ALLOWANCE);
}

static void print_row(const struct allocator *heap, const struct trace *trace,
                      const struct progress *progress)
{
    char heap_size[24] = "-", use[24] = "-", line[OUTCOME_SIZE];
    if (heap->walk != NULL)
        snprintf(heap_size, sizeof heap_size, "%zu", progress->heap_size);
    if (heap->walk != NULL && progress->outcome == PLAYED)
        snprintf(use, sizeof use, "%.1f %%", 100 * utilization(progress));
    outcome_text(trace, progress, line);
    printf("%-20s %10zu %12zu %12s %11s  %s\n", trace->name, trace->count,
           progress->peak, heap_size, use, line);
}

int command_replay(int count, char **words)
{
    int status = STATUS_OK;
    if (count < 2)
        die("replay takes a heap and at least one trace");
    const struct allocator *heap = heap_load(words[0]);
    for (int i = 1; i < count; i++) {
        struct trace trace = trace_read(words[i]);
        if (i == 1)
            printf("%-20s %10s %12s %12s %11s  %s\n", "trace", "operations",
                   "peak payload", "final heap", "utilization", "result");
        const struct progress *progress =
            play_apart(heap, &trace, play_all, trace.count);
        print_row(heap, &trace, progress);
        status = worse_status(status, outcome_status(progress->outcome));
        free(trace.operations);
    }
    return status;
}
