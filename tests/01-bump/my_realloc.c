/* What my_realloc promises: its edges, the contents that it keeps, and a block
   that is whole after a failure. No test here knows how the heap works. */
#define _GNU_SOURCE /* sigsetjmp and mprotect */
#include "model.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "01-bump/fault.h"

TestSuite(my_realloc, .init = watchdog);

static struct picture before;

Test(my_realloc, of_NULL_is_my_malloc)
{
    begin_heap(LIMIT);
    for (size_t request = 1; request <= 300; request++) {
        void *payload = my_realloc(NULL, request);
        cr_assert(payload != NULL, "my_realloc(NULL, %zu) returned NULL",
                  request);
        check_aligned(payload);
        add_block(payload, request);
    }
    check_memory();
    take_picture(&before);
    cr_assert(my_realloc(NULL, 0) == NULL, "my_realloc(NULL, 0) is not NULL");
    cr_assert(my_realloc(NULL, SIZE_MAX) == NULL,
              "no heap holds SIZE_MAX bytes");
    check_unchanged(&before, "my_realloc(NULL, 0)");
}

Test(my_realloc, to_0_frees_the_block_and_returns_NULL)
{
    begin_heap(LIMIT);
    resize_block(new_block(20), 40);
    struct block *block = new_block(100);
    new_block(40);
    void *payload = my_realloc(block->start, 0);
    cr_assert(payload == NULL, "my_realloc(p, 0) is not NULL");
    remove_block(block);
    check_memory();
    new_block(100);
    check_memory();
}

Test(my_realloc, keeps_the_contents_of_a_block_that_grows)
{
    begin_heap(8 << 20);
    for (size_t request = 1; request <= 200; request++) {
        resize_block(new_block(request), request + 1);
        resize_block(new_block(request), 2 * request);
        resize_block(new_block(request), request + 5000);
    }
    check_memory();
}

Test(my_realloc, keeps_the_contents_of_a_block_that_grows_again_and_again)
{
    begin_heap(LIMIT);
    struct block *block = new_block(1);
    for (size_t request = 2; request <= 10000; request += request / 4 + 1) {
        resize_block(block, request); /* in turns the highest block and not */
        new_block(8);
        free_block(block + 1);
        resize_block(block, request);
    }
    check_memory();
}

Test(my_realloc, keeps_what_fits_of_a_block_that_shrinks_and_writes_no_more)
{
    begin_heap(LIMIT);
    for (size_t request = 2; request <= 200; request++) {
        resize_block(new_block(request), request - 1);
        check_memory();
        resize_block(new_block(request), request / 2);
        check_memory();
        resize_block(new_block(request), 1);
        check_memory();
        new_block(16);
    }
    resize_block(new_block(5000), 3);
    check_memory();
}

Test(my_realloc, keeps_contents_over_1000_random_sizes)
{
    begin_heap(16 << 20);
    srand(2);
    for (size_t request = 1; request <= 20; request++)
        new_block(request);
    for (int i = 0; i < 1000; i++) {
        struct block *block = &model.block[(size_t)rand() % model.count];
        resize_block(block,
                     (size_t)rand() % (rand() % 8 == 0 ? 20000 : 500) + 1);
        if (i % 50 == 0)
            check_memory();
    }
    check_memory();
}

Test(my_realloc, may_be_the_first_call)
{
    begin_heap(LIMIT);
    void *payload = call_realloc(NULL, 10);
    cr_assert(payload != NULL, "my_realloc(NULL, 10) returned NULL");
    add_block(payload, 10);
    begin_heap(LIMIT);
    cr_assert(my_realloc(NULL, 0) == NULL, "my_realloc(NULL, 0) is not NULL");
    resize_block(new_block(10), 20);
    check_memory();
}

Test(my_realloc, keeps_every_block_whole_among_random_calls)
{
    begin_heap(8 << 20);
    new_block(24);
    for (int i = 0; i < 3000; i++)
        random_call();
    check_memory();
}

Test(my_realloc, leaves_the_block_whole_when_memory_is_short)
{
    enum { MORE = 100000 };
    for (size_t request = 1; request <= 1000; request += 111) {
        begin_heap(LIMIT);
        new_block(8);
        struct block *block = new_block(request);
        new_block(8);
        take_picture(&before);
        make_short(0, UINT_MAX);
        cr_assert(my_realloc(block->start, MORE) == NULL,
                  "mem_sbrk failed, and my_realloc did not");
        check_unchanged(&before, "my_realloc without memory");
        end_shortage();
        resize_block(block, MORE);
        new_block(request);
        check_memory();
    }
}

Test(my_realloc, leaves_the_block_whole_when_the_request_is_huge)
{
    begin_heap(LIMIT);
    struct block *block = new_block(100);
    take_picture(&before);
    for (size_t k = 0; k <= 4200; k++) {
        cr_assert(my_realloc(block->start, SIZE_MAX - k) == NULL);
        cr_assert(my_realloc(block->start, PTRDIFF_MAX - k) == NULL);
        cr_assert(my_realloc(block->start, (size_t)PTRDIFF_MAX + k) == NULL);
    }
    cr_assert(my_realloc(block->start, LIMIT) == NULL);
    check_unchanged(&before, "my_realloc to a huge size");
    resize_block(block, 200);
    new_block(100);
    check_memory();
}

Test(my_realloc, works_between_the_blocks_of_others)
{
    begin_heap(LIMIT);
    for (size_t size = 1; size <= 64; size++) {
        struct block *block = new_block(size);
        take_foreign(size);
        resize_block(block, size + 32);
        take_foreign(65 - size);
    }
    check_memory();
}

/* The block ends where a page ends. The next is foreign: nobody may read it. */
Test(my_realloc, reads_nothing_behind_the_block)
{
    begin_heap(LIMIT);
    enum { HEADER = 16 }; /* bytes; if it is another, the test is less sharp */
    size_t page = mem_pagesize();
    new_block(24);
    size_t used = mem_heapsize() % page;
    struct block *block = new_block(page - used - HEADER);
    size_t slack = (page - mem_heapsize() % page) % page;
    void *wall = (char *)mem_heap_lo() + mem_heapsize() + slack;
    cr_assert(mem_sbrk(slack + page) != (void *)-1);
    cr_assert(mprotect(wall, page, PROT_NONE) == 0);

    if (sigsetjmp(on_fault, 1) != 0)
        cr_assert_fail("my_realloc has read behind the block that it copies");
    catch_faults();
    void *payload = my_realloc(block->start, 2 * page);
    end_catching();
    cr_assert(payload != NULL, "my_realloc(p, %zu) returned NULL", 2 * page);
    check_contents(&(struct block){payload, block->size, block->key, false},
                   block->size);
    mprotect(wall, page, PROT_READ | PROT_WRITE);
}
