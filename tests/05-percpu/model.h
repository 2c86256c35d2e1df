/* The heap as a test knows it: where each live block is, and what was written to
   every byte of it; and the pools as the walk shows them. What a function here
   asks of the heap, it checks by what the interface promises. */
#ifndef PERCPU_MODEL_H
#define PERCPU_MODEL_H

#include "machine.h"

#include "05-percpu/heap.h"
#include "05-percpu/mymalloc.h"
#include "report.h"

enum {
    KIB = 1 << 10,
    POOL = 1 << 20,      /* bytes */
    POOL_ORDER = 20,
    THRESHOLD = 512 * KIB,
    BLOCKS = 20000,
    PARTS = 200000
};

struct block {
    unsigned char *start;
    size_t size; /* bytes, as requested */
    unsigned key;
};

static struct {
    size_t count;
    unsigned keys;
    struct block block[BLOCKS];
} model;

/* A heap that has served a block, freed again: every test begins with it. */
static inline void begin_heap(void)
{
    void *block = mymalloc(24);
    cr_assert(block != NULL, "mymalloc(24) returned NULL");
    myfree(block);
    model.count = 0;
}

static inline void check_heap(void)
{
    if (allocator.check != NULL)
        cr_assert(allocator.check() == 0, "mycheck: the heap is broken");
}

/* Contents */

static inline unsigned char byte_of(const struct block *block, size_t i)
{
    return (unsigned char)(block->key * 37 + i * 11 + (i >> 8));
}

static inline void fill(struct block *block)
{
    block->key = ++model.keys;
    for (size_t i = 0; i < block->size; i++)
        block->start[i] = byte_of(block, i);
}

static inline void check_contents(const struct block *block, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (block->start[i] != byte_of(block, i))
            cr_assert_fail("byte %zu of the %zu of a live block has changed", i,
                           block->size);
}

static inline void check_memory(void)
{
    for (size_t n = 0; n < model.count; n++)
        check_contents(&model.block[n], model.block[n].size);
    check_heap();
}

/* Places */

static inline bool is_in_memory(const unsigned char *start, size_t size)
{
    const unsigned char *lo = (unsigned char *)machine.lo;
    if (start >= lo && start < (unsigned char *)machine.brk)
        return size <= (size_t)((unsigned char *)machine.brk - start);
    for (size_t n = 0; n < machine.mappings; n++) {
        size_t offset = (size_t)((char *)start - machine.mapping[n].start);
        size_t length = machine.mapping[n].length;
        if (offset < length)
            return size <= length - offset;
    }
    return false;
}

static inline void check_place(const unsigned char *start, size_t size)
{
    cr_assert((uintptr_t)start % 16 == 0, "an address is %zu modulo 16",
              (size_t)((uintptr_t)start % 16));
    cr_assert(is_in_memory(start, size),
              "a block of %zu bytes does not lie in the heap's memory", size);
    for (size_t n = 0; n < model.count; n++) {
        const struct block *other = &model.block[n];
        cr_assert(start >= other->start + other->size ||
                      other->start >= start + size,
                  "a block of %zu bytes overlaps a live one of %zu", size,
                  other->size);
    }
}

static inline struct block *add_block(void *start, size_t size)
{
    check_place(start, size);
    cr_assert(model.count < BLOCKS, "the model is too small for the test");
    struct block *block = &model.block[model.count++];
    *block = (struct block){.start = start, .size = size};
    fill(block);
    return block;
}

/* A new block of the heap, checked and filled. */
static inline struct block *new_block(size_t request)
{
    void *payload = mymalloc(request);
    cr_assert(payload != NULL, "mymalloc(%zu) returned NULL", request);
    return add_block(payload, request);
}

static inline void remove_block(struct block *block)
{
    *block = model.block[--model.count];
}

static inline void free_block(struct block *block)
{
    check_contents(block, block->size);
    myfree(block->start);
    remove_block(block);
}

