/* What a call costs at most, in steps: basic blocks of heap.c that it runs, the
   same in every run. Adversaries make heaps of n blocks, as bad as they can, and
   of 8 n; a call to the larger may not take more steps. */
#include "01-bump/model.h"

#include <stdlib.h>

#include "hooks.h"

TestSuite(work, .init = watchdog);

enum { N = 500, TIMES = 8, BLOCKS_MAX = 2 * N * TIMES };

static struct {
    unsigned long calls, steps;
    unsigned long worst; /* steps of one call */
} work;

static void *payload[BLOCKS_MAX];

/* Counted calls on the n-th block */

static void count(unsigned long before)
{
    unsigned long steps = hook_steps() - before;
    work.calls++;
    work.steps += steps;
    if (steps > work.worst)
        work.worst = steps;
}

static void give(size_t n, size_t request)
{
    unsigned long before = hook_steps();
    payload[n] = my_malloc(request);
    count(before);
    cr_assert(payload[n] != NULL);
}

static void take_back(size_t n)
{
    unsigned long before = hook_steps();
    my_free(payload[n]);
    count(before);
    payload[n] = NULL;
}

static void change(size_t n, size_t request)
{
    unsigned long before = hook_steps();
    payload[n] = my_realloc(payload[n], request);
    count(before);
    cr_assert(payload[n] != NULL);
}

static void measure(void adversary(size_t n), size_t n)
{
    cr_assert(mem_init(256 << 20) == 0 && my_init() == 0);
    memset(&work, 0, sizeof work);
    adversary(n);
    cr_assert(my_check() == 0);
}

static void check_work(void adversary(size_t n))
{
    measure(adversary, N);
    cr_assert(work.steps > work.calls, "this build counts no steps");
    unsigned long worst = work.worst;
    unsigned long mean = work.steps / work.calls;
    measure(adversary, TIMES * N);
    cr_assert(work.worst <= 2 * worst + 20,
              "a call takes %lu steps where there are %d times as many blocks, "
              "and %lu where there are few",
              work.worst, TIMES, worst);
    cr_assert(work.steps / work.calls <= mean + mean / 2 + 5,
              "calls take %lu steps where there are %d times as many blocks, "
              "and %lu where there are few",
              work.steps / work.calls, TIMES, mean);
}

/* Holes of `hole` bytes with blocks between them, n of each. */
static void make_holes(size_t n, size_t hole)
{
    for (size_t i = 0; i < n; i++) {
        give(2 * i, hole);
        give(2 * i + 1, 100);
    }
    for (size_t i = 0; i < n; i++)
        take_back(2 * i);
}

/* All of about the right size, and none large enough. */
static void ask_for_more_than_holes_have(size_t n)
{
    make_holes(n, 1040);
    for (size_t i = 0; i < n; i++)
        give(2 * i, 1200 + i % 200);
}

Test(work, does_not_grow_with_holes_that_are_too_small)
{
    check_work(ask_for_more_than_holes_have);
}

/* Large enough for a slab, but for its alignment. */
static void ask_for_slabs(size_t n)
{
    make_holes(n, 2100);
    for (size_t i = 0; i < n; i++)
        give(2 * i, 96);
}

Test(work, does_not_grow_with_holes_that_no_slab_fits)
{
    check_work(ask_for_slabs);
}

static void free_in_turn(size_t n)
{
    for (size_t request = 20; request < 2000; request *= 3) {
        for (size_t i = 0; i < n; i++)
            give(i, request);
        for (size_t i = 0; i < n; i += 2)
            take_back(i);
        for (size_t i = n; i-- > 0;)
            if (payload[i] != NULL)
                take_back(i);
    }
}

Test(work, does_not_grow_when_all_is_freed)
{
    check_work(free_in_turn);
}

static void free_in_no_order(size_t n)
{
    for (size_t i = 0; i < n; i++)
        give(i, 16 + i * 7919 % 3000);
    for (size_t i = 0; i < n; i++) {
        size_t k = i * 4999 % n;
        take_back(k);
        if (i % 3 == 0)
            give(k, 16 + k * 31 % 2000);
    }
}

