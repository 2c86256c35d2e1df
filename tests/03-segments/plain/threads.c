/* Eight threads allocate, resize and free blocks of all sizes; half of all blocks are
   freed by another thread than the one that asked for them. Every byte of every block
   is looked at before it goes. Then the heap must be sound, and give everything back.
   With an argument: so many operations of each thread. */
#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "01-bump/allocator.h"
#include "03-segments/MyMalloc.h"

enum { THREADS = 8, LIVE = 200, SHARED = 256 };

#ifdef __SANITIZE_THREAD__
static long operations = 20000;
#else
static long operations = 100000;
#endif

struct block {
    size_t size;
    uint64_t key;
    unsigned char byte[];
};

static struct block *shared[SHARED]; /* given to whoever comes */

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static size_t random_size(uint64_t *state)
{
    uint64_t n = next_random(state), kind = n >> 40 & 1023;
    size_t size = sizeof(struct block);
    if (kind < 900)
        return size + n % 300;
    if (kind < 1015)
        return size + n % 3000;
    return kind < 1022 ? size + n % 60000 : size + n % 600000;
}

static unsigned char byte_of(const struct block *block, size_t i)
{
    return (unsigned char)(block->key + i * 13 + (i >> 8));
}

static void fill(struct block *block, size_t size, uint64_t key)
{
    block->size = size;
    block->key = key;
    for (size_t i = 0; i < size - sizeof *block; i++)
        block->byte[i] = byte_of(block, i);
}

static void check(const struct block *block, size_t size)
{
    for (size_t i = 0; i < size - sizeof *block; i++)
        assert(block->byte[i] == byte_of(block, i));
}

static struct block *new_block(uint64_t *state)
{
    size_t size = random_size(state);
    struct block *block = MyMalloc(size);
    assert(block != NULL && (uintptr_t)block % 16 == 0);
    fill(block, size, next_random(state));
    return block;
}

static void free_block(struct block *block)
{
    if (block == NULL)
        return;
    check(block, block->size);
    MyFree(block);
}

static struct block *resize_block(struct block *block, uint64_t *state)
{
    size_t size = random_size(state), old = block->size;
    block = MyRealloc(block, size);
    assert(block != NULL && block->size == old);
    check(block, size < old ? size : old);
    fill(block, size, block->key);
    return block;
}

static void *run(void *context)
{
    uint64_t state = *(uint64_t *)context;
    struct block *live[LIVE] = {NULL};
    for (long i = 0; i < operations; i++) {
        uint64_t n = next_random(&state);
        struct block **mine = &live[n / 8 % LIVE];
        if (n % 8 == 0 && *mine != NULL) {
            *mine = resize_block(*mine, &state);
        } else if (n % 8 < 4) {
            *mine = __atomic_exchange_n(&shared[n / 4096 % SHARED], *mine,
                                        __ATOMIC_ACQ_REL);
        } else {
            free_block(*mine);
            *mine = n % 8 < 7 ? new_block(&state) : NULL;
        }
    }
    for (size_t n = 0; n < LIVE; n++)
        free_block(live[n]);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread[THREADS];
    uint64_t seed[THREADS];
    if (argc > 1)
        operations = atol(argv[1]);
    for (uint64_t i = 0; i < THREADS; i++) {
        seed[i] = (i + 1) * 0x9e3779b97f4a7c15;
        if (pthread_create(&thread[i], NULL, run, &seed[i]) != 0)
            return 1;
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    assert(allocator.check() == 0);
    for (size_t n = 0; n < SHARED; n++)
        free_block(shared[n]);
    assert(allocator.check() == 0);
    return 0;
}
