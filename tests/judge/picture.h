/* What a heap holds, byte by byte: the walk of the allocator, with the
   requests of the program laid over it. */
#ifndef PICTURE_H
#define PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap.h"
#include "oracle.h"

enum kind {
    PAYLOAD, /* what the program asked for and has not freed */
    PADDING, /* the rest of a live block: internal fragmentation */
    HEADER,  /* the heap's own records */
    DEAD,    /* freed by the program, but still in use for the heap */
    FREE,    /* for the next request: external fragmentation */
    FRESH,   /* never handed out */
    FOREIGN, /* somebody else's */
    KINDS
};

extern const char *const kind_names[KINDS];

struct span {
    enum kind kind;
    size_t region; /* the region that it lies in, from 0 */
    size_t offset; /* of its first byte, from the region's first */
    size_t size;   /* bytes */
    const struct heap_part *part; /* that it belongs to */
    const struct block *block; /* PAYLOAD, PADDING: the live block; else NULL */
};

struct picture {
    struct layout layout; /* the walk */
    struct span *spans;   /* every byte of every region, in order */
    size_t count;         /* of spans */
    size_t regions;
    size_t *region_sizes; /* bytes of each region */
    size_t totals[KINDS]; /* bytes of each kind */
    size_t size;          /* bytes of all regions */
};

/* Walks a heap whose walk is sound. */
struct picture picture_of(const struct allocator *heap,
                          const struct oracle *oracle);
void picture_free(struct picture *picture);

/* The region and the offset in it of an address; false if it lies in none. */
struct place {
    size_t region;
    size_t offset; /* bytes */
};
bool picture_place(const struct picture *picture, const void *address,
                   struct place *place);

/* How many bytes two ranges share. */
size_t bytes_shared(size_t from, size_t to, size_t other_from, size_t other_to);

/* Draws a picture in cells, each of which stands for many bytes and has one
   kind: one that is among its bytes, such that over all cells each kind gets
   its share. Begins as zeros; then come the cells in order. */
struct cells {
    size_t span;         /* index of the span that the last cell began in */
    int64_t owed[KINDS]; /* bytes met of a kind, less those it was drawn for */
};
enum kind cells_next(struct cells *cells, const struct picture *picture,
                     size_t region, size_t from, size_t to);

/* Draws the heap as text, as the command `map` does, with its legend. The block
   of `operation` lies or lay at `touched` (NULL: none) and is marked. */
void map_print(const struct allocator *heap, const struct oracle *oracle,
               const void *touched, size_t touched_size, const char *operation);

#endif
