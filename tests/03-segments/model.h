/* The heap as a test knows it: where each live block is, and what was written
   to it. What a function here asks of the heap, it checks by what the interface
   promises, and by what the kernel of pages.h has given. A test begins with
   begin_heap. The functions call the heap by its table, so that they serve for
   the steps of the chapter too. */
#ifndef MODEL_H
#define MODEL_H

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "01-bump/allocator.h"
#include "03-segments/MyMalloc.h"
#include "pages.h"
#include "report.h"

enum {
    BLOCKS = 20000,
    PARTS = 400000,
    SHOWN = 2048, /* bytes at both ends of a large block that are filled */
    KIB = 1 << 10,
    MIB = 1 << 20
};

struct block {
    unsigned char *start;
    size_t size;  /* bytes, as requested */
    unsigned key; /* tells its contents from those of other blocks */
};

static struct {
    size_t count;
    unsigned keys; /* given so far */
    struct block block[BLOCKS];
} model;

static inline void begin_heap(enum placing placing)
{
    cr_assert(allocator.init() == 0, "the heap does not begin");
    cr_assert(pages.mapped == 0, "a heap that begins again keeps %zu bytes",
              pages.mapped);
    cr_assert(pages.fault == NULL, "%s", pages.fault);
    begin_pages(placing);
    void *page = vm_map(PAGE_BYTES);
    cr_assert(pages.maps == 1, "this is not the kernel of pages.h");
    vm_unmap(page, PAGE_BYTES);
    begin_pages(placing);
    model.count = 0;
}

/* Contents */

static inline unsigned char byte_of(const struct block *block, size_t i)
{
    return (unsigned char)(block->key * 37 + i * 11 + (i >> 8));
}

/* Of a large block the ends are shown: more would cost many page faults. */
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
            cr_assert_fail("byte %zu of the %zu of a live block has changed", i,
                           block->size);
}

/* Every live block has its contents, and the kernel no complaint. */
static inline void check_memory(void)
{
    for (size_t n = 0; n < model.count; n++)
        check_contents(&model.block[n], model.block[n].size);
    cr_assert(pages.fault == NULL, "%s", pages.fault);
}

/* Blocks */

static inline void check_aligned(const void *payload)
{
    size_t rest = (uintptr_t)payload % 16;
    cr_assert(rest == 0, "an address is %zu modulo 16, and not 0", rest);
}

static inline void check_place(const unsigned char *start, size_t size)
{
    const unsigned char *end = start + size;
    cr_assert(is_mapped(start, size), "a block of %zu bytes leaves its mapping",
              size);
    for (size_t n = 0; n < model.count; n++) {
        const struct block *other = &model.block[n];
        cr_assert(start >= other->start + other->size || other->start >= end,
                  "a block of %zu bytes overlaps a live one of %zu", size,
                  other->size);
    }
}

static inline struct block *add_block(void *start, size_t size)
{
    check_aligned(start);
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
    void *payload = allocator.malloc(request);
    cr_assert(payload != NULL, "MyMalloc(%zu) returned NULL", request);
    return add_block(payload, request);
}

static inline void remove_block(struct block *block)
{
    *block = model.block[--model.count];
}

static inline struct block *block_at(const void *start)
{
    struct block *block = model.block;
    while (block < model.block + model.count && block->start != start)
        block++;
    cr_assert(block < model.block + model.count, "there is no such block");
    return block;
}

static inline void free_block(struct block *block)
{
    check_contents(block, block->size);
    allocator.free(block->start);
    remove_block(block);
}

static inline void free_all_blocks(void)
{
    while (model.count > 0)
        free_block(&model.block[model.count - 1]);
}

/* Resizes a block, with the contents that both sizes have room for. */
static inline struct block *resize_block(struct block *block, size_t request)
{
    struct block old = *block;
    void *payload = allocator.realloc(old.start, request);
    cr_assert(payload != NULL, "MyRealloc(p, %zu) returned NULL", request);
    check_aligned(payload);
    remove_block(block);
    check_place(payload, request);
    struct block moved = {.start = payload, .size = old.size, .key = old.key};
    check_contents(&moved, old.size < request ? old.size : request);
    return add_block(payload, request);
}

