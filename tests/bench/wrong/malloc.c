/* libc's heap with a fault, for LD_PRELOAD: what the bench must see. HOW is one of
     TWICE    one call of a thousand returns the block that the call before it returned;
              free leaves such a block as it is
     SCRIBBLE one call of a thousand writes into the block of the call before it
     DOUBLED  each block is twice as large as asked, and written
     KEEPS    free does nothing
     SHORT    memory is out after so many calls
     HANGS    malloc does not return after so many calls
     TRIMS    none, but all that is free goes back to the kernel now and then
     PASSES   none */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TWICE = 1, SCRIBBLE, DOUBLED, KEEPS, SHORT, HANGS, TRIMS, PASSES };
enum { PLACES = 1 << 16, CALLS = 20000, EVERY = 1000, FREED = 100000 };

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void __libc_free(void *block);

static unsigned calls;
static void *twice[PLACES]; /* blocks that were returned twice, by address */
static __thread unsigned own_calls;
static __thread void *last;
static __thread size_t last_size;

static void **place_of(void *block)
{
    return &twice[(size_t)block / 16 % PLACES];
}

void *malloc(size_t size)
{
    if ((HOW == SHORT || HOW == HANGS) &&
        __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) > CALLS) {
        while (HOW == HANGS)
            pause();
        return NULL;
    }
    if (HOW != TWICE && HOW != SCRIBBLE) {
        void *block = __libc_malloc(HOW == DOUBLED ? 2 * size : size);
        return HOW == DOUBLED ? memset(block, 1, 2 * size) : block;
    }
    if (++own_calls % EVERY == 0 && last != NULL && last_size >= size) {
        if (HOW == TWICE)
            return *place_of(last) = last;
        ((char *)last)[0] ^= 1;
    }
    last = __libc_malloc(size);
    last_size = size;
    return last;
}

void free(void *block)
{
    if (block == last)
        last = NULL;
    if (HOW != KEEPS && (HOW != TWICE || block == NULL || *place_of(block) != block))
        __libc_free(block);
    if (HOW == TRIMS && ++own_calls % FREED == 0)
        malloc_trim(0);
}

void *calloc(size_t count, size_t size) { return __libc_calloc(count, size); }

void *realloc(void *block, size_t size)
{
    if (block == last)
        last = NULL;
    return __libc_realloc(block, size);
}
