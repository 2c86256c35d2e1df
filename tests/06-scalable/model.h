/* The heap as a test knows it: where each live block is, and what was written to
   every byte of it. What a function here asks of the heap, it checks by what the
   interface promises, against records of its own. */
#ifndef SCALABLE_MODEL_H
#define SCALABLE_MODEL_H

#include "memory.h"

#include <errno.h>

#include "01-bump/allocator.h"
#include "06-scalable/heap.h"
#include "06-scalable/mymalloc.h"
#include "report.h"

enum {
    KIB = 1 << 10,
    MIB = 1 << 20,
    BLOCKS = 100000,
    SHOWN = 2048,         /* bytes at both ends of a large block that are filled */
    GRANULE = 16,         /* bytes */
    PAGES_KNOWN = 1 << 18 /* that may have blocks, over the whole test */
};

/* The oracle: which granules of memory belong to a live block. No two blocks
   share one, because each begins at a multiple of 16. */

struct known_page {
    uintptr_t number;  /* address / PAGE_BYTES; 0: this entry is unused */
    uint64_t taken[4]; /* a bit for each granule */
};

static struct known_page known_page[PAGES_KNOWN];
static size_t known_pages;

static inline struct known_page *find_page(uintptr_t number)
{
    size_t n = number * 0x9E3779B97F4A7C15u >> 46;
    while (known_page[n].number != number && known_page[n].number != 0)
        n = (n + 1) % PAGES_KNOWN;
    if (known_page[n].number == 0) {
        MEMORY_ASSERT(++known_pages < PAGES_KNOWN - 1000,
                      "the oracle is too small for the test");
        known_page[n].number = number;
    }
    return &known_page[n];
}

/* The bits of granules [from, to) that lie in word `n`. */
static inline uint64_t granules(size_t n, size_t from, size_t to)
{
    size_t low = from > n * 64 ? from - n * 64 : 0;
    size_t high = to < n * 64 + 64 ? to - n * 64 : 64;
    if (to <= n * 64 || low >= 64 || low >= high)
        return 0;
    return (high - low == 64 ? UINT64_MAX : (UINT64_C(1) << (high - low)) - 1)
           << low;
}

/* Takes the granules of [start, start + size), which nobody must have, or gives
   them back. */
static inline void mark(const void *start, size_t size, bool is_taken)
{
    uintptr_t at = (uintptr_t)start, end = at + (size == 0 ? 1 : size);
    while (at < end) {
        uintptr_t page = at / PAGE_BYTES, next = (page + 1) * PAGE_BYTES;
        size_t from = at % PAGE_BYTES / GRANULE;
        size_t to = (end < next ? end - page * PAGE_BYTES : PAGE_BYTES) + 15;
        struct known_page *known = find_page(page);
        for (size_t n = 0; n < 4; n++) {
            uint64_t bits = granules(n, from, to / GRANULE);
            MEMORY_ASSERT((known->taken[n] & bits) == (is_taken ? 0 : bits),
                          "a block of %zu bytes overlaps a live one", size);
            known->taken[n] ^= bits;
        }
        at = next;
    }
}

/* Blocks */

struct block {
    unsigned char *start;
    size_t size; /* bytes, as requested */
    unsigned key;
};

static struct {
    size_t count;
    size_t live; /* bytes, as requested */
    unsigned keys;
    struct block block[BLOCKS];
} model;

static inline unsigned char byte_of(const struct block *block, size_t i)
{
    return (unsigned char)(block->key * 37 + i * 11 + (i >> 8));
}

static inline size_t byte_after(const struct block *block, size_t i)
{
    bool is_hidden = i + 1 >= SHOWN && i + 1 + SHOWN < block->size;
    return is_hidden ? block->size - SHOWN : i + 1;
}

static inline void fill(struct block *block)
{
    block->key = ++model.keys;
    for (size_t i = 0; i < block->size; i = byte_after(block, i))
        block->start[i] = byte_of(block, i);
}

static inline void check_contents(const struct block *block, size_t size)
{
    for (size_t i = 0; i < size; i = byte_after(block, i))
        if (block->start[i] != byte_of(block, i))
            MEMORY_ASSERT(false, "byte %zu of the %zu of a live block changed",
                          i, block->size);
}

static inline void check_blocks(void)
{
    for (size_t n = 0; n < model.count; n++)
        check_contents(&model.block[n], model.block[n].size);
}

/* The blocks are whole, and the heap's own check has no objection. */
static inline void check_heap(void)
{
    check_blocks();
    MEMORY_ASSERT(mymalloc_check() == 0, "mymalloc_check: the heap is broken");
}

