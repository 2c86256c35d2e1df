/* A list for every CPU and no locks, because nobody else runs on the CPU: A stops
   when it has found a block, and is moved to another CPU; B allocates on A's old
   one; A goes on, and both have the same block. That is forced 1000 times. Prints
   the first run, and writes its schedule to build/schedules/no-lock.json. */
#include "05-percpu/steps/4-no-lock.c"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "hooks.h"

enum { RUNS = 1000 };

int cpu_current(void) { return 0; }
int cpu_next(int cpu) { return cpu < 1 ? cpu + 1 : -1; }

struct caller {
    const char *name;
    char *payload; /* what it got */
};

static void *allocate_16(void *context)
{
    struct caller *caller = context;
    hook_thread(caller->name, 0);
    caller->payload = mymalloc(16);
    assert(caller->payload != NULL);
    return NULL;
}

static void race(struct caller *a, struct caller *b)
{
    pthread_t thread_a, thread_b;
    assert(myreset() == 0);
    assert(mymalloc(16) != NULL); /* its buddy is free */
    hook_park("A", "mymalloc: found a block", 1);
    pthread_create(&thread_a, NULL, allocate_16, a);
    assert(hook_await_parked("A"));
    pthread_create(&thread_b, NULL, allocate_16, b);
    pthread_join(thread_b, NULL);
    hook_release("A");
    pthread_join(thread_a, NULL);
}

static long offset(const char *payload)
{
    return (long)offset_of(pool_of(payload), payload);
}

int main(void)
{
    struct caller a = {.name = "A"}, b = {.name = "B"};
    int same = 0;
    for (int run = 0; run < RUNS; run++) {
        if (run == 0)
            hook_record(mywalk);
        race(&a, &b);
        same += a.payload == b.payload;
        if (run == 0) {
            hook_write("no-lock");
            puts("A, on CPU 0, has found a block, and is moved");
            printf("B, on CPU 0, gets 16 bytes at %ld\n", offset(b.payload));
            printf("A gets 16 bytes at %ld\n", offset(a.payload));
            memset(b.payload, 'B', 16);
            memset(a.payload, 'A', 16);
            printf("B finds %.16s\n", b.payload);
        }
    }
    printf("the same block for both: %d of %d runs\n", same, RUNS);
    return same == RUNS ? 0 : 1;
}
