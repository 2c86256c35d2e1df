/* What Init promises: which blocks there are, and that nothing else of the
   buffer, and nothing of an arena before, is touched. */
#include "suite.h"

#include <stdlib.h>

TestSuite(Init, .init = begin_test);

static void *held[BLOCKS];

/* Allocates all there is, and writes every byte of each block. */
static size_t hold_all(void)
{
    size_t count = 0;
    for (void *block; (block = Allocate()) != NULL; count++) {
        if (count == model.count)
            complain("there are more than %zu blocks", count);
        hold(block, 1, ALL);
        held[count] = block;
    }
    return count;
}

static void let_all_go(size_t count)
{
    for (size_t n = 0; n < count; n++)
        let_go(held[n], 1, ALL);
}

static void check_dirt(const unsigned char *begin, const unsigned char *end)
{
    for (; begin < end; begin++)
        if (*begin != DIRT)
            complain("a byte that is in no block was written");
}

/* An arena in `size` bytes from `buffer` on has the blocks that fit, writes
   into no byte around them, and keeps what stands in its blocks. */
static void check_arena(unsigned char *buffer, size_t size)
{
    unsigned char *begin = model.memory, *end = model.memory + ROOM;
    if (buffer - begin > 2 * PAGE)
        begin = buffer - PAGE;
    if ((size_t)(end - buffer) > size + 2 * PAGE)
        end = buffer + size + PAGE;
    memset(begin, DIRT, (size_t)(end - begin));
    begin_arena_at(buffer, size);
    size_t count = hold_all();
    if (count != blocks_in(buffer, size))
        complain("%zu bytes, %zu of them in whole blocks, give %zu blocks", size,
                 blocks_in(buffer, size) * BLOCK_SIZE, count);
    let_all_go(count);
    if (count == 0)
        check_dirt(begin, end);
    check_dirt(begin, model.first);
    check_dirt(model.first + count * BLOCK_SIZE, end);
}

Test(Init, makes_1024_blocks_of_1024_pages)
{
    cr_assert(GetBlockSize() == 4096, "the block size is %zu", GetBlockSize());
    check_arena(model.memory, (size_t)1024 * 4096);
    cr_assert(model.count == 1024);
}

Test(Init, makes_a_block_of_every_block_of_the_buffer)
{
    for (size_t blocks = 0; blocks < 40; blocks++)
        check_arena(model.memory, blocks * BLOCK_SIZE);
}

Test(Init, leaves_a_part_of_a_block_at_the_end_alone)
{
    for (size_t blocks = 0; blocks < 4; blocks++)
        for (size_t rest = 1; rest < BLOCK_SIZE; rest += rest < 20 ? 1 : 509) {
            check_arena(model.memory, blocks * BLOCK_SIZE + rest);
            check_arena(model.memory, (blocks + 1) * BLOCK_SIZE - rest);
        }
}

Test(Init, aligns_the_buffer_and_loses_a_block_at_most)
{
    for (size_t by = 1; by < BLOCK_SIZE; by += by < 20 ? 1 : 509)
        for (size_t blocks = 0; blocks < 4; blocks++) {
            check_arena(model.memory + by, blocks * BLOCK_SIZE);
            check_arena(model.memory + by, (blocks + 1) * BLOCK_SIZE - by);
            check_arena(model.memory + by, (blocks + 1) * BLOCK_SIZE - by - 1);
            check_arena(model.memory + BLOCK_SIZE - by, blocks * BLOCK_SIZE + by);
        }
}

/* The pages before and behind the memory may not be touched. */
Test(Init, may_have_memory_that_ends_where_no_memory_is)
{
    unsigned char *end = model.memory + ROOM;
    for (size_t size = 0; size < 3 * BLOCK_SIZE; size += 1000) {
        check_arena(model.memory, size);
        check_arena(end - size, size);
    }
    check_arena(model.memory + 1, ROOM - 1 - BLOCK_SIZE);
    check_arena(end - 5 * BLOCK_SIZE, 5 * BLOCK_SIZE);
}

Test(Init, makes_arenas_without_a_block_and_with_one)
{
    check_arena(model.memory, BLOCK_SIZE);
    for (int again = 0; again < 3; again++) {
        begin_arena(0);
        cr_assert(Allocate() == NULL, "there is a block in an arena of none");
        cr_assert(Allocate() == NULL, "there is a block in an arena of none");
        begin_arena_at(model.memory + 1, 5);
        cr_assert(Allocate() == NULL, "there is a block in 5 bytes");
        begin_arena(1);
        void *block = take_one(1);
        cr_assert(take(1) == NULL, "there are two blocks in an arena of one");
        give(block, 1);
        cr_assert(take_one(1) == block);
    }
}

/* No call before it, and none in between. */
Test(Init, forgets_the_arena_before)
{
    static const size_t sizes[] = {0, 1, 2, 7, 100, 3, 1024, 5};
    for (int life = 0; life < 100; life++) {
        size_t blocks = sizes[life % 8], other = sizes[life * 3 % 7];
        begin_arena(blocks);
        for (int i = 0; i < life % 5; i++)
            take(1);
        unsigned char *second = model.memory + (BLOCKS - other) * BLOCK_SIZE;
        begin_arena_at(second, other * BLOCK_SIZE);
        size_t count = hold_all();
        cr_assert(count == other,
                  "%zu blocks after one arena of %zu and another of %zu", count,
                  blocks, other);
        let_all_go(count);
    }
}

Test(Init, gives_all_blocks_of_a_used_arena_back)
{
    begin_arena(20);
    for (int life = 0; life < 20; life++) {
        for (int i = 0; i < life; i++)
            take_one(1);
        begin_arena(20);
        cr_assert(count_free(1) == 20, "after %d allocations and a second Init "
                  "%zu of 20 blocks are free", life, count_free(1));
    }
}

/* Contents of the buffer are arbitrary. */
Test(Init, takes_memory_with_anything_in_it)
{
    srand(7);
    for (int turn = 0; turn < 20; turn++) {
        for (size_t i = 0; i < 8 * BLOCK_SIZE; i++)
            model.memory[i] = turn < 2 ? (unsigned char)-turn : (unsigned char)rand();
        begin_arena(8);
        cr_assert(hold_all() == 8, "not all blocks are there");
        let_all_go(8);
    }
}

static void check_refused(void *buffer, size_t size, const char *what)
{
    void *first, *second;
    begin_arena(3);
    first = take_one(1);
    second = take_one(1);
    give(first, 1);
    int result = Init(buffer, size);
    cr_assert(result == -1, "Init with %s returns %d", what, result);
    void *next = take(1);
    cr_assert(next == first, "Init with %s has changed the arena", what);
    check_canary(second, index_of(second), 1, SOME);
    give(second, 1);
    check_count(2);
}

Test(Init, refuses_what_is_no_memory_and_changes_nothing)
{
    unsigned char *buffer = model.memory;
    check_refused(NULL, 0, "no buffer");
    check_refused(NULL, 100, "no buffer");
    check_refused(NULL, 100 * BLOCK_SIZE, "no buffer");
    check_refused(buffer, SIZE_MAX, "a buffer that wraps");
    check_refused(buffer, SIZE_MAX - (uintptr_t)buffer + 1, "a buffer that wraps");
    check_refused(buffer + 1, SIZE_MAX - BLOCK_SIZE, "a buffer that wraps");
}

Test(Init, must_come_first)
{
    cr_assert(Allocate() == NULL, "there is a block before there is an arena");
    begin_arena(2);
    cr_assert(count_free(1) == 2);
}
