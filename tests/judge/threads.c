/* The command `threads`: workloads for several threads at once, on heaps in
   turns. Each run is a child process of its own. Every block carries a stamp at
   both ends, which is compared before the block is freed, so that a heap which
   hands bytes out twice is seen.

     small    each thread replaces blocks of 1 to 256 bytes, 500 live
     mixed    the same with one of ten up to 8 KiB, one of 200 up to 128 KiB
     handover half of the threads allocate, the other half free
     lists    each thread builds lists of 1000 cells, walks and frees them
     vectors  each thread lets vectors grow by half, to 64 KiB, and frees them

   A call of malloc, realloc or free is an operation. Prints tab-separated
   values: the workload, the threads, the heap, the lower quartile, the median
   and the upper quartile of the runs in million operations a second for all
   threads together, and the median as a multiple of the first heap's. A heap
   that is not thread-safe or that fails has `-`, and one that mixed blocks up
   has `corrupt`. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "judge.h"
#include "play.h"

enum {
    RUNS = 11,
    THREADS_MAX = 64,
    ROUNDS = 200000, /* for a thread, each of about two operations */
    LIVE = 500,      /* blocks of a thread */
    CELLS = 1000,    /* of a list */
    RING = 1024,     /* blocks on their way from one thread to another */
    VECTOR_MAX = 64 << 10 /* bytes */
};

/* Blocks on their way; one thread writes `in`, another `out`. */
struct ring {
    void *blocks[RING];
    _Alignas(64) size_t in;
    _Alignas(64) size_t out;
};

struct worker {
    _Alignas(64) const struct allocator *heap;
    unsigned number, count; /* of the thread, from 0; of threads */
    uint32_t random;
    size_t operations;
    double start, end; /* seconds, by the clock */
    bool is_corrupt, is_short; /* blocks were mixed up; memory was short */
};

static pthread_barrier_t begin;
static struct ring rings[THREADS_MAX / 2];
static void (*workload)(struct worker *);

static uint32_t next_random(struct worker *worker)
{
    worker->random = worker->random * 1664525 + 1013904223;
    return worker->random >> 8;
}

/* A stamp that no other thread and no other size has. */
static unsigned char stamp_of(const struct worker *worker, size_t size)
{
    return (unsigned char)(worker->number * 37 + size * 11 + 1);
}

/* A block: a stamp at its start and its end, and room for its size. */
struct held {
    unsigned char *bytes;
    size_t size;
};

static struct held get(struct worker *worker, size_t size)
{
    struct held held = {worker->heap->malloc(size), size};
    worker->operations++;
    if (held.bytes == NULL) {
        worker->is_short = true;
        return held;
    }
    held.bytes[0] = held.bytes[size - 1] = stamp_of(worker, size);
    return held;
}

static void put(struct worker *worker, struct held held)
{
    if (held.bytes == NULL)
        return;
    unsigned char stamp = stamp_of(worker, held.size);
    if (held.bytes[0] != stamp || held.bytes[held.size - 1] != stamp)
        worker->is_corrupt = true;
    worker->heap->free(held.bytes);
    worker->operations++;
}

static size_t size_small(struct worker *worker)
{
    return 1 + next_random(worker) % 256;
}

static size_t size_mixed(struct worker *worker)
{
    uint32_t dice = next_random(worker) % 200;
    size_t limit = dice == 0 ? 128 << 10 : dice < 20 ? 8 << 10 : 256;
    return 1 + next_random(worker) % limit;
}

static void churn(struct worker *worker, size_t (*size)(struct worker *))
{
    struct held held[LIVE] = {{NULL, 0}};
    for (int i = 0; i < ROUNDS && !worker->is_short; i++) {
        struct held *one = &held[next_random(worker) % LIVE];
        put(worker, *one);
        *one = get(worker, size(worker));
    }
    for (int i = 0; i < LIVE; i++)
        put(worker, held[i]);
}

