/* What the judge relies on: the table of chapter 5. */
#include "model.h"

TestSuite(table, .init = watchdog);

Test(table, offers_what_the_chapter_has)
{
    begin_heap();
    cr_assert(strcmp(allocator.name, "05-percpu") == 0);
    cr_assert(allocator.malloc == mymalloc && allocator.free == myfree);
    cr_assert(allocator.realloc == myrealloc && allocator.calloc == mycalloc);
    cr_assert(allocator.check == mycheck && allocator.walk == mywalk);
    cr_assert(allocator.is_thread_safe);
}

Test(table, forgets_every_block_when_it_begins_again)
{
    begin_heap();
    for (int round = 0; round < 4; round++) {
        for (size_t n = 0; n < 30; n++) {
            machine.current = (int)n % 2;
            new_block(n * 9000);
            new_block(n * 30000);
        }
        check_memory();
        size_t extends = machine.extends;
        cr_assert(allocator.init() == 0, "init failed");
        check_heap();
        take_picture();
        cr_assert(picture.count == 0, "something is left of the heap before");
        cr_assert(machine.mappings == 1, "%zu mappings are left",
                  machine.mappings - 1);
        cr_assert(machine.extends == extends);
        model.count = 0;
        if (round > 0)
            continue;
        new_block(100);
        check_memory();
    }
}

Test(table, begins_anew_with_memory_that_it_has)
{
    begin_heap();
    for (size_t n = 0; n < 10; n++)
        new_block(THRESHOLD);
    size_t extends = machine.extends;
    model.count = 0;
    cr_assert(allocator.init() == 0);
    for (size_t n = 0; n < 10; n++)
        new_block(THRESHOLD);
    cr_assert(machine.extends == extends, "the break moved again");
    free_all();
    check_all_free();
}

Test(table, shows_parts_that_fill_each_region)
{
    begin_heap();
    srand(5);
    for (int call = 0; call < 200; call++) {
        random_call();
        take_picture();
        const char *end = NULL, *region_end = NULL;
        for (size_t n = 0; n < picture.count; n++) {
            const struct heap_part *part = &picture.part[n];
            cr_assert(part->size > 0, "a part without a byte");
            if (part->kind == PART_REGION) {
                cr_assert(end == region_end, "a region is not filled");
                end = part->start;
                region_end = end + part->size;
                continue;
            }
            cr_assert(part->start == end, "parts are not side by side");
            end += part->size;
        }
        cr_assert(end == region_end, "the last region is not filled");
    }
}

Test(table, shows_every_block_that_is_in_use)
{
    begin_heap();
    srand(6);
    for (int call = 0; call < 300; call++)
        random_call();
    for (size_t n = 0; n < model.count; n += 3)
        cr_assert(size_of_block(model.block[n].start) >= model.block[n].size,
                  "the walk shows a block that is too small");
    size_t used = 0;
    take_picture();
    for (size_t n = 0; n < picture.count; n++)
        used += picture.part[n].kind == PART_USED;
    cr_assert(used == model.count, "%zu used blocks of %zu", used, model.count);
}

/* Free parts of a list lead to each other, and the list tells CPU and order. */
Test(table, shows_the_lists_of_free_blocks)
{
    begin_heap();
    srand(7);
    for (int call = 0; call < 400; call++)
        random_call();
    take_picture();
    size_t leading = 0, led_to = 0;
    for (size_t n = 0; n < picture.count; n++) {
        const struct heap_part *part = &picture.part[n];
        if (part->kind != PART_FREE)
            continue;
        cr_assert((size_t)1 << part->list % 32 == part->size,
                  "a block of %zu bytes is on list %d", part->size, part->list);
        cr_assert(part->list >= 0 && part->list / 32 < machine.cpus);
        leading += part->next != NULL;
        for (size_t k = 0; k < picture.count; k++)
            led_to += part->next != NULL && picture.part[k].kind == PART_FREE &&
                      picture.part[k].start == part->next &&
                      picture.part[k].list == part->list;
    }
    cr_assert(leading > 0 && leading == led_to,
              "%zu blocks lead on, %zu to a block of the same list", leading,
              led_to);
}
