/* What the arena promises threads. Schedules are forced: thread A makes calls,
   and is stopped at the k-th place in them where another thread could step in,
   for every k. Then B makes its calls; where it can't, since A has the lock, it
   waits. Or it is stopped too, at its j-th place, for every j. Then A goes on,
   to its end or until it waits, and then B. */
#include "suite.h"

#include <stdlib.h>

#include "04-arena/walk.h"

TestSuite(callers, .init = begin_long_test);

enum {
    A = 1,
    B = 2,
    MOST = 16,                /* blocks; more than both take together */
    PAIRS = (65536 - 6) / 2   /* of calls: see below */
};

/* Calls: + takes a block, a digit gives back the block that was taken as that
   number, counted from 0; * takes all; ~ takes and gives back PAIRS times. What
   is left is held. I makes the arena anew; a takes a block that nobody notes, for
   it may be of either arena. */
struct caller {
    int hand;
    bool may_fail; /* Allocate may return NULL: all blocks may be taken */
    const char *calls;
    void *block[MOST];
    size_t count;
};

static void make_calls(void *context)
{
    struct caller *caller = context;
    for (const char *call = caller->calls; *call != '\0'; call++) {
        hook("threads: between two calls", NULL);
        if (*call == '+') {
            caller->block[caller->count++] =
                caller->may_fail ? take(caller->hand) : take_one(caller->hand);
        } else if (*call == '*') {
            while (take(caller->hand) != NULL)
                ;
        } else if (*call == 'a') {
            if (Allocate() == NULL)
                complain("Allocate returned NULL though a block is free");
        } else if (*call == 'I') {
            if (Init(model.memory, model.count * BLOCK_SIZE) != 0)
                complain("a second Init fails");
        } else if (*call == '~') {
            for (int i = 0; i < PAIRS; i++)
                give(take_one(caller->hand), caller->hand);
        } else if (caller->block[*call - '0'] != NULL) {
            give(caller->block[*call - '0'], caller->hand);
        }
    }
}

enum next { GO_ON, B_IS_OVER, A_IS_OVER };

/* A stops at its k-th place, B at its j-th, or nowhere if j is 0. */
static enum next force(unsigned k, unsigned j, size_t blocks,
                       const char *calls_a, const char *calls_b)
{
    bool may_fail = blocks < MOST;
    static struct caller a;
    static struct caller b;
    static struct runner thread_a, thread_b;
    enum next next = A_IS_OVER;
    a = (struct caller){A, may_fail, calls_a, {NULL}, 0};
    b = (struct caller){B, may_fail, calls_b, {NULL}, 0};
    begin_arena(blocks);
    hook_park("A", NULL, k);
    start(&thread_a, "A", make_calls, &a);
    if (await_stop("A")) {
        if (j > 0)
            hook_park("B", NULL, j);
        start(&thread_b, "B", make_calls, &b);
        hook_await_blocked("B");
        hook_release("A");
        hook_await_blocked("A");
        next = await_stop("B") ? GO_ON : B_IS_OVER;
        if (next == GO_ON)
            hook_release("B");
        await_end(&thread_b);
    }
    await_end(&thread_a);
    size_t unknown = strspn(calls_a, "a") + strspn(calls_b, "a");
    check_sum(count_free(3) + count_held(), unknown);
    if (arena_check() != 0)
        complain("the arena's records contradict each other");
    return next;
}

static void force_all(size_t blocks, const char *calls_a, const char *calls_b)
{
    unsigned k = 1, j;
    enum next next = GO_ON;
    for (; next != A_IS_OVER; k++)
        for (j = 1; (next = force(k, j, blocks, calls_a, calls_b)) == GO_ON;)
            j++;
    cr_assert(blocks == 0 || k > strlen(calls_a) + 2,
              "there are no places to stop at");
}

Test(callers, get_blocks_that_are_their_own)
{
    force_all(MOST, "+", "+");
    force_all(MOST, "++", "++");
}

Test(callers, give_blocks_back_at_the_same_time)
{
    force_all(MOST, "++01", "++10");
    force_all(MOST, "+0+1", "+0");
}

/* A reads that X is first and Y second; B takes both and gives X back: X is
   first again, and Y is not second. */
Test(callers, take_no_list_for_the_one_that_it_was)
{
    force_all(MOST, "+", "++0");
    force_all(MOST, "++", "+++01");
    force_all(MOST, "+0++", "+++02");
}

Test(callers, may_exhaust_the_arena_together)
{
    for (size_t blocks = 0; blocks < 4; blocks++) {
        force_all(blocks, "++", "++");
        force_all(blocks, "++0+", "+0+");
        force_all(blocks, "*", "*");
    }
}

/* B makes 65,536 changes to the list, and X is first again, and Y not second:
   a count of changes that wraps by then is none. */
Test(callers, take_no_list_for_the_one_that_it_was_after_65536_changes)
{
    unsigned k = 1;
    while (force(k, 0, MOST, "++", "+++120~") != A_IS_OVER)
        k++;
    cr_assert(k > 4, "there are no places to stop at");
}

/* The blocks of one that began before are in the other. */
Test(callers, may_make_the_arena_anew)
{
    force_all(MOST, "I", "a");
    force_all(MOST, "aa", "I");
    force_all(4, "I", "I");
}

/* A lock that is held is no reason to return NULL; take_one says so. */
Test(callers, wait_for_each_other_rather_than_fail)
{
    force_all(MOST, "+0", "+0+");
}

/* Two calls of A's are not undone by what came between them. */
Test(callers, see_what_others_freed)
{
    static struct caller a;
    static struct runner thread;
    a = (struct caller){A, false, "+", {NULL}, 0};
    begin_arena(3);
    void *block = take_one(B);
    give(block, B);
    start(&thread, "A", make_calls, &a);
    await_end(&thread);
    cr_assert(a.block[0] == block, "the block freed last does not come first");
    give(block, A); /* and one thread frees what another has taken */
    check_count(3);
}
