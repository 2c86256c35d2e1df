/* What the heap takes from the kernel, and what it gives back: segments of 2
   MiB for requests below 256 KiB, own mappings for larger ones. */
#include "model.h"

TestSuite(segments, .init = watchdog);

enum { OWN = 256 * KIB }; /* bytes with the header: such a block is a mapping */

static const size_t small_and_medium[] = {
    1,        16,    17,        100,       500,       1000,
    1024,     1025,  4000,      5000,      9000,      20000,
    32 * KIB, 50000, 100 * KIB, 130 * KIB, 200 * KIB, OWN - 64};
enum { SIZES = sizeof small_and_medium / sizeof *small_and_medium };

enum { MANY = 1 << 19 };
static void *many[MANY];

/* Segments */

/* Where no mapping is aligned, a segment may take a second call. */
static unsigned calls_for_one(enum placing placing)
{
    return placing == ALIGNED ? 1 : 2;
}

Test(segments, serve_many_blocks_each)
{
    begin_heap(ALIGNED);
    new_block(1);
    cr_assert(pages.maps == 1, "%u mappings for one block", pages.maps);
    cr_assert(pages.mapped == ALIGNED_BYTES, "a segment has %zu bytes",
              pages.mapped);
    unsigned calls = mapping_calls();
    for (size_t request = 1; request <= 1200; request++)
        new_block(request);
    cr_assert(mapping_calls() == calls, "%u mapping calls for 1,200 blocks",
              mapping_calls() - calls);
    check_heap();
}

Test(segments, are_mapped_when_there_is_something_to_serve)
{
    begin_heap(APART);
    MyFree(NULL);
    cr_assert(MyMalloc(0) == NULL && MyMalloc(SIZE_MAX) == NULL);
    cr_assert(pages.maps == 0, "a mapping serves nobody");
    new_block(1);
    check_heap();
}

static size_t largest_hole;

static void find_largest_hole(const struct heap_part *part, void *context)
{
    static size_t hole;
    (void)context;
    bool is_free = part->kind == PART_FREE || part->kind == PART_FRESH;
    hole = is_free ? hole + part->size : 0;
    if (hole > largest_hole)
        largest_hole = hole;
}

/* One after the other until five segments are full. */
static void check_second_is_needed(size_t request)
{
    enum { SEGMENTS = 5 };
    size_t sum = 0;
    begin_heap(APART);
    for (int n = 0; n <= SEGMENTS;) {
        size_t mapped = pages.mapped;
        largest_hole = 0;
        if (request >= 64 * KIB)
            allocator.walk(find_largest_hole, NULL);
        void *payload = MyMalloc(request);
        cr_assert(payload != NULL, "MyMalloc(%zu) returned NULL", request);
        cr_assert(pages.mapped <= mapped + ALIGNED_BYTES,
                  "%zu bytes more are mapped for a block of %zu",
                  pages.mapped - mapped, request);
        if (pages.mapped > mapped && n++ > 0) {
            size_t rest = (size_t)(n - 1) * ALIGNED_BYTES - sum;
            cr_assert(rest < (size_t)(n - 1) * (ALIGNED_BYTES / 8) +
                                  request * 16 ||
                          rest < (size_t)(n - 1) * request,
                      "segment %d comes with %zu bytes in use, for %zu bytes",
                      n, sum, request);
            cr_assert(request < 64 * KIB || largest_hole < request + 64,
                      "segment %d comes though %zu bytes are free, for %zu", n,
                      largest_hole, request);
        }
        sum += (request + 15) / 16 * 16;
    }
}

Test(segments, are_mapped_exactly_when_no_other_can_serve)
{
    for (size_t n = 0; n < SIZES; n++)
        check_second_is_needed(small_and_medium[n]);
}

/* Blocks until memory is short, or they are `total` bytes; then none. */
static size_t fill_and_empty(size_t request, size_t total)
{
    size_t count = 0;
    while (count * request < total && count < MANY) {
        unsigned char *payload = MyMalloc(request);
        if (payload == NULL)
            break;
        payload[0] = payload[request - 1] = 1;
        many[count++] = payload;
    }
    for (size_t n = 0; n < count; n++)
        MyFree(many[n]);
    return count;
}

