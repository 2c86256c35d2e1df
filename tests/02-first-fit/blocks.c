/* What the chapter says of its own heap beyond the interface: what a request
   takes, where it lies, and which memory is taken first. Another heap that keeps
   its promises may differ here. */
#include "01-bump/model.h"

TestSuite(blocks, .init = watchdog);

enum { HEADER = 4, SLAB = 2048, OBJECT_MAX = 96 }; /* bytes */

static size_t align_up(size_t n)
{
    return (n + 15) / 16 * 16;
}

static size_t distance(const void *from, const void *to)
{
    return (size_t)((const char *)to - (const char *)from);
}

Test(blocks, take_their_request_and_four_bytes)
{
    for (size_t request = OBJECT_MAX + 1; request <= 1200; request++) {
        begin_heap(16 << 10);
        unsigned char *start = new_block(request)->start;
        cr_assert(distance(start, new_block(request)->start) ==
                      align_up(request + HEADER),
                  "a block of %zu bytes takes more or less", request);
    }
}

Test(blocks, of_small_requests_lie_side_by_side_without_headers)
{
    for (size_t request = 1; request <= OBJECT_MAX; request++) {
        begin_heap(16 << 10);
        unsigned char *start = new_block(request)->start;
        size_t rest = SLAB - HEADER - (uintptr_t)start % SLAB;
        for (size_t n = 1; n < rest / align_up(request); n++)
            cr_assert(distance(start, new_block(request)->start) ==
                          n * align_up(request),
                      "object %zu of %zu bytes lies elsewhere", n, request);
        unsigned char *next = new_block(request)->start;
        cr_assert((uintptr_t)next / SLAB != (uintptr_t)start / SLAB,
                  "a slab gives away more than it has");
    }
}

/* 16 bytes are a block, so whatever is left over can be cut off. */
Test(blocks, leave_a_remainder_of_16_bytes_that_serves)
{
    enum { HOLE = 1004 };
    for (size_t rest = 16; rest <= HOLE - 100; rest += 16) {
        begin_heap(8 << 10);
        unsigned char *start = new_block(HOLE)->start;
        for (size_t request = 256; request > 0; request /= 2)
            while (my_malloc(request) != NULL)
                continue;
        free_block(model.block);
        cr_assert(new_block(HOLE - rest)->start == start);
        unsigned char *last = new_block(rest - HEADER)->start;
        cr_assert(distance(start, last) == HOLE - rest + HEADER,
                  "the remainder of %zu bytes is not used", rest);
        cr_assert(my_malloc(1) == NULL, "there is room for more");
        check_memory();
    }
}

/* The smallest that fits: not the last freed, and not the lowest. */
Test(blocks, take_the_smallest_hole_that_fits)
{
    static const size_t holes[] = {900, 2100, 640, 3000, 760};
    enum { HOLES = sizeof holes / sizeof *holes };
    for (size_t request = 500; request <= 3000; request += 20) {
        unsigned char *start[HOLES];
        size_t best = HOLES;
        begin_heap(32 << 10);
        for (size_t n = 0; n < HOLES; n++) {
            start[n] = new_block(holes[n])->start;
            new_block(100);
            if (holes[n] >= request && (best == HOLES || holes[n] < holes[best]))
                best = n;
        }
        for (size_t n = 0; n < HOLES; n++)
            my_free(start[n]);
        cr_assert(my_malloc(request) == start[best],
                  "%zu bytes do not lie in the hole of %zu", request,
                  holes[best]);
    }
}

/* A slab would take 2 KiB for a few objects. */
Test(blocks, of_small_requests_take_a_hole_before_a_slab)
{
    for (size_t request = 1; request <= OBJECT_MAX; request++) {
        begin_heap(16 << 10);
        unsigned char *hole = new_block(500)->start;
        new_block(100);
        free_block(model.block);
        cr_assert(new_block(request)->start == hole,
                  "%zu bytes do not lie in the hole", request);
    }
}

Test(blocks, take_the_end_of_the_heap_last)
{
    begin_heap(LIMIT);
    unsigned char *hole = new_block(3000)->start;
    new_block(100);
    unsigned char *end = new_block(2000)->start;
    my_free(end);
    my_free(hole);
    cr_assert(my_malloc(1500) == hole, "the end was cut, and a hole is free");
}