static inline struct block *add_block(void *start, size_t size)
{
    MEMORY_ASSERT((uintptr_t)start % 16 == 0, "an address is %zu modulo 16",
                  (size_t)((uintptr_t)start % 16));
    MEMORY_ASSERT(is_in_memory(start, size),
                  "a block of %zu bytes lies in no region", size);
    MEMORY_ASSERT(model.count < BLOCKS, "the model is too small for the test");
    mark(start, size, true);
    struct block *block = &model.block[model.count++];
    *block = (struct block){.start = start, .size = size};
    model.live += size;
    fill(block);
    return block;
}

/* A new block of the heap, checked and filled; NULL if there is none. */
static inline struct block *try_block(size_t request)
{
    void *payload = mymalloc(request);
    return payload != NULL ? add_block(payload, request) : NULL;
}

static inline struct block *new_block(size_t request)
{
    struct block *block = try_block(request);
    MEMORY_ASSERT(block != NULL, "mymalloc(%zu) returned NULL", request);
    return block;
}

static inline void remove_block(struct block *block)
{
    mark(block->start, block->size, false);
    model.live -= block->size;
    *block = model.block[--model.count];
}

static inline void free_block(struct block *block)
{
    unsigned char *start = block->start;
    check_contents(block, block->size);
    remove_block(block);
    myfree(start);
}

static inline void free_all(void)
{
    while (model.count > 0)
        free_block(&model.block[model.count - 1]);
}

/* Resizes a block, or leaves it as it was and returns NULL. */
static inline struct block *try_resize(struct block *block, size_t request)
{
    struct block old = *block;
    void *payload = myrealloc(old.start, request);
    if (payload == NULL) {
        check_contents(&old, old.size);
        return NULL;
    }
    remove_block(block);
    struct block moved = {.start = payload, .size = old.size, .key = old.key};
    check_contents(&moved, old.size < request ? old.size : request);
    return add_block(payload, request);
}

static inline void resize_block(struct block *block, size_t request)
{
    block = try_resize(block, request);
    MEMORY_ASSERT(block != NULL, "myrealloc(p, %zu) returned NULL", request);
}

static inline struct block *new_zeros(size_t count, size_t size)
{
    unsigned char *payload = mycalloc(count, size);
    MEMORY_ASSERT(payload != NULL, "mycalloc(%zu, %zu) returned NULL", count,
                  size);
    for (size_t i = 0; i < count * size; i++)
        if (payload[i] != 0)
            MEMORY_ASSERT(false, "byte %zu of mycalloc(%zu, %zu) is %d", i,
                          count, size, payload[i]);
    return add_block(payload, count * size);
}

/* Random calls */

static inline size_t random_number(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state >> 16);
}

/* Small requests mostly, some of every other kind; 1 in 4096 above 1 MiB. */
static inline size_t random_request(void)
{
    size_t kind = random_number() % 4096, n = random_number();
    if (kind == 0)
        return n % (5 * MIB);
    if (kind < 20)
        return n % (1100 * KIB);
    if (kind < 100)
        return n % (100 * KIB);
    return kind < 800 ? n % 5000 : n % 300;
}

/* One of the calls that programs make; there are about `count` blocks in the
   end. False if memory was short. */
static inline bool random_call(size_t count)
{
    size_t what = random_number() % 16;
    struct block *block = model.block;
    if (model.count > 0)
        block += random_number() % model.count;
    if (model.count == 0 || what < 3 + 9 * (model.count < count))
        return try_block(random_request()) != NULL;
    if (what == 14)
        return try_resize(block, random_request() + 1) != NULL;
    free_block(block);
    return true;
}

/* The processor that the calling thread believes to run on. */
static _Thread_local uint32_t believed_cpu;
static inline uint32_t believe(void)
{
    return believed_cpu;
}

/* Writes the records of the test, so that what the kernel says is written from
   now on is the heap's. */
static inline void touch_records(void)
{
    memset(&model, 1, sizeof model);
    memset(&model, 0, sizeof model);
    memset(known_page, 1, sizeof known_page);
    memset(known_page, 0, sizeof known_page);
}

/* A heap for tests: cpus are what believed_cpu says, and one call of vmalloc
   grants at most `cap` bytes. */
static inline void begin_heap(size_t cap)
{
    cpu_hint_fake = believe;
    memory.cap = cap;
    void *block = mymalloc(24);
    MEMORY_ASSERT(block != NULL, "mymalloc(24) returned NULL");
    MEMORY_ASSERT(memory.granted > 0, "this is not the vmalloc of memory.h");
    myfree(block);
}

#endif
