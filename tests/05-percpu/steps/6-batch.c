/* The answers to the exercises of chapter 5 that take a heap: step 6, which is one
   of them. tests/build.mk links this with the step, beside promise.c. */
#include "../model.h"

#include "05-percpu/exercises/batch.h"
#include "05-percpu/exercises/pairs.h"

enum { UNIT = 16, UNITS = POOL / UNIT };

static size_t offset_in(const char *pool, const void *payload)
{
    return (size_t)((const char *)payload - pool);
}

static void check_free(const char *start, size_t size)
{
    const struct heap_part *part = part_at(start);
    cr_assert(part != NULL && part->kind == PART_FREE && part->size == size,
              "no free block of %zu bytes where it should be", size);
}

TestSuite(buddies, .init = watchdog);

Test(buddies, merge_where_the_bits_say)
{
    char *block[12];
    for (size_t n = 0; n < 12; n++)
        block[n] = mymalloc(4096);
    char *pool = block[0];
    cr_assert(offset_in(pool, block[11]) == 45056);
    myfree(block[11]);
    check_free(pool + 45056, 4096);
    myfree(block[10]);
    check_free(pool + 40960, 8192);
    myfree(block[9]);
    check_free(pool + 40960, 8192);
    myfree(block[8]); /* what lies behind the twelve was free before */
    check_free(pool + 32768, 32768);
}

Test(buddies, serve_no_more_than_a_unit_when_one_of_each_pair_is_free)
{
    static char *block[UNITS];
    for (size_t n = 0; n < UNITS; n++)
        block[n] = mymalloc(UNIT);
    char *pool = block[0];
    for (size_t n = 0; n < UNITS; n++) {
        cr_assert(offset_in(pool, block[n]) < POOL, "block %zu", n);
        size_t unit = offset_in(pool, block[n]) / UNIT;
        if (unit % 4 == 1 || unit % 4 == 2)
            myfree(block[n]);
    }
    check_heap();
    cr_assert(free_parts(UNIT) == UNITS / 2);
    cr_assert(offset_in(pool, mymalloc(UNIT + 1)) >= POOL);
    size_t served = 0;
    while (offset_in(pool, mymalloc(UNIT)) < POOL)
        served++;
    cr_assert(served == 32768, "%zu blocks were free", served);
}

TestSuite(pairs, .init = watchdog);

static struct pairs pairs;
static const char *pairs_of; /* the pool */

static unsigned order_of(size_t size)
{
    unsigned order = 4;
    while ((size_t)1 << order < size)
        order++;
    return order;
}

static void take_beside_the_heap(char **block, size_t request)
{
    unsigned order = order_of(request), larger = order;
    while (larger <= POOL_ORDER && free_parts((size_t)1 << larger) == 0)
        larger++;
    if (larger > POOL_ORDER)
        return;
    *block = mymalloc(request);
    take_in_pairs(&pairs, (uint32_t)offset_in(pairs_of, *block), order, larger);
}

static void free_beside_the_heap(char **block)
{
    unsigned order = order_of(size_of_block(*block));
    uint32_t offset = (uint32_t)offset_in(pairs_of, *block);
    offset = free_in_pairs(&pairs, offset, &order);
    myfree(*block);
    *block = NULL;
    check_free(pairs_of + offset, (size_t)1 << order);
}

Test(pairs, merge_what_the_heap_merges)
{
    static char *block[200];
    pairs_of = mymalloc(1);
    myfree((void *)(uintptr_t)pairs_of);
    srand(5);
    for (size_t step = 0; step < 20000; step++) {
        char **any = &block[(size_t)rand() % 200];
        size_t most = (size_t)1 << rand() % 18;
        if (*any == NULL)
            take_beside_the_heap(any, 1 + (size_t)rand() % most);
        else
            free_beside_the_heap(any);
    }
    for (size_t n = 0; n < 200; n++)
        if (block[n] != NULL)
            free_beside_the_heap(&block[n]);
    for (size_t n = 0; n < 1024; n++)
        cr_assert(pairs.bits[n] == 0, "some bit is left of no block");
}

TestSuite(myfree_all, .init = watchdog);

enum { MANY = 1000, RUN = 100 };
static void *many[MANY];

static void allocate_on(int cpu, size_t from, size_t to)
{
    machine.current = cpu;
    for (size_t n = from; n < to; n++)
        many[n] = mymalloc(100);
}

static uint64_t taken_of(unsigned list)
{
    uint64_t taken, waited;
    mylock(list, &taken, &waited);
    return taken;
}

/* Whoever still held a list would wait here for itself. */
static void check_no_list_is_held(void)
{
    heap_before_fork();
    heap_after_fork();
}

Test(myfree_all, takes_one_lock_for_a_run_of_one_owner)
{
    allocate_on(0, 0, MANY);
    machine.current = 1;
    uint64_t taken = taken_of(0);
    for (size_t n = 0; n < MANY; n += RUN)
        myfree_all(&many[n], RUN);
    cr_assert(taken_of(0) - taken == MANY / RUN, "%ju locks",
              (uintmax_t)(taken_of(0) - taken));
    cr_assert(taken_of(1) == 0, "it takes the lock of its own CPU");
    check_no_list_is_held();
    check_all_free();
}

Test(myfree_all, takes_a_lock_for_each_change_of_owner)
{
    allocate_on(0, 0, 400);
    allocate_on(1, 400, 700);
    allocate_on(0, 700, MANY);
    uint64_t first = taken_of(0), second = taken_of(1);
    myfree_all(many, MANY);
    cr_assert(taken_of(0) - first == 2);
    cr_assert(taken_of(1) - second == 1);
    check_no_list_is_held();
    check_all_free();
}

static const char *fault;

static void keep_fault(const char *what, const void *payload)
{
    (void)payload;
    check_no_list_is_held();
    fault = what;
}

Test(myfree_all, lets_go_before_it_frees_mappings_and_reports_mistakes)
{
    allocate_on(0, 0, 4);
    void *mapping = mymalloc(1 << 20);
    mymalloc_misuse = keep_fault;
    void *freed[] = {many[0], NULL,    many[1], mapping,
                     many[2], many[3], (char *)many[3] + 1};
    uint64_t taken = taken_of(0);
    myfree_all(freed, 6);
    cr_assert(taken_of(0) - taken == 3, "it keeps the list meanwhile");
    check_all_free();
    allocate_on(0, 0, 2);
    freed[0] = freed[2] = many[0];
    freed[1] = many[1];
    myfree_all(freed, 3);
    cr_assert(fault != NULL);
    cr_assert_str_eq(fault, "double free");
    allocate_on(0, 0, 1);
    freed[0] = many[0];
    freed[1] = (char *)many[0] + 1;
    myfree_all(freed, 2);
    cr_assert_str_eq(fault, "not a live block");
    check_no_list_is_held();
    check_all_free();
}

Test(myfree_all, frees_nothing_of_nothing)
{
    allocate_on(0, 0, 1);
    uint64_t taken = taken_of(0);
    myfree_all(many, 0);
    cr_assert(taken_of(0) == taken);
    myfree_all(many, 1);
    check_all_free();
}
