/* What the interface promises, of the chapter's heap and of each step on the
   way to it: tests/build.mk links this with them all. A fault that a step still
   has must be seen, and from the step on that cures it there must be none. */
#include "model.h"

#include <pthread.h>

#include "hooks.h"

TestSuite(promise, .init = watchdog);

/* The step that is linked, by its name; the chapter's heap comes last. */
static int step(void)
{
    const char *name = strchr(allocator.name, '/');
    return name != NULL ? atoi(name + 1) : 100;
}

/* For whom the promise holds, from that step on, and for whom it is broken. */
static void check_since(int first, bool holds, const char *promise)
{
    if (step() >= first)
        cr_assert(holds, "%s: broken", promise);
    else
        cr_assert(!holds, "%s: step %d keeps it", promise, step());
}

/* What all of them keep */

/* A block without a look at its alignment, which is a fault of the first. */
static struct block *any_block(size_t request)
{
    unsigned char *start = allocator.malloc(request);
    cr_assert(start != NULL, "no block of %zu bytes", request);
    check_place(start, request);
    struct block *block = &model.block[model.count++];
    *block = (struct block){.start = start, .size = request};
    fill(block);
    return block;
}

static void resize_any(struct block *block, size_t request)
{
    struct block old = *block;
    unsigned char *start = allocator.realloc(old.start, request);
    cr_assert(start != NULL, "no block of %zu bytes", request);
    struct block moved = {.start = start, .size = old.size, .key = old.key};
    check_contents(&moved, old.size < request ? old.size : request);
    remove_block(block);
    check_place(start, request);
    moved.size = request;
    fill(&moved);
    model.block[model.count++] = moved;
}

Test(promise, to_keep_contents_wherever_mappings_lie)
{
    for (enum placing placing = APART; placing <= LINUX; placing++) {
        begin_heap(placing);
        srand((unsigned)placing + 7);
        for (int i = 0; i < 3000; i++) {
            struct block *block = &model.block[0];
            if (model.count > 0)
                block += (size_t)rand() % model.count;
            if (model.count == 0 || rand() % 16 < (model.count < 100 ? 10 : 4))
                any_block(random_request());
            else if (rand() % 3 == 0)
                resize_any(block, random_request());
            else
                free_block(block);
            if (i % 100 == 0)
                check_heap();
        }
        free_all_blocks();
        check_heap();
    }
}

Test(promise, to_serve_from_segments_and_own_mappings)
{
    begin_heap(ALIGNED);
    any_block(1);
    size_t mapped = pages.mapped;
    cr_assert(mapped >= ALIGNED_BYTES && mapped <= 2 * ALIGNED_BYTES);
    for (size_t n = 0; n < 1000; n++)
        any_block(n + 1);
    cr_assert(pages.mapped == mapped, "one segment does not serve many blocks");
    struct block *block = any_block(300 * KIB);
    cr_assert(pages.mapped >= mapped + 300 * KIB, "300 KiB share a segment");
    free_block(block);
    check_heap();
}

Test(promise, to_give_back_what_is_empty)
{
    begin_heap(LINUX);
    for (size_t n = 0; n < 300; n++)
        any_block(n % 3 == 0 ? 200 * KIB : 10000);
    cr_assert(pages.mapped > 5 * ALIGNED_BYTES);
    while (model.count > 0)
        free_block(&model.block[0]);
    cr_assert(pages.mapped <= ALIGNED_BYTES, "%zu bytes stay", pages.mapped);
}

Test(promise, to_change_nothing_when_memory_is_short)
{
    static struct picture before;
    begin_heap(APART);
    for (size_t n = 0; n < 20; n++)
        any_block(50 * n + 1);
    take_picture(&before);
    fail_maps(0, UINT_MAX);
    cr_assert(allocator.malloc(300 * KIB) == NULL &&
              allocator.malloc(MIB) == NULL);
    cr_assert(allocator.realloc(model.block[0].start, 3 * MIB) == NULL);
    check_unchanged(&before, "a failure of vm_map");
    fail_maps(0, 0);
    any_block(300 * KIB);
    check_heap();
}

