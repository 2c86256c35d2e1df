/* What the arena promises who forks. Schedules are forced: thread A makes calls,
   and is stopped at the k-th place in them where another thread could step in,
   for every k. Then B forks; where it has to wait, since A has the lock, A goes
   on to the end of its call, and stops there. So the child knows exactly what is
   free. Its fork is also stopped: between the arena's prepare handler and the
   fork itself, by a handler of this test. */
#include "suite.h"

#include "forced.h"

#include <stdlib.h>

TestSuite(fork, .init = begin_long_test);

/* This test's handlers, registered before those of the arena: so prepare is
   called after that of the arena, and whatever lock a fork takes, it has. */
static void (*with_all_locks)(void);

static void prepare(void)
{
    if (with_all_locks != NULL)
        with_all_locks();
}

__attribute__((constructor(102))) static void register_handlers(void)
{
    pthread_atfork(prepare, NULL, NULL);
}

static void fork_everywhere(const char *calls, size_t kept)
{
    unsigned k = 1, inside = 0;
    enum place place;
    for (; (place = find_place(NULL, k, calls)) != OVER; k++) {
        fork_at(NULL, k, calls, kept, place == INSIDE);
        inside += place == INSIDE;
    }
    cr_assert(k > strlen(calls) + 2, "there are no places to stop at");
    cr_assert(inside > 0, "a thread inside keeps nobody out");
}

Test(fork, while_a_thread_is_in_Allocate)
{
    fork_everywhere("+", 0);
    fork_everywhere("++", KEPT);
}

Test(fork, while_a_thread_is_in_Free)
{
    fork_everywhere("+-", 0);
    fork_everywhere("++--", KEPT);
}

Test(fork, while_a_thread_is_in_Init)
{
    fork_everywhere("I", 0);
}

Test(fork, while_a_thread_forks)
{
    fork_everywhere("F", 0);
    fork_everywhere("+F", KEPT);
}

/* A thread that waits in Allocate or Free while the process forks */

static const char *const calls_that_wait[] = {"+", "+-"};
static struct runner waiter;

static void let_A_wait(void)
{
    hook_release("A");
    hook_await_blocked("A");
}

static void fork_while_A_waits(const char *calls)
{
    static struct caller a;
    static struct forker b;
    static struct runner thread_b;
    a = (struct caller){.hand = A, .calls = calls};
    b = (struct forker){.kept = KEPT, .lost = 1};
    begin_arena(FREE);
    keep_blocks(&b);
    hook_park("A", "forced: between two calls", (unsigned)strlen(calls));
    start(&waiter, "A", make_calls, &a);
    await_stop("A");
    with_all_locks = let_A_wait;
    start(&thread_b, "B", fork_and_go_on, &b);
    await_end(&thread_b);
    await_end(&waiter);
    with_all_locks = NULL;
    check_count(C);
    go_on(&b, 0);
}

Test(fork, lets_those_go_on_who_wait)
{
    for (int turn = 0; turn < 5; turn++)
        for (size_t i = 0; i < 2; i++)
            fork_while_A_waits(calls_that_wait[i]);
}

/* And one that would like to be inside at its k-th place while the process forks,
   if the fork does not keep it out. */

static unsigned wanted;

static void let_A_try(void)
{
    hook_park("A", NULL, wanted);
    let_A_wait();
}

static bool fork_while_A_tries(const char *calls, unsigned k)
{
    static struct caller a;
    static struct forker b;
    static struct runner thread_b;
    a = (struct caller){.hand = A, .calls = calls};
    b = (struct forker){.kept = KEPT, .lost = 1};
    begin_arena(FREE);
    keep_blocks(&b);
    hook_park("A", "forced: between two calls", (unsigned)strlen(calls));
    start(&waiter, "A", make_calls, &a);
    await_stop("A");
    wanted = k;
    with_all_locks = let_A_try;
    hook_park("B", "arena's tests: the process has forked", 1);
    start(&thread_b, "B", fork_and_go_on, &b);
    if (await_stop("B"))
        hook_release("B");
    bool has_come = await_stop("A");
    if (has_come)
        hook_release("A");
    await_end(&thread_b);
    await_end(&waiter);
    with_all_locks = NULL;
    check_count(C);
    return has_come;
}

