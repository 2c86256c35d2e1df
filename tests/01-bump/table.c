/* What the judge relies on: the table of chapter 1. */
#include "model.h"

TestSuite(table, .init = watchdog);

Test(table, offers_what_the_chapter_has)
{
    cr_assert(allocator.init() == 0 && allocator.malloc(1) != NULL);
    cr_assert(strcmp(allocator.name, "01-bump") == 0);
    cr_assert(allocator.malloc == my_malloc && allocator.realloc == my_realloc);
    cr_assert(allocator.free == my_free && allocator.check == my_check);
    cr_assert(allocator.calloc == NULL, "my_calloc is an exercise");
    cr_assert(!allocator.is_thread_safe);
}

Test(table, begins_with_an_empty_heap_of_50_MiB)
{
    cr_assert(allocator.init() == 0);
    cr_assert(mem_heapsize() == 0);
    void *payload = my_malloc(MEM_LIMIT - 16);
    cr_assert(payload != NULL, "the heap is smaller");
    cr_assert(my_malloc(1) == NULL, "the heap is larger");
}

Test(table, forgets_every_block_when_it_begins_again)
{
    static struct picture picture;
    cr_assert(allocator.init() == 0);
    void *first = allocator.malloc(100);
    cr_assert(first != NULL);
    for (int i = 0; i < 3; i++) {
        allocator.malloc(1000);
        cr_assert(allocator.init() == 0);
        take_picture(&picture);
        cr_assert(picture.count == 0, "something is left of the heap before");
        cr_assert(allocator.check() == 0);
        cr_assert(allocator.malloc(100) == first,
                  "the heap does not begin where it did");
    }
}
