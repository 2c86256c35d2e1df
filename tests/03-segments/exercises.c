/* The answers to the exercises of chapter 3 that are code. */
#include "model.h"

#include "03-segments/exercises/my_size.h"

TestSuite(exercises, .init = watchdog);

Test(exercises, tell_the_size_of_a_block)
{
    static const size_t requests[] = {
        1, 16, 17, 256, 257, 5000, 9000, 100 * KIB, 300 * KIB, 3 * MIB};
    begin_heap(APART);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        unsigned char *start = new_block(requests[i])->start;
        size_t size = MySize(start);
        cr_assert(size >= requests[i], "%zu bytes for %zu", size, requests[i]);
        memset(start, 0xff, size);
        block_at(start)->size = 0;
        cr_assert(MySize(start + 16) == 0, "a size of no block");
        check_heap();
    }
    unsigned char *slot = new_block(100)->start;
    cr_assert(MySize(slot) == 112, "a slot of %zu bytes", MySize(slot));
    free_block(block_at(slot));
    cr_assert(MySize(slot) == 0, "a size of a free block");
    cr_assert(MySize(NULL) == 0);
}
