/* What happens to a caller who frees what is no block, or one that is free: where
   the arena can see it, it is reported, and the call has no effect. */
#include "suite.h"

#include <stdlib.h>

#include "04-arena/misuse.h"

TestSuite(misuse, .init = begin_test);

enum { FEW = 8 }; /* blocks */

static void *block[FEW];
static const char *what_said;
static const void *block_said;
static int reports;

static void listen(const char *what, const void *given)
{
    what_said = what;
    block_said = given;
    reports++;
}

static void take_all(void)
{
    begin_arena_at(model.memory + PAGE, FEW * BLOCK_SIZE);
    for (int n = 0; n < FEW; n++)
        block[n] = take_one(1);
    arena_misuse = listen;
    reports = 0;
}

static void check_caught(void *given, const char *what)
{
    Free(given);
    cr_assert(reports == 1, "%s: %d reports", what, reports);
    cr_assert(block_said == given, "%s: another block is named", what);
    cr_assert(what_said != NULL && strlen(what_said) > 5, "%s: no words", what);
    reports = 0;
    size_t held = count_held(), free = count_free(2);
    cr_assert(free + held == FEW, "%s: and then %zu blocks are free and %zu held",
              what, free, held);
}

Test(misuse, is_seen_when_the_address_is_in_no_block)
{
    static char outside[64];
    char local[64];
    take_all();
    check_caught(outside, "a static variable");
    check_caught(local, "a local variable");
    check_caught(model.first - BLOCK_SIZE, "a page below the arena");
    check_caught(model.first - 1, "the byte below the arena");
    check_caught(model.first + FEW * BLOCK_SIZE, "the end of the arena");
    check_caught(model.first + (FEW + 1) * BLOCK_SIZE, "a page behind the arena");
    check_caught((char *)1, "next to NULL");
    check_caught((char *)UINTPTR_MAX, "the end of all memory");
    check_caught((char *)(UINTPTR_MAX - BLOCK_SIZE + 1), "the last page of all");
}

Test(misuse, is_seen_when_the_address_is_inside_a_block)
{
    take_all();
    for (size_t by = 1; by < BLOCK_SIZE; by += by < 64 ? 1 : 255)
        for (int n = 0; n < FEW; n += FEW - 1)
            check_caught((char *)block[n] + by, "inside a block");
}

Test(misuse, is_seen_when_the_block_is_the_one_freed_last)
{
    take_all();
    for (int n = 0; n < FEW; n++) {
        give(block[n], 1);
        check_caught(block[n], "a double free");
    }
}

Test(misuse, is_seen_when_all_blocks_are_free)
{
    take_all();
    for (int n = 0; n < FEW; n++)
        give(block[n], 1);
    for (int n = 0; n < FEW; n++)
        check_caught(block[n], "a free of a block of an unused arena");
}

Test(misuse, is_seen_in_an_arena_of_no_block)
{
    take_all();
    begin_arena(0);
    Free(model.memory);
    cr_assert(reports == 1, "%d reports", reports);
    Free(NULL);
    cr_assert(reports == 1, "NULL is reported");
    cr_assert(Allocate() == NULL);
}

Test(misuse, is_seen_when_the_block_was_of_the_arena_before)
{
    take_all();
    unsigned char *first = model.memory + (FEW + 1) * BLOCK_SIZE;
    begin_arena_at(first, FEW * BLOCK_SIZE);
    take_one(1);
    for (int n = 0; n < FEW; n++)
        check_caught(block[n], "a block of the arena before");
}

Test(misuse, is_not_seen_where_there_is_none)
{
    void *kept[BLOCKS];
    size_t count = 0;
    arena_misuse = listen;
    begin_arena(50);
    work(1, 5000, kept, &count, 50, false);
    give_all(1, kept, &count);
    Free(NULL);
    cr_assert(reports == 0, "a call without fault is reported: %s", what_said);
}

static void take_and_give(void *context)
{
    (void)context;
    give(take_one(2), 2);
}

/* The report comes when the arena's lock is free: others can go on. */
static void give_in_report(const char *what, const void *given)
{
    static struct runner runner;
    listen(what, given);
    start(&runner, "B", take_and_give, NULL);
    await_end(&runner);
}

Test(misuse, keeps_nobody_from_going_on)
{
    take_all();
    give(block[0], 1);
    arena_misuse = give_in_report;
    Free(block[0]);
    cr_assert(reports == 1);
    check_count(2);
}

static void free_twice(void *context)
{
    signal(SIGILL, SIG_DFL);
    signal(SIGTRAP, SIG_DFL);
    Free(context);
    Free(context);
}

Test(misuse, stops_the_program_if_nobody_listens)
{
    begin_arena(FEW);
    void *first = take_one(1);
    int status;
    pid_t child = start_child(free_twice, first);
    cr_assert(waitpid(child, &status, 0) == child);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) != SIGALRM,
              "a double free went on");
}
