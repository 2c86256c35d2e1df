/* Forks that are forced while another thread stands at a given place: A makes
   calls and stops there, B forks, A goes on to the end of its call. */
#ifndef FORCED_H
#define FORCED_H

#include "model.h"

enum { A = 1, B = 2, C = 3, FREE = 16, KEPT = 6 /* blocks */ };

/* Calls: + takes a block, - gives the last one back, I makes the arena anew,
   F forks a child that ends at once. */
struct caller {
    int hand;
    const char *calls;
    void *block[FREE];
    size_t count;
};

static inline void end_at_once(void *context)
{
    (void)context;
}

static inline void make_calls(void *context)
{
    struct caller *caller = context;
    for (const char *call = caller->calls; *call != '\0'; call++) {
        hook("forced: between two calls", NULL);
        if (*call == '+')
            caller->block[caller->count++] = take_one(caller->hand);
        else if (*call == '-')
            give(caller->block[--caller->count], caller->hand);
        else if (*call == 'I')
            make_arena(model.memory, FREE * BLOCK_SIZE);
        else
            await_child(start_child(end_at_once, NULL));
    }
    hook("forced: between two calls", NULL);
}

/* B: has blocks, forks, and goes on; so does its child. */
struct forker {
    size_t kept;  /* blocks */
    size_t lost;  /* blocks that may be missing in the child */
    void *block[KEPT];
};

static inline void keep_blocks(struct forker *forker)
{
    for (size_t n = 0; n < forker->kept; n++)
        forker->block[n] = take_one(B);
}

static inline void go_on(struct forker *forker, size_t lost)
{
    for (size_t n = 0; n < forker->kept; n += 2)
        give(forker->block[n], B);
    live_in_child(C, lost);
    for (size_t n = 1; n < forker->kept; n += 2)
        give(forker->block[n], B);
}

static inline void live_after_fork(void *context)
{
    struct forker *forker = context;
    go_on(forker, forker->lost);
}

static inline void fork_and_go_on(void *context)
{
    struct forker *forker = context;
    await_child(start_child(live_after_fork, forker));
    for (int i = 0; i < 100; i++)
        give(take_one(B), B);
}

/* Forks forced at every point */

enum place { OVER, OUTSIDE, INSIDE };

static inline void take_and_give(void *context)
{
    (void)context;
    give(take_one(C), C);
}

/* Where is A when it comes to `event` (NULL: any) for the k-th time? Inside,
   others wait for it. */
static inline enum place find_place(const char *event, unsigned k,
                                    const char *calls)
{
    static struct caller a;
    static struct runner thread_a, thread_c;
    enum place place = OVER;
    a = (struct caller){.hand = A, .calls = calls};
    begin_arena(FREE);
    hook_park("A", event, k);
    start(&thread_a, "A", make_calls, &a);
    if (await_stop("A")) {
        start(&thread_c, "C", take_and_give, NULL);
        place = hook_await_blocked("C") ? INSIDE : OUTSIDE;
        hook_park("A", "forced: between two calls", 1);
        hook_release("A");
        await_end(&thread_c);
        if (await_stop("A"))
            hook_release("A");
    }
    await_end(&thread_a);
    return place;
}

static inline void fork_at(const char *event, unsigned k, const char *calls,
                           size_t kept, bool is_inside)
{
    static struct caller a;
    static struct forker b;
    static struct runner thread_a, thread_b;
    a = (struct caller){.hand = A, .calls = calls};
    b = (struct forker){.kept = kept};
    begin_arena(FREE);
    keep_blocks(&b);
    hook_park("A", event, k);
    start(&thread_a, "A", make_calls, &a);
    await_stop("A");
    /* A block on its way to A is not noted; one on its way back is lost if A
       has no lock, for then it need not be on its way in the arena yet. */
    b.lost = count_hands(hands.is_allocating) +
             (is_inside ? 0 : count_hands(hands.is_freeing) + hands.forgotten);
    start(&thread_b, "B", fork_and_go_on, &b);
    hook_await_blocked("B");
    hook_park("A", "forced: between two calls", 1);
    hook_release("A");
    await_end(&thread_b);
    if (await_stop("A"))
        hook_release("A");
    await_end(&thread_a);
    check_count(C);
    go_on(&b, 0);
}

#endif
