/* The heap as a test knows it: where each live block is, and what was written
   to every byte of it. What a function here asks of the heap, it checks by what
   the interface promises of any heap, of this chapter or a later one. A graded
   test begins with begin_heap, and with a block that must be there. */
#ifndef MODEL_H
#define MODEL_H

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "01-bump/allocator.h"
#include "01-bump/fault.h"
#include "01-bump/memlib.h"
#include "01-bump/my_malloc.h"
#include "01-bump/shortage.h"
#include "report.h"

enum {
    LIMIT = 1 << 20, /* bytes that the heap of a test may grow to, mostly */
    BLOCKS = 5000,
    PARTS = 20000,
    DIRT = 0xA5 /* what memory holds that no call has returned yet */
};

struct block {
    unsigned char *start;
    size_t size;     /* bytes, as requested */
    unsigned key;    /* tells its contents from those of other blocks */
    bool is_foreign; /* not from my_malloc */
};

static struct {
    size_t limit; /* bytes */
    size_t count;
    unsigned keys; /* given so far */
    struct block block[BLOCKS];
} model;

/* An empty heap in memory that is not zero. */
static inline void begin_heap(size_t limit)
{
    cr_assert(mem_init(limit) == 0, "mem_init(%zu) failed", limit);
    void *memory = mem_sbrk(limit);
    cr_assert(memory == mem_heap_lo(), "mem_sbrk refused the limit");
    memset(memory, DIRT, limit);
    mem_reset();
    cr_assert(my_init() == 0, "my_init failed");
    model.limit = limit;
    model.count = 0;
}

/* Calls of the heap that may crash: then the test fails, and says which. */

static inline void *call_malloc(size_t request)
{
    if (sigsetjmp(on_fault, 1) != 0)
        cr_assert_fail("my_malloc(%zu) crashed", request);
    catch_faults();
    void *payload = my_malloc(request);
    end_catching();
    return payload;
}

static inline void call_free(void *payload)
{
    if (sigsetjmp(on_fault, 1) != 0)
        cr_assert_fail("my_free(%p) crashed", payload);
    catch_faults();
    my_free(payload);
    end_catching();
}

static inline void *call_realloc(void *payload, size_t request)
{
    if (sigsetjmp(on_fault, 1) != 0)
        cr_assert_fail("my_realloc(%p, %zu) crashed", payload, request);
    catch_faults();
    void *other = my_realloc(payload, request);
    end_catching();
    return other;
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

/* Every live block has its contents, and nothing above the break is written. */
static inline void check_memory(void)
{
    for (size_t n = 0; n < model.count; n++)
        check_contents(&model.block[n], model.block[n].size);
    const unsigned char *end = (unsigned char *)mem_heap_lo() + model.limit;
    const unsigned char *byte = (unsigned char *)mem_heap_hi() + 1;
    for (; byte < end; byte++)
        if (*byte != DIRT)
            cr_assert_fail("a byte above the heap's last was written");
}

/* Blocks */

static inline void check_aligned(const void *payload)
{
    size_t rest = (uintptr_t)payload % 16;
    cr_assert(rest == 0, "an address is %zu modulo 16, and not 0", rest);
}

static inline void check_place(const unsigned char *start, size_t size)
{
    const unsigned char *lo = mem_heap_lo(), *hi = mem_heap_hi();
    const unsigned char *end = start + size;
    cr_assert(start >= lo && start <= hi && size <= (size_t)(hi + 1 - start),
              "a block of %zu bytes does not lie in the heap", size);
    for (size_t n = 0; n < model.count; n++) {
        const struct block *other = &model.block[n];
        cr_assert(start >= other->start + other->size || other->start >= end,
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
    void *payload = call_malloc(request);
    cr_assert(payload != NULL, "my_malloc(%zu) returned NULL", request);
    check_aligned(payload);
    return add_block(payload, request);
}

/* Memory that somebody else takes from the break. */
static inline struct block *take_foreign(size_t size)
{
    void *start = mem_sbrk(size);
    cr_assert(start != (void *)-1, "mem_sbrk(%zu) failed", size);
    struct block *block = add_block(start, size);
    block->is_foreign = true;
    return block;
}

static inline void remove_block(struct block *block)
{
    *block = model.block[--model.count];
}

static inline void free_block(struct block *block)
{
    check_contents(block, block->size);
    call_free(block->start);
    remove_block(block);
}

/* Resizes a block, with the contents that both sizes have room for. */
static inline void resize_block(struct block *block, size_t request)
{
    struct block old = *block;
    void *payload = call_realloc(old.start, request);
    cr_assert(payload != NULL, "my_realloc(p, %zu) returned NULL", request);
    check_aligned(payload);
    remove_block(block);
    check_place(payload, request);
    struct block moved = {.start = payload, .size = request, .key = old.key};
    check_contents(&moved, old.size < request ? old.size : request);
    add_block(payload, request);
}

/* One of the calls that programs make, with a live block or a new one. */
static inline void random_call(void)
{
    size_t request = (size_t)rand() % (rand() % 8 == 0 ? 4000 : 200) + 1;
    int what = model.count == 0 ? 0 : rand() % 4;
    struct block *block = model.block;
    if (what > 1)
        block += (size_t)rand() % model.count;
    if (what < 2 || block->is_foreign)
        new_block(request);
    else if (what == 2)
        free_block(block);
    else
        resize_block(block, request);
}

/* Pictures: the heap as its walk shows it */

struct picture {
    size_t heapsize; /* bytes */
    size_t count;
    struct heap_part part[PARTS];
};

static inline void add_part(const struct heap_part *part, void *context)
{
    struct picture *picture = context;
    cr_assert(picture->count < PARTS, "the walk does not end");
    picture->part[picture->count++] = *part;
}

static inline void take_picture(struct picture *picture)
{
    picture->heapsize = mem_heapsize();
    picture->count = 0;
    allocator.walk(add_part, picture);
}

static inline bool is_same_part(const struct heap_part *a,
                                const struct heap_part *b)
{
    return a->kind == b->kind && a->list == b->list && a->start == b->start &&
           a->size == b->size && a->next == b->next;
}

/* `what` has left the heap, all blocks and the memory above it as they were. */
static inline void check_unchanged(const struct picture *before,
                                   const char *what)
{
    static struct picture after;
    take_picture(&after);
    cr_assert(after.heapsize == before->heapsize, "%s moved the break", what);
    cr_assert(after.count == before->count, "%s changed the heap", what);
    for (size_t i = 0; i < after.count; i++)
        cr_assert(is_same_part(&after.part[i], &before->part[i]),
                  "%s changed the heap", what);
    check_memory();
}

#endif
