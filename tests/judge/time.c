/* The command `time`: how fast heaps serve traces. Each run of a trace is a
   child process of its own, so that every heap begins with new pages; the runs
   of the heaps take turns, so that what else the machine does meets all of
   them. Only the calls and the loop around them are timed, from after init.
   Nothing is written to a block but what `w` asks for, as in the labs.

   Prints tab-separated values: the trace, the heap, the operations of the
   trace, and the slowest, the median and the fastest run in million operations
   a second (`-`: the heap cannot finish the trace). */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "judge.h"
#include "play.h"

enum { RUNS = 15 };

struct contest {
    const struct allocator **heaps;
    char **names;
    size_t count;
    double (*seconds)[RUNS]; /* by heap */
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Serves a trace up to its end or to an operation that the heap cannot serve.
   Returns how many were served. blocks[ID_NULL] exists and is NULL. */
static size_t serve(const struct allocator *heap, const struct trace *trace,
                    void **blocks)
{
    for (size_t i = 0; i < trace->count; i++) {
        const struct operation *operation = &trace->operations[i];
        void **block = &blocks[operation->id], *payload;
        switch (operation->kind) {
        case 'a':
            *block = heap->malloc(operation->size);
            if (*block == NULL && operation->size > 0)
                return i;
            break;
        case 'r':
            payload = heap->realloc(*block, operation->size);
            if (payload == NULL && operation->size > 0)
                return i;
            *block = payload;
            break;
        case 'w':
            memset(*block, 1, operation->size);
            break;
        default:
            heap->free(*block);
        }
    }
    return trace->count;
}

static bool offers_all(const struct allocator *heap, const struct trace *trace)
{
    for (size_t i = 0; i < trace->count; i++)
        if ((trace->operations[i].kind == 'r' && heap->realloc == NULL) ||
            (trace->operations[i].kind == 'f' && heap->free == NULL))
            return false;
    return true;
}

static void run(struct play *play, size_t unused)
{
    (void)unused;
    const struct allocator *heap = play->heap;
    size_t size = (play->trace->ids + 1) * sizeof(void *), served = 0;
    void **blocks = mmap(NULL, size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (blocks == MAP_FAILED)
        die("no memory for %zu blocks", play->trace->ids);
    play->progress->doing = "the timed run";
    if (offers_all(heap, play->trace) &&
        (heap->init == NULL || heap->init() == 0)) {
        double start = now();
        served = serve(heap, play->trace, blocks + 1);
        play->progress->seconds = now() - start;
    }
    if (served < play->trace->count)
        play->progress->outcome = FAILED;
}

static int compare(const void *a, const void *b)
{
    const double *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static void print_row(const struct trace *trace, const char *name,
                      double *seconds)
{
    double million = (double)trace->count / 1e6;
    qsort(seconds, RUNS, sizeof *seconds, compare);
    printf("%s\t%s\t%zu", trace->name, name, trace->count);
    if (seconds[0] == 0)
        printf("\t-\t-\t-\n");
    else
        printf("\t%.2f\t%.2f\t%.2f\n", million / seconds[RUNS - 1],
               million / seconds[RUNS / 2], million / seconds[0]);
}

/* Lets the heaps run one trace in turns and prints a row for each. */
static int contest_on(const struct contest *contest, const struct trace *trace)
{
    int status = STATUS_OK;
    memset(contest->seconds, 0, contest->count * sizeof *contest->seconds);
    for (int i = 0; i < RUNS; i++)
        for (size_t heap = 0; heap < contest->count; heap++) {
            const struct progress *progress =
                play_apart(contest->heaps[heap], trace, run, 0);
            if (progress->outcome == PLAYED)
                contest->seconds[heap][i] = progress->seconds;
            status = worse_status(status, outcome_status(progress->outcome));
        }
    for (size_t heap = 0; heap < contest->count; heap++)
        print_row(trace, contest->names[heap], contest->seconds[heap]);
    return status;
}

/* How many of the words stand before the word `--`. */
static int heap_count(int count, char **words)
{
    for (int i = 0; i < count; i++)
        if (strcmp(words[i], "--") == 0)
            return i;
    return 0;
}

int command_time(int count, char **words)
{
    int heaps = heap_count(count, words), first = heaps + 1, status = STATUS_OK;
    if (heaps == 0 || first == count)
        die("time takes heaps, -- and traces");
    struct contest contest = {.names = words, .count = (size_t)heaps};
    contest.heaps = calloc((size_t)heaps, sizeof *contest.heaps);
    contest.seconds = calloc((size_t)heaps, sizeof *contest.seconds);
    struct trace *traces = calloc((size_t)count, sizeof *traces);
    if (contest.heaps == NULL || contest.seconds == NULL || traces == NULL)
        die("no memory for %d words", count);
    for (int i = 0; i < heaps; i++)
        contest.heaps[i] = heap_load(words[i]);
    for (int i = first; i < count; i++)
        traces[i] = trace_read(words[i]);
    printf("trace\theap\toperations\tmin_mops\tmedian_mops\tmax_mops\n");
    for (int i = first; i < count; i++)
        status = worse_status(status, contest_on(&contest, &traces[i]));
    for (int i = first; i < count; i++)
        free(traces[i].operations);
    free(traces);
    free(contest.heaps);
    free(contest.seconds);
    return status;
}
