/* What the judge relies on: the table of chapter 3. */
#include "model.h"

TestSuite(table, .init = watchdog);

Test(table, offers_what_the_chapter_has)
{
    cr_assert(allocator.init() == 0 && allocator.malloc(1) != NULL);
    cr_assert(strcmp(allocator.name, "03-segments") == 0);
    cr_assert(allocator.malloc == MyMalloc && allocator.realloc == MyRealloc);
    cr_assert(allocator.free == MyFree && allocator.calloc == MyCalloc);
    cr_assert(allocator.check != NULL && allocator.walk != NULL);
    cr_assert(allocator.is_thread_safe);
}

Test(table, begins_with_an_empty_heap)
{
    static struct picture picture;
    cr_assert(allocator.init() == 0);
    take_picture(&picture);
    cr_assert(picture.count == 0 && pages.mapped == 0, "something is mapped");
    cr_assert(allocator.check() == 0, "an empty heap is rejected");
    begin_heap(APART);
    new_block(1);
    check_heap();
}

/* Blocks of all kinds, live, freed and kept for the next. */
Test(table, forgets_every_block_when_it_begins_again)
{
    for (enum placing placing = APART; placing <= LINUX; placing++)
        for (size_t request = 1; request < 8 * MIB; request *= 5) {
            begin_heap(placing);
            for (size_t n = 0; n < 20; n++)
                new_block(request + n);
            for (size_t n = 0; n < 20; n += 3)
                MyFree(model.block[n].start);
            begin_heap(placing); /* looks whether anything is left */
            check_heap();
            unsigned char *first = new_block(100)->start;
            begin_heap(placing);
            cr_assert(new_block(100)->start == first,
                      "the heap does not begin where it did");
            check_heap();
        }
}
