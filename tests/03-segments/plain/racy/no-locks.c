/* Shows fault 7 of chapter 3: step 5, which takes no lock, gives two threads the
   same slot when one is stopped between choosing it and taking it. */
#include <pthread.h>
#include <stdio.h>

#include "hooks.h"

#include "03-segments/steps/5-no-locks.c"

static void *theirs;

static void *ask_too(void *unused)
{
    hook_thread("A", 0);
    theirs = allocator.malloc(100);
    return unused;
}

int main(void)
{
    pthread_t thread;
    allocator.malloc(100);
    void *slot = allocator.malloc(100);
    allocator.free(slot); /* the pool has one in use and one that is free */
    hook_park("A", "pool: slot chosen, not yet taken", 1);
    if (pthread_create(&thread, NULL, ask_too, NULL) != 0)
        return 1;
    if (!hook_await_parked("A")) {
        fprintf(stderr, "the thread did not come to the hook\n");
        return 1;
    }
    void *ours = allocator.malloc(100);
    hook_release("A");
    pthread_join(thread, NULL);
    if (ours != theirs) {
        fprintf(stderr, "the two threads have different slots\n");
        return 1;
    }
    return 0;
}
