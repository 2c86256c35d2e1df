/* A heap that is sound, or wrong in the one way that the environment variable
   WRONG names: what the judge's test shows to the judge. It never reuses a
   block; its walk shows every kind of part, in two regions. */
#define _GNU_SOURCE /* sched_getaffinity */
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "01-bump/allocator.h"

enum { BLOCKS = 64, HEADER = 16, FOREIGN = 16, FRESH = 64 };

static struct {
    _Alignas(16) unsigned char bytes[BLOCKS * 256];
    unsigned char other[32]; /* the second region */
    size_t used;             /* bytes of the first region */
    struct block {
        unsigned char *payload;
        size_t size; /* bytes of it */
        bool is_free;
    } blocks[BLOCKS];
    size_t count;
} heap;

static bool wrong(const char *way)
{
    const char *chosen = getenv("WRONG");
    return chosen != NULL && strcmp(chosen, way) == 0;
}

static int init(void)
{
    heap.used = FOREIGN;
    heap.count = 0;
    return wrong("init") ? -1 : 0;
}

static bool may_move(void)
{
    cpu_set_t cpus;
    return sched_getaffinity(0, sizeof cpus, &cpus) != 0 ||
           CPU_COUNT(&cpus) != 1;
}

static void *allocate(size_t request)
{
    size_t size = (request + 15) / 16 * 16;
    if (request == 0 || size > 1024 || heap.count == BLOCKS)
        return NULL;
    if (wrong("null") && heap.count == 1)
        return NULL;
    if (wrong("moves") && may_move())
        return NULL;
    if (wrong("overlap") && heap.count == 1)
        heap.used -= 32;
    unsigned char *payload = heap.bytes + heap.used + HEADER;
    heap.blocks[heap.count++] = (struct block){payload, size, false};
    heap.used += HEADER + size;
    if (wrong("misaligned"))
        return payload + 8;
    if (wrong("beyond"))
        return (void *)(UINTPTR_MAX - 15);
    if (wrong("wild"))
        return (void *)(uintptr_t)4096;
    if (wrong("segv"))
        *(volatile char *)(uintptr_t)heap.count = 0;
    return payload;
}

static struct block *block_of(const void *payload)
{
    size_t i = 0;
    while (heap.blocks[i].payload != payload)
        i++;
    return &heap.blocks[i];
}

static void release(void *payload)
{
    if (payload == NULL)
        return;
    struct block *block = block_of(payload);
    block->is_free = true;
    if (wrong("neighbor"))
        memset(block->payload + block->size + HEADER, 0, 16);
    if (wrong("abort"))
        abort();
    if (wrong("exit"))
        _exit(0);
}

static void *reallocate(void *payload, size_t request)
{
    while (wrong("hang"))
        continue;
    if (payload == NULL)
        return allocate(request);
    if (request == 0) {
        release(payload);
        return wrong("zero") ? allocate(1) : NULL;
    }
    size_t size = block_of(payload)->size;
    void *copy = wrong("no-memory") ? NULL : allocate(request);
    if (copy == NULL)
        return NULL;
    if (wrong("copy"))
        size = 8;
    memcpy(copy, payload, size < request ? size : request);
    release(payload);
    return copy;
}

static int check(void)
{
    return wrong("check") && heap.count == 3 ? -1 : 0;
}

static void show(heap_visit *visit, void *context, enum part_kind kind,
                 const void *start, size_t size, const void *next)
{
    struct heap_part part = {kind, kind == PART_FREE ? 0 : -1, start, size,
                             next};
    visit(&part, context);
}

static const void *next_free(const struct block *block)
{
    if (wrong("list"))
        return block->payload + 16;
    while (++block < heap.blocks + heap.count)
        if (block->is_free)
            return block->payload;
    return NULL;
}

static void show_block(heap_visit *visit, void *context,
                       const struct block *block)
{
    size_t size = block->size - (wrong("narrow") ? 16 : 0);
    enum part_kind kind =
        block->is_free && !wrong("dead") ? PART_FREE : PART_USED;
    if (wrong("missing") && block == heap.blocks)
        kind = PART_FREE;
    if (!wrong("gap"))
        show(visit, context, PART_META, block->payload - HEADER, HEADER, NULL);
    show(visit, context, kind, block->payload, size,
         kind == PART_FREE ? next_free(block) : NULL);
    if (wrong("narrow"))
        show(visit, context, PART_META, block->payload + size, 16, NULL);
}

static void walk(heap_visit *visit, void *context)
{
    if (wrong("hidden"))
        return;
    if (wrong("stray"))
        show(visit, context, PART_FRESH, heap.bytes, 16, NULL);
    show(visit, context, PART_REGION, heap.bytes, heap.used + FRESH, NULL);
    show(visit, context, PART_FOREIGN, heap.bytes, FOREIGN, NULL);
    for (size_t i = 0; i < heap.count; i++)
        show_block(visit, context, &heap.blocks[i]);
    size_t fresh = wrong("long")    ? FRESH + 16
                   : wrong("early") ? FRESH - 16
                                    : FRESH;
    show(visit, context, PART_FRESH, heap.bytes + heap.used, fresh, NULL);
    const void *other = wrong("regions") ? heap.bytes : heap.other;
    show(visit, context, PART_REGION, other, sizeof heap.other, NULL);
    show(visit, context, PART_FRESH, other, sizeof heap.other, NULL);
}

const struct allocator allocator = {
    .name = "wrong",
    .init = init,
    .malloc = allocate,
    .free = release,
    .realloc = reallocate,
    .check = check,
    .walk = walk,
};
