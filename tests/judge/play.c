/* Plays the operations of a trace on a heap, and asks the oracle about each. */
#include "play.h"

#include <stdio.h>

static bool fails(struct play *play, const char *message)
{
    play->progress->outcome = FAILED;
    snprintf(play->progress->message, MESSAGE_SIZE, "%s", message);
    return false;
}

/* What the oracle says of a promise, noted. */
static bool kept(struct play *play, bool is_kept)
{
    if (!is_kept)
        play->progress->outcome = INVALID;
    return is_kept;
}

/* From here on, a crash is one in `doing`. */
static void enter(struct play *play, const char *doing)
{
    play->progress->doing = doing;
}

static bool play_malloc(struct play *play, int32_t id, size_t request)
{
    enter(play, "malloc");
    void *payload = play->heap->malloc(request);
    if (payload == NULL && request > 0)
        return fails(play, "malloc returned NULL");
    enter(play, "writing the new block");
    return kept(play, oracle_allocated(&play->oracle, id, payload, request));
}

static bool play_free(struct play *play, int32_t id)
{
    void *payload = id == ID_NULL ? NULL : play->oracle.blocks[id].payload;
    if (play->heap->free == NULL)
        return fails(play, "the heap has no free");
    enter(play, "reading the old block");
    if (id != ID_NULL && !kept(play, oracle_holds(&play->oracle, id)))
        return false;
    enter(play, "free");
    play->heap->free(payload);
    if (id != ID_NULL)
        oracle_freed(&play->oracle, id);
    return true;
}

static bool play_realloc(struct play *play, int32_t id, size_t request)
{
    void *old = play->oracle.blocks[id].payload;
    if (play->heap->realloc == NULL)
        return fails(play, "the heap has no realloc");
    enter(play, "reading the old block");
    if (!kept(play, oracle_holds(&play->oracle, id)))
        return false;
    enter(play, "realloc");
    void *payload = play->heap->realloc(old, request);
    if (payload == NULL && request > 0)
        return fails(play, "realloc returned NULL");
    enter(play, "writing the new block");
    if (old == NULL || request > 0)
        return kept(play,
                    oracle_reallocated(&play->oracle, id, payload, request));
    oracle_freed(&play->oracle, id);
    if (payload == NULL)
        return true;
    snprintf(play->progress->message, MESSAGE_SIZE,
             "realloc to 0 bytes must free block %d and return NULL, it "
             "returned a block",
             id);
    return kept(play, false);
}

static bool play_write(struct play *play, int32_t id, size_t size)
{
    enter(play, "writing a live block");
    if (!kept(play, oracle_holds(&play->oracle, id)))
        return false;
    oracle_written(&play->oracle, id, size);
    return true;
}

static bool play_operation(struct play *play, const struct operation *operation)
{
    switch (operation->kind) {
    case 'a':
        return play_malloc(play, operation->id, operation->size);
    case 'r':
        return play_realloc(play, operation->id, operation->size);
    case 'w':
        return play_write(play, operation->id, operation->size);
    default:
        return play_free(play, operation->id);
    }
}

/* Notes where the operation's block is; for one that ends it, where it was. */
static void touch(struct play *play, int32_t id)
{
    if (id == ID_NULL || play->oracle.blocks[id].payload == NULL)
        return;
    play->touched = play->oracle.blocks[id].payload;
    play->touched_size = play->oracle.blocks[id].request;
}

static bool agrees(struct play *play)
{
    enter(play, "check or walk");
    return kept(play, oracle_agrees(&play->oracle, play->heap,
                                    &play->progress->heap_size));
}

static bool start(struct play *play)
{
    play->oracle = oracle_new(play->trace->ids, play->progress->message);
    enter(play, "init");
    if (play->heap->init != NULL && play->heap->init() != 0)
        return fails(play, "init failed");
    return true;
}

/* Plays the operation that is under way. */
static bool step(struct play *play)
{
    size_t n = play->oracle.operation = play->progress->operation;
    const struct operation *operation = &play->trace->operations[n - 1];
    play->touched = NULL;
    play->touched_size = 0;
    touch(play, operation->id);
    if (!play_operation(play, operation))
        return false;
    touch(play, operation->id);
    play->progress->peak = play->oracle.peak;
    return (n & (n - 1)) != 0 || agrees(play);
}

bool play_to(struct play *play, size_t last)
{
    size_t *operation = &play->progress->operation;
    bool is_served = play->oracle.blocks != NULL || start(play);
    while (is_served && *operation < last && *operation < play->trace->count) {
        ++*operation;
        is_served = step(play);
    }
    if (play->progress->outcome == INVALID || (!is_served && *operation == 0))
        return false;
    enter(play, "reading the live blocks");
    return kept(play, oracle_all_hold(&play->oracle)) && agrees(play) &&
           is_served;
}
