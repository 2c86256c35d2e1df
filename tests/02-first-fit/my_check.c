/* What my_check and the walk say of sound heaps: a million random calls, in four
   mixes. my_check must accept the heap after each of the first 20,000, and after
   every 256th from then on. What it must reject is in invariants.c. */
#include "01-bump/model.h"

#include <stdlib.h>

TestSuite(my_check, .init = watchdog);

enum { BINS = 64, /* lists above are those of slabs */
       SLAB = 2048 /* bytes */ };

static struct picture now;

static void check_sound(void)
{
    cr_assert(my_check() == 0, "my_check rejects a sound heap");
}

/* Free parts that a list holds: `next` leads each time to another one of the
   same list, to none twice, and each chain ends. */
static void check_lists(void)
{
    take_picture(&now);
    static const struct heap_part *before[PARTS];
    memset(before, 0, sizeof before);
    unsigned ends[BINS] = {0};
    uintptr_t slab = 0; /* the last with a list that has ended */
    for (size_t i = 0; i < now.count; i++) {
        const struct heap_part *part = &now.part[i];
        cr_assert(part->list >= -1, "there is no list %d", part->list);
        if (part->list >= BINS && part->next == NULL) {
            cr_assert((uintptr_t)part->start / SLAB != slab,
                      "the free objects of a slab are several lists");
            slab = (uintptr_t)part->start / SLAB;
        }
        if (part->list >= 0 && part->list < BINS && part->next == NULL)
            cr_assert(ends[part->list]++ == 0, "bin %d is several lists",
                      part->list);
        if (part->next == NULL)
            continue;
        cr_assert(part->kind == PART_FREE && part->list >= 0);
        size_t n = 0;
        while (n < now.count && now.part[n].start != part->next)
            n++;
        cr_assert(n < now.count && now.part[n].kind == PART_FREE,
                  "a list leads to what is not free");
        cr_assert(now.part[n].list == part->list, "two lists share a part");
        cr_assert(before[n] == NULL, "a part is twice on its list");
        before[n] = part;
    }
    for (size_t i = 0; i < now.count; i++) {
        size_t steps = 0;
        const struct heap_part *part = &now.part[i];
        for (; part != NULL; part = before[part - now.part])
            cr_assert(steps++ <= now.count, "a list is a ring");
    }
}

/* Between two parts that are free and blocks, or the rest of the heap, lies one
   that is not: else they would be one. */
static void check_merged(void)
{
    const struct heap_part *last = NULL; /* but for headers */
    for (size_t i = 0; i < now.count; i++) {
        const struct heap_part *part = &now.part[i];
        if (part->kind == PART_META && part->size == 4)
            continue;
        cr_assert(part->kind != PART_FREE || last == NULL ||
                      last->kind != PART_FREE || part[-1].kind == PART_FREE,
                  "two free blocks are neighbors");
        last = part;
    }
}

/* Every block is free: nothing may be left that no list knows. */
static void check_empty(void)
{
    take_picture(&now);
    for (size_t i = 0; i < now.count; i++)
        cr_assert(now.part[i].kind != PART_USED,
                  "%zu bytes are lost for good", now.part[i].size);
}

static void free_all(void)
{
    while (model.count > 0)
        if (model.block->is_foreign)
            remove_block(model.block);
        else
            free_block(model.block);
    check_sound();
    check_empty();
}

struct mix {
    unsigned seed;
    size_t blocks;    /* that live at most */
    size_t large;     /* bytes: one request in eight is below that */
    size_t small;     /* bytes: the others are below that */
    unsigned foreign; /* calls until somebody else moves the break; 0: never */
    bool is_short;    /* calls of mem_sbrk fail */
};

static void free_any(void)
{
    struct block *block = &model.block[(size_t)rand() % model.count];
    if (!block->is_foreign)
        free_block(block);
}

static void call_with(const struct mix *mix)
{
    size_t request =
        (size_t)rand() % (rand() % 8 == 0 ? mix->large : mix->small) + 1;
    int what = rand() % 4;
    if (model.count >= mix->blocks || (what == 0 && model.count > 0)) {
        free_any();
    } else if (what == 1 && model.count > 0) {
        struct block *block = &model.block[(size_t)rand() % model.count];
        if (!block->is_foreign)
            resize_block(block, request);
    } else if (mix->is_short) {
        make_short((unsigned)rand() % 3, 3);
        void *payload = my_malloc(request);
        if (payload != NULL)
            add_block(payload, request);
        end_shortage();
    } else {
        new_block(request);
    }
}