/* The whole of a segment is one hole in the end: blocks of any size find it. */
Test(segments, serve_blocks_of_any_size_when_they_are_empty)
{
    begin_heap(APART);
    new_block(1);
    free_all_blocks();
    pages.limit = ALIGNED_BYTES;
    for (size_t from = 0; from < SIZES; from += 3)
        for (size_t to = from % 2; to < SIZES; to += 2) {
            fill_and_empty(small_and_medium[from], SIZE_MAX / 2);
            size_t count = fill_and_empty(small_and_medium[to], MIB);
            cr_assert(count * (small_and_medium[to] + 16) > MIB / 2,
                      "%zu blocks of %zu bytes fit where those of %zu were",
                      count, small_and_medium[to], small_and_medium[from]);
        }
    check_heap();
}

/* Warmed up, a block that comes and goes costs nothing. */
static void check_pairs(size_t request, unsigned allowed)
{
    MyFree(MyMalloc(request));
    unsigned calls = mapping_calls();
    for (int i = 0; i < 1000; i++) {
        void *payload = MyMalloc(request);
        cr_assert(payload != NULL, "MyMalloc(%zu) returned NULL", request);
        MyFree(payload);
    }
    calls = mapping_calls() - calls;
    cr_assert(calls <= allowed,
              "1,000 pairs of %zu bytes make %u mapping calls", request, calls);
}

Test(segments, stay_when_a_block_comes_and_goes)
{
    begin_heap(APART);
    for (size_t n = 0; n < SIZES; n++)
        check_pairs(small_and_medium[n], 2);
    for (size_t n = 0; n < SIZES; n++) {
        begin_heap(APART);
        new_block(small_and_medium[n]);
        for (size_t k = 0; k < SIZES; k++)
            check_pairs(small_and_medium[k], 2);
    }
}

/* At the edge: live blocks fill their segments, and the pair needs another. */
Test(segments, stay_when_a_block_comes_and_goes_at_the_edge)
{
    for (size_t n = 0; n < SIZES; n++) {
        size_t request = small_and_medium[n];
        begin_heap(APART);
        void *payload = MyMalloc(request);
        for (size_t mapped = pages.mapped; pages.mapped <= 2 * mapped;) {
            cr_assert(payload != NULL);
            payload = MyMalloc(request);
        }
        check_pairs(request, 2);
        MyFree(payload);
        check_pairs(request, 2);
        for (size_t k = 0; k < SIZES; k++)
            check_pairs(small_and_medium[k], 2);
    }
}

/* All sizes in turn, each a thousand times. */
Test(segments, stay_when_blocks_of_all_sizes_come_and_go)
{
    begin_heap(APART);
    void *payload[SIZES];
    unsigned calls = 0;
    for (int i = 0; i < 1001; i++) {
        if (i == 1)
            calls = mapping_calls();
        for (size_t n = 0; n < SIZES; n++) {
            payload[n] = MyMalloc(small_and_medium[n]);
            cr_assert(payload[n] != NULL);
        }
        for (size_t n = 0; n < SIZES; n++)
            MyFree(payload[n]);
    }
    calls = mapping_calls() - calls;
    cr_assert(calls <= 2, "1,000 rounds make %u mapping calls", calls);
}

static void *give(size_t request)
{
    void *payload = MyMalloc(request);
    cr_assert(payload != NULL, "MyMalloc(%zu) returned NULL", request);
    memset(payload, 1, request < 100 ? request : 100);
    return payload;
}

/* More than one segment, and then none is needed. */
static void check_all_given_back(size_t request, size_t step)
{
    size_t count = 3 * ALIGNED_BYTES / (request + 16);
    if (count > MANY)
        count = MANY;
    for (size_t n = 0; n < count; n++)
        many[n] = give(request);
    check_memory();
    for (size_t n = 0; n < count; n++) {
        MyFree(many[n * step % count]);
        many[n * step % count] = NULL;
    }
    for (size_t n = 0; n < count; n++)
        MyFree(many[n]);
    cr_assert(pages.mapped <= ALIGNED_BYTES,
              "%zu bytes stay when all blocks of %zu are free", pages.mapped,
              request);
    check_heap();
}

Test(segments, go_when_they_are_empty_but_for_one)
{
    begin_heap(LINUX);
    for (size_t n = 0; n < SIZES; n++) {
        check_all_given_back(small_and_medium[n], 1);
        check_all_given_back(small_and_medium[n], 104729);
    }
}

