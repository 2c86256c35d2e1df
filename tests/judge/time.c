/* The command `time`: how fast heaps serve traces. Each run of a trace is a
   child process of its own, so that every heap, libc's too, begins with new
   pages and pays for their faults, as it does in a program; the runs of the
   heaps take turns, so that what else the machine does meets all of them. Only
   the calls and the loop around them are timed, from after init, by the clock
   of the process, which stands still while another process has the processor.
   Nothing is written to a block but what `w` asks for, as in the labs.

   A heap runs a trace 15 times, or until its runs have taken a second.

   Prints tab-separated values: the trace, the heap, the operations of the
   trace, and the lower quartile, the median and the upper quartile of the runs
   in million operations a second (`-`: the heap cannot finish the trace). */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "judge.h"
#include "play.h"

enum { RUNS = 15 };
static const double enough = 1; /* seconds that a heap has for a trace */

/* The runs of one heap on one trace. */
struct runs {
    double seconds[RUNS]; /* that each took; sorted before they are printed */
    size_t count;
    double total;    /* seconds */
    bool is_serving; /* to the end, so far */
};

struct contest {
    const struct allocator **heaps;
    char **names;
    size_t count;
    struct runs *runs; /* by heap */
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Serves a trace up to its end or to an operation that the heap cannot serve.
   Returns whether it came to the end. blocks[ID_NULL] exists and is NULL. The
   watch of the play wants to see each operation begin. */
static bool serve(const struct play *play, void **blocks)
{
    const struct allocator *heap = play->heap;
    const struct trace *trace = play->trace;
    for (size_t i = 0; i < trace->count; i++) {
        const struct operation *operation = &trace->operations[i];
        void **block = &blocks[operation->id], *payload;
        play->progress->operation = i + 1;
        switch (operation->kind) {
        case 'a':
            *block = heap->malloc(operation->size);
            if (*block == NULL && operation->size > 0)
                return false;
            break;
        case 'r':
            payload = heap->realloc(*block, operation->size);
            if (payload == NULL && operation->size > 0)
                return false;
            *block = payload;
            break;
        case 'w':
            memset(*block, 1, operation->size);
            break;
        default:
            heap->free(*block);
        }
    }
    return true;
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
    size_t size = (play->trace->ids + 1) * sizeof(void *);
    bool is_served = false;
    void **blocks = mmap(NULL, size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (blocks == MAP_FAILED)
        die("no memory for %zu blocks", play->trace->ids);
    play->progress->doing = "the timed run";
    if (offers_all(heap, play->trace) &&
        (heap->init == NULL || heap->init() == 0)) {
        double start = now();
        is_served = serve(play, blocks + 1);
        play->progress->seconds = now() - start;
    }
    if (!is_served)
        play->progress->outcome = FAILED;
}

/* Lets a heap run a trace once more, unless it has had enough. Returns how that
   ended, as an exit status. */
static int run_again(const struct allocator *heap, const struct trace *trace,
                     struct runs *runs)
{
    if (!runs->is_serving || runs->total >= enough)
        return STATUS_OK;
    const struct progress *progress = play_apart(heap, trace, run, 0);
    runs->is_serving = progress->outcome == PLAYED;
    runs->seconds[runs->count++] = progress->seconds;
    runs->total += progress->seconds;
    return outcome_status(progress->outcome);
}

static int compare(const void *a, const void *b)
{
    const double *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static void print_row(const struct trace *trace, const char *name,
                      struct runs *runs)
{
    double million = (double)trace->count / 1e6;
    const double *seconds = runs->seconds;
    size_t count = runs->count;
    printf("%s\t%s\t%zu", trace->name, name, trace->count);
    if (!runs->is_serving) {
        printf("\t-\t-\t-\n");
        return;
    }
    qsort(runs->seconds, count, sizeof *seconds, compare);
    printf("\t%.5g\t%.5g\t%.5g\n", million / seconds[count - 1 - count / 4],
           million / seconds[count / 2], million / seconds[count / 4]);
}

/* Lets the heaps run one trace in turns and prints a row for each. */
static int contest_on(const struct contest *contest, const struct trace *trace)
{
    int status = STATUS_OK;
    for (size_t heap = 0; heap < contest->count; heap++)
        contest->runs[heap] = (struct runs){.is_serving = true};
    for (int i = 0; i < RUNS; i++)
        for (size_t heap = 0; heap < contest->count; heap++)
            status = worse_status(status, run_again(contest->heaps[heap], trace,
                                                    &contest->runs[heap]));
    for (size_t heap = 0; heap < contest->count; heap++)
        print_row(trace, contest->names[heap], &contest->runs[heap]);
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
    contest.runs = calloc((size_t)heaps, sizeof *contest.runs);
    struct trace *traces = calloc((size_t)count, sizeof *traces);
    if (contest.heaps == NULL || contest.runs == NULL || traces == NULL)
        die("no memory for %d words", count);
    for (int i = 0; i < heaps; i++)
        contest.heaps[i] = heap_load(words[i]);
    for (int i = first; i < count; i++)
        traces[i] = trace_read(words[i]);
    printf("trace\theap\toperations\tlow_mops\tmedian_mops\thigh_mops\n");
    for (int i = first; i < count; i++)
        status = worse_status(status, contest_on(&contest, &traces[i]));
    for (int i = first; i < count; i++)
        free(traces[i].operations);
    free(traces);
    free(contest.heaps);
    free(contest.runs);
    return status;
}
