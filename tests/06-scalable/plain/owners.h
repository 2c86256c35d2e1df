/* Who owns an object: a stamp for each granule of memory that the heap could
   hand out, written by atomic exchange. Who gets a block exchanges its owner's
   number into each stamp, and must find nobody there; who frees it exchanges
   nobody, and must find the number. Two owners of a byte are seen at once, even
   if neither writes. In the end the audit finds each object in one place.

   The memory is one piece that vmalloc hands out in parts, so that a stamp's
   place is the address less the start. */
#ifndef OWNERS_H
#define OWNERS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pthread_setaffinity_np */
#endif
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "06-scalable/heap.h"
#include "06-scalable/mymalloc.h"
#include "06-scalable/vm.h"

enum { GRANULE = 16, MOST_THREADS = 128, TABLE = 512, OWN = 300 };

static const size_t all_memory = (size_t)1 << 30, granted_at_once = 4 << 20;

static struct {
    char *start;
    uint32_t *stamp; /* of each granule: its owner, 0: nobody */
    size_t handed_out;
    unsigned long wrong; /* stamps that were not as they had to be */
} owners;

static inline void begin_owners(void)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    int both = PROT_READ | PROT_WRITE;
    owners.start = mmap(NULL, all_memory, both, flags, -1, 0);
    owners.stamp = mmap(NULL, all_memory / GRANULE * 4, both, flags, -1, 0);
    if (owners.start == MAP_FAILED || (void *)owners.stamp == MAP_FAILED)
        abort();
}

/* Regions are never handed out twice. */
void *vmalloc(void *addr, size_t length)
{
    (void)addr;
    if (length > granted_at_once)
        return NULL;
    size_t at = __atomic_fetch_add(&owners.handed_out, length, __ATOMIC_RELAXED);
    if (at + length > all_memory)
        abort();
    memset(owners.start + at, 0xA5, length);
    return owners.start + at;
}

void vmfree(void *addr, size_t length)
{
    (void)addr;
    (void)length;
}

static inline void stamp(const void *block, size_t size, uint32_t from,
                         uint32_t to)
{
    size_t first = (size_t)((const char *)block - owners.start) / GRANULE;
    for (size_t n = 0; n <= (size - 1) / GRANULE; n++)
        if (__atomic_exchange_n(&owners.stamp[first + n], to,
                                __ATOMIC_RELAXED) != from)
            __atomic_fetch_add(&owners.wrong, 1, __ATOMIC_RELAXED);
}

/* A block knows its size. Its owner is whoever holds the pointer. */
struct owned {
    size_t size;
};

static struct owned *shared[TABLE]; /* read and written by exchange only */

static inline unsigned next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*state >> 33);
}

static inline struct owned *take_ownership(uint32_t self, uint64_t *state)
{
    unsigned kind = next_random(state) % 300;
    size_t most = kind == 0 ? 60000 : kind < 30 ? 5000 : 250;
    size_t size = sizeof(struct owned) + next_random(state) % most;
    struct owned *block = mymalloc(size);
    if (block == NULL)
        abort();
    stamp(block, size, 0, self);
    memset(block, (int)size, size);
    block->size = size;
    return block;
}

static inline void give_up(struct owned *block, uint32_t self)
{
    if (block == NULL)
        return;
    size_t size = block->size, last = size - 1;
    bool is_whole = last < sizeof *block ||
                    ((unsigned char *)block)[last] == (unsigned char)size;
    __atomic_fetch_add(&owners.wrong, !is_whole, __ATOMIC_RELAXED);
    stamp(block, size, self, 0);
    myfree(block);
}

static inline void hand_over(struct owned *block, uint32_t from, uint32_t to)
{
    if (block != NULL)
        stamp(block, block->size, from, to);
}

/* Threads are slow where ThreadSanitizer watches them. */
#ifdef __SANITIZE_THREAD__
enum { PART = 10 };
#else
enum { PART = 1 };
#endif

static unsigned operations; /* of each thread */
enum { NOBODY_YET = 0x7fffffff };

static inline void *own_and_share(void *context)
{
    uint32_t self = (uint32_t)(uintptr_t)context;
    uint64_t state = self * 7919u;
    struct owned *own[OWN] = {NULL};
    for (unsigned n = 0; n < operations; n++) {
        unsigned slot = next_random(&state) % OWN;
        if (own[slot] == NULL) {
            own[slot] = take_ownership(self, &state);
        } else if (next_random(&state) % 3 == 0) {
            hand_over(own[slot], self, NOBODY_YET);
            own[slot] = __atomic_exchange_n(
                &shared[next_random(&state) % TABLE], own[slot],
                __ATOMIC_ACQ_REL);
            hand_over(own[slot], NOBODY_YET, self);
        } else {
            give_up(own[slot], self);
            own[slot] = NULL;
        }
    }
    for (int n = 0; n < OWN; n++)
        give_up(own[n], self);
    return NULL;
}

static inline void run_owners(uintptr_t threads, unsigned each)
{
    pthread_t thread[MOST_THREADS];
    operations = each / PART;
    for (uintptr_t n = 0; n < threads; n++)
        if (pthread_create(&thread[n], NULL, own_and_share,
                           (void *)(n + 1)) != 0)
            abort();
    for (uintptr_t n = 0; n < threads; n++)
        pthread_join(thread[n], NULL);
    for (int n = 0; n < TABLE; n++)
        give_up(__atomic_exchange_n(&shared[n], NULL, __ATOMIC_ACQ_REL),
                NOBODY_YET);
}

/* Every object is in exactly one place: nobody owns any, and the heap's records
   of what is free and cached fill its slabs. */
static inline bool audit(void)
{
    struct mymalloc_counts counts;
    for (size_t n = 0; n < owners.handed_out / GRANULE; n++)
        if (owners.stamp[n] != 0)
            return false;
    mymalloc_counts(&counts);
    printf("%zu bytes are lost, ", counts.live + counts.large);
    return mymalloc_check() == 0 && counts.live == 0 && counts.large == 0;
}

#endif
