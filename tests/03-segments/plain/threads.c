/* Eight threads allocate, resize and free parcels of all sizes; half of them are
   freed by another thread than the one that asked for them. Every byte of every
   parcel is looked at before it goes. Then the heap must be sound. With an
   argument: so many operations of each; `make soak` has them do a million. */
#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "01-bump/allocator.h"
#include "03-segments/MyMalloc.h"

enum { THREADS = 8, LIVE = 200, SHARED = 256 };

#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
static long operations = 20000; /* of each thread */
#else
static long operations = 250000; /* of each thread */
#endif

struct parcel {
    size_t size; /* bytes, with these two */
    uint64_t key;
    unsigned char byte[];
};

static struct parcel *shared[SHARED]; /* given to whoever comes */

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
    size_t size = sizeof(struct parcel);
    if (kind < 900)
        return size + n % 300;
    if (kind < 1015)
        return size + n % 3000;
    return kind < 1022 ? size + n % 60000 : size + n % 600000;
}

static unsigned char byte_of(const struct parcel *parcel, size_t i)
{
    return (unsigned char)(parcel->key + i * 13 + (i >> 8));
}

static void fill(struct parcel *parcel, size_t size, uint64_t key)
{
    parcel->size = size;
    parcel->key = key;
    for (size_t i = 0; i < size - sizeof *parcel; i++)
        parcel->byte[i] = byte_of(parcel, i);
}

static void check(const struct parcel *parcel, size_t size)
{
    for (size_t i = 0; i < size - sizeof *parcel; i++)
        assert(parcel->byte[i] == byte_of(parcel, i));
}

static struct parcel *new_parcel(uint64_t *state)
{
    size_t size = random_size(state);
    struct parcel *parcel = MyMalloc(size);
    assert(parcel != NULL && (uintptr_t)parcel % 16 == 0);
    fill(parcel, size, next_random(state));
    return parcel;
}

static void free_parcel(struct parcel *parcel)
{
    if (parcel == NULL)
        return;
    check(parcel, parcel->size);
    MyFree(parcel);
}

static struct parcel *resize_parcel(struct parcel *parcel, uint64_t *state)
{
    size_t size = random_size(state), old = parcel->size;
    parcel = MyRealloc(parcel, size);
    assert(parcel != NULL && parcel->size == old);
    check(parcel, size < old ? size : old);
    fill(parcel, size, parcel->key);
    return parcel;
}

static void *run(void *context)
{
    uint64_t state = *(uint64_t *)context;
    struct parcel *live[LIVE] = {NULL};
    for (long i = 0; i < operations; i++) {
        uint64_t n = next_random(&state);
        struct parcel **mine = &live[n / 8 % LIVE];
        if (n % 8 == 0 && *mine != NULL) {
            *mine = resize_parcel(*mine, &state);
        } else if (n % 8 < 4) {
            *mine = __atomic_exchange_n(&shared[n / 4096 % SHARED], *mine,
                                        __ATOMIC_ACQ_REL);
        } else {
            free_parcel(*mine);
            *mine = n % 8 < 7 ? new_parcel(&state) : NULL;
        }
    }
    for (size_t n = 0; n < LIVE; n++)
        free_parcel(live[n]);
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
        assert(pthread_create(&thread[i], NULL, run, &seed[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    assert(allocator.check() == 0);
    for (size_t n = 0; n < SHARED; n++)
        free_parcel(shared[n]);
    assert(allocator.check() == 0);
    return 0;
}