static inline void free_all(void)
{
    while (model.count > 0)
        free_block(&model.block[model.count - 1]);
}

static inline void resize_block(struct block *block, size_t request)
{
    struct block old = *block;
    void *payload = myrealloc(old.start, request);
    cr_assert(payload != NULL, "myrealloc(p, %zu) returned NULL", request);
    remove_block(block);
    check_place(payload, request);
    struct block moved = {.start = payload, .size = request, .key = old.key};
    check_contents(&moved, old.size < request ? old.size : request);
    add_block(payload, request);
}

static inline size_t random_request(void)
{
    int kind = rand() % 100;
    if (kind == 0)
        return (size_t)rand() % (3 * THRESHOLD);
    if (kind < 10)
        return (size_t)rand() % 40000;
    return (size_t)rand() % 300;
}

/* One of the calls that programs make, from one of the CPUs. */
static inline void random_call(void)
{
    machine.current = machine.cpu[rand() % machine.cpus];
    int what = model.count < 10 ? 0 : rand() % 5;
    struct block *block = model.block;
    if (what > 1)
        block += (size_t)rand() % model.count;
    if (what < 2)
        new_block(random_request());
    else if (what < 4)
        free_block(block);
    else
        resize_block(block, random_request() + 1);
}

/* Pictures */

struct picture {
    size_t count, pools, mappings;
    size_t bytes; /* of all regions */
    size_t free;  /* bytes of free blocks */
    struct heap_part part[PARTS];
};
static struct picture picture;

static inline void add_part(const struct heap_part *part, void *context)
{
    (void)context;
    cr_assert(picture.count < PARTS, "the walk does not end");
    picture.part[picture.count++] = *part;
    if (part->kind == PART_REGION) {
        bool is_pool = (char *)part->start >= machine.lo &&
                       (char *)part->start < machine.brk;
        picture.pools += is_pool;
        picture.mappings += !is_pool;
        picture.bytes += part->size;
    }
    if (part->kind == PART_FREE)
        picture.free += part->size;
}

static inline void take_picture(void)
{
    picture.count = picture.pools = picture.mappings = 0;
    picture.bytes = picture.free = 0;
    mywalk(add_part, NULL);
}

/* The part of the heap that a payload is, or NULL. */
static inline const struct heap_part *part_at(const void *start)
{
    take_picture();
    for (size_t n = 0; n < picture.count; n++)
        if (picture.part[n].start == start &&
            picture.part[n].kind != PART_REGION &&
            picture.part[n].kind != PART_META)
            return &picture.part[n];
    return NULL;
}

/* The bytes of the block that a request got. */
static inline size_t size_of_block(const void *payload)
{
    const struct heap_part *part = part_at(payload);
    cr_assert(part != NULL && part->kind == PART_USED,
              "the walk shows no used block where one is");
    return part->size;
}

static inline size_t free_parts(size_t size)
{
    size_t count = 0;
    take_picture();
    for (size_t n = 0; n < picture.count; n++)
        count += picture.part[n].kind == PART_FREE &&
                 picture.part[n].size == size;
    return count;
}

/* Whether the address lies in a pool, not in a mapping. */
static inline bool is_in_pool(const void *payload)
{
    return (char *)payload >= machine.lo && (char *)payload < machine.brk;
}

/* Nothing is live: no mappings, and each pool is one free block. */
static inline void check_all_free(void)
{
    check_heap();
    take_picture();
    cr_assert(picture.mappings == 0, "%zu mappings are left",
              picture.mappings);
    cr_assert(picture.free == picture.pools * POOL,
              "of %zu pools %zu bytes are free", picture.pools, picture.free);
    cr_assert(free_parts(POOL) == picture.pools, "a free pool is not one block");
}

/* How often the lock of a list was taken; of all lists and the break. */
static inline uint64_t taken(unsigned n)
{
    uint64_t times, waits;
    mylock(n, &times, &waits);
    return times;
}

#endif
