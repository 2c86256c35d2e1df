/* A list without a lock, and why: A stops when it has read the list, B takes
   the same block and fills it, A goes on, and both have it; what is then the
   list are B's data. That is forced 1000 times, and has to happen each time.
   Prints the first run, and writes its schedule to
   build/schedules/two-owners.json. */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "04-arena/steps/1-no-lock.c"
#include "hooks.h"

enum { RUNS = 1000, BLOCKS = 4, SHOWN = 8 /* bytes */ };

static _Alignas(BLOCK_SIZE) char buffer[BLOCKS * BLOCK_SIZE];

struct caller {
    const char *name;
    int cpu;
    char *block; /* what it got */
};

static void *allocate_and_fill(void *context)
{
    struct caller *caller = context;
    hook_thread(caller->name, caller->cpu);
    caller->block = Allocate();
    assert(caller->block != NULL);
    memset(caller->block, caller->name[0], BLOCK_SIZE);
    hook("two-owners: filled the block", caller->block);
    return NULL;
}

static void race(struct caller *a, struct caller *b)
{
    pthread_t thread_a, thread_b;
    assert(Init(buffer, sizeof buffer) == 0);
    hook_park("A", "arena: pop: the list is read", 1);
    pthread_create(&thread_a, NULL, allocate_and_fill, a);
    assert(hook_await_parked("A"));
    pthread_create(&thread_b, NULL, allocate_and_fill, b);
    pthread_join(thread_b, NULL);
    hook_release("A");
    pthread_join(thread_a, NULL);
}

static void print(const struct caller *a, const struct caller *b)
{
    printf("A has read where the list begins\n");
    printf("B gets block %td and fills it\n", (b->block - buffer) / BLOCK_SIZE);
    printf("A gets block %td and fills it\n", (a->block - buffer) / BLOCK_SIZE);
    printf("B finds %.*s\n", SHOWN, b->block);
    printf("the list begins at %p\n", (void *)arena.list);
    printf("arena_check: %d\n", arena_check());
}

int main(void)
{
    struct caller a = {.name = "A", .cpu = 0};
    struct caller b = {.name = "B", .cpu = 1};
    int same = 0;
    for (int run = 0; run < RUNS; run++) {
        if (run == 0)
            hook_record(arena_walk);
        race(&a, &b);
        same += a.block == b.block && arena_check() != 0;
        if (run == 0) {
            hook_write("two-owners");
            print(&a, &b);
        }
    }
    printf("the same block for both: %d of %d runs\n", same, RUNS);
    return same == RUNS ? 0 : 1;
}
