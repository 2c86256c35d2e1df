/* What a call costs at most, in steps: basic blocks of heap.c that it runs, the
   same in every run. Adversaries make heaps of n segments, as bad as they can,
   and of 4 n; a call to the larger may not take more steps. */
#include "model.h"

#include "hooks.h"

TestSuite(work, .init = watchdog);

/* More segments than shelves, in both. */
enum { N = 125, TIMES = 4, PAYLOADS = 60000 };

static struct {
    unsigned long calls, steps;
    unsigned long worst; /* steps of one call */
} work;

static void *payload[PAYLOADS];

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
    cr_assert(n < PAYLOADS);
    unsigned long before = hook_steps();
    payload[n] = MyMalloc(request);
    count(before);
    cr_assert(payload[n] != NULL);
}

static void take_back(size_t n)
{
    unsigned long before = hook_steps();
    MyFree(payload[n]);
    count(before);
    payload[n] = NULL;
}

static void change(size_t n, size_t request)
{
    unsigned long before = hook_steps();
    payload[n] = MyRealloc(payload[n], request);
    count(before);
    cr_assert(payload[n] != NULL);
}

static void measure(void adversary(size_t n), size_t n)
{
    begin_heap(ALIGNED);
    memset(&work, 0, sizeof work);
    adversary(n);
    cr_assert(allocator.check() == 0);
}

static void check_work(void adversary(size_t n))
{
    measure(adversary, N);
    cr_assert(work.steps > work.calls, "this build counts no steps");
    unsigned long worst = work.worst, mean = work.steps / work.calls;
    measure(adversary, TIMES * N);
    /* A call may look at some blocks of each of the 64 shelves: that has a bound.
       What is linear takes TIMES as many. */
    cr_assert(
        work.worst <= 3 * worst,
        "a call takes %lu steps where there are %d times as many segments, "
        "and %lu where there are few",
        work.worst, TIMES, worst);
    cr_assert(work.steps / work.calls <= 2 * mean + 10,
              "calls take %lu steps where there are %d times as many segments, "
              "and %lu where there are few",
              work.steps / work.calls, TIMES, mean);
}

/* Ten blocks a segment, and little room. */
static void fill_segments(size_t n)
{
    for (size_t i = 0; i < 10 * n; i++)
        give(i, 200000);
}

static void free_in_turn(size_t n)
{
    fill_segments(n);
    for (size_t i = 0; i < 10 * n; i++)
        take_back(i);
}

Test(work, does_not_grow_when_segments_become_empty)
{
    check_work(free_in_turn);
}

static void free_backward(size_t n)
{
    fill_segments(n);
    for (size_t i = 10 * n; i-- > 0;)
        take_back(i);
}

Test(work, does_not_grow_when_they_become_empty_backward)
{
    check_work(free_backward);
}

/* The k-th block of each segment, then the next. */
static void free_across(size_t n)
{
    fill_segments(n);
    for (size_t k = 0; k < 10; k++)
        for (size_t i = k; i < 10 * n; i += 10)
            take_back(i);
}

Test(work, does_not_grow_when_all_become_empty_at_once)
{
    check_work(free_across);
}

/* A block comes and goes beside full segments, then at the edge of one more. */
static void come_and_go(size_t n)
{
    static const size_t requests[] = {24,     250,    1000,  30000,
                                      100000, 200000, 250000};
    fill_segments(n);
    for (size_t i = 0; i < 7 * 20; i++) {
        give(PAYLOADS - 1, requests[i % 7]);
        take_back(PAYLOADS - 1);
        give(PAYLOADS - 2, requests[i / 20]);
        give(PAYLOADS - 1, requests[i / 20]);
        take_back(PAYLOADS - 2);
        take_back(PAYLOADS - 1);
    }
}

Test(work, does_not_grow_for_a_block_that_comes_and_goes)
{
    check_work(come_and_go);
}

/* All about the right size, and none large enough. */
static void ask_for_more_than_holes_have(size_t n)
{
    for (size_t i = 0; i < 20 * n; i++)
        give(i, 100000);
    for (size_t i = 0; i < 20 * n; i += 2)
        take_back(i);
    for (size_t i = 0; i < 5 * n; i++)
        give(20 * n + i, 100100 + i % 50 * 100);
}

Test(work, does_not_grow_with_holes_that_are_too_small)
{
    check_work(ask_for_more_than_holes_have);
}

/* Many holes in each segment. */
static void ask_for_more_than_small_holes_have(size_t n)
{
    for (size_t i = 0; i < 100 * n; i++)
        give(i, 20000);
    for (size_t i = 0; i < 100 * n; i += 2)
        take_back(i);
    for (size_t i = 0; i < 4 * n; i++)
        give(i * 2, 20100 + i % 100 * 16);
    for (size_t i = 4 * n; i < 20 * n; i++)
        give(i * 2, 250 + i % 50 * 300);
}

Test(work, does_not_grow_with_small_holes)
{
    check_work(ask_for_more_than_small_holes_have);
}

static void own_mappings(size_t n)
{
    for (size_t i = 0; i < n; i++)
        give(i, 300000 + i % 7 * 100000);
    for (size_t i = 0; i < n; i += 2)
        take_back(i);
    for (size_t i = n; i-- > 0;)
        if (payload[i] != NULL)
            take_back(i);
}

Test(work, does_not_grow_with_own_mappings)
{
    check_work(own_mappings);
}

static void saw(size_t n)
{
    fill_segments(n);
    give(PAYLOADS - 1, 100);
    for (size_t i = 0; i < 2 * n; i++) {
        change(PAYLOADS - 1, 300 + i * 1009 % 250000);
        change(PAYLOADS - 1, 200 + i * 31 % 9000);
    }
}

Test(work, does_not_grow_with_a_block_that_grows_and_shrinks)
{
    check_work(saw);
}

/* Slots of one size in many pools, freed so that all have room, and refilled. */
static void slots(size_t n)
{
    for (size_t i = 0; i < 60 * n; i++)
        give(i, 240);
    for (size_t i = 0; i < 60 * n; i += 3)
        take_back(i);
    for (size_t i = 0; i < 60 * n; i += 3)
        give(i, 240);
    for (size_t i = 0; i < 60 * n; i++)
        take_back(i * 7919 % (60 * n));
}

Test(work, does_not_grow_with_the_number_of_pools)
{
    check_work(slots);
}

/* What a free slot holds, in live ones: a heap that looks closer must not look
   long. */
static void free_what_looks_free(size_t n)
{
    unsigned char left[16];
    for (size_t i = 0; i < 60 * n; i++)
        give(i, 16);
    for (size_t i = 0; i < 60 * n; i++) {
        const void *same = payload[i];
        take_back(i);
        memcpy(left, same, 16);
        give(i, 16);
        memcpy(payload[i], left, 16);
    }
    for (size_t i = 0; i < 60 * n; i++)
        take_back(i * 7919 % (60 * n));
}

Test(work, does_not_grow_with_contents_that_look_free)
{
    check_work(free_what_looks_free);
}

/* Warmed up, and of any small size. */
Test(work, is_little_for_a_small_block_that_comes_and_goes)
{
    begin_heap(APART);
    for (size_t request = 1; request <= 256; request++) {
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
