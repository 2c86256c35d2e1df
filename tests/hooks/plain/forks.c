/* Forks in the middle of hooks: two threads pass hooks all the time, another
   has stopped, and one forks from a call at a hook. The child goes on with
   hooks. So does a child whose fork had stopped at a hook in a prepare handler,
   a place that chapters with locks need. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hooks.h"

static atomic_bool is_over;

static void *pass_hooks(void *name)
{
    hook_thread(name, 0);
    while (!is_over)
        hook("forks: somebody passes", NULL);
    return NULL;
}

static void *pass_one_hook(void *name)
{
    hook_thread(name, 0);
    hook("forks: one passes", NULL);
    return NULL;
}

static void must_not_come(void *context)
{
    (void)context;
    _exit(2);
}

static void note(void *has_come)
{
    *(bool *)has_come = true;
}

/* What a child does: it is thread A, and there is no other. */
static void go_on(void)
{
    bool has_come = false;
    alarm(30);
    hook("forks: the child goes on", NULL);
    hook_call("A", "forks: the child goes on", 1, note, &has_come);
    hook("forks: the child goes on", NULL);
    _exit(!has_come || hook_await_parked("B"));
}

static void fork_here(void *context)
{
    (void)context;
    pid_t child = fork();
    if (child == 0)
        go_on();
    int status;
    assert(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

static void *fork_at_hook(void *name)
{
    hook_thread(name, 0);
    hook_call(name, "forks: the child goes on", 1, must_not_come, NULL);
    hook_call(name, "forks: here", 1, fork_here, NULL);
    hook("forks: here", NULL);
    return NULL;
}

static void *fork_at_once(void *name)
{
    hook_thread(name, 0);
    fork_here(NULL);
    return NULL;
}

static void prepare(void)
{
    hook("forks: prepare", NULL);
}

int main(void)
{
    pthread_t c, d;
    pthread_create(&c, NULL, pass_hooks, "C");
    pthread_create(&d, NULL, pass_hooks, "D");
    for (int i = 0; i < 50; i++) {
        pthread_t a, b;
        hook_park("B", "forks: one passes", 1);
        pthread_create(&b, NULL, pass_one_hook, "B");
        assert(hook_await_parked("B"));
        pthread_create(&a, NULL, fork_at_hook, "A");
        pthread_join(a, NULL);
        hook_release("B");
        pthread_join(b, NULL);
    }

    pthread_atfork(prepare, NULL, NULL);
    for (int i = 0; i < 50; i++) {
        pthread_t a;
        hook_park("A", "forks: prepare", 1);
        pthread_create(&a, NULL, fork_at_once, "A");
        assert(hook_await_parked("A"));
        hook_release("A");
        pthread_join(a, NULL);
    }
    is_over = true;
    pthread_join(c, NULL);
    pthread_join(d, NULL);
}