static void run_small(struct worker *worker) { churn(worker, size_small); }

static void run_mixed(struct worker *worker) { churn(worker, size_mixed); }

static void run_lists(struct worker *worker)
{
    struct held cells[CELLS];
    for (int i = 0; i < ROUNDS / CELLS; i++) {
        size_t size = 16 + next_random(worker) % 48;
        for (int k = 0; k < CELLS; k++)
            cells[k] = get(worker, size);
        for (int k = 0; k < CELLS; k++)
            put(worker, cells[k]);
    }
}

static void run_vectors(struct worker *worker)
{
    for (int i = 0; i < ROUNDS / 20; i++) {
        struct held vector = get(worker, 16);
        while (vector.bytes != NULL && vector.size < VECTOR_MAX) {
            size_t old = vector.size, size = old + old / 2;
            unsigned char *bytes = worker->heap->realloc(vector.bytes, size);
            worker->operations++;
            if (bytes == NULL) {
                worker->is_short = true;
                break;
            }
            if (bytes[old - 1] != stamp_of(worker, old))
                worker->is_corrupt = true;
            vector = (struct held){bytes, size};
            bytes[0] = bytes[size - 1] = stamp_of(worker, size);
        }
        put(worker, vector);
    }
}

/* Both ends of a ring wait for each other without holding the processor. */
static void produce(struct worker *worker, struct ring *ring)
{
    for (size_t i = 0; i < ROUNDS; i++) {
        size_t size = 8 + i % 200;
        unsigned char *bytes = worker->heap->malloc(size);
        worker->operations++;
        if (bytes == NULL)
            worker->is_short = true;
        else
            memset(bytes, (int)(size & 0xff), size);
        while (i - __atomic_load_n(&ring->out, __ATOMIC_ACQUIRE) >= RING)
            sched_yield();
        ring->blocks[i % RING] = bytes;
        __atomic_store_n(&ring->in, i + 1, __ATOMIC_RELEASE);
    }
}

static void consume(struct worker *worker, struct ring *ring)
{
    for (size_t i = 0; i < ROUNDS; i++) {
        size_t size = 8 + i % 200;
        while (__atomic_load_n(&ring->in, __ATOMIC_ACQUIRE) == i)
            sched_yield();
        unsigned char *bytes = ring->blocks[i % RING];
        __atomic_store_n(&ring->out, i + 1, __ATOMIC_RELEASE);
        if (bytes != NULL && (bytes[0] != (size & 0xff) ||
                              bytes[size - 1] != (size & 0xff)))
            worker->is_corrupt = true;
        worker->heap->free(bytes);
        worker->operations++;
    }
}

/* Threads 0 and 1 have a ring, 2 and 3, and so on; one that is left works
   alone. */
static void run_handover(struct worker *worker)
{
    struct ring *ring = &rings[worker->number / 2];
    if (worker->number % 2 == 1)
        consume(worker, ring);
    else if (worker->number + 1 < worker->count)
        produce(worker, ring);
    else
        churn(worker, size_small);
}

static const struct {
    const char *name;
    void (*run)(struct worker *);
} workloads[] = {
    {"small", run_small},       {"mixed", run_mixed}, {"lists", run_lists},
    {"handover", run_handover}, {"vectors", run_vectors},
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    pthread_barrier_wait(&begin);
    worker->start = now();
    workload(worker);
    worker->end = now();
    return NULL;
}

/* In the child: `count` threads, and what became of them. The operations of all
   are the progress's operation. */
