/* The answers to the exercises of chapter 5 that are code. */
#include <criterion/criterion.h>
#include <pthread.h>

#include "05-percpu/exercises/class.h"
#include "05-percpu/exercises/owner.h"
#include "05-percpu/exercises/pairs.h"
#include "05-percpu/steps/6-batch.c"
#include "hooks.h"
#include "report.h"

/* A machine with two CPUs; where the caller runs, the test says. */
static int current_cpu;
int cpu_current(void) { return current_cpu; }
int cpu_next(int after) { return after < 1 ? after + 1 : -1; }

TestSuite(class_for, .init = watchdog);

Test(class_for, gives_the_smallest_of_its_sizes_that_fits)
{
    static const size_t sizes[] = {16,  32,  48,  64,   96,   128,  192, 256,
                                   384, 512, 768, 1024, 1536, 2048, 3072};
    size_t n = 0;
    for (size_t request = 0; request <= 3072; request++) {
        if (request > sizes[n])
            n++;
        cr_assert(class_for(request) == sizes[n], "%zu bytes get %zu, not %zu",
                  request, class_for(request), sizes[n]);
    }
    cr_assert(class_for((1 << 20) + 1) == 3 << 19);
    cr_assert(class_for(1 << 30) == 1 << 30);
}

Test(class_for, loses_a_seventh_where_powers_of_two_lose_a_quarter)
{
    double powers = 0, both = 0;
    for (size_t request = (1 << 15) + 1; request <= 1 << 16; request++) {
        size_t size = class_for(request);
        powers += (double)((1 << 16) - request) / (1 << 16);
        both += (double)(size - request) / (double)size;
    }
    powers /= 1 << 15;
    both /= 1 << 15;
    cr_assert(powers > 0.249 && powers < 0.251, "%f of a block", powers);
    cr_assert(both > 0.145 && both < 0.147, "%f of a block", both);
}

TestSuite(a_pool_of_units, .init = watchdog);

Test(a_pool_of_units, serves_nothing_larger_when_one_of_each_pair_is_free)
{
    static void *block[UNITS];
    for (size_t n = 0; n < UNITS; n++)
        block[n] = mymalloc(16);
    struct pool *pool = pool_of(block[0]);
    for (size_t n = 0; n < UNITS; n++) {
        cr_assert(pool_of(block[n]) == pool, "block %zu", n);
        uint32_t unit = offset_of(pool, block[n]) / UNIT;
        if (unit % 4 == 1 || unit % 4 == 2)
            myfree(block[n]);
    }
    cr_assert(heap.lists[0].orders == 1u << SMALLEST, "some were merged");
    cr_assert(mycheck() == 0);
    cr_assert(pool_of(mymalloc(17)) != pool);
    size_t served = 0;
    for (; pool_of(mymalloc(16)) == pool; served++)
        ;
    cr_assert(served == 32768, "%zu blocks were free", served);
}

Test(a_pool_of_units, merges_where_the_bits_say)
{
    char *block[12];
    for (size_t n = 0; n < 12; n++)
        block[n] = mymalloc(4096);
    struct pool *pool = pool_of(block[0]);
    cr_assert(offset_of(pool, block[11]) == 45056);
    myfree(block[11]);
    cr_assert(*tag_of(pool, 45056) == (FREE | 12));
    myfree(block[10]);
    cr_assert(*tag_of(pool, 40960) == (FREE | 13));
    myfree(block[9]);
    cr_assert(*tag_of(pool, 40960) == (FREE | 13), "its buddy is cut");
    myfree(block[8]); /* what lies behind the twelve was free before */
    cr_assert(*tag_of(pool, 32768) == (FREE | 15));
}

TestSuite(pairs, .init = watchdog);

static void take_beside_the_heap(struct pairs *pairs, void **block,
                                 size_t request)
{
    unsigned order = order_for(request);
    uint32_t fitting = heap.lists[0].orders >> order << order;
    if (fitting == 0)
        return;
    *block = mymalloc(request);
    take_in_pairs(pairs, offset_of(pool_of(*block), *block), order,
                  (unsigned)__builtin_ctz(fitting));
}

static void free_beside_the_heap(struct pairs *pairs, void **block)
{
    struct pool *pool = pool_of(*block);
    uint32_t offset = offset_of(pool, *block);
    unsigned order = *tag_of(pool, offset);
    offset = free_in_pairs(pairs, offset, &order);
    myfree(*block);
    *block = NULL;
    cr_assert(*tag_of(pool, offset) == (FREE | order),
              "no free block of order %u at %u", order, offset);
}