/* Blocks of all sizes live in the same heap. */
Test(segments, go_when_a_mixed_heap_is_freed)
{
    for (enum placing placing = APART; placing <= LINUX; placing++) {
        begin_heap(placing);
        for (int i = 0; i < 2; i++) {
            for (size_t n = 0; n < 2000; n++)
                new_block(small_and_medium[n * 31 % SIZES]);
            cr_assert(pages.mapped > 10 * ALIGNED_BYTES);
            free_all_blocks();
            check_heap();
            cr_assert(pages.mapped <= ALIGNED_BYTES, "%zu bytes stay",
                      pages.mapped);
        }
    }
}

static void free_every_tenth(void)
{
    pages.during = NULL;
    for (size_t n = 0; n < model.count; n += 10)
        free_block(&model.block[n]);
}

/* While a segment is mapped other threads free what the request needs. */
Test(segments, go_when_nobody_needs_them_any_more)
{
    enum { LARGE = 200000, SEGMENTS = 100 };
    begin_heap(ALIGNED);
    while (pages.mapped < (SEGMENTS + 1) * (size_t)ALIGNED_BYTES) {
        if (pages.mapped == SEGMENTS * (size_t)ALIGNED_BYTES)
            pages.during = free_every_tenth;
        new_block(LARGE);
    }
    check_heap();
    free_all_blocks();
    check_heap();
    cr_assert(pages.mapped <= ALIGNED_BYTES, "%zu bytes stay", pages.mapped);
}

/* A class may keep a pool that is empty, but not a segment for it. */
Test(segments, go_with_the_empty_pools_in_them)
{
    enum { SLOT = 40, LARGE = 200000 };
    void *large[20];
    size_t count = 0;
    begin_heap(ALIGNED);
    void *slot = give(SLOT);
    while (pages.mapped == ALIGNED_BYTES)
        large[count++] = give(LARGE);
    MyFree(slot);
    for (size_t n = 0; n < count; n++)
        MyFree(large[n]);
    cr_assert(pages.mapped == ALIGNED_BYTES, "%zu bytes stay", pages.mapped);
    check_heap();
}

/* One long-lived block a segment is the worst; all else must serve again. */
Test(segments, are_filled_again_from_their_holes)
{
    begin_heap(APART);
    for (size_t n = 0; n < 2000; n++)
        new_block(10000);
    size_t mapped = pages.mapped;
    sort_blocks();
    for (size_t n = 2000; n-- > 0;)
        if (n % 100 != 0)
            free_block(&model.block[n]);
    check_heap();
    static const size_t requests[] = {24, 200, 1000, 10000, 100 * KIB};
    for (size_t i = 0; i < 5; i++) {
        size_t count = 8 * MIB / (requests[i] + 16), had = model.count;
        if (count > MANY)
            count = MANY;
        for (size_t n = 0; n < count; n++)
            many[n] = give(requests[i]);
        cr_assert(pages.mapped <= mapped, "holes do not serve blocks of %zu",
                  requests[i]);
        for (size_t n = 0; n < count; n++)
            MyFree(many[n]);
        cr_assert(model.count == had);
        check_heap();
    }
}

/* Own mappings */

static void check_own(size_t request)
{
    size_t mapped = pages.mapped;
    struct block *block = new_block(request);
    cr_assert(pages.mapped >= mapped + request, "%zu bytes share a segment",
              request);
    cr_assert(pages.mapped <= mapped + request + 3 * PAGE_BYTES,
              "an own mapping of %zu bytes for a request of %zu",
              pages.mapped - mapped, request);
    check_memory();
    unsigned unmaps = pages.unmaps;
    free_block(block);
    cr_assert(pages.mapped == mapped && pages.unmaps > unmaps,
              "a mapping of %zu bytes stays", request);
}

Test(segments, are_not_for_large_blocks)
{
    begin_heap(APART);
    new_block(1);
    for (size_t request = 2 * MIB + 1; request < 64 * MIB;
         request += request / 3)
        check_own(request);
    for (size_t request = 2 * MIB - 16; request <= 2 * MIB + 16; request++) {
        struct block *block = new_block(request);
        check_memory();
        free_block(block);
        check_heap();
    }
}