static void run(struct play *play, size_t count)
{
    static struct worker workers[THREADS_MAX];
    pthread_t threads[THREADS_MAX];
    struct progress *progress = play->progress;
    if (play->heap->init != NULL && play->heap->init() != 0)
        die("the heap %s does not begin", play->heap->name);
    progress->doing = "the workload";
    pthread_barrier_init(&begin, NULL, (unsigned)count);
    for (size_t i = 0; i < count; i++) {
        workers[i] = (struct worker){.heap = play->heap,
                                     .number = (unsigned)i,
                                     .count = (unsigned)count,
                                     .random = (uint32_t)i + 1};
        if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
            die("cannot start thread %zu", i + 1);
    }
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    progress->operation = 0;
    double start = workers[0].start, end = start;
    for (size_t i = 0; i < count; i++) {
        start = workers[i].start < start ? workers[i].start : start;
        end = workers[i].end > end ? workers[i].end : end;
        progress->operation += workers[i].operations;
        if (workers[i].is_corrupt)
            progress->outcome = INVALID;
        else if (workers[i].is_short && progress->outcome == PLAYED)
            progress->outcome = FAILED;
    }
    progress->seconds = end - start;
}

/* The runs of one heap, in million operations a second. */
struct runs {
    const struct allocator *heap;
    double mops[RUNS];
    enum outcome outcome; /* the worst */
};

static int compare(const void *a, const void *b)
{
    const double *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static void run_once(struct runs *runs, size_t threads, int turn)
{
    if (runs->outcome != PLAYED)
        return;
    const struct progress *progress =
        play_apart(runs->heap, NULL, run, threads);
    runs->outcome = progress->outcome;
    runs->mops[turn] = (double)progress->operation / progress->seconds / 1e6;
}

static void print_row(const char *name, size_t threads, const char *heap,
                      const struct runs *runs, double first)
{
    const double *mops = runs->mops;
    printf("%s\t%zu\t%s\t", name, threads, heap);
    if (runs->outcome == PLAYED)
        printf("%.4g\t%.4g\t%.4g\t%.3g\n", mops[RUNS / 4], mops[RUNS / 2],
               mops[RUNS - 1 - RUNS / 4], mops[RUNS / 2] / first);
    else if (runs->outcome == FAILED)
        printf("-\t-\t-\t-\n");
    else
        printf("corrupt\tcorrupt\tcorrupt\tcorrupt\n");
}

static void contest(const char *name, size_t threads, char **names,
                    struct runs *runs, int heaps)
{
    for (int turn = 0; turn < RUNS; turn++)
        for (int i = 0; i < heaps; i++)
            run_once(&runs[i], threads, turn);
    for (int i = 0; i < heaps; i++)
        qsort(runs[i].mops, RUNS, sizeof(double), compare);
    for (int i = 0; i < heaps; i++)
        print_row(name, threads, names[i], &runs[i], runs[0].mops[RUNS / 2]);
}

static void choose_workload(const char *name)
{
    size_t count = sizeof workloads / sizeof workloads[0];
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, workloads[i].name) == 0)
            workload = workloads[i].run;
    if (workload == NULL)
        die("no workload is called %s: small, mixed, handover, lists, vectors",
            name);
}

int command_threads(int count, char **words)
{
    if (count < 3)
        die("threads takes WORKLOAD N HEAP...");
    choose_workload(words[0]);
    char *end;
    size_t threads = strtoul(words[1], &end, 10);
    if (*end != '\0' || threads == 0 || threads > THREADS_MAX)
        die("%s is no number of threads from 1 to %d", words[1], THREADS_MAX);
    struct runs *runs = calloc((size_t)count, sizeof *runs);
    if (runs == NULL)
        die("no memory for %d words", count);
    for (int i = 2; i < count; i++) {
        runs[i - 2].heap = heap_load(words[i]);
        if ((threads > 1 && !runs[i - 2].heap->is_thread_safe) ||
            runs[i - 2].heap->realloc == NULL || runs[i - 2].heap->free == NULL)
            runs[i - 2].outcome = FAILED;
    }
    printf("workload\tthreads\theap\tlow_mops\tmedian_mops\thigh_mops\tratio\n");
    contest(words[0], threads, words + 2, runs, count - 2);
    free(runs);
    return STATUS_OK;
}
