/* The oracle: what a heap has promised and whether it keeps it. It knows the
   live blocks as intervals and the bytes that they must hold, and believes
   nothing that the heap says. It knows a block by its id in the trace.

   A function that returns false has seen a broken promise and has said in
   `message` what was promised and what happened. */
#ifndef ORACLE_H
#define ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap.h"

enum { ALIGNMENT = 16, MESSAGE_SIZE = 512 };

struct block {
    unsigned char *payload; /* NULL: nothing, as malloc(0) may return */
    size_t request;         /* bytes that the program asked for */
    size_t born;            /* operation that allocated it, from 1 */
    size_t seen;            /* operation after which the walk last showed it */
    int32_t id;
};

struct oracle {
    struct block *blocks; /* by id */
    size_t ids;
    void *live;       /* a tree of the blocks whose payload is not NULL */
    size_t payload;   /* bytes in live blocks, as requested */
    size_t peak;      /* bytes, the most that `payload` was */
    size_t operation; /* under way, from 1; the caller sets it */
    char *message;    /* MESSAGE_SIZE bytes */
};

/* An oracle for a trace of `ids` ids, before its first operation. */
struct oracle oracle_new(size_t ids, char *message);

/* malloc(request) returned `payload`: it must be aligned and overlap no live
   block. Fills it. */
bool oracle_allocated(struct oracle *oracle, int32_t id, void *payload,
                      size_t request);

/* The block must hold what was written. Call it before the block is freed,
   reallocated or written. */
bool oracle_holds(struct oracle *oracle, int32_t id);

/* The block was handed to free(). */
void oracle_freed(struct oracle *oracle, int32_t id);

/* realloc(block, request) returned `payload`, not NULL: as for
   oracle_allocated, and it must begin with what the old block held. */
bool oracle_reallocated(struct oracle *oracle, int32_t id, void *payload,
                        size_t request);

/* The program writes the first `size` bytes of the block: the same as
   before. */
void oracle_written(struct oracle *oracle, int32_t id, size_t size);

/* Every live block must hold what was written. */
bool oracle_all_hold(struct oracle *oracle);

/* check() must return 0, and the walk must be sound and show every live block
   as a used part that begins at its payload and has room for the request. What
   the heap does not offer is not asked. *size: bytes that it has from the
   system. */
bool oracle_agrees(struct oracle *oracle, const struct allocator *heap,
                   size_t *size);

/* The live block that overlaps these bytes, or NULL. */
const struct block *oracle_find(const struct oracle *oracle, const void *start,
                                size_t size);

#endif
