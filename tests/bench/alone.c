/* The workloads whose threads, if there are two, have nothing to do with each
   other: pair, batch and churn. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

/* pair: a block is allocated, its first and last bytes are written, and it is
   freed, again and again. */
enum { PAIRS = 25000000 };
static size_t pair_size;

static void pairs(unsigned number)
{
    (void)number;
    for (size_t i = 0; i < PAIRS; i++) {
        char *block = must_malloc(pair_size);
        block[0] = block[pair_size - 1] = 1;
        free(hidden(block));
    }
    if (number == 0)
        note_memory();
}

void run_pair(const size_t *words)
{
    pair_size = words[0];
    run_threads((unsigned)words[1], true, pairs);
}

/* batch: so many blocks of 64 bytes, and then all of them freed in an order
   that is shuffled once. */
enum { BATCH_BLOCKS = 16000000, BATCH_SIZE = 64 };
static struct {
    size_t count;
    void **blocks;
    uint32_t *order;
} batch;

static void batches(unsigned number)
{
    (void)number;
    for (size_t round = 0; round < BATCH_BLOCKS / batch.count; round++) {
        for (size_t i = 0; i < batch.count; i++)
            batch.blocks[i] = get(BATCH_SIZE);
        if (round == 0)
            note_memory();
        for (size_t i = 0; i < batch.count; i++)
            put(batch.blocks[batch.order[i]]);
    }
}

void run_batch(const size_t *words)
{
    struct random random = random_of(1);
    batch.count = words[0];
    batch.blocks = table(batch.count * sizeof *batch.blocks);
    batch.order = table(batch.count * sizeof *batch.order);
    shuffle(batch.order, (uint32_t)batch.count, &random);
    run_threads(1, true, batches);
}

/* churn: so many blocks live, and one of them at random is replaced by one of
   another size. Threads share the number of blocks, not the blocks. The clock
   runs while blocks are replaced, not while the table is filled. After that,
   more are replaced and each call is timed by itself. */
enum {
    CHURN_SMALL = 6000000, /* blocks replaced, of a table in the cache */
    CHURN_LARGE = 2500000, /* of a larger table */
    CHURN_TIMED = 300000,  /* calls that are timed, of each thread */
    CHURN_THREADS = 2,
    NS_MAX = 1 << 16 /* longer calls are counted together */
};
static struct {
    void **blocks;
    uint32_t count;  /* blocks of a thread */
    size_t replaced; /* by a thread */
    struct random random[CHURN_THREADS];
    struct calls {
        uint32_t counts[NS_MAX + 1]; /* calls that took so many ns */
        double longest;              /* ns */
    } *calls; /* by thread */
} churn;

static void replace_blocks(unsigned number)
{
    void **blocks = churn.blocks + number * churn.count;
    struct random random = churn.random[number];
    for (size_t i = 0; i < churn.replaced; i++) {
        void **block = &blocks[random_below(&random, churn.count)];
        put(*block);
        *block = get(random_size(&random));
    }
    churn.random[number] = random;
}

static void note_call(struct calls *calls, double seconds)
{
    double ns = seconds * 1e9;
    calls->counts[ns < NS_MAX ? (size_t)ns : NS_MAX]++;
    if (ns > calls->longest)
        calls->longest = ns;
}

static void time_calls(unsigned number)
{
    void **blocks = churn.blocks + number * churn.count;
    struct random random = churn.random[number];
    struct calls *calls = &churn.calls[number];
    for (size_t i = 0; i < CHURN_TIMED / 2; i++) {
        void **block = &blocks[random_below(&random, churn.count)];
        size_t size = random_size(&random);
        size_of(*block);
        double before = now();
        free(hidden(*block));
        double between = now();
        *block = hidden(must_malloc(size));
        double after = now();
        note_call(calls, between - before);
        note_call(calls, after - between);
        restamp(*block, (uint32_t)size);
    }
}

/* The least that the clock itself takes, ns. */
static double clock_ns(void)
{
    double least = 1;
    for (int i = 0; i < 1000; i++) {
        double before = now(), after = now();
        if (after - before < least)
            least = after - before;
    }
    return least * 1e9;
}

static double rank_ns(const uint32_t *counts, double rank)
{
    size_t sum = 0, ns = 0;
    while (ns < NS_MAX && (double)(sum += counts[ns]) < rank)
        ns++;
    return (double)ns;
}

static void time_each_call(unsigned threads)
{
    double seconds = result.seconds, clock = clock_ns();
    churn.calls = table(CHURN_THREADS * sizeof *churn.calls);
    run_threads(threads, true, time_calls);
    result.seconds = seconds;
    struct calls *all = &churn.calls[0];
    for (unsigned i = 1; i < threads; i++) {
        for (size_t ns = 0; ns <= NS_MAX; ns++)
            all->counts[ns] += churn.calls[i].counts[ns];
        if (churn.calls[i].longest > all->longest)
            all->longest = churn.calls[i].longest;
    }
    double calls = CHURN_TIMED * (double)threads;
    result.has_calls = true;
    result.p50 = rank_ns(all->counts, calls * 0.5) - clock;
    result.p999 = rank_ns(all->counts, calls * 0.999) - clock;
    result.longest = all->longest - clock;
}

void run_churn(const size_t *words)
{
    unsigned threads = (unsigned)words[1];
    struct random random = random_of(2);
    churn.blocks = table(words[0] * sizeof *churn.blocks);
    churn.count = (uint32_t)words[0] / threads;
    churn.replaced = (words[0] > 100000 ? CHURN_LARGE : CHURN_SMALL) / threads;
    for (size_t i = 0; i < words[0]; i++)
        churn.blocks[i] = get(random_size(&random));
    for (unsigned i = 0; i < threads; i++)
        churn.random[i] = random_of(3 + i);
    run_threads(threads, true, replace_blocks);
    note_memory();
    time_each_call(threads);
    for (size_t i = 0; i < words[0]; i++)
        put(churn.blocks[i]);
}
