/* The answers to exercises of chapter 4 that are functions. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "04-arena/arena.h"
#include "04-arena/exercises/waiting.h"
#include "04-arena/walk.h"

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
