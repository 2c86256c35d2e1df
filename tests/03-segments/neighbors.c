/* What it means that a block is freed: its bytes and those of its neighbors
   serve one larger request. The heap has one segment here, and gets no more. */
#include "model.h"

TestSuite(neighbors, .init = watchdog);

/* A heap of blocks of a size, without room for another. */
static void fill_segment(size_t request)
{
    void *payload;
    while ((payload = MyMalloc(request)) != NULL)
        add_block(payload, request);
}

static void begin_segment(void)
{
    begin_heap(APART);
    free_block(new_block(40000));
    pages.limit = pages.mapped;
}

/* Frees `count` blocks from the n-th on, in the k-th of all orders. */
static void free_neighbors(size_t n, size_t count, unsigned k)
{
    unsigned char *left[8];
    for (size_t i = 0; i < count; i++)
        left[i] = model.block[n + i].start;
    for (size_t rest = count; rest > 0; k /= (unsigned)rest, rest--) {
        free_block(block_at(left[k % rest]));
        left[k % rest] = left[rest - 1];
    }
}

/* The sum fits where they were, and nowhere else. */
static void check_merged(size_t request, size_t first, size_t count)
{
    unsigned orders = 1;
    for (unsigned i = 2; i <= count; i++)
        orders *= i;
    for (unsigned k = 0; k < orders; k++) {
        sort_blocks();
        unsigned char *start = model.block[first].start;
        unsigned char *last = model.block[first + count - 1].start;
        size_t sum =
            (size_t)(last - start) + model.block[first + count - 1].size;
        cr_assert(sum < count * (request + 64), "neighbors lie apart");
        free_neighbors(first, count, k);
        check_heap();
        void *payload = MyMalloc(sum);
        cr_assert(payload >= (void *)start && payload <= (void *)last,
                  "%zu neighbors of %zu bytes did not become one in order %u",
                  count, request, k);
        free_block(add_block(payload, sum));
        for (size_t i = 0; i < count; i++)
            new_block(request);
        cr_assert(MyMalloc(request) == NULL, "a full heap has %zu bytes more",
                  request);
    }
    check_heap();
}

Test(neighbors, become_one_in_all_24_orders_of_four)
{
    static const size_t requests[] = {9000, 20000, 40000, 60000};
    for (size_t i = 0; i < 4; i++) {
        begin_segment();
        fill_segment(requests[i]);
        check_merged(requests[i], 5, 4);
    }
}

Test(neighbors, become_one_at_the_start_of_a_segment)
{
    begin_segment();
    fill_segment(40000);
    for (size_t count = 2; count <= 4; count++)
        check_merged(40000, 0, count);
}

Test(neighbors, become_one_at_the_end_of_a_segment)
{
    begin_segment();
    fill_segment(40000);
    for (size_t count = 2; count <= 4; count++)
        check_merged(40000, model.count - count, count);
}

/* Nothing is merged across the end of a segment, into the next. */
Test(neighbors, of_two_segments_stay_two)
{
    for (enum placing placing = APART; placing <= LINUX; placing++) {
        begin_heap(placing);
        while (pages.mapped <= 3 * ALIGNED_BYTES)
            new_block(60000);
        pages.limit = pages.mapped;
        fill_segment(60000);
        sort_blocks();
        size_t live = model.count;
        for (size_t n = 0; n + 1 < live; n += 1 + n % 3) {
            unsigned char *low = model.block[n].start;
            unsigned char *high = model.block[n + 1].start;
            bool are_apart = (size_t)(high - low) > 60000 + 64;
            free_block(block_at(low));
            free_block(block_at(high));
            void *payload = MyMalloc(2 * 60000);
            cr_assert((payload == NULL) == are_apart,
                      "blocks of two segments became one");
            if (payload != NULL)
                free_block(add_block(payload, 2 * 60000));
            check_heap();
            new_block(60000);
            new_block(60000);
            sort_blocks();
        }
        check_memory();
    }
}

