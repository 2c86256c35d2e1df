/* What MyRealloc promises: its edges, the contents that it keeps, and a block
   that is whole after a failure. No test here knows how the heap works. */
#include "model.h"

TestSuite(MyRealloc, .init = watchdog);

static struct picture before;

/* From one kind of block to every other: slots, medium ones, own mappings. */
static const size_t sizes[] = {
    1,     16,        17,        100,       500,       1500, 5000,    9000,
    40000, 100 * KIB, 240 * KIB, 256 * KIB, 300 * KIB, MIB,  2 * MIB, 3 * MIB};
enum { SIZES = sizeof sizes / sizeof *sizes };

Test(MyRealloc, of_NULL_is_MyMalloc)
{
    begin_heap(APART);
    for (size_t n = 0; n < SIZES; n++) {
        void *payload = MyRealloc(NULL, sizes[n]);
        cr_assert(payload != NULL, "MyRealloc(NULL, %zu) returned NULL",
                  sizes[n]);
        add_block(payload, sizes[n]);
    }
    check_heap();
    take_picture(&before);
    cr_assert(MyRealloc(NULL, 0) == NULL, "MyRealloc(NULL, 0) is not NULL");
    cr_assert(MyRealloc(NULL, SIZE_MAX) == NULL,
              "no heap holds SIZE_MAX bytes");
    check_unchanged(&before, "MyRealloc(NULL, 0)");
}

Test(MyRealloc, to_0_frees_the_block_and_returns_NULL)
{
    begin_heap(APART);
    new_block(40);
    for (size_t n = 0; n < SIZES; n++) {
        struct block *block = new_block(sizes[n]);
        cr_assert(MyRealloc(block->start, 0) == NULL,
                  "MyRealloc(p, 0) is not NULL");
        remove_block(block);
        check_heap();
    }
}

Test(MyRealloc, keeps_contents_from_any_size_to_any_other)
{
    for (enum placing placing = APART; placing <= LINUX; placing++) {
        begin_heap(placing);
        for (size_t from = 0; from < SIZES; from++)
            for (size_t to = 0; to < SIZES; to++) {
                new_block(sizes[from]);
                unsigned char *start = new_block(sizes[from])->start;
                new_block(sizes[from]);
                resize_block(block_at(start), sizes[to]);
                check_memory();
                free_all_blocks();
            }
        check_heap();
    }
}

Test(MyRealloc, keeps_contents_when_a_block_grows_a_little)
{
    begin_heap(APART);
    for (size_t request = 1; request <= 600 * KIB; request += request / 9 + 1) {
        unsigned char *start = new_block(request)->start;
        new_block(request);
        for (size_t by = 0; by <= 33; by += 11)
            start = resize_block(block_at(start), request + by)->start;
        check_memory();
        free_all_blocks();
    }
    check_heap();
}

Test(MyRealloc, keeps_what_fits_of_a_block_that_shrinks_and_writes_no_more)
{
    begin_heap(APART);
    for (size_t request = 2; request <= 600 * KIB; request += request / 5 + 1) {
        unsigned char *start = new_block(request)->start;
        new_block(request);
        start = resize_block(block_at(start), request - 1)->start;
        start = resize_block(block_at(start), request - request / 3)->start;
        start = resize_block(block_at(start), request / 2)->start;
        resize_block(block_at(start), 1);
        check_memory();
        check_heap();
        free_all_blocks();
    }
}

/* A medium block takes what is free above it, and no copy is made. */
Test(MyRealloc, grows_a_block_where_it_is_if_there_is_room_above)
{
    enum { SIZE = 20000 };
    for (size_t by = 1; by <= SIZE; by += 499) {
        begin_heap(ALIGNED);
        unsigned char *start = new_block(SIZE)->start;
        unsigned char *above = new_block(SIZE)->start;
        new_block(SIZE);
        cr_assert(above > start && above < start + SIZE + 64);
        free_block(block_at(above));
        struct block *block = resize_block(block_at(start), SIZE + by);
        cr_assert(block->start == start, "%d bytes move to have %zu more", SIZE,
                  by);
        check_heap();
        new_block(SIZE - by > 300 ? SIZE - by - 32 : 300);
        check_heap();
    }
}

Test(MyRealloc, shrinks_a_block_where_it_is)
{
    begin_heap(ALIGNED);
    unsigned char *start = new_block(200 * KIB)->start;
    new_block(1000);
    for (size_t request = 199 * KIB; request > 300; request -= request / 5) {
        cr_assert(resize_block(block_at(start), request)->start == start,
                  "a block moves to have %zu bytes", request);
        check_heap();
    }
}