Test(work, does_not_grow_when_frees_come_in_no_order)
{
    check_work(free_in_no_order);
}

static void saw(size_t n)
{
    give(0, 100);
    for (size_t i = 0; i < n; i++) {
        give(i + 1, 200);
        change(0, 300 + 100 * i);
        change(0, 200 + 50 * i);
        if (i % 2 == 0)
            take_back(i + 1);
    }
}

Test(work, does_not_grow_with_a_block_that_grows_and_shrinks)
{
    check_work(saw);
}

static void grow_into_neighbors(size_t n)
{
    for (size_t i = 0; i < 2 * n; i++)
        give(i, 500);
    for (size_t i = 0; i < 2 * n; i += 2)
        take_back(i);
    for (size_t i = 1; i < 2 * n; i += 2)
        change(i, 700);
    for (size_t i = 1; i < 2 * n; i += 2)
        change(i, 120);
}

Test(work, does_not_grow_with_blocks_that_take_their_neighbors)
{
    check_work(grow_into_neighbors);
}

static void move_the_break(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        cr_assert(mem_sbrk(100 + i % 1000) != (void *)-1);
        give(2 * i, 5000);
        give(2 * i + 1, 50);
        if (i % 3 == 0)
            take_back(2 * i);
        if (i % 5 == 0)
            change(2 * i + 1, 200);
    }
}

Test(work, does_not_grow_with_the_number_of_gaps)
{
    check_work(move_the_break);
}

/* One block comes and goes at the edge of a slab, of a page, of the heap. */
static void come_and_go(size_t n)
{
    for (size_t i = 0; i < n; i++)
        give(i + 1, 16 + i % 80);
    for (size_t i = 0; i < n; i++) {
        size_t request = i % 2 == 0 ? 16 + i % 80 : 100 * (i % 100);
        give(0, request + 1);
        take_back(0);
        give(0, 8 * request + 1);
        take_back(0);
    }
}

Test(work, does_not_grow_for_a_block_that_comes_and_goes)
{
    check_work(come_and_go);
}

/* Each is written so that it looks like a free one until one looks closer. */
static void free_what_looks_free(size_t n)
{
    for (size_t i = 0; i < n; i++)
        give(i, 16);
    for (size_t i = 0; i < n; i++) {
        uint32_t offset = (uint32_t)((char *)payload[i] - (char *)mem_heap_lo());
        ((uint32_t *)payload[i])[1] = ~offset;
    }
    for (size_t i = 0; i < n; i++)
        take_back(i * 4999 % n);
}

Test(work, does_not_grow_with_contents_that_look_free)
{
    check_work(free_what_looks_free);
}

/* Of all small requests: the first may open a slab, the others find it open. */
Test(work, is_little_for_a_small_block_that_comes_and_goes)
{
    cr_assert(mem_init(1 << 20) == 0 && my_init() == 0);
    for (size_t request = 1; request <= 96; request++) {
        give(0, request);
        take_back(0);
        memset(&work, 0, sizeof work);
        for (int i = 0; i < 100; i++) {
            give(0, request);
            take_back(0);
        }
        cr_assert(work.steps <= 30 * work.calls,
                  "%lu steps a call for %zu bytes", work.steps / work.calls,
                  request);
    }
}

/* Nobody has written to them since they were freed. */
Test(work, is_little_for_small_blocks_that_are_not_written)
{
    enum { FEW = 100 };
    cr_assert(mem_init(1 << 20) == 0 && my_init() == 0);
    for (int turn = 0; turn < 2; turn++) {
        memset(&work, 0, sizeof work);
        for (size_t i = 0; i < FEW; i++)
            give(i, 16);
        for (size_t i = 0; i < FEW; i++)
            take_back(i);
    }
    cr_assert(work.steps <= 50 * work.calls, "%lu steps a call",
              work.steps / work.calls);
}
