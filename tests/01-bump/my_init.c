/* What my_init promises: a heap that is empty, whatever was before. No test
   here knows how the heap works. */
#include "model.h"

#include <stdlib.h>

TestSuite(my_init, .init = watchdog);

enum { CALLS = 300 };

/* Makes the same calls each time; where[i] is the offset of block i. */
static void live_a_life(size_t *where)
{
    void *payload[CALLS];
    srand(3);
    for (int i = 0; i < CALLS; i++) {
        size_t request = (size_t)rand() % 500 + 1;
        payload[i] = my_malloc(request);
        cr_assert(payload[i] != NULL, "my_malloc(%zu) returned NULL", request);
        memset(payload[i], i, request);
        where[i] = (size_t)((char *)payload[i] - (char *)mem_heap_lo());
        int other = rand() % (i + 1);
        my_free(payload[other]);
        payload[other] = NULL;
    }
}

Test(my_init, makes_a_used_heap_behave_as_a_fresh_one)
{
    static size_t fresh[CALLS], again[CALLS];
    cr_assert(mem_init(LIMIT) == 0);
    cr_assert(my_init() == 0, "my_init failed");
    live_a_life(fresh);
    for (int life = 1; life <= 3; life++) {
        mem_reset();
        cr_assert(my_init() == 0, "my_init failed");
        live_a_life(again);
        for (int i = 0; i < CALLS; i++)
            cr_assert(again[i] == fresh[i],
                      "life %d: block %d is not where it was on a fresh heap",
                      life, i);
    }
}

Test(my_init, forgets_every_block)
{
    for (size_t blocks = 0; blocks <= 20; blocks++) {
        begin_heap(LIMIT); /* and nothing of the life before may be read */
        static struct picture empty;
        take_picture(&empty);
        for (size_t i = 0; i < empty.count; i++)
            cr_assert(empty.part[i].kind != PART_USED, "a block is left");
        for (size_t n = 0; n <= blocks; n++) {
            new_block(100 + n);
            check_memory();
        }
    }
}

Test(my_init, gives_the_whole_heap_back)
{
    size_t count[3] = {0};
    for (int life = 0; life < 3; life++) {
        begin_heap(LIMIT);
        new_block(1000);
        while (my_malloc(1000) != NULL)
            count[life]++;
    }
    cr_assert(count[1] == count[0], "the second heap is not as large");
    cr_assert(count[2] == count[0], "the third heap is not as large");
}

Test(my_init, may_fail_and_be_called_again)
{
    begin_heap(LIMIT);
    new_block(100);
    for (unsigned k = 1; k <= 3; k++) {
        mem_reset();
        mem_fail_at(k);
        int first = my_init();
        cr_assert(first == 0 || first == -1, "my_init returned %d", first);
        mem_reset();
        mem_fail_at(0);
        cr_assert(my_init() == 0, "my_init failed twice");
        model.count = 0;
        new_block(100);
        check_contents(model.block, 100);
    }
}