/* What a block gives up when it shrinks serves others. */
Test(MyRealloc, gives_back_what_a_block_no_longer_needs)
{
    begin_heap(APART);
    enum { COUNT = 12 };
    unsigned char *start[COUNT];
    for (size_t n = 0; n < COUNT; n++)
        start[n] = new_block(150 * KIB)->start;
    size_t mapped = pages.mapped;
    for (size_t n = 0; n < COUNT; n++)
        resize_block(block_at(start[n]), 1000);
    check_heap();
    for (size_t n = 0; n < COUNT - 3; n++)
        new_block(130 * KIB);
    cr_assert(pages.mapped <= mapped, "what blocks gave back is lost");
    check_heap();
}

Test(MyRealloc, of_an_own_mapping_gives_pages_back)
{
    begin_heap(APART);
    struct block *block = new_block(64 * MIB);
    resize_block(block, 5000);
    cr_assert(pages.mapped < 8 * MIB, "%zu bytes for a block of 5000",
              pages.mapped);
    resize_block(&model.block[0], 64 * MIB);
    resize_block(&model.block[0], 16 * MIB);
    cr_assert(pages.mapped < 24 * MIB, "%zu bytes for a block of 16 MiB",
              pages.mapped);
    check_heap();
}

Test(MyRealloc, keeps_contents_over_1000_random_sizes)
{
    begin_heap(LINUX);
    srand(2);
    for (size_t request = 1; request <= 30; request++)
        new_block(request);
    for (int i = 0; i < 1000; i++) {
        resize_block(&model.block[(size_t)rand() % model.count],
                     random_request());
        if (i % 50 == 0)
            check_heap();
    }
    check_heap();
}

Test(MyRealloc, leaves_the_block_whole_when_memory_is_short)
{
    for (size_t n = 0; n < SIZES; n++) {
        begin_heap(APART);
        new_block(8);
        struct block *block = new_block(sizes[n]);
        take_picture(&before);
        fail_maps(0, UINT_MAX);
        errno = 0;
        cr_assert(MyRealloc(block->start, 5 * MIB) == NULL,
                  "vm_map failed, and MyRealloc did not");
        cr_assert(errno == ENOMEM, "a failure leaves errno at %d", errno);
        check_unchanged(&before, "MyRealloc without memory");
        fail_maps(0, 0);
        resize_block(block, 5 * MIB);
        new_block(sizes[n]);
        check_heap();
    }
}

/* A block that shrinks has room enough where it is. */
Test(MyRealloc, keeps_contents_when_a_block_shrinks_without_memory)
{
    for (size_t from = 1; from < SIZES; from++)
        for (size_t to = 0; to < from; to++) {
            begin_heap(APART);
            struct block *block = new_block(sizes[from]);
            fail_maps(0, UINT_MAX);
            void *payload = MyRealloc(block->start, sizes[to]);
            if (payload != NULL) {
                struct block moved = *block;
                moved.start = payload;
                check_contents(&moved, sizes[to]);
                block->start = payload;
                block->size = sizes[to];
                fill(block);
            }
            fail_maps(0, 0);
            check_heap();
        }
}

Test(MyRealloc, leaves_the_block_whole_when_the_request_is_huge)
{
    for (size_t n = 0; n < SIZES; n++) {
        begin_heap(APART);
        struct block *block = new_block(sizes[n]);
        take_picture(&before);
        for (size_t k = 0; k <= 4200; k += k < 100 ? 1 : 41) {
            errno = 0;
            cr_assert(MyRealloc(block->start, SIZE_MAX - k) == NULL);
            cr_assert(MyRealloc(block->start, PTRDIFF_MAX - k) == NULL);
            cr_assert(MyRealloc(block->start, (size_t)PTRDIFF_MAX + k) == NULL);
            cr_assert(errno == ENOMEM);
        }
        check_unchanged(&before, "MyRealloc to a huge size");
        resize_block(block, 200);
        check_heap();
    }
}

/* The pages that a block has left go. */
Test(MyRealloc, keeps_one_copy_of_a_block_that_grows)
{
    begin_heap(LINUX);
    struct block *block = new_block(10);
    for (size_t request = 20; request <= 64 * MIB; request *= 2)
        block = resize_block(block, request);
    cr_assert(pages.mapped <= 2 * block->size + 6 * MIB,
              "%zu bytes are mapped for a block of %zu", pages.mapped,
              block->size);
    check_heap();
}
