/* What it means that a block is freed: its memory serves other requests, alone
   or with its neighbors, whole or in part. The heaps of these tests are full, so
   that a request is served from what was freed, or not at all. No test here
   knows how the heap works. */
#include "01-bump/model.h"

#include <stdlib.h>

TestSuite(reuse, .init = watchdog);

enum { SMALL_LIMIT = 32 << 10 };

/* Fills what is left of the heap with blocks of one size. */
static void fill_heap(size_t request)
{
    void *payload;
    while ((payload = my_malloc(request)) != NULL)
        add_block(payload, request);
}

static void check_full(size_t request)
{
    cr_assert(my_malloc(request) == NULL, "a full heap has %zu bytes more",
              request);
}

static int by_address(const void *a, const void *b)
{
    const struct block *first = a, *second = b;
    return first->start < second->start ? -1 : 1;
}

static void sort_blocks(void)
{
    qsort(model.block, model.count, sizeof *model.block, by_address);
}

/* Frees `count` blocks from the n-th on, the k-th of all orders. */
static void free_neighbors(size_t n, size_t count, unsigned k)
{
    unsigned char *left[8];
    for (size_t i = 0; i < count; i++)
        left[i] = model.block[n + i].start;
    for (size_t rest = count; rest > 0; k /= (unsigned)rest, rest--) {
        unsigned char *start = left[k % rest];
        struct block *block = model.block;
        while (block->start != start)
            block++;
        free_block(block);
        left[k % rest] = left[rest - 1];
    }
}

Test(reuse, serves_the_sum_of_3_to_5_neighbors_freed_in_any_order)
{
    enum { FIRST = 12 };
    begin_heap(SMALL_LIMIT);
    for (size_t i = 0; i < 40; i++)
        new_block(200 + 24 * (i % 7));
    fill_heap(200);
    unsigned orders = 6;
    for (size_t count = 3; count <= 5; count++, orders *= (unsigned)count) {
        for (unsigned k = 0; k < orders; k++) {
            sort_blocks();
            size_t request[8], sum = 0;
            for (size_t i = 0; i < count; i++)
                sum += request[i] = model.block[FIRST + i].size;
            free_neighbors(FIRST, count, k);
            free_block(new_block(sum));
            for (size_t i = 0; i < count; i++)
                new_block(request[i]);
            check_memory();
            check_full(200);
        }
    }
}

/* Sums of the bytes that lie between the ends of two blocks: no byte is lost. */
Test(reuse, serves_all_that_lies_between_two_neighbors)
{
    begin_heap(SMALL_LIMIT);
    for (size_t i = 0; i < 20; i++)
        new_block(300 + 8 * i);
    fill_heap(300);
    for (size_t n = 0; n < 16; n++) {
        sort_blocks();
        unsigned char *start = model.block[n].start;
        size_t first = model.block[n].size, second = model.block[n + 1].size;
        size_t sum = (size_t)(model.block[n + 1].start - start) + second;
        free_neighbors(n, 2, (unsigned)n % 2);
        struct block *whole = new_block(sum);
        cr_assert(whole->start == start, "two blocks did not become one");
        free_block(whole);
        new_block(first);
        new_block(second);
    }
    check_memory();
}

Test(reuse, serves_a_request_as_large_as_a_freed_block_from_it)
{
    for (size_t request = 1; request <= 700; request += 9) {
        begin_heap(16 << 10);
        new_block(request);
        fill_heap(request);
        for (size_t n = 0; n < model.count; n += 7) {
            free_block(&model.block[n]);
            new_block(request);
            check_full(request);
        }
        check_memory();
    }
}

/* The hole is cut everywhere, and what lies behind it must not feel that. */
Test(reuse, cuts_a_hole_anywhere)
{
    enum { HOLE = 400 };
    for (size_t request = 1; request <= HOLE; request++) {
        begin_heap(8 << 10);
        struct block *hole = new_block(HOLE);
        fill_heap(HOLE);
        fill_heap(100);
        fill_heap(1);
        unsigned char *start = hole->start;
        free_block(hole);
        struct block *block = new_block(request);
        cr_assert(block->start >= start && block->start < start + HOLE,
                  "%zu bytes lie elsewhere than in the hole", request);
        if (request + 100 + 32 <= HOLE)
            new_block(HOLE - request - 32); /* bytes, for any rounding */
        fill_heap(1);
        check_memory();
    }
}