Test(pairs, merge_what_the_heap_merges)
{
    static struct pairs pairs;
    static void *block[600];
    myfree(mymalloc(1));
    srand(5);
    for (size_t step = 0; step < 200000; step++) {
        void **any = &block[(size_t)rand() % 600];
        size_t most = (size_t)1 << rand() % 20;
        if (*any == NULL)
            take_beside_the_heap(&pairs, any, 1 + (size_t)rand() % most);
        else
            free_beside_the_heap(&pairs, any);
    }
    for (size_t n = 0; n < 600; n++)
        if (block[n] != NULL)
            free_beside_the_heap(&pairs, &block[n]);
    for (size_t n = 0; n < 1024; n++)
        cr_assert(pairs.bits[n] == 0, "some bit is left of no block");
}

TestSuite(myfree_all, .init = watchdog);

enum { MANY = 1000, RUN = 100 };
static void *many[MANY];

static void allocate_on(int cpu, size_t from, size_t to, size_t request)
{
    current_cpu = cpu;
    for (size_t n = from; n < to; n++)
        many[n] = mymalloc(request);
}

static uint64_t taken_of(unsigned list)
{
    uint64_t taken, waited;
    mylock(list, &taken, &waited);
    return taken;
}

static void check_all_is_free(void)
{
    cr_assert(mycheck() == 0, "the heap is broken");
    for (unsigned n = 0; n < heap.count; n++)
        cr_assert((heap.lists[n].orders & ~(1u << POOL_ORDER)) == 0,
                  "list %u has blocks that did not merge", n);
    for (unsigned n = 0; n < heap.count; n++)
        cr_assert(lock_try(&heap.lists[n].lock), "list %u is still held", n);
}

Test(myfree_all, takes_one_lock_for_a_run_of_one_owner)
{
    allocate_on(0, 0, MANY, 100);
    current_cpu = 1;
    uint64_t taken = taken_of(0);
    for (size_t n = 0; n < MANY; n += RUN)
        myfree_all(&many[n], RUN);
    cr_assert(taken_of(0) - taken == MANY / RUN, "%ju locks",
              (uintmax_t)(taken_of(0) - taken));
    cr_assert(taken_of(1) == 0, "it takes the lock of its own CPU");
    check_all_is_free();
}

Test(myfree_all, takes_a_lock_for_each_change_of_owner)
{
    allocate_on(0, 0, 400, 100);
    allocate_on(1, 400, 700, 100);
    allocate_on(0, 700, MANY, 100);
    uint64_t first_taken = taken_of(0), second_taken = taken_of(1);
    myfree_all(many, MANY);
    cr_assert(taken_of(0) - first_taken == 2);
    cr_assert(taken_of(1) - second_taken == 1);
    check_all_is_free();
}

static const char *fault;

static void keep_fault(const char *what, const void *payload)
{
    (void)payload;
    fault = what;
    for (unsigned n = 0; n < heap.count; n++) {
        cr_assert(lock_try(&heap.lists[n].lock), "it holds two lists");
        lock_release(&heap.lists[n].lock);
    }
}

Test(myfree_all, lets_go_before_it_frees_mappings_and_reports_mistakes)
{
    allocate_on(0, 0, 4, 100);
    void *mapping = mymalloc(1 << 20);
    mymalloc_misuse = keep_fault;
    void *freed[] = {many[0], NULL,    many[1], mapping,
                     many[2], many[0], many[3], (char *)many[3] + 1};
    uint64_t taken = taken_of(0);
    myfree_all(freed, 6);
    cr_assert(taken_of(0) - taken == 4, "it keeps the list meanwhile");
    cr_assert_str_eq(fault, "double free");
    cr_assert(heap.mappings == NULL, "the mapping is still there");
    myfree_all(freed + 6, 2);
    cr_assert_str_eq(fault, "not a live block");
    check_all_is_free();
}

Test(myfree_all, frees_nothing_of_nothing)
{
    allocate_on(0, 0, 1, 100);
    uint64_t taken = taken_of(0);
    myfree_all(many, 0);
    cr_assert(taken_of(0) == taken);
    myfree_all(many, 1);
    check_all_is_free();
}

TestSuite(hold_owner_of, .init = watchdog);

static struct lock first, second;
static struct lock *owner;
static struct owned owned = {&owner};

Test(hold_owner_of, takes_the_lock_of_the_owner)
{
    owner = &first;
    cr_assert(hold_owner_of(&owned) == &first);
    cr_assert(!lock_try(&first) && first.taken == 1 && second.taken == 0);
}

static void change_owner(void *context)
{
    (void)context;
    owner = &second;
}

Test(hold_owner_of, sees_that_the_owner_changed_before_it_held_the_lock)
{
    owner = &first;
    hook_thread("main", 0);
    hook_call("main", "owner: read the owner", 1, change_owner, NULL);
    cr_assert(hold_owner_of(&owned) == &second, "it holds the old owner");
    cr_assert(lock_try(&first), "it still holds the lock of the old owner");
    cr_assert(!lock_try(&second), "it does not hold the new owner's");
}