Test(blocks, move_the_break_by_what_the_end_lacks)
{
    size_t page = mem_pagesize();
    begin_heap(LIMIT);
    new_block(1000);
    for (size_t request = 1000; request < 40000; request += 777) {
        size_t heapsize = mem_heapsize();
        unsigned char *start = new_block(request)->start;
        size_t end = distance(mem_heap_lo(), start) + request;
        cr_assert(mem_heapsize() == heapsize ||
                      mem_heapsize() <= end + page + HEADER,
                  "%zu bytes for a heap that ends at %zu", mem_heapsize(), end);
        cr_assert(mem_heapsize() % page == 0, "the break is inside a page");
    }
}

/* Where a page can't be had, the bytes themselves can. */
Test(blocks, use_what_is_left_below_the_limit)
{
    for (size_t limit = 20000; limit < 24096; limit += 160) {
        begin_heap(limit);
        size_t sum = 0;
        for (size_t request = 1000; request > 50; request /= 2)
            while (my_malloc(request) != NULL)
                sum += align_up(request + HEADER);
        cr_assert(sum + 200 > limit, "%zu of %zu bytes", sum, limit);
    }
}

/* An empty slab may stay, one of a class. */
Test(blocks, of_small_requests_return_their_slabs)
{
    enum { OBJECTS = 2000 };
    static void *object[OBJECTS];
    for (size_t request = 16; request <= OBJECT_MAX; request += 16) {
        begin_heap(LIMIT);
        for (size_t n = 0; n < OBJECTS; n++)
            object[n] = my_malloc(request);
        size_t heapsize = mem_heapsize();
        for (size_t n = 0; n < OBJECTS; n++)
            my_free(object[n]);
        new_block(OBJECTS * request - 2 * SLAB);
        cr_assert(mem_heapsize() <= heapsize + 2 * SLAB,
                  "the slabs of %zu bytes did not become one block", request);
    }
}

/* Words of 32 bits */

TestSuite(large, .init = watchdog);

static const size_t gibibyte = 1 << 30;

static void begin_large_heap(void)
{
    cr_assert(mem_init(9 * gibibyte) == 0 && my_init() == 0);
    void *payload = my_malloc(1000);
    cr_assert(payload != NULL && my_malloc(1000) != NULL);
    my_free(payload);
    cr_assert(my_check() == 0);
}

static void check_large(void)
{
    cr_assert(my_malloc(4 * gibibyte - 1) == NULL);
    cr_assert(my_malloc(4 * gibibyte) == NULL);
    cr_assert(my_malloc(4 * gibibyte + 100) == NULL);
    cr_assert(my_check() == 0);
}

/* Writes only the ends of a block, and reads them again in the end. */
Test(large, heaps_end_below_4_GiB)
{
    enum { SLACK = 1 << 20 }; /* bytes */
    unsigned char *start[64];
    int count = 0;
    begin_large_heap();
    for (size_t request = gibibyte - 100; request > 1000; request /= 2) {
        unsigned char *payload;
        while (count < 64 && (payload = my_malloc(request)) != NULL) {
            start[count] = payload;
            payload[0] = payload[request - 1] = (unsigned char)++count;
        }
    }
    for (int n = 0; n < count; n++)
        cr_assert(*start[n] == n + 1, "block %d has changed", n);
    cr_assert(mem_heapsize() <= 4 * gibibyte, "a request took memory in vain");
    cr_assert(mem_heapsize() >= 4 * gibibyte - SLACK);
    check_large();
    my_free(start[0]);
    cr_assert(my_malloc(gibibyte - 100) == start[0]);
    check_large();
}

Test(large, gaps_leave_the_heap_where_it_is)
{
    begin_large_heap();
    void *first = my_malloc(1000);
    cr_assert(first != NULL && mem_sbrk(2 * gibibyte) != (void *)-1);
    void *second = my_malloc(100000);
    cr_assert(second != NULL && distance(first, second) > 2 * gibibyte);
    check_large();
    cr_assert(mem_sbrk(3 * gibibyte) != (void *)-1);
    size_t heapsize = mem_heapsize();
    for (int i = 0; i < 10; i++)
        cr_assert(my_malloc(100000) == NULL, "a block above 4 GiB");
    check_large();
    my_free(second);
    cr_assert(my_malloc(100000) == second);
    cr_assert(mem_heapsize() == heapsize, "a request that failed took memory");
}
