/* A call comes once, at the visit that was named, on the thread that arrives.
   A thread without a name passes every hook. */
#include <assert.h>
#include <pthread.h>
#include <stddef.h>

#include "hooks.h"

static int others, asked, calls;
static pthread_t caller;

static void note(void *at_visit)
{
    calls++;
    caller = pthread_self();
    *(int *)at_visit = asked;
}

static void *visit(void *name)
{
    if (name != NULL)
        hook_thread(name, 0);
    for (int i = 0; i < 10; i++) {
        asked++;
        hook("calls: the event", NULL);
        others++;
        hook("calls: another", NULL);
    }
    return NULL;
}

static int run(const char *name)
{
    pthread_t thread;
    others = asked = calls = 0;
    pthread_create(&thread, NULL, visit, (void *)name);
    pthread_join(thread, NULL);
    if (calls > 0)
        assert(pthread_equal(caller, thread));
    return calls;
}

int main(void)
{
    int at_visit = 0;
    for (int k = 1; k <= 10; k++) {
        hook_call("A", "calls: the event", (unsigned)k, note, &at_visit);
        assert(run("A") == 1 && at_visit == k);
    }

    /* Two events alternate: the fifth is the third of the first kind. */
    hook_call("A", NULL, 5, note, &at_visit);
    assert(run("A") == 1 && at_visit == 3);

    hook_call("A", "calls: the event", 11, note, &at_visit);
    assert(run("A") == 0);
    assert(run("A") == 0); /* a plan ends with its thread */

    hook_call("B", "calls: the event", 1, note, &at_visit);
    assert(run("A") == 0); /* a plan is for one thread */
    assert(run(NULL) == 0);
    assert(run("B") == 1);

    hook_park("A", "calls: the event", 11); /* A ends before */
    pthread_t thread;
    pthread_create(&thread, NULL, visit, "A");
    assert(!hook_await_parked("A"));
    pthread_join(thread, NULL);
}