/* A block of 256 KiB and more, header included, is none of a segment's. */
Test(segments, end_where_own_mappings_begin)
{
    for (size_t request = OWN - 80; request <= OWN + 16; request++) {
        begin_heap(ALIGNED);
        new_block(1);
        size_t mapped = pages.mapped;
        unsigned maps = pages.maps;
        struct block *block = new_block(request);
        bool is_own = pages.mapped > mapped;
        cr_assert(!is_own || pages.maps == maps + 1, "%u mappings for a block",
                  pages.maps - maps);
        cr_assert(request < OWN || is_own, "%zu bytes share a segment",
                  request);
        cr_assert(request > OWN - 64 || !is_own, "%zu bytes have a mapping",
                  request);
        cr_assert(pages.mapped <= mapped + request + 3 * PAGE_BYTES,
                  "%zu bytes are mapped for a block of %zu",
                  pages.mapped - mapped, request);
        check_heap();
        free_block(block);
        check_heap();
        for (int i = 0; i < 3; i++)
            new_block(request);
        check_heap();
        free_all_blocks();
        cr_assert(pages.mapped <= ALIGNED_BYTES + OWN + 4 * PAGE_BYTES,
                  "%zu bytes stay", pages.mapped);
    }
}

/* From below the threshold to beyond the payload of a segment. */
Test(segments, serve_every_kind_of_request_with_one_mapping_at_most)
{
    static const size_t edges[] = {32,        1 * KIB,  8 * KIB,   16 * KIB,
                                   32 * KIB,  64 * KIB, 128 * KIB, OWN,
                                   512 * KIB, MIB,      2 * MIB,   4 * MIB};
    for (enum placing placing = APART; placing <= LINUX; placing++)
        for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
            begin_heap(placing);
            for (size_t request = edges[i] - 80; request <= edges[i] + 16;
                 request++) {
                size_t mapped = pages.mapped;
                unsigned maps = pages.maps;
                struct block *block = new_block(request);
                cr_assert(pages.maps <= maps + calls_for_one(placing),
                          "%u mappings for %zu bytes", pages.maps - maps,
                          request);
                cr_assert(pages.mapped <= mapped + ALIGNED_BYTES ||
                              pages.mapped <= mapped + request + 3 * PAGE_BYTES,
                          "%zu bytes more are mapped for %zu",
                          pages.mapped - mapped, request);
                check_memory();
                free_block(block);
                cr_assert(pages.mapped <= 3 * ALIGNED_BYTES);
            }
            check_heap();
        }
}

Test(segments, are_not_touched_by_own_mappings_that_come_and_go)
{
    begin_heap(ALIGNED);
    new_block(1);
    for (size_t request = OWN; request + 64 <= 2 * MIB; request += 100 * KIB)
        check_pairs(request, 2);
    check_pairs(2 * MIB - PAGE_BYTES, 2);
    for (size_t request = 2 * MIB + 1; request <= 20 * MIB;
         request += 3 * MIB) {
        size_t mapped = pages.mapped;
        unsigned maps = pages.maps;
        for (int i = 0; i < 20; i++) {
            void *payload = MyMalloc(request);
            cr_assert(payload != NULL);
            MyFree(payload);
            cr_assert(pages.mapped <= mapped, "%zu bytes stay",
                      pages.mapped - mapped);
        }
        cr_assert(pages.maps == maps + 20, "%u mappings for 20 blocks of %zu",
                  pages.maps - maps, request);
    }
    check_heap();
}

/* One of at most 2 MiB is kept, of any number. */
Test(segments, are_all_that_stays_but_for_one_own_mapping)
{
    for (enum placing placing = APART; placing <= LINUX; placing++) {
        begin_heap(placing);
        for (size_t request = OWN; request < 6 * MIB; request += 150 * KIB)
            new_block(request);
        check_heap();
        srand(5);
        while (model.count > 0)
            free_block(&model.block[(size_t)rand() % model.count]);
        check_heap();
        cr_assert(pages.mapped <= 2 * MIB, "%zu bytes of own mappings stay",
                  pages.mapped);
    }
}

static size_t largest_used;

static void find_largest_used(const struct heap_part *part, void *context)
{
    (void)context;
    if (part->kind == PART_USED && part->size > largest_used)
        largest_used = part->size;
}

/* A mapping that was kept may be larger than the request, but not by far. */
Test(segments, do_not_give_a_block_far_too_large_a_mapping)
{
    for (size_t kept = OWN; kept < 2 * MIB; kept += 64 * KIB)
        for (size_t request = OWN; request < kept; request += 64 * KIB) {
            begin_heap(ALIGNED);
            new_block(1);
            free_block(new_block(kept - 100));
            new_block(request);
            check_heap();
            largest_used = 0;
            allocator.walk(find_largest_used, NULL);
            cr_assert(largest_used <= 2 * request + 2 * PAGE_BYTES,
                      "%zu bytes for a request of %zu", largest_used, request);
        }
}
