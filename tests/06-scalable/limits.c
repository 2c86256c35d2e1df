/* How much memory is taken for how much that is live: the limits that the heap
   was made for. Taken is what the pages are in that were handed out, less those
   that were given back: by the heap's own counts, and by what the kernel says
   was written. Each test runs with a vmalloc that grants what it is asked for,
   and with one that grants at most 1 MiB a call. */
#include "model.h"

#include <criterion/parameterized.h>
#include <pthread.h>

static size_t caps[] = {SIZE_MAX, MIB};

#define EACH_CAP(suite, name)                                                  \
    ParameterizedTestParameters(suite, name)                                   \
    {                                                                          \
        return cr_make_param_array(size_t, caps, sizeof caps / sizeof *caps);  \
    }                                                                          \
    ParameterizedTest(size_t *cap, suite, name)

TestSuite(limits, .init = watchdog);

static size_t taken_by_counts(void)
{
    struct mymalloc_counts counts;
    mymalloc_counts(&counts);
    return counts.in_use + counts.dirty;
}

/* The kernel counts the tables too, and what the test itself writes: its
   records are written before. */
static size_t written_before, taken_before;

static void begin(size_t cap)
{
    touch_records();
    begin_heap(cap);
    taken_before = taken_by_counts();
    written_before = written_bytes();
}

/* What the heap has written of its static data has a limit of its own. */
static size_t taken(void)
{
    size_t counted = taken_by_counts() - taken_before;
    size_t written = written_bytes(), own = written_before + sizeof scalable;
    written -= written < own ? written : own;
    return counted > written ? counted : written;
}

static void check_taken(const char *when)
{
    cr_assert(taken() <= 4 * model.live,
              "%s: %zu KiB are taken for %zu KiB that are live", when,
              taken() / KIB, model.live / KIB);
}

EACH_CAP(limits, of_20000_blocks_of_1_to_300_bytes)
{
    begin(*cap);
    for (size_t n = 0; n < 20000; n++)
        new_block(random_number() % 300 + 1);
    check_taken("20000 small blocks");
    check_heap();
}

EACH_CAP(limits, of_100000_blocks_of_8_bytes)
{
    begin(*cap);
    for (size_t n = 0; n < 99999; n++)
        new_block(8);
    check_taken("100000 blocks of 8 bytes");
}

EACH_CAP(limits, of_100_blocks_of_64_KiB)
{
    begin(*cap);
    for (size_t n = 0; n < 100; n++) {
        new_block(64 * KIB);
        memset(model.block[n].start, 1, 64 * KIB);
        fill(&model.block[n]);
    }
    check_taken("100 blocks of 64 KiB");
}

/* On as many processors as there are threads. */
EACH_CAP(limits, of_10_blocks_for_each_of_100_threads)
{
    static const uint32_t processors[] = {1, 2, 64, 100};
    begin(*cap);
    for (size_t k = 0; k < 4; k++) {
        for (uint32_t n = 0; n < 100; n++) {
            believed_cpu = n % processors[k];
            for (size_t i = 0; i < 10; i++)
                new_block(random_number() % 300 + 1);
        }
        check_taken("100 threads with 10 blocks each");
        free_all();
    }
}

/* Small blocks in one phase, larger ones in the next; of each a quarter stays. */
EACH_CAP(limits, after_each_of_10_phases_that_come_and_go)
{
    begin(*cap);
    for (size_t phase = 0; phase < 10; phase++) {
        size_t most = phase % 2 == 0 ? 300 : 2000;
        while (model.live < 4 * MIB)
            new_block(random_number() % most);
        for (size_t n = 0; n < 10000; n++) {
            believed_cpu = (uint32_t)n % 2;
            free_block(&model.block[random_number() % model.count]);
            new_block(random_number() % most);
        }
        check_taken("a phase");
        for (size_t n = model.count; n-- > 0;)
            if (n % 4 != 0)
                free_block(&model.block[n]);
    }
    check_heap();
}

/* Growth */

static void check_growth(const char *when, size_t before)
{
    size_t now = taken();
    cr_assert(now < before + MIB, "%s: %zu KiB grew to %zu KiB", when,
              before / KIB, now / KIB);
}

EACH_CAP(limits, of_a_hand_over_of_200_times_1000_blocks)
{
    begin(*cap);
    size_t before = taken();
    for (size_t round = 0; round < 200; round++) {
        believed_cpu = 0;
        for (size_t n = 0; n < 1000; n++)
            new_block(100);
        believed_cpu = 1;
        free_all();
    }
    check_growth("a hand-over", before);
}

/* Each on a processor of its own, or so it believes. */
EACH_CAP(limits, of_2000_short_threads)
{
    begin(*cap);
    size_t before = taken();
    for (uint32_t thread = 0; thread < 2000; thread++) {
        believed_cpu = thread;
        for (size_t n = 0; n < 30; n++)
            new_block(random_number() % 2000);
        free_all();
    }
    check_growth("2000 threads", before);
}

EACH_CAP(limits, of_3000_blocks_of_100_to_130_KiB_in_turn)
{
    begin(*cap);
    size_t before = taken();
    for (uint32_t n = 0; n < 3000; n++) {
        believed_cpu = n % 3;
        struct block *block = new_block((100 + random_number() % 31) * KIB);
        memset(block->start, 1, block->size);
        fill(block);
        free_block(block);
    }
    check_growth("3000 large blocks", before);
}

/* 1000 threads that each allocate and free 1 MiB of small blocks in turn. */
EACH_CAP(limits, of_1000_threads_that_each_have_a_MiB_in_turn)
{
    begin(*cap);
    size_t before = taken();
    for (uint32_t thread = 0; thread < 1000; thread++) {
        believed_cpu = thread;
        size_t size = (size_t)16 << thread % 9;
        for (size_t n = 0; n < MIB / size && n < 20000; n++) {
            void *payload = mymalloc(size);
            cr_assert(payload != NULL);
            model.block[n].start = payload;
        }
        for (size_t n = 0; n < MIB / size && n < 20000; n++)
            myfree(model.block[n].start);
    }
    size_t now = taken();
    cr_assert(now < before + 8 * MIB, "%zu KiB grew to %zu KiB", before / KIB,
              now / KIB);
}

/* What all slots keep, where as many processors as there are slots have freed
   many objects of every size. */
EACH_CAP(limits, of_what_the_caches_keep)
{
    struct mymalloc_counts counts;
    begin(*cap);
    for (uint32_t cpu = 0; cpu < 64; cpu++) {
        believed_cpu = cpu;
        for (size_t size = 16; size <= 8192; size += size / 4)
            for (size_t n = 0; n < 100; n++)
                new_block(size);
        free_all();
    }
    check_heap();
    mymalloc_counts(&counts);
    cr_assert(counts.live == 0 && counts.large == 0,
              "%zu bytes of objects and %zu of large blocks are live",
              counts.live, counts.large);
    cr_assert(counts.cached <= 2 * MIB, "%zu KiB are cached",
              counts.cached / KIB);
    cr_assert(counts.in_use <= 12 * MIB, "%zu KiB of pages are kept",
              counts.in_use / KIB);
    check_heap();
}
