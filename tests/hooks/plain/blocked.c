/* A thread that waits is told from one that works, has stopped or has ended,
   whatever it waits for: a mutex that sleeps, one that spins, one that naps. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hooks.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_flag flag;

static void sleep_for_it(void)
{
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
}

static void spin_for_it(void)
{
    while (atomic_flag_test_and_set(&flag))
        ;
    atomic_flag_clear(&flag);
}

static void nap_for_it(void)
{
    const struct timespec nap = {.tv_nsec = 50000};
    while (atomic_flag_test_and_set(&flag))
        clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
    atomic_flag_clear(&flag);
}

static void *pass(void *context)
{
    void (*take)(void) = *(void (**)(void))context;
    hook_thread("A", 0);
    hook("blocked: has begun", NULL);
    take();
    hook("blocked: has it", NULL);
    return NULL;
}

static void show(void (*take)(void))
{
    pthread_t a;
    pthread_mutex_lock(&mutex);
    atomic_flag_test_and_set(&flag);
    hook_park("A", "blocked: has begun", 1);
    hook_park("A", "blocked: has it", 1);
    pthread_create(&a, NULL, pass, &take);
    assert(hook_await_parked("A"));
    assert(!hook_await_blocked("A")); /* it has stopped */
    hook_release("A");
    assert(hook_await_blocked("A"));
    pthread_mutex_unlock(&mutex);
    atomic_flag_clear(&flag);
    assert(!hook_await_blocked("A")); /* it has it, and has stopped */
    hook_release("A");
    assert(!hook_await_blocked("A")); /* it ends */
    pthread_join(a, NULL);
    assert(!hook_await_blocked("A"));
}

static void show_all(void)
{
    for (int i = 0; i < 20; i++)
        show(sleep_for_it);
    show(spin_for_it);
}

int main(void)
{
    int status;
    show_all();
    show(nap_for_it);
    pid_t child = fork();
    if (child == 0) {
        alarm(30);
        show_all();
        _exit(0);
    }
    assert(waitpid(child, &status, 0) == child && status == 0);
}