Test(reuse, serves_small_requests_from_any_hole)
{
    enum { HOLE = 2500, SMALL = 24 };
    for (size_t n = 0; n < 10; n++) {
        begin_heap(SMALL_LIMIT);
        for (size_t request = HOLE; request > 0; request /= 2)
            fill_heap(request);
        free_block(&model.block[n]);
        for (size_t sum = 0; sum < HOLE / 3; sum += SMALL)
            new_block(SMALL);
        check_memory();
    }
}

/* Blocks of one size become room for others: all of it but what a heap may keep
   for the next small request. */
static void check_other_sizes(size_t request, size_t step)
{
    begin_heap(SMALL_LIMIT);
    fill_heap(request);
    size_t filled = model.count;
    for (size_t n = 0; n < filled; n++)
        my_free(model.block[n * step % filled].start);
    model.count = 0;
    new_block(SMALL_LIMIT / 3);
    free_block(model.block);
    fill_heap(request);
    cr_assert(model.count >= filled - filled / 20,
              "of %zu blocks of %zu bytes only %zu can live again", filled,
              request, model.count);
}

Test(reuse, serves_large_requests_where_small_blocks_were)
{
    static const size_t requests[] = {1, 12, 13, 16, 32, 96, 97, 128, 500};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        check_other_sizes(requests[i], 1);
}

Test(reuse, serves_them_whatever_the_order_of_frees)
{
    /* Primes: every block is freed once. */
    static const size_t requests[] = {16, 48, 96, 100, 300};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        check_other_sizes(requests[i], 100003);
        check_other_sizes(requests[i], 3001);
    }
}

Test(reuse, serves_another_request_with_what_a_block_gives_back)
{
    enum { OLD = 4000 };
    for (size_t request = 100; request <= OLD - 200; request += 60) {
        begin_heap(16 << 10);
        struct block *block = new_block(OLD);
        fill_heap(OLD);
        fill_heap(100);
        resize_block(block, request);
        new_block(OLD - request - 32); /* bytes, for any rounding and header */
        check_memory();
    }
}

Test(reuse, joins_what_a_block_gives_back_with_the_hole_above)
{
    enum { OLD = 2000 };
    for (size_t request = 100; request <= OLD - 200; request += 60) {
        begin_heap(16 << 10);
        fill_heap(OLD);
        fill_heap(100);
        sort_blocks();
        cr_assert(model.block[3].start - model.block[2].start < OLD + 64,
                  "blocks of %d bytes are not neighbors", OLD);
        free_block(&model.block[3]);
        resize_block(&model.block[2], request);
        new_block(2 * OLD - request - 32);
        check_memory();
    }
}

/* It has moved down into the hole below, and needs a part of that. */
Test(reuse, serves_another_request_with_what_a_block_does_not_need)
{
    enum { SIZE = 2000 };
    for (size_t request = SIZE + 100; request <= 2 * SIZE - 200; request += 60) {
        begin_heap(16 << 10);
        new_block(SIZE);
        fill_heap(SIZE);
        fill_heap(100);
        sort_blocks();
        free_block(&model.block[2]);
        sort_blocks();
        resize_block(&model.block[2], request);
        new_block(2 * SIZE - request - 32);
        check_memory();
    }
}

Test(reuse, serves_a_request_where_a_block_was_reallocated_to_0)
{
    for (size_t request = 1; request <= 700; request += 9) {
        begin_heap(16 << 10);
        fill_heap(request);
        struct block *block = &model.block[model.count / 2];
        cr_assert(my_realloc(block->start, 0) == NULL);
        remove_block(block);
        new_block(request);
        check_full(request);
    }
}

/* The only hole that is large enough was freed first, among many that are not:
   a heap that looks at the first few must look further before it gives up. */
