/* Many threads, much work, many forks: the shapes that the task was published
   with. No schedule of theirs is forced; they may find what no hook marks. What
   must be so for them to pass at all is forced before they begin, lest an arena
   pass by luck. */
#include "suite.h"

#include "forced.h"

TestSuite(workload, .init = begin_long_test);

/* The place in Allocate where a thread keeps others out. */
static unsigned find_inside(void)
{
    unsigned k = 1;
    enum place place;
    while ((place = find_place(NULL, k, "+")) == OUTSIDE)
        k++;
    cr_assert(place == INSIDE, "a thread in Allocate keeps nobody out");
    return k;
}

enum {
    THREADS = 8,
    CALLS = 100000,
    LIMIT = 100, /* blocks that a thread keeps */
    FEW = 16,    /* that a child keeps */
    ENOUGH = 3   /* batches, and the others are under way */
};

static void churn(void *context)
{
    void *block[LIMIT];
    size_t count = 0;
    int hand = *(int *)context;
    work(hand, CALLS, block, &count, LIMIT, false);
    give_all(hand, block, &count);
}

Test(workload, of_8_threads_loses_no_block)
{
    static struct runner runner[THREADS];
    static int hand[THREADS];
    find_inside();
    begin_arena(BLOCKS);
    for (int i = 0; i < THREADS; i++) {
        hand[i] = i + 1;
        start(&runner[i], NULL, churn, &hand[i]);
    }
    for (int i = 0; i < THREADS; i++)
        await_end(&runner[i]);
    cr_assert(count_held() == 0);
    check_count(THREADS + 1);
}

static void churn_for_the_last_blocks(void *context)
{
    void *block[LIMIT];
    size_t count = 0;
    int hand = *(int *)context;
    work(hand, CALLS, block, &count, 3, true);
    give_all(hand, block, &count);
}

Test(workload, of_8_threads_that_want_4_blocks_loses_no_block)
{
    static struct runner runner[THREADS];
    static int hand[THREADS];
    find_inside();
    begin_arena(4);
    for (int i = 0; i < THREADS; i++) {
        hand[i] = i + 1;
        start(&runner[i], NULL, churn_for_the_last_blocks, &hand[i]);
    }
    for (int i = 0; i < THREADS; i++)
        await_end(&runner[i]);
    check_count(THREADS + 1);
}

/* The published shapes: {threads, batch, forks}. Threads work until the fork is over, and rest
   while the child lives; its limit is for it alone. */

static struct {
    int batch, batches; /* blocks in one; how many have been done */
    bool is_open, is_over;
    pthread_mutex_t lock;
    pthread_cond_t changed, worked;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER,
          .changed = PTHREAD_COND_INITIALIZER,
          .worked = PTHREAD_COND_INITIALIZER};

/* Returns false when all is over. */
static bool pass_gate(void)
{
    pthread_mutex_lock(&gate.lock);
    if (++gate.batches == ENOUGH)
        pthread_cond_signal(&gate.worked);
    while (!gate.is_open)
        pthread_cond_wait(&gate.changed, &gate.lock);
    bool goes_on = !gate.is_over;
    pthread_mutex_unlock(&gate.lock);
    return goes_on;
}

static void set_gate(bool is_open, bool is_over)
{
    pthread_mutex_lock(&gate.lock);
    gate.is_open = is_open;
    gate.is_over = is_over;
    gate.batches = 0;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

static void work_in_batches(void *context)
{
    void *block[BLOCKS];
    int hand = *(int *)context;
    while (pass_gate()) {
        int count = 0;
        while (count < gate.batch && (block[count] = take(hand)) != NULL)
            count++;
        while (count > 0)
            give(block[--count], hand);
    }
}

static void await_work(void)
{
    pthread_mutex_lock(&gate.lock);
    while (gate.batches < ENOUGH)
        pthread_cond_wait(&gate.worked, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

/* Makes 10,000 mixed calls, and then takes whatever is free, but writes nothing
   there: what a child writes, the system has to copy first. */
static void live_after_stress(void *context)
{
    enum { ME = HANDS - 1 };
    (void)context;
    void *block[FEW];
    size_t count = 0, held = count_held();
    size_t lost =
        count_hands(hands.is_allocating) + count_hands(hands.is_freeing);
    work(ME, 10000, block, &count, FEW, true);
    give_all(ME, block, &count);
    for (void *next; (next = Allocate()) != NULL; count++)
        if (atomic_exchange(&hands.holder[index_of(next)], ME) != 0)
            complain("block %zu is free and held", index_of(next));
    check_sum(held + count, lost);
}

static void stress(int threads, int batch, int forks)
{
    static struct runner runner[HANDS];
    static int hand[HANDS];
    fork_at(NULL, find_inside(), "+", KEPT, true);
    begin_arena(BLOCKS);
    gate.batch = batch;
    for (int i = 0; i < threads; i++) {
        hand[i] = i + 1;
        start(&runner[i], NULL, work_in_batches, &hand[i]);
    }
    for (int i = 0; i < forks; i++) {
        set_gate(true, false);
        await_work();
        pid_t child = start_child(live_after_stress, NULL);
        set_gate(false, false);
        await_child(child);
    }
    set_gate(true, true);
    for (int i = 0; i < threads; i++)
        await_end(&runner[i]);
    cr_assert(count_held() == 0);
    check_count(HANDS - 1);
}

Test(workload, of_1_thread_survives_100_forks)
{
    stress(1, 100, 100);
}

Test(workload, of_5_threads_survives_100_forks)
{
    stress(5, 50, 100);
}

Test(workload, of_10_threads_survives_100_forks)
{
    stress(10, 100, 100);
}