/* Mostly small requests, some medium, and few for mappings of their own. */
static inline size_t random_request(void)
{
    size_t n = (size_t)rand(), kind = (size_t)rand() % 64;
    if (kind < 40)
        return n % 200 + 1;
    if (kind < 56)
        return n % 5000 + 1;
    return kind < 63 ? n % (100 * KIB) + 1 : n % (600 * KIB) + 1;
}

/* One of the calls that programs make, with a live block or a new one. There
   are about `count` blocks in the end. */
static inline void random_call(size_t count)
{
    size_t what = (size_t)rand() % 8;
    struct block *block = model.block;
    if (model.count > 0)
        block += (size_t)rand() % model.count;
    if (model.count == 0 || what < 2 + 3 * (model.count < count))
        new_block(random_request());
    else if (what < 6)
        free_block(block);
    else
        resize_block(block, random_request());
}

/* Pictures: the heap as its walk shows it */

struct picture {
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
    picture->count = 0;
    allocator.walk(add_part, picture);
}

static inline bool is_same_part(const struct heap_part *a,
                                const struct heap_part *b)
{
    return a->kind == b->kind && a->list == b->list && a->start == b->start &&
           a->size == b->size && a->next == b->next;
}

/* `what` has left the heap, and all blocks, as they were. */
static inline void check_unchanged(const struct picture *before,
                                   const char *what)
{
    static struct picture after;
    take_picture(&after);
    cr_assert(after.count == before->count, "%s changed the heap", what);
    for (size_t i = 0; i < after.count; i++)
        cr_assert(is_same_part(&after.part[i], &before->part[i]),
                  "%s changed the heap", what);
    check_memory();
}

static inline int by_start(const void *a, const void *b)
{
    const struct block *first = a, *second = b;
    return (first->start > second->start) - (first->start < second->start);
}

static inline void sort_blocks(void)
{
    qsort(model.block, model.count, sizeof *model.block, by_start);
}

/* The parts fill the regions, the regions are what is mapped, and the parts in
   use are the live blocks. Sorts the model. */
static inline void check_walk(void)
{
    static struct picture now;
    take_picture(&now);
    sort_blocks();
    size_t regions = 0, used = 0;
    const char *reached = NULL, *end = NULL; /* of the region */
    for (size_t i = 0; i < now.count; i++) {
        const struct heap_part *part = &now.part[i];
        cr_assert(part->size > 0, "part %zu is empty", i);
        if (part->kind == PART_REGION) {
            cr_assert(reached == end, "the parts do not fill their region");
            reached = part->start;
            end = reached + part->size;
            regions += part->size;
            cr_assert(is_mapped(part->start, part->size),
                      "a region of %zu bytes is not mapped", part->size);
            continue;
        }
        cr_assert((const char *)part->start == reached,
                  "part %zu does not begin where the one before ends", i);
        reached += part->size;
        cr_assert(reached <= end, "part %zu leaves its region", i);
        if (part->kind != PART_USED)
            continue;
        struct block key = {.start = (unsigned char *)(uintptr_t)part->start};
        const struct block *block =
            bsearch(&key, model.block, model.count, sizeof key, by_start);
        cr_assert(block != NULL, "the walk shows a block that nobody has");
        cr_assert(block->size <= part->size,
                  "a block of %zu bytes has a part of %zu", block->size,
                  part->size);
        used++;
    }
    cr_assert(reached == end, "the parts do not fill their region");
    cr_assert(used == model.count, "the walk shows %zu of %zu blocks", used,
              model.count);
    cr_assert(regions == pages.mapped, "%zu bytes are mapped, and %zu shown",
              pages.mapped, regions);
}

/* All that must hold between two calls. */
static inline void check_heap(void)
{
    cr_assert(allocator.check == NULL || allocator.check() == 0,
              "the check rejects a sound heap");
    check_walk();
    check_memory();
}

#endif
