/* The interface of chapter 1 is for one thread, and this is why: A stops when
   it has read the break, B allocates, A goes on, and both have the same block.
   That is forced 1000 times, and has to happen each time. Prints the first run,
   and writes its schedule to build/schedules/two-threads.json. */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "01-bump/heap.h"
#include "01-bump/memlib.h"
#include "01-bump/my_malloc.h"
#include "hooks.h"

enum { RUNS = 1000, LIMIT = 1 << 16 /* bytes */ };

struct caller {
    const char *name;
    int cpu;
    size_t request;
    char *payload; /* what it got */
};

static void *allocate_and_fill(void *context)
{
    struct caller *caller = context;
    hook_thread(caller->name, caller->cpu);
    caller->payload = my_malloc(caller->request);
    assert(caller->payload != NULL);
    memset(caller->payload, caller->name[0], caller->request);
    hook("two-threads: filled the block", caller->payload);
    return NULL;
}

static void race(struct caller *a, struct caller *b)
{
    pthread_t thread_a, thread_b;
    mem_reset();
    assert(my_init() == 0);
    hook_park("A", "mem_sbrk: read the break", 1);
    pthread_create(&thread_a, NULL, allocate_and_fill, a);
    assert(hook_await_parked("A"));
    pthread_create(&thread_b, NULL, allocate_and_fill, b);
    pthread_join(thread_b, NULL);
    hook_release("A");
    pthread_join(thread_a, NULL);
}

static void print(const struct caller *a, const struct caller *b)
{
    const char *lo = mem_heap_lo();
    printf("A has read the break\n");
    printf("B gets %zu bytes at %td and fills them\n", b->request,
           b->payload - lo);
    printf("A gets %zu bytes at %td and fills them\n", a->request,
           a->payload - lo);
    printf("B finds %.*s\n", (int)b->request, b->payload);
    printf("my_check: %d\n", my_check());
}

int main(void)
{
    struct caller a = {.name = "A", .cpu = 0, .request = 40};
    struct caller b = {.name = "B", .cpu = 1, .request = 24};
    int same = 0;
    assert(mem_init(LIMIT) == 0);
    for (int run = 0; run < RUNS; run++) {
        if (run == 0)
            hook_record(my_walk);
        race(&a, &b);
        same += a.payload == b.payload;
        if (run == 0) {
            hook_write("two-threads");
            print(&a, &b);
        }
    }
    printf("the same block for both: %d of %d runs\n", same, RUNS);
    return same == RUNS ? 0 : 1;
}
