/* What a call costs, in steps: basic blocks of arena.c that it runs, the same in
   every run. It may not grow with the arena, nor with what is free of it. */
#include "suite.h"

TestSuite(work, .init = begin_test);

static void *block[BLOCKS];
static unsigned long most; /* steps of one call */

static void note(unsigned long before)
{
    unsigned long steps = hook_steps() - before;
    if (steps > most)
        most = steps;
}

static void give_counted(void *given)
{
    unsigned long before = hook_steps();
    Free(given);
    note(before);
}

static void *take_counted(void)
{
    unsigned long before = hook_steps();
    void *taken = Allocate();
    note(before);
    return taken;
}

/* The most steps of a call where `blocks` are taken, and freed in the order of
   their addresses or in the reverse. */
static unsigned long measure(size_t blocks)
{
    most = 0;
    begin_arena(blocks);
    for (int turn = 0; turn < 4; turn++) {
        for (size_t n = 0; n < blocks; n++) {
            block[n] = take_counted();
            cr_assert(block[n] != NULL, "block %zu is missing", n);
        }
        cr_assert(take_counted() == NULL);
        for (size_t n = 0; n < blocks; n++)
            give_counted(block[turn % 2 == 0 ? n : blocks - 1 - n]);
    }
    return most;
}

Test(work, is_the_same_however_many_blocks_there_are)
{
    unsigned long few = measure(10);
    cr_assert(few > 0, "this build counts no steps");
    for (size_t blocks = 100; blocks <= BLOCKS; blocks *= 3) {
        unsigned long steps = measure(blocks);
        cr_assert(steps <= few + 5,
                  "a call takes %lu steps where there are %zu blocks, and %lu "
                  "where there are 10",
                  steps, blocks, few);
    }
}

Test(work, is_little)
{
    unsigned long steps = measure(BLOCKS);
    cr_assert(steps > 0, "this build counts no steps");
    cr_assert(steps <= 40, "a call takes %lu steps", steps);
}