Test(reuse, finds_the_only_hole_that_is_large_enough)
{
    begin_heap(LIMIT / 2);
    for (size_t n = 0; n < 100; n++) {
        new_block(n == 50 ? 1500 : 1040);
        new_block(100);
    }
    size_t count = model.count;
    for (size_t request = 4000; request > 0; request /= 2)
        fill_heap(request);
    unsigned char *hole[100];
    for (size_t n = 0; n < count; n += 2)
        hole[n / 2] = model.block[n].start;
    my_free(hole[50]);
    for (size_t n = 0; n < 100; n++)
        if (n != 50)
            my_free(hole[n]);
    cr_assert(my_malloc(1500) == hole[50], "there is a hole of 1500 bytes");
}

/* Footprints: loops that must not make the heap grow */

enum { CALLS = 400 };

static size_t peak, live; /* bytes */

/* Makes random calls, the same each time; in the end every block is free. */
static void live_a_life(unsigned seed)
{
    static size_t size[CALLS];
    static void *payload[CALLS];
    srand(seed);
    for (int i = 0; i < 10 * CALLS; i++) {
        int n = rand() % CALLS;
        live -= size[n];
        size[n] = (size_t)rand() % (rand() % 8 == 0 ? 4000 : 200);
        live += size[n];
        peak = live > peak ? live : peak;
        if (rand() % 3 == 0) {
            payload[n] = my_realloc(payload[n], size[n]);
        } else {
            my_free(payload[n]);
            payload[n] = my_malloc(size[n]);
        }
        cr_assert((payload[n] == NULL) == (size[n] == 0));
    }
    for (int n = 0; n < CALLS; n++) {
        my_free(payload[n]);
        payload[n] = NULL;
        live -= size[n];
        size[n] = 0;
    }
}

Test(reuse, needs_no_more_for_a_hundred_lives_than_for_a_few)
{
    cr_assert(mem_init(LIMIT) == 0 && my_init() == 0);
    for (unsigned seed = 1; seed <= 5; seed++)
        live_a_life(seed);
    size_t heapsize = mem_heapsize();
    for (unsigned seed = 1; seed <= 100; seed++)
        live_a_life(seed % 5 + 1);
    cr_assert(mem_heapsize() <= heapsize + heapsize / 10,
              "the heap has grown from %zu to %zu bytes", heapsize,
              mem_heapsize());
}

Test(reuse, needs_little_more_than_what_lives)
{
    cr_assert(mem_init(LIMIT) == 0 && my_init() == 0);
    for (unsigned seed = 1; seed <= 100; seed++)
        live_a_life(seed);
    cr_assert(mem_heapsize() <= peak + peak / 2,
              "%zu bytes for the %zu that lived at most", mem_heapsize(), peak);
}

Test(reuse, needs_no_more_when_sizes_change)
{
    enum { SUM = 100000 };
    static void *payload[SUM];
    cr_assert(mem_init(LIMIT) == 0 && my_init() == 0);
    for (size_t request = 24; request <= 20000; request += request / 3) {
        size_t count = SUM / request;
        for (size_t n = 0; n < count; n++) {
            payload[n] = my_malloc(request);
            cr_assert(payload[n] != NULL, "my_malloc(%zu) returned NULL",
                      request);
        }
        for (size_t n = 0; n < count; n++)
            my_free(payload[n]);
    }
    cr_assert(mem_heapsize() <= SUM + SUM / 2,
              "%zu bytes, and never more than %d lived", mem_heapsize(), SUM);
}

/* A lone block that comes and goes moves no break. */
Test(reuse, needs_the_break_once_for_a_block_that_comes_and_goes)
{
    for (size_t request = 1; request <= 5000; request += request / 5 + 1) {
        begin_heap(LIMIT);
        free_block(new_block(request));
        size_t heapsize = mem_heapsize();
        for (int i = 0; i < 1000; i++)
            my_free(my_malloc(request));
        cr_assert(mem_heapsize() == heapsize, "a block of %zu bytes", request);
    }
}
