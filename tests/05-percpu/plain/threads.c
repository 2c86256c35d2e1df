/* Threads on the real machine: each allocates, fills, checks and frees; half of
   what it has it takes from and leaves to others. First two threads on two CPUs,
   then sixteen on one, then eight wherever they run. In the end nothing is live,
   and each pool is one block. */
#define _GNU_SOURCE /* sched_setaffinity */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "05-percpu/heap.h"
#include "05-percpu/mymalloc.h"

enum { THREADS = 16, SLOTS = 300, SHARED = 64, OPERATIONS = 20000 };

struct block { /* in its own first bytes */
    size_t size;
    unsigned key;
};

static struct block *shared[SHARED]; /* read and written by exchange only */
static int cpus; /* that the threads of a round run on; 0: any */

static unsigned next_random(unsigned *state)
{
    *state = *state * 1103515245 + 12345;
    return *state >> 8;
}

static struct block *make(unsigned *state)
{
    unsigned kind = next_random(state) % 200;
    size_t most = kind == 0 ? 1 << 20 : kind < 20 ? 30000 : 300;
    size_t size = sizeof(struct block) + next_random(state) % most;
    struct block *block =
        kind % 5 == 0 ? mycalloc(1, size) : mymalloc(size);
    assert(block != NULL && (uintptr_t)block % 16 == 0);
    *block = (struct block){size, next_random(state)};
    memset(block + 1, (int)block->key, size - sizeof *block);
    return block;
}

static void check(const struct block *block)
{
    const unsigned char *byte = (const unsigned char *)(block + 1);
    for (size_t n = 0; n < block->size - sizeof *block; n++)
        assert(byte[n] == (unsigned char)block->key);
}

static struct block *resize(struct block *block, unsigned *state)
{
    size_t size = sizeof *block + next_random(state) % 2000;
    size_t kept = size < block->size ? size : block->size;
    block = myrealloc(block, size);
    assert(block != NULL);
    block->size = kept;
    check(block);
    block->size = size;
    memset(block + 1, (int)block->key, size - sizeof *block);
    return block;
}

static void drop(struct block *block)
{
    if (block == NULL)
        return;
    check(block);
    myfree(block);
}

static void stay_on(int n)
{
    cpu_set_t all, one;
    CPU_ZERO(&one);
    assert(sched_getaffinity(0, sizeof all, &all) == 0);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &all) && n-- == 0)
            CPU_SET(cpu, &one);
    if (CPU_COUNT(&one) > 0)
        sched_setaffinity(0, sizeof one, &one);
}

static void *work(void *context)
{
    unsigned self = (unsigned)(uintptr_t)context, state = self * 7919 + 1;
    struct block *own[SLOTS] = {NULL};
    if (cpus > 0)
        stay_on((int)self % cpus);
    for (int n = 0; n < OPERATIONS; n++) {
        unsigned slot = next_random(&state) % SLOTS;
        unsigned what = next_random(&state) % 8;
        if (own[slot] == NULL)
            own[slot] = make(&state);
        else if (what < 3)
            own[slot] = __atomic_exchange_n(
                &shared[next_random(&state) % SHARED], own[slot],
                __ATOMIC_ACQ_REL);
        else if (what == 3)
            own[slot] = resize(own[slot], &state);
        else {
            drop(own[slot]);
            own[slot] = NULL;
        }
    }
    for (int n = 0; n < SLOTS; n++)
        drop(own[n]);
    return NULL;
}

static size_t free_bytes, pools;

static void add_part(const struct heap_part *part, void *context)
{
    (void)context;
    assert(part->kind != PART_USED);
    pools += part->kind == PART_REGION;
    free_bytes += part->kind == PART_FREE ? part->size : 0;
}

static void run(uintptr_t threads, int on)
{
    pthread_t thread[THREADS];
    cpus = on;
    for (uintptr_t n = 0; n < threads; n++)
        assert(pthread_create(&thread[n], NULL, work, (void *)n) == 0);
    for (uintptr_t n = 0; n < threads; n++)
        pthread_join(thread[n], NULL);
    for (int n = 0; n < SHARED; n++)
        drop(__atomic_exchange_n(&shared[n], NULL, __ATOMIC_ACQ_REL));
    assert(mycheck() == 0);
    pools = free_bytes = 0;
    mywalk(add_part, NULL);
    assert(free_bytes == pools << 20);
}

int main(void)
{
    run(2, 2);
    run(16, 1);
    run(8, 0);
    return 0;
}