/* What a step brings */

Test(promise, that_payloads_are_multiples_of_16_since_step_2)
{
    bool holds = true;
    begin_heap(APART);
    for (size_t request = 1; request <= 300000; request += request / 10 + 1)
        holds = (uintptr_t)any_block(request)->start % 16 == 0 && holds;
    check_since(2, holds, "addresses are multiples of 16");
}

/* What wraps ends as a block. */
Test(promise, that_no_sum_wraps_since_step_3)
{
    bool holds = true;
    begin_heap(APART);
    any_block(100);
    for (size_t k = 0; k <= 40; k++)
        holds = allocator.malloc(SIZE_MAX - k) == NULL && holds;
    check_since(3, holds, "huge requests are refused");
}

Test(promise, that_a_segment_is_kept_since_step_4)
{
    begin_heap(ALIGNED);
    free_block(any_block(1000));
    unsigned calls = mapping_calls();
    for (int i = 0; i < 1000; i++)
        allocator.free(allocator.malloc(1000));
    calls = mapping_calls() - calls;
    check_since(4, calls <= 2, "1,000 pairs of calls map twice at most");
}

/* Steps that it takes to free the first block of a heap of so many segments,
   and to ask for another one. */
static unsigned long steps_of_pair(size_t segments)
{
    begin_heap(ALIGNED);
    void *first = allocator.malloc(200 * KIB);
    while (pages.mapped < segments * ALIGNED_BYTES)
        cr_assert(allocator.malloc(200 * KIB) != NULL);
    unsigned long before = hook_steps();
    allocator.free(first);
    cr_assert(allocator.malloc(200 * KIB) != NULL);
    return hook_steps() - before;
}

Test(promise, that_no_call_looks_at_all_segments_since_step_5)
{
    unsigned long few = steps_of_pair(125), many = steps_of_pair(700);
    cr_assert(few > 10, "this build counts no steps");
    check_since(5, many <= 2 * few + 50,
                "a call does not look at all segments");
}

Test(promise, that_no_call_looks_at_all_blocks_since_step_5)
{
    begin_heap(ALIGNED);
    for (size_t n = 0; n < 1000; n++)
        cr_assert(allocator.malloc(1000) != NULL);
    unsigned long before = hook_steps();
    allocator.free(allocator.malloc(1000));
    unsigned long steps = hook_steps() - before;
    check_since(5, steps < 1000, "a call does not look at all blocks");
}

/* One thread stops where it has chosen a slot, and another asks for one too. It
   comes to a lock, or it ends and has the same slot. */
static void *slot[2];

static void *ask(void *context)
{
    void **mine = context;
    hook_thread(mine == slot ? "A" : "B", 0);
    *mine = allocator.malloc(40);
    return NULL;
}

Test(promise, that_two_threads_get_two_slots_since_step_6)
{
    pthread_t a, b;
    begin_heap(ALIGNED);
    any_block(40);
    free_block(any_block(40));
    if (step() < 5) {
        cr_assert(!allocator.is_thread_safe);
        return;
    }
    hook_park("A", "pool: slot chosen, not yet taken", 1);
    hook_park("B", "lock: take", 1);
    cr_assert(pthread_create(&a, NULL, ask, &slot[0]) == 0);
    cr_assert(hook_await_parked("A"), "A takes no slot");
    cr_assert(pthread_create(&b, NULL, ask, &slot[1]) == 0);
    bool is_waiting = hook_await_parked("B");
    hook_release("A");
    pthread_join(a, NULL);
    if (is_waiting)
        hook_release("B");
    pthread_join(b, NULL);
    check_since(6, slot[0] != slot[1], "two threads get two slots");
}
