/* The answers to exercises of chapter 4 that are functions. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "04-arena/arena.h"
#include "04-arena/exercises/pools.h"
#include "04-arena/exercises/waiting.h"
#include "04-arena/walk.h"
#include "hooks.h"

enum { BLOCKS = 4, ROUNDS = 1000, FORKS = 50 };

static _Alignas(BLOCK_SIZE) char buffer[BLOCKS * BLOCK_SIZE];

/* What hangs shall crash: .timeout may hang the runner. */
static void arm(void)
{
    struct itimerval limit = {.it_value = {.tv_sec = 20}};
    setitimer(ITIMER_REAL, &limit, NULL);
    cr_assert(Init(buffer, sizeof buffer) == 0 && init_waiting() == 0);
}

TestSuite(waiting, .init = arm);

static void *take_one(void *block)
{
    *(void **)block = allocate_waiting();
    return NULL;
}

Test(waiting, gets_the_block_that_another_thread_frees)
{
    void *blocks[BLOCKS], *of_thread = NULL;
    pthread_t thread;
    for (int i = 0; i < BLOCKS; i++)
        blocks[i] = allocate_waiting();
    pthread_create(&thread, NULL, take_one, &of_thread);
    free_waking(blocks[2]);
    pthread_join(thread, NULL);
    cr_assert(of_thread == blocks[2]);
}

static void *churn(void *unused)
{
    for (int i = 0; i < ROUNDS; i++)
        free_waking(allocate_waiting());
    return unused;
}

Test(waiting, child_allocates_and_frees_whatever_threads_did)
{
    pthread_t threads[BLOCKS];
    for (int i = 0; i < BLOCKS; i++)
        pthread_create(&threads[i], NULL, churn, NULL);
    for (int i = 0; i < FORKS; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            void *block = Allocate();
            free_waking(block);
            _exit(arena_check() == 0 ? 0 : 1);
        }
        int status;
        cr_assert(pid > 0 && waitpid(pid, &status, 0) == pid);
        cr_assert(status == 0);
    }
    for (int i = 0; i < BLOCKS; i++)
        pthread_join(threads[i], NULL);
    cr_assert(arena_count_free() == BLOCKS && arena_check() == 0);
}

static void arm_pools(void)
{
    struct itimerval limit = {.it_value = {.tv_sec = 20}};
    setitimer(ITIMER_REAL, &limit, NULL);
    pools_init(buffer, sizeof buffer);
}

TestSuite(pools, .init = arm_pools);

Test(pools, serve_each_block_once_from_any_home)
{
    void *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = pools_allocate(1);
        cr_assert(blocks[i] != NULL);
        for (int j = 0; j < i; j++)
            cr_assert(blocks[i] != blocks[j]);
    }
    cr_assert(pools_allocate(1) == NULL && pools_count_free() == 0);
    for (int i = 0; i < BLOCKS; i++)
        pools_free(blocks[i], 2);
    cr_assert(pools_move(2, 0, 3) == 3 && pools_count_free() == BLOCKS);
}

static void *move_up(void *unused)
{
    hook_thread("A", 0);
    pools_move(0, 1, BLOCKS);
    return unused;
}

static void *move_down(void *unused)
{
    hook_thread("B", 1);
    hook("exercises: B begins", unused);
    pools_move(1, 0, BLOCKS);
    return unused;
}

/* A stops between its two locks, and B has to wait for the first of its own: if
   it had that one, it would stop at the hook. */
Test(pools, two_moves_in_opposite_directions_take_the_same_lock_first)
{
    static const char event[] = "pools: the first of two locks is taken";
    pthread_t a, b;
    hook_park("A", event, 1);
    pthread_create(&a, NULL, move_up, NULL);
    cr_assert(hook_await_parked("A"));
    hook_park("B", "exercises: B begins", 1);
    pthread_create(&b, NULL, move_down, NULL);
    cr_assert(hook_await_parked("B"));
    hook_park("B", event, 1);
    hook_release("B");
    cr_assert(hook_await_blocked("B"));
    hook_release("A");
    pthread_join(a, NULL);
    cr_assert(hook_await_parked("B"));
    hook_release("B");
    pthread_join(b, NULL);
    cr_assert(pools_count_free() == BLOCKS);
}

static void *move_about(void *unused)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        pools_move(i % POOLS, i / POOLS % POOLS, 2);
        void *block = pools_allocate(i % POOLS);
        if (block != NULL) /* the other moved all to pools that were seen empty */
            pools_free(block, i / 2 % POOLS);
    }
    return unused;
}

Test(pools, child_has_every_block_that_nobody_held)
{
    pthread_t threads[2];
    void *block = pools_allocate(0);
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, move_about, NULL);
    for (int i = 0; i < FORKS; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(pools_count_free() >= BLOCKS - 3 ? 0 : 1);
        int status;
        cr_assert(pid > 0 && waitpid(pid, &status, 0) == pid);
        cr_assert(status == 0);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    pools_free(block, 3);
    cr_assert(pools_count_free() == BLOCKS);
}