static void make_calls(const struct mix *mix)
{
    enum { CALLS = 100000, EACH = 5000, EVERY = 256 };
    begin_heap(8 << 20);
    new_block(24);
    srand(mix->seed);
    for (unsigned i = 0; i < CALLS; i++) {
        if (mix->foreign > 0 && i % mix->foreign == 0 && model.count < BLOCKS / 2)
            take_foreign((size_t)rand() % 5000 + 1);
        call_with(mix);
        if (i < EACH || i % EVERY == 0)
            check_sound();
        if (i % (CALLS / 50) == 0) {
            check_lists();
            check_merged();
        }
        if (i % (CALLS / 2) == CALLS / 2 - 1) {
            check_memory();
            free_all();
        }
    }
}

Test(my_check, accepts_heaps_of_small_blocks)
{
    make_calls(&(struct mix){.seed = 1, .blocks = 200, .large = 100, .small = 40});
}

Test(my_check, accepts_heaps_of_blocks_of_all_sizes)
{
    make_calls(&(struct mix){.seed = 2, .blocks = 60, .large = 3000, .small = 120});
}

Test(my_check, accepts_heaps_with_gaps)
{
    make_calls(&(struct mix){
        .seed = 3, .blocks = 100, .large = 1000, .small = 60, .foreign = 2000});
}

Test(my_check, accepts_heaps_that_could_not_grow_at_times)
{
    make_calls(&(struct mix){.seed = 4,
                             .blocks = 100,
                             .large = 2000,
                             .small = 100,
                             .foreign = 10000,
                             .is_short = true});
}

Test(my_check, accepts_an_empty_heap_and_the_first_block)
{
    begin_heap(LIMIT);
    check_sound();
    take_foreign(100);
    check_sound();
    new_block(1);
    check_sound();
    begin_heap(LIMIT);
    new_block(1000);
    check_sound();
}

/* The map of slabs is replaced by a larger one; requests are refused. */
Test(my_check, accepts_large_heaps_and_full_ones)
{
    begin_heap(12 << 20);
    for (int i = 0; i < 300; i++) {
        new_block(20000 + (size_t)i * 50);
        for (int n = 0; n < 10; n++)
            new_block(40);
        if (i % 10 == 0)
            check_sound();
    }
    for (size_t request = 100000; request > 50; request /= 2) {
        void *payload;
        while ((payload = my_malloc(request)) != NULL)
            add_block(payload, request);
    }
    check_sound();
    free_all();
}

/* At every break: somebody else has moved it, a page can't be had, and then what
   is needed can. */
Test(my_check, accepts_heaps_that_begin_without_a_page)
{
    for (size_t size = 0; size <= 4096; size += 25) {
        begin_heap(LIMIT / 16);
        new_block(1);
        for (size_t request = 16; request <= 96; request += 16) {
            if (size > 0)
                take_foreign(size);
            mem_fail_at(1);
            for (size_t n = 0; n < 40; n++)
                new_block(request);
            mem_fail_at(0);
            check_sound();
        }
        check_memory();
        free_all();
    }
}

/* Memory runs out between two parts of a call: what it has done is undone. */
Test(my_check, accepts_heaps_whose_calls_are_undone)
{
    for (size_t size = 16; size <= 4096; size += 16)
        for (unsigned calls = 0; calls < 3; calls++) {
            begin_heap(LIMIT / 16);
            take_foreign(size);
            make_short(calls, UINT_MAX);
            void *payload = my_malloc(24);
            cr_assert((payload != NULL) == (calls > 0));
            end_shortage();
            check_sound();
            my_free(payload);
            check_empty();
        }
}

/* The same where a slab has room and the larger map that it needs has none: the
   slab would be the first above 2 MiB, and fills the heap to its limit. */
Test(my_check, accepts_heaps_with_room_for_a_slab_and_no_map)
{
    enum { MAPPED = 2 << 20, HEADER = 4 };
    for (size_t left = 0; left <= 400; left += 16) {
        begin_heap(MAPPED + 2 * SLAB);
        new_block(24);
        take_picture(&now);
        for (size_t i = 0; i < now.count; i++)
            if (now.part[i].kind == PART_FREE && now.part[i].list >= 0)
                new_block(now.part[i].size);
        struct block *last = new_block(100); /* at the end: all holes are full */
        size_t start = (size_t)(last->start - (unsigned char *)mem_heap_lo());
        size_t end = MAPPED + SLAB - HEADER - left;
        resize_block(last, end - start);
        new_block(60);
        check_sound();
        free_all();
    }
}