Test(fork, lets_nobody_in_until_it_is_over)
{
    for (size_t i = 0; i < 2; i++)
        for (unsigned k = 1; fork_while_A_tries(calls_that_wait[i], k);)
            k++;
}

/* Nobody else is there */

static void fork_once(void)
{
    static struct forker b;
    static struct runner thread;
    b = (struct forker){.kept = 0};
    start(&thread, "B", fork_and_go_on, &b);
    await_end(&thread);
    check_count(C);
}

Test(fork, lets_parent_and_child_go_on)
{
    begin_arena(FREE);
    for (int i = 0; i < 5; i++)
        fork_once();
}

Test(fork, may_come_right_after_Init_however_often_Init_was_called)
{
    for (int i = 0; i < 40; i++) {
        begin_arena(FREE);
        if (i % 10 == 0)
            fork_once();
    }
    cr_assert(Init(NULL, 0) == -1);
    fork_once();
}

static void begin_anew(void *context)
{
    (void)context;
    begin_arena(FREE);
    live_in_child(C, 0);
}

static void fork_and_begin_anew(void *context)
{
    await_child(start_child(begin_anew, context));
    begin_anew(context);
}

static void fork_and_begin(void)
{
    static struct runner thread;
    start(&thread, "B", fork_and_begin_anew, NULL);
    await_end(&thread);
}

Test(fork, may_come_before_Init)
{
    fork_and_begin();
    fork_once();
}

Test(fork, gives_both_an_arena_that_may_begin_anew)
{
    begin_arena(FREE);
    take_one(A);
    fork_and_begin();
}

/* Each process has its own: what one does with its copy, the other can't see. */
static void change_all(void *context)
{
    struct forker *forker = context;
    for (size_t n = 0; n < forker->kept; n++)
        give(forker->block[n], B);
    while (take(C) != NULL)
        ;
}

static void fork_to_change_all(void *forker)
{
    pid_t child = start_child(change_all, forker);
    void *next = take_one(A);
    await_child(child);
    give(next, A);
}

Test(fork, makes_two_arenas_of_one)
{
    static struct forker b;
    static struct runner thread;
    b = (struct forker){.kept = KEPT};
    begin_arena(FREE);
    keep_blocks(&b);
    start(&thread, "B", fork_to_change_all, &b);
    await_end(&thread);
    cr_assert(count_held() == KEPT && count_free(C) == FREE - KEPT,
              "what the child did has changed the parent's arena");
    for (size_t n = 0; n < KEPT; n++)
        give(b.block[n], B);
}

/* Generations: each child forks in its turn, while a thread is in the arena */

enum { GENERATIONS = 5 };

static void stop_A_until_B_waits(void *context)
{
    (void)context;
    hook_await_blocked("B");
    hook_release("A");
    if (await_stop("B"))
        hook_release("B");
}

static void live_on(void *context);

static void fork_with_threads(int generation)
{
    static struct caller a;
    static struct runner thread_a, thread_c;
    a = (struct caller){.hand = A, .calls = "+-+-"};
    hook_park("A", NULL, 3 + (unsigned)generation);
    start(&thread_a, "A", make_calls, &a);
    if (!await_stop("A"))
        complain("there are no places to stop at");
    hook_park("B", "arena's tests: the process has forked", 1);
    start(&thread_c, "C", stop_A_until_B_waits, NULL);
    await_child(start_child(live_on, &generation));
    await_end(&thread_c);
    await_end(&thread_a);
    give(take_one(B), B);
}

static void live_on(void *context)
{
    int generation = *(int *)context;
    if (generation > 0) {
        /* What A had or was about to have is nobody's. */
        live_in_child(C, count_hands(hands.is_allocating) +
                             count_hands(hands.is_freeing));
        begin_arena(FREE);
    }
    if (generation < GENERATIONS) {
        generation++;
        fork_with_threads(generation);
        check_count(C);
    }
}

Test(fork, may_be_done_by_five_generations)
{
    static int generation = 0;
    static struct runner thread;
    begin_arena(FREE);
    start(&thread, "B", live_on, &generation);
    await_end(&thread);
}
