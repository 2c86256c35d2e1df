/* What the judge relies on: the table of chapter 2, and those of its steps. */
#include "01-bump/model.h"

TestSuite(table, .init = watchdog);

Test(table, offers_what_the_chapter_has)
{
    begin_heap(LIMIT);
    new_block(24);
    cr_assert(strcmp(allocator.name, "02-first-fit") == 0);
    cr_assert(allocator.malloc == my_malloc && allocator.realloc == my_realloc);
    cr_assert(allocator.free == my_free && allocator.check == my_check);
    cr_assert(allocator.walk != NULL && !allocator.is_thread_safe);
}

Test(table, begins_with_an_empty_heap_of_50_MiB)
{
    cr_assert(allocator.init() == 0);
    cr_assert(mem_heapsize() == 0);
    cr_assert(my_malloc(MEM_LIMIT - 100) != NULL, "the heap is smaller");
    cr_assert(my_malloc(100) == NULL, "the heap is larger");
}

Test(table, forgets_every_block_when_it_begins_again)
{
    cr_assert(allocator.init() == 0);
    void *first = allocator.malloc(100);
    cr_assert(first != NULL, "my_malloc(100) returned NULL");
    for (int i = 0; i < 3; i++) {
        allocator.malloc(1000);
        cr_assert(allocator.init() == 0 && mem_heapsize() == 0);
        cr_assert(allocator.check() == 0);
        cr_assert(allocator.malloc(100) == first,
                  "the heap does not begin where it did");
    }
}
