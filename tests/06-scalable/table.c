/* What the judge relies on: the table of chapter 6. */
#include "model.h"

TestSuite(table, .init = watchdog);

Test(table, offers_what_the_chapter_has)
{
    begin_heap(SIZE_MAX);
    cr_assert(strcmp(allocator.name, "06-scalable") == 0);
    cr_assert(allocator.malloc == mymalloc && allocator.free == myfree);
    cr_assert(allocator.realloc == myrealloc && allocator.calloc == mycalloc);
    cr_assert(allocator.check == mymalloc_check);
    cr_assert(allocator.walk == mymalloc_walk);
    cr_assert(allocator.is_thread_safe);
}

static void count_used(const struct heap_part *part, void *context)
{
    *(size_t *)context += part->kind == PART_USED;
}

static void check_forgets(size_t cap)
{
    begin_heap(cap);
    for (int round = 0; round < 4; round++) {
        for (size_t n = 0; n < 300; n++) {
            believed_cpu = (uint32_t)n % 5;
            new_block(n * 90);
        }
        check_heap();
        cr_assert(allocator.init() == 0, "init failed");
        cr_assert(memory.regions <= 2, "%zu regions are left", memory.regions);
        size_t used = 0;
        allocator.walk(count_used, &used);
        cr_assert(used == 0, "%zu blocks are left of the heap before", used);
        cr_assert(mymalloc_check() == 0);
        while (model.count > 0)
            remove_block(&model.block[model.count - 1]);
    }
    new_block(100);
    check_heap();
}

Test(table, forgets_every_block_when_it_begins_again)
{
    check_forgets(SIZE_MAX);
}

Test(table, forgets_every_region_when_it_begins_again)
{
    check_forgets(MIB);
}
