/* Judges what a heap does against what it promised. The live blocks stand in
   one of libc's trees, ordered by address; two that overlap compare as
   equal. */
#define _GNU_SOURCE
#include "oracle.h"

#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "judge.h"

static bool broken(struct oracle *oracle, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Notes a broken promise. */
static bool broken(struct oracle *oracle, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(oracle->message, MESSAGE_SIZE, format, arguments);
    va_end(arguments);
    return false;
}

struct oracle oracle_new(size_t ids, char *message)
{
    struct oracle oracle = {.ids = ids, .message = message};
    oracle.blocks = calloc(ids + 1, sizeof *oracle.blocks);
    if (oracle.blocks == NULL)
        die("no memory for %zu blocks", ids);
    for (size_t id = 0; id < ids; id++)
        oracle.blocks[id].id = (int32_t)id;
    return oracle;
}

/* One past the block's last byte; the block of malloc(0) has an address at
   least. */
static const unsigned char *end_of(const struct block *block)
{
    return block->payload + (block->request > 0 ? block->request : 1);
}

static int compare(const void *a, const void *b)
{
    const struct block *left = a, *right = b;
    if (end_of(left) <= right->payload)
        return -1;
    return left->payload >= end_of(right);
}

static struct block *find(const struct oracle *oracle, const void *start,
                          size_t size)
{
    const struct block key = {.payload = (unsigned char *)(uintptr_t)start,
                              .request = size};
    struct block **found = tfind(&key, &oracle->live, compare);
    return found == NULL ? NULL : *found;
}

const struct block *oracle_find(const struct oracle *oracle, const void *start,
                                size_t size)
{
    return find(oracle, start, size);
}

/* The byte at `i` of a block: another for every block and every place. */
static unsigned char pattern(const struct block *block, size_t i)
{
    uint32_t mixed =
        (uint32_t)block->born * 0x9e3779b1 + (uint32_t)i * 0x85ebca6b;
    return (unsigned char)(mixed >> 24);
}

static void fill(struct block *block, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        block->payload[i] = pattern(block, i);
}

/* The first byte below `size` that is not what was written; `size` if all
   are. */
static size_t first_changed(const struct block *block, size_t size)
{
    size_t i = 0;
    while (i < size && block->payload[i] == pattern(block, i))
        i++;
    return i;
}

/* Makes a block live, if it is sound. */
static bool enter(struct oracle *oracle, struct block *block, void *payload,
                  size_t request)
{
    block->payload = payload;
    block->request = request;
    oracle->payload += request;
    if (oracle->payload > oracle->peak)
        oracle->peak = oracle->payload;
    if (payload == NULL)
        return true;
    size_t odd = (uintptr_t)payload % ALIGNMENT;
    if (odd != 0)
        return broken(
            oracle,
            "block %d must be aligned to %d bytes, its address is %zu "
            "more than a multiple",
            block->id, ALIGNMENT, odd);
    if ((uintptr_t)payload > UINTPTR_MAX - request)
        return broken(oracle, "block %d must lie in memory, it ends beyond it",
                      block->id);
    const struct block *other =
        *(struct block **)tsearch(block, &oracle->live, compare);
    if (other != block)
        return broken(
            oracle,
            "block %d (%zu bytes) must overlap no other, it begins at "
            "byte %td of block %d (%zu bytes, live since operation %zu)",
            block->id, request, block->payload - other->payload, other->id,
            other->request, other->born);
    return true;
}

static void leave(struct oracle *oracle, struct block *block)
{
    oracle->payload -= block->request;
    if (block->payload != NULL)
        tdelete(block, &oracle->live, compare);
    block->payload = NULL;
    block->request = 0;
}

bool oracle_allocated(struct oracle *oracle, int32_t id, void *payload,
                      size_t request)
{
    struct block *block = &oracle->blocks[id];
    block->born = oracle->operation;
    if (!enter(oracle, block, payload, request))
        return false;
    fill(block, 0, request);
    return true;
}

bool oracle_holds(struct oracle *oracle, int32_t id)
{
    const struct block *block = &oracle->blocks[id];
    size_t i = first_changed(block, block->request);
    if (i == block->request)
        return true;
    return broken(
        oracle,
        "block %d (%zu bytes, live since operation %zu) must keep its "
        "contents, byte %zu changed",
        id, block->request, block->born, i);
}

void oracle_freed(struct oracle *oracle, int32_t id)
{
    leave(oracle, &oracle->blocks[id]);
}

bool oracle_reallocated(struct oracle *oracle, int32_t id, void *payload,
                        size_t request)
{
    struct block *block = &oracle->blocks[id];
    size_t kept = block->request < request ? block->request : request;
    leave(oracle, block);
    if (!enter(oracle, block, payload, request))
        return false;
    size_t i = first_changed(block, kept);
    if (i < kept)
        return broken(
            oracle,
            "realloc must keep the first %zu bytes of block %d, byte %zu "
            "changed",
            kept, id, i);
    fill(block, kept, request);
    return true;
}

void oracle_written(struct oracle *oracle, int32_t id, size_t size)
{
    fill(&oracle->blocks[id], 0, size);
}

bool oracle_all_hold(struct oracle *oracle)
{
    for (size_t id = 0; id < oracle->ids; id++)
        if (!oracle_holds(oracle, (int32_t)id))
            return false;
    return true;
}

/* What the walk says of one part must be what the oracle knows of its
   bytes. */
static bool part_agrees(struct oracle *oracle, const struct heap_part *part)
{
    struct block *block = find(oracle, part->start, part->size);
    if (block == NULL)
        return true;
    if (part->kind != PART_USED || part->start != block->payload)
        return broken(oracle,
                      "the walk must show block %d as one used part, it shows "
                      "another part over its bytes",
                      block->id);
    if (part->size < block->request)
        return broken(
            oracle,
            "the walk must show room for the %zu bytes of block %d, it "
            "shows %zu",
            block->request, block->id, part->size);
    block->seen = oracle->operation;
    return true;
}

static bool layout_agrees(struct oracle *oracle, const struct layout *layout)
{
    char found[MESSAGE_SIZE / 2];
    if (!layout_is_sound(layout, found, sizeof found))
        return broken(oracle,
                      "the walk must fill every region in order, it shows %s",
                      found);
    for (size_t i = 0; i < layout->count; i++)
        if (layout->parts[i].kind != PART_REGION &&
            !part_agrees(oracle, &layout->parts[i]))
            return false;
    for (size_t id = 0; id < oracle->ids; id++) {
        const struct block *block = &oracle->blocks[id];
        if (block->payload != NULL && block->seen != oracle->operation)
            return broken(oracle,
                          "the walk must show every live block, block %zu (%zu "
                          "bytes) is missing",
                          id, block->request);
    }
    return true;
}

bool oracle_agrees(struct oracle *oracle, const struct allocator *heap,
                   size_t *size)
{
    int result = heap->check == NULL ? 0 : heap->check();
    if (result != 0)
        return broken(
            oracle, "check must return 0 for a heap used well, it returned %d",
            result);
    if (heap->walk == NULL)
        return true;
    struct layout layout = heap_layout(heap);
    bool agrees = layout_agrees(oracle, &layout);
    *size = layout_size(&layout);
    free(layout.parts);
    return agrees;
}