/* A hole is cut anywhere, and what is left serves as far as it can. */
Test(neighbors, are_what_a_request_leaves_of_a_hole)
{
    enum { HOLE = 60000 };
    for (size_t request = 9000; request <= HOLE - 9000; request += 777) {
        begin_segment();
        fill_segment(HOLE);
        fill_segment(9000);
        sort_blocks();
        size_t n = 4;
        while (model.block[n].size != HOLE)
            n++;
        unsigned char *start = model.block[n].start;
        free_block(&model.block[n]);
        sort_blocks();
        struct block *block = new_block(request);
        cr_assert(block->start >= start && block->start < start + HOLE,
                  "%zu bytes lie elsewhere than in the hole", request);
        new_block(HOLE - request - 96); /* bytes, for any rounding */
        check_heap();
        free_all_blocks();
        new_block(200 * KIB);
        check_heap();
    }
}

/* Around the last bytes: no remainder is too small to be cut, or it stays. */
Test(neighbors, do_not_feel_how_a_hole_is_cut)
{
    enum { HOLE = 20000 };
    begin_segment();
    fill_segment(HOLE);
    for (size_t less = 0; less <= 400; less++) {
        sort_blocks();
        size_t n = model.count / 2;
        unsigned char *start = model.block[n].start;
        free_block(&model.block[n]);
        free_block(new_block(HOLE - less));
        struct block *block = new_block(HOLE - less);
        check_memory();
        free_block(block);
        cr_assert(new_block(HOLE)->start == start, "a hole has become smaller");
    }
    check_heap();
}

/* Slots: when all of a size are free, their memory serves any other. */
Test(neighbors, of_small_sizes_become_memory_for_large_ones)
{
    static const size_t requests[] = {1, 16, 40, 100, 300, 800, 1000};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        for (size_t step = 1; step < 8000; step += 7918) {
            static void *slot[1 << 17];
            size_t count = 0;
            begin_segment();
            while ((slot[count] = MyMalloc(requests[i])) != NULL)
                count++;
            for (size_t n = 0; n < count; n++)
                if (slot[n * step % count] != NULL) {
                    MyFree(slot[n * step % count]);
                    slot[n * step % count] = NULL;
                }
            for (size_t n = 0; n < count; n++)
                MyFree(slot[n]);
            check_heap();
            for (int n = 0; n < 7; n++)
                new_block(250 * KIB);
            check_heap();
        }
}

enum { MOST = 256 * KIB - 24 }; /* bytes that a segment serves at a time */

/* Fills a segment with what fits beside seven blocks: returns the request. */
static size_t largest_rest(void)
{
    begin_segment();
    for (int n = 0; n < 7; n++)
        new_block(MOST);
    for (size_t request = MOST; request > 0; request -= 16) {
        void *payload = MyMalloc(request);
        if (payload != NULL)
            return request;
    }
    return 0;
}

/* A size that nobody uses any more keeps nothing from those who need it. */
Test(neighbors, of_small_sizes_hold_no_memory_back)
{
    size_t rest = largest_rest();
    for (size_t size = 16; size <= 256; size += 16) {
        begin_segment();
        free_block(new_block(size));
        for (int n = 0; n < 7; n++)
            new_block(MOST);
        void *payload = MyMalloc(rest);
        cr_assert(payload != NULL, "slots of %zu bytes hold memory back", size);
        add_block(payload, rest);
        check_heap();
    }
}

/* A random heap: what it can hold does not shrink. */
Test(neighbors, lose_nothing_over_random_calls)
{
    begin_segment();
    srand(9);
    for (int i = 0; i < 20; i++) {
        for (int n = 0; n < 500; n++) {
            size_t request = random_request() % (200 * KIB) + 1;
            void *payload = MyMalloc(request);
            if (payload != NULL)
                add_block(payload, request);
            else
                free_block(&model.block[(size_t)rand() % model.count]);
        }
        check_heap();
        free_all_blocks();
        check_heap();
        for (int n = 0; n < 7; n++)
            new_block(250 * KIB);
        free_all_blocks();
    }
}
