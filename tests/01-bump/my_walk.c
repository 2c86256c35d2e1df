/* What the walk promises to the judge and to pictures: parts that fill the
   heap, in order, without a gap, and among them every live block. No test here
   knows how the heap works. */
#include "model.h"

TestSuite(my_walk, .init = watchdog);

static struct picture now;

static const char *end_of(const struct heap_part *part)
{
    return (const char *)part->start + part->size;
}

/* The part of this kind that holds `block`, or NULL. */
static const struct heap_part *part_of(enum part_kind kind,
                                       const struct block *block)
{
    const char *start = (const char *)block->start;
    for (size_t i = 0; i < now.count; i++) {
        const struct heap_part *part = &now.part[i];
        if (part->kind == kind && start >= (const char *)part->start &&
            start + block->size <= end_of(part))
            return part;
    }
    return NULL;
}

static void check_walk(void)
{
    take_picture(&now);
    size_t regions = 0;
    const char *reached = NULL, *end = NULL; /* of the region */
    for (size_t i = 0; i < now.count; i++) {
        const struct heap_part *part = &now.part[i];
        cr_assert(part->size > 0, "part %zu is empty", i);
        cr_assert(part->kind == PART_FREE ||
                      (part->list == -1 && part->next == NULL),
                  "part %zu is on a list, and not free", i);
        if (part->kind == PART_REGION) {
            cr_assert(reached == end, "the parts do not fill their region");
            reached = part->start;
            end = end_of(part);
            regions += part->size;
            continue;
        }
        cr_assert((const char *)part->start == reached,
                  "part %zu does not begin where the one before ends", i);
        reached = end_of(part);
        cr_assert(reached <= end, "part %zu leaves its region", i);
    }
    cr_assert(reached == end, "the parts do not fill their region");
    cr_assert(regions == mem_heapsize(), "the regions have %zu of %zu bytes",
              regions, mem_heapsize());
    for (size_t n = 0; n < model.count; n++) {
        const struct block *block = &model.block[n];
        if (block->is_foreign)
            continue;
        const struct heap_part *part = part_of(PART_USED, block);
        cr_assert(part != NULL && part->start == block->start,
                  "a block of %zu bytes is not in the walk", block->size);
    }
}

Test(my_walk, shows_nothing_of_an_empty_heap_but_its_regions)
{
    begin_heap(LIMIT);
    check_walk();
    for (size_t i = 0; i < now.count; i++)
        cr_assert(now.part[i].kind != PART_USED, "a block in an empty heap");
    new_block(1);
    check_walk();
}

Test(my_walk, fills_the_heap_and_shows_every_live_block)
{
    begin_heap(8 << 20);
    new_block(24);
    srand(5);
    for (int i = 0; i < 500; i++) {
        random_call();
        check_walk();
    }
}

Test(my_walk, shows_what_others_took_as_foreign)
{
    begin_heap(LIMIT);
    new_block(24);
    for (size_t size = 1; size <= 100; size++) {
        struct block *foreign = take_foreign(size);
        check_walk();
        cr_assert(part_of(PART_FOREIGN, foreign) != NULL,
                  "%zu bytes of somebody else are not in the walk", size);
        new_block(size);
        check_walk();
    }
}

Test(my_walk, is_the_same_after_a_call_that_failed)
{
    static struct picture full;
    begin_heap(LIMIT);
    new_block(1000);
    while (my_malloc(1000) != NULL)
        continue;
    take_picture(&full);
    my_malloc(1000);
    my_malloc(SIZE_MAX);
    check_walk();
    check_unchanged(&full, "a call that failed");
}
