/* What the chapter says of its own heap beyond the interface: where blocks lie,
   what one takes, and that nothing comes back. Another heap that keeps its
   promises may differ here. */
#include "model.h"

TestSuite(bump, .init = watchdog);

Test(bump, puts_each_block_right_behind_the_one_before)
{
    begin_heap(LIMIT);
    unsigned char *header = mem_heap_lo();
    for (size_t request = 1; request <= 500; request++) {
        struct block *block = new_block(request);
        cr_assert(block->start == header + 16,
                  "a block of %zu bytes lies elsewhere", request);
        header += 16 + (request + 15) / 16 * 16;
        cr_assert((unsigned char *)mem_heap_hi() + 1 == header,
                  "a block of %zu bytes takes more or less", request);
    }
}

Test(bump, uses_the_last_byte_of_the_limit)
{
    begin_heap(LIMIT);
    struct block *block = new_block(LIMIT - 16);
    cr_assert((unsigned char *)mem_heap_hi() == block->start + LIMIT - 16 - 1);
    cr_assert(call_malloc(1) == NULL, "the heap is full");
    check_memory();

    begin_heap(LIMIT);
    cr_assert(call_malloc(LIMIT - 15) == NULL,
              "a block and its header are above the limit");
    for (size_t n = 0; n < LIMIT / 1024; n++)
        new_block(1024 - 16);
    cr_assert(call_malloc(1) == NULL, "the heap is full");
    check_memory();
}

Test(bump, loses_no_more_than_the_alignment_to_an_odd_break)
{
    for (size_t size = 1; size <= 32; size++) {
        begin_heap(LIMIT);
        take_foreign(size);
        unsigned char *header =
            (unsigned char *)mem_heap_lo() + (size + 15) / 16 * 16;
        cr_assert(new_block(24)->start == header + 16, "a break at %zu", size);
    }
}

Test(bump, gets_nothing_back_from_my_free)
{
    begin_heap(LIMIT);
    new_block(1000);
    unsigned char *highest = NULL;
    for (int i = 0; i < 100; i++) {
        struct block *block = new_block(1000);
        cr_assert(block->start > highest, "a freed block is used again");
        highest = block->start;
        free_block(block);
    }
}

Test(bump, copies_at_every_my_realloc)
{
    begin_heap(LIMIT);
    struct block *block = new_block(1000);
    for (size_t request = 999; request > 900; request--) {
        unsigned char *old = block->start;
        resize_block(block, request);
        cr_assert(block->start > old, "a block of %zu bytes did not move",
                  request);
    }
}
