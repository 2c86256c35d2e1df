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

static size_t align_up_to(size_t alignment, size_t n)
{
    return (n + alignment - 1) / alignment * alignment;
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

/* A remainder reaches from `start` to `end`, payloads if there were blocks. */
static void check_remainder(const unsigned char *start, const unsigned char *end)
{
    uint32_t word;
    memcpy(&word, end - 2 * HEADER, sizeof word);
    cr_assert(word == distance(start, end),
              "a remainder of %zu bytes ends with the size %u",
              distance(start, end), word);
}

/* Of the end of the heap, and of a hole; then the block above it is freed. */
Test(blocks, leave_a_remainder_that_ends_with_its_size)
{
    enum { HOLE = 1004, ABOVE = 508 };
    for (size_t rest = 16; rest <= HOLE - 100; rest += 16) {
        begin_heap(8 << 10);
        unsigned char *start = new_block(HOLE)->start;
        check_remainder(start + HOLE + HEADER,
                        (unsigned char *)mem_heap_hi() + 1);
        unsigned char *above = new_block(ABOVE)->start;
        new_block(100);
        free_block(model.block);
        cr_assert(new_block(HOLE - rest)->start == start);
        unsigned char *remainder = start + HOLE + HEADER - rest;
        check_remainder(remainder, above);
        free_block(&model.block[1]);
        cr_assert(new_block(rest + ABOVE)->start == remainder,
                  "a remainder of %zu bytes stays alone", rest);
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

static bool holds_slab(const struct heap_part *part)
{
    uintptr_t start = (uintptr_t)part->start;
    return part->kind == PART_FREE && part->list >= 0 &&
           align_up_to(SLAB, start) + SLAB <= start + part->size + HEADER;
}

/* In a full heap four holes come free. Returns whether one of them has room for a
   slab, by its size and place. */
static bool make_holes_for_slab(size_t size, size_t step)
{
    enum { HOLES = 4 };
    static struct picture picture;
    unsigned char *hole[HOLES];
    begin_heap(64 << 10);
    new_block(16);
    my_malloc(3000);
    for (size_t n = 0; n < HOLES; n++) {
        hole[n] = my_malloc(size + n * step);
        my_malloc(500 + 40 * n);
    }
    while (my_malloc(100) != NULL)
        continue;
    for (size_t n = 0; n < HOLES; n++)
        my_free(hole[n]);
    take_picture(&picture);
    bool is_room = false;
    for (size_t n = 0; n < picture.count; n++)
        is_room |= holds_slab(&picture.part[n]);
    return is_room;
}

Test(blocks, of_small_requests_find_a_hole_with_room_for_a_slab)
{
    size_t slabs = 0, none = 0;
    for (size_t step = 0; step <= 500; step += 100)
        for (size_t size = 1600; size <= 4400; size += 40) {
            bool is_room = make_holes_for_slab(size, step);
            unsigned char *first = new_block(OBJECT_MAX)->start;
            unsigned char *second = new_block(OBJECT_MAX)->start;
            bool is_slab = distance(first, second) == OBJECT_MAX;
            cr_assert(is_slab == is_room, "4 holes of %zu bytes %s room for a slab",
                      size, is_room ? "have" : "have no");
            slabs += is_room;
            none += !is_room;
        }
    cr_assert(slabs > 10 && none > 10);
}

/* A slab that was closed leaves a hole that a slab fits exactly. */
Test(blocks, of_small_requests_take_the_place_of_a_slab)
{
    enum { OBJECTS = 3 * SLAB / OBJECT_MAX };
    unsigned char *object[OBJECTS];
    begin_heap(LIMIT);
    for (size_t n = 0; n < OBJECTS; n++)
        object[n] = my_malloc(OBJECT_MAX);
    size_t frame = (uintptr_t)object[OBJECTS / 2] / SLAB;
    my_free(object[OBJECTS - 1]);
    for (size_t n = 0; n < OBJECTS; n++)
        if ((uintptr_t)object[n] / SLAB == frame)
            my_free(object[n]);
    for (size_t n = 0; n < 200; n++)
        if ((uintptr_t)new_block(16)->start / SLAB == frame) {
            unsigned char *first = model.block[n].start;
            cr_assert(distance(first, new_block(16)->start) == 16,
                      "no slab takes the place of another");
            return;
        }
    cr_assert_fail("the place of a slab is not used");
}

/* The map of the slabs is the largest part that is no payload. */
static void find_map(const struct heap_part *part, void *context)
{
    size_t *size = context;
    if (part->kind == PART_META && part->size > *size)
        *size = part->size;
}

Test(blocks, of_the_map_double_when_the_heap_outgrows_it)
{
    enum { FIRST = 2 << 20 }; /* bytes that the first map covers */
    begin_heap(32 << 20);
    new_block(OBJECT_MAX);
    for (size_t covered = FIRST; covered <= 16 << 20; covered *= 2) {
        while (mem_heapsize() < covered - 40000) {
            my_malloc(20000);
            my_malloc(OBJECT_MAX);
        }
        size_t map = 0;
        allocator.walk(find_map, &map);
        cr_assert(map == align_up(covered / SLAB / 8 + HEADER),
                  "a map of %zu bytes for a heap of %zu", map, mem_heapsize());
        while (mem_heapsize() < covered + 40000)
            for (int n = 0; n < 30; n++)
                my_malloc(OBJECT_MAX);
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

/* Takes every free block but the one at the end, and that too if it is asked for. */
static void fill_holes(bool is_end_too)
{
    static struct picture picture;
    take_picture(&picture);
    for (size_t n = 0; n < picture.count; n++)
        if (picture.part[n].kind == PART_FREE && (is_end_too || picture.part[n].list >= 0))
            new_block(picture.part[n].size);
}

/* The end of the heap, a slab at the next multiple above it, and no more. */
Test(blocks, move_the_break_by_what_a_slab_lacks)
{
    size_t page = mem_pagesize();
    for (size_t request = 100; request < 9000; request += 336) {
        begin_heap(LIMIT);
        new_block(16);
        new_block(request);
        while (distance(mem_heap_lo(), new_block(500)->start) < 12000)
            continue;
        fill_holes(false);
        size_t heapsize = mem_heapsize();
        size_t end = distance(mem_heap_lo(), new_block(OBJECT_MAX)->start);
        end = align_up_to(page, end / SLAB * SLAB + SLAB);
        cr_assert(mem_heapsize() <= (end > heapsize ? end : heapsize),
                  "%zu bytes for a slab that ends at %zu", mem_heapsize(), end);
    }
}

/* At first it may get no page, but what it asks for. */
static void check_slab_above_others(size_t size, unsigned fail_at)
{
    enum { REGION = 32 }; /* bytes that it has for itself */
    size_t page = mem_pagesize();
    begin_heap(LIMIT);
    new_block(16);
    while (my_malloc(3000), mem_heapsize() < 5 * page)
        continue;
    fill_holes(true);
    size_t start = mem_heapsize() + size;
    take_foreign(size);
    mem_fail_at(fail_at);
    new_block(OBJECT_MAX);
    cr_assert(mem_heapsize() <= align_up_to(page, start + 2 * SLAB + REGION),
              "a slab took %zu bytes", mem_heapsize() - start);
}

Test(blocks, move_the_break_by_two_slabs_where_others_have_moved_it)
{
    for (size_t size = 1; size < 4096; size += 63) {
        check_slab_above_others(size, 0);
        check_slab_above_others(align_up(size), 1);
    }
}

/* The rest of the heap becomes a region with one block, wherever it begins. */
Test(blocks, need_32_bytes_more_where_others_have_moved_the_break)
{
    enum { PAGE = 4096, REGION = 32 };
    for (size_t size = 1; size <= 64; size++)
        for (size_t request = 108; request < 1000; request += 160) {
            begin_heap(PAGE + size + align_up(request + HEADER) + REGION);
            new_block(PAGE - REGION - HEADER);
            take_foreign(size);
            new_block(request);
            check_memory();
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

/* A bin for each size up to 512 bytes, two for each doubling above, and one for
   all that is left. */
static int bin_for(size_t size)
{
    int bin = 0;
    size_t largest = 16;
    for (; bin < 63 && size > largest; bin++)
        if (largest < 512)
            largest += 16;
        else
            largest += (largest & (largest - 1)) == 0 ? largest / 2 : largest / 3;
    return bin;
}

static int list_of(const void *payload)
{
    static struct picture picture;
    take_picture(&picture);
    for (size_t n = 0; n < picture.count; n++)
        if (picture.part[n].kind == PART_FREE && picture.part[n].start == payload)
            return picture.part[n].list;
    cr_assert_fail("the block is not free");
    return -1;
}

static void check_bin(size_t size)
{
    cr_assert(mem_init(512 << 20) == 0 && my_init() == 0);
    my_malloc(1000); /* and above it a multiple of 16 */
    void *payload = my_malloc(size - HEADER);
    cr_assert(payload != NULL && my_malloc(1000) != NULL);
    my_free(payload);
    cr_assert(list_of(payload) == bin_for(size),
              "a block of %zu bytes is in bin %d, and not %d", size,
              list_of(payload), bin_for(size));
}

Test(blocks, lie_in_the_bin_of_their_size)
{
    for (size_t size = 112; size <= 2100; size += 16)
        check_bin(size);
    for (size_t size = 2048; size <= 128 << 20; size *= 2)
        for (int by = -16; by <= 16; by += 16) {
            check_bin(size + (size_t)by);
            check_bin(size + size / 2 + (size_t)by);
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

/* Whoever moved the break left as many bytes as a region with one block needs. */
Test(large, blocks_may_end_with_the_last_byte_below_4_GiB)
{
    enum { BLOCK = 8192, REGION = 32, RESERVE = 4 * 4096 + 1 };
    for (size_t more = 0; more < 2; more++) {
        begin_large_heap();
        size_t start = 4 * gibibyte - RESERVE - BLOCK - REGION + more;
        cr_assert(mem_sbrk(start - mem_heapsize()) != (void *)-1);
        void *payload = my_malloc(BLOCK - HEADER);
        cr_assert((payload != NULL) == (more == 0), "a block that ends at %zu",
                  start + REGION + BLOCK);
        check_large();
    }
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
