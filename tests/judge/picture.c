/* Lays the program's requests over a heap's walk. */
#include "picture.h"

#include <stdint.h>
#include <stdlib.h>

#include "judge.h"

const char *const kind_names[KINDS] = {
    [PAYLOAD] = "payload", [PADDING] = "padding", [HEADER] = "header",
    [DEAD] = "dead",       [FREE] = "free",       [FRESH] = "fresh",
    [FOREIGN] = "foreign",
};

/* The kind of a part that holds no live block. */
static enum kind kind_of(const struct heap_part *part)
{
    switch (part->kind) {
    case PART_USED:
        return DEAD;
    case PART_FREE:
        return FREE;
    case PART_FRESH:
        return FRESH;
    case PART_FOREIGN:
        return FOREIGN;
    default:
        return HEADER;
    }
}

static void add(struct picture *picture, struct span span)
{
    if (span.size == 0)
        return;
    picture->spans[picture->count++] = span;
    picture->totals[span.kind] += span.size;
    picture->size += span.size;
}

/* Adds a part: a live block as its payload and its padding. */
static void add_part(struct picture *picture, struct span span,
                     const struct oracle *oracle)
{
    size_t size = span.size;
    if (span.part->kind == PART_USED)
        span.block = oracle_find(oracle, span.part->start, span.part->size);
    if (span.block == NULL) {
        span.kind = kind_of(span.part);
        add(picture, span);
        return;
    }
    span.kind = PAYLOAD;
    span.size = span.block->request;
    add(picture, span);
    span.kind = PADDING;
    span.offset += span.size;
    span.size = size - span.size;
    add(picture, span);
}

struct picture picture_of(const struct allocator *heap,
                          const struct oracle *oracle)
{
    struct picture picture = {.layout = heap_layout(heap)};
    const char *lo = NULL;
    picture.spans = calloc(2 * picture.layout.count + 1, sizeof *picture.spans);
    picture.region_sizes = calloc(picture.layout.count + 1, sizeof(size_t));
    if (picture.spans == NULL || picture.region_sizes == NULL)
        die("no memory for a picture of %zu parts", picture.layout.count);
    for (size_t i = 0; i < picture.layout.count; i++) {
        const struct heap_part *part = &picture.layout.parts[i];
        if (part->kind == PART_REGION) {
            lo = part->start;
            picture.region_sizes[picture.regions++] = part->size;
            continue;
        }
        struct span span = {
            .region = picture.regions - 1, .part = part, .size = part->size};
        span.offset = (size_t)((const char *)part->start - lo);
        add_part(&picture, span, oracle);
    }
    return picture;
}

void picture_free(struct picture *picture)
{
    free(picture->layout.parts);
    free(picture->spans);
    free(picture->region_sizes);
}

bool picture_place(const struct picture *picture, const void *address,
                   struct place *place)
{
    size_t region = 0;
    for (size_t i = 0; i < picture->layout.count; i++) {
        const struct heap_part *part = &picture->layout.parts[i];
        if (part->kind != PART_REGION)
            continue;
        size_t offset = (uintptr_t)address - (uintptr_t)part->start;
        if (offset < part->size) {
            *place = (struct place){region, offset};
            return true;
        }
        region++;
    }
    return false;
}

size_t bytes_shared(size_t from, size_t to, size_t other_from, size_t other_to)
{
    size_t lo = from > other_from ? from : other_from;
    size_t hi = to < other_to ? to : other_to;
    return lo < hi ? hi - lo : 0;
}

enum kind cells_next(struct cells *cells, const struct picture *picture,
                     size_t region, size_t from, size_t to)
{
    const struct span *span = &picture->spans[cells->span];
    const struct span *last = picture->spans + picture->count;
    enum kind best = KINDS;
    while (span->region < region || span->offset + span->size <= from)
        span++;
    cells->span = (size_t)(span - picture->spans);
    for (; span < last && span->region == region && span->offset < to; span++) {
        size_t end = span->offset + span->size;
        cells->owed[span->kind] +=
            (int64_t)bytes_shared(from, to, span->offset, end);
        if (best == KINDS || cells->owed[span->kind] > cells->owed[best])
            best = span->kind;
    }
    cells->owed[best] -= (int64_t)(to - from);
    return best;
}
