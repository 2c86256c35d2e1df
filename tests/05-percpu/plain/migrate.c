/* The schedule of racy/no-lock on the heap of chapter 5: A reads that it is on
   CPU 0, stops, and is moved to CPU 1; B allocates on CPU 0; A goes on. That is
   forced 1000 times. Prints the first run, and writes its schedule to
   build/schedules/migrate.json, where the book is. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "05-percpu/cpu.h"
#include "05-percpu/heap.h"
#include "05-percpu/mymalloc.h"
#include "hooks.h"

enum { RUNS = 1000 };

static _Thread_local int cpu;

int cpu_current(void) { return cpu; }
int cpu_next(int after) { return after < 1 ? after + 1 : -1; }

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
    if (caller->name[0] == 'A')
        hook_thread("A", 1);
    return NULL;
}

static void move_to_cpu_1(void *context)
{
    (void)context;
    cpu = 1;
}

static void race(struct caller *a, struct caller *b)
{
    pthread_t thread_a, thread_b;
    hook_call("A", "mymalloc: read the CPU", 1, move_to_cpu_1, NULL);
    hook_park("A", "mymalloc: read the CPU", 1);
    pthread_create(&thread_a, NULL, allocate_16, a);
    assert(hook_await_parked("A"));
    pthread_create(&thread_b, NULL, allocate_16, b);
    pthread_join(thread_b, NULL);
    hook_release("A");
    pthread_join(thread_a, NULL);
}

static size_t taken(unsigned n)
{
    uint64_t times, waits;
    mylock(n, &times, &waits);
    return (size_t)times;
}

int main(void)
{
    struct caller a = {.name = "A"}, b = {.name = "B"};
    int same = 0;
    bool is_book = access("build/lines/hook-points.tsv", R_OK) == 0;
    char *first = mymalloc(16);
    for (int run = 0; run < RUNS; run++) {
        size_t before[2] = {taken(0), taken(1)};
        if (run == 0 && is_book)
            hook_record(mywalk);
        race(&a, &b);
        same += a.payload == b.payload;
        if (run == 0) {
            if (is_book)
                hook_write("migrate");
            puts("A reads that it is on CPU 0, and is moved to CPU 1");
            printf("B, on CPU 0, gets 16 bytes at %td\n", b.payload - first);
            printf("A, on CPU 1, gets 16 bytes at %td\n", a.payload - first);
            printf("the lock of list 0 was taken %zu times, of list 1 %zu\n",
                   taken(0) - before[0], taken(1) - before[1]);
        }
        myfree(a.payload);
        myfree(b.payload);
        assert(mycheck() == 0);
    }
    printf("the same block for both: %d of %d runs\n", same, RUNS);
    return same == 0 ? 0 : 1;
}
