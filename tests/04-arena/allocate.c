/* What Allocate and Free promise one thread. Nothing here knows how the arena
   works, except that the block freed last comes first. */
#include "suite.h"

#include <malloc.h>
#include <stdlib.h>

TestSuite(Allocate, .init = begin_test);
TestSuite(Free, .init = begin_test);
TestSuite(GetBlockSize, .init = begin_test);

static void *block[BLOCKS];

static void take_all(void)
{
    for (size_t n = 0; n < model.count; n++)
        block[n] = take_one(1);
}

Test(GetBlockSize, tells_the_constant)
{
    cr_assert(GetBlockSize() == BLOCK_SIZE, "it says %zu", GetBlockSize());
    begin_arena(3);
    cr_assert(GetBlockSize() == BLOCK_SIZE, "it says %zu", GetBlockSize());
}

Test(Allocate, returns_NULL_when_all_blocks_are_held_and_goes_on)
{
    begin_arena(10);
    for (int turn = 0; turn < 5; turn++) {
        take_all();
        for (int i = 0; i < 5; i++)
            cr_assert(Allocate() == NULL, "an exhausted arena has a block");
        give(block[turn], 1);
        cr_assert(take(1) == block[turn], "the block that came back is not there");
        cr_assert(Allocate() == NULL, "an exhausted arena has a block");
        for (size_t n = 0; n < 10; n++)
            give(block[n], 1);
    }
    check_count(1);
}

Test(Allocate, returns_the_block_that_was_freed_last)
{
    begin_arena(50);
    take_all();
    srand(1);
    for (int turn = 0; turn < 200; turn++) {
        void *freed[50];
        size_t count = (size_t)rand() % 50 + 1;
        for (size_t n = 0; n < count; n++) {
            size_t i = n + (size_t)rand() % (50 - n);
            freed[n] = block[i];
            block[i] = block[n];
            give(freed[n], 1);
        }
        for (size_t n = count; n-- > 0;) {
            block[n] = take_one(1);
            cr_assert(block[n] == freed[n],
                      "of %zu freed blocks number %zu does not come in its turn",
                      count, n + 1);
        }
    }
}

Test(Allocate, gives_the_caller_every_byte_of_a_block)
{
    begin_arena(BLOCKS);
    for (size_t n = 0; n < BLOCKS; n++) {
        block[n] = Allocate();
        cr_assert(block[n] != NULL, "block %zu is missing", n);
        hold(block[n], 1, ALL);
    }
    for (size_t n = 0; n < BLOCKS; n += 2) {
        let_go(block[n], 1, ALL);
        Free(block[n]);
    }
    for (size_t n = 1; n < BLOCKS; n += 2)
        check_canary(block[n], index_of(block[n]), 1, ALL);
    for (size_t n = 0; n < BLOCKS; n += 2)
        hold(Allocate(), 2, ALL);
    for (size_t n = 1; n < BLOCKS; n += 2)
        let_go(block[n], 1, ALL);
}

Test(Allocate, keeps_every_block_whole_over_random_calls)
{
    for (size_t blocks = 1; blocks <= BLOCKS; blocks *= 4) {
        size_t count = 0;
        begin_arena(blocks);
        work(1, 5000, block, &count, blocks, false);
        check_count(2);
        give_all(1, block, &count);
        check_count(2);
    }
}

/* Where its libc counts what it has given. */
Test(Allocate, takes_no_memory_from_anybody)
{
    begin_arena(BLOCKS);
    void *brk = sbrk(0);
    struct mallinfo2 before = mallinfo2();
    begin_arena(BLOCKS);
    for (int turn = 0; turn < 2; turn++) {
        take_all();
        cr_assert(Allocate() == NULL);
        for (size_t n = 0; n < BLOCKS; n++)
            give(block[n], 1);
    }
    struct mallinfo2 after = mallinfo2();
    cr_assert(sbrk(0) == brk, "the break has moved");
    cr_assert(after.uordblks == before.uordblks && after.hblks == before.hblks,
              "it has taken memory from malloc");
}

Test(Free, makes_a_block_free_again)
{
    begin_arena(100);
    for (int turn = 0; turn < 20; turn++) {
        take_all();
        for (size_t n = 0; n < 100; n++)
            give(block[n], 1);
        cr_assert(count_free(2) == 100, "blocks are lost");
    }
}

Test(Free, takes_blocks_in_any_order)
{
    srand(2);
    begin_arena(60);
    for (int turn = 0; turn < 100; turn++) {
        take_all();
        for (size_t n = 0; n < 60; n++) {
            size_t i = n + (size_t)rand() % (60 - n);
            void *other = block[i];
            block[i] = block[n];
            give(other, 1);
        }
        check_count(2);
    }
}

Test(Free, does_nothing_with_NULL)
{
    begin_arena(3);
    Free(NULL);
    cr_assert(count_free(1) == 3, "Free(NULL) has changed the arena");
    take_all();
    Free(NULL);
    cr_assert(Allocate() == NULL, "Free(NULL) has made a block");
    for (size_t n = 0; n < 3; n++)
        check_canary(block[n], index_of(block[n]), 1, SOME);
}

Test(Free, leaves_all_other_blocks_alone)
{
    begin_arena(30);
    take_all();
    for (size_t n = 0; n < 30; n++) {
        give(block[n], 1);
        for (size_t other = n + 1; other < 30; other++)
            check_canary(block[other], index_of(block[other]), 1, SOME);
    }
}
