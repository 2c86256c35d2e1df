/* What my_malloc and my_free promise: sizes, places, contents, and what happens
   when there is no memory. No test here knows how the heap works. */
#include "model.h"

#include <stdlib.h>

TestSuite(my_malloc, .init = watchdog);

static struct picture before;

Test(my_malloc, returns_NULL_for_a_request_of_0_and_changes_nothing)
{
    begin_heap(LIMIT);
    new_block(24);
    take_picture(&before);
    for (int i = 0; i < 100; i++)
        cr_assert(my_malloc(0) == NULL, "my_malloc(0) is not NULL");
    check_unchanged(&before, "my_malloc(0)");
}

Test(my_malloc, may_be_asked_for_0_first)
{
    begin_heap(LIMIT);
    cr_assert(my_malloc(0) == NULL, "my_malloc(0) is not NULL");
    new_block(24);
    check_memory();
}

Test(my_malloc, returns_addresses_that_are_multiples_of_16)
{
    begin_heap(16 << 20);
    for (size_t request = 1; request <= 4097; request++) {
        void *payload = my_malloc(request);
        cr_assert(payload != NULL, "my_malloc(%zu) returned NULL", request);
        check_aligned(payload);
    }
}

Test(my_malloc, gives_each_caller_every_byte_of_the_request_alone)
{
    begin_heap(LIMIT);
    for (size_t request = 1; request <= 600; request++)
        new_block(request);
    for (size_t request = 4080; request <= 4112; request++)
        new_block(request);
    new_block(65536);
    new_block(100001);
    check_memory();
}

static void check_refused(size_t request)
{
    cr_assert(my_malloc(request) == NULL, "my_malloc(%zu) is not NULL",
              request);
}

/* At every break, since what has to be skipped there is a summand too. */
Test(my_malloc, refuses_what_no_heap_can_hold_and_goes_on)
{
    begin_heap(LIMIT);
    for (int i = 0; i < 17; i++) {
        new_block(100);
        if (i > 0)
            take_foreign((size_t)i);
        take_picture(&before);
        for (size_t k = 0; k <= 4200; k++) {
            check_refused(SIZE_MAX - k);
            check_refused(SIZE_MAX / 4 * 3 + k);
            check_refused((size_t)PTRDIFF_MAX + k);
            check_refused((size_t)PTRDIFF_MAX - k);
            check_refused((size_t)1 << 32 | k); /* 32 bits would hold k alone */
        }
        check_unchanged(&before, "a huge request");
        new_block(100);
        check_memory();
    }
}

Test(my_malloc, refuses_more_than_the_limit)
{
    begin_heap(LIMIT);
    new_block(100);
    take_picture(&before);
    check_refused(LIMIT);
    check_refused(LIMIT + 1);
    check_refused((size_t)10 * LIMIT);
    check_unchanged(&before, "a request above the limit");
    new_block(LIMIT / 2);
    check_memory();
}

Test(my_malloc, returns_NULL_only_when_memory_is_out_and_then_changes_nothing)
{
    begin_heap(LIMIT);
    enum { REQUEST = 1000 };
    new_block(REQUEST);
    void *payload;
    while ((payload = my_malloc(REQUEST)) != NULL)
        add_block(payload, REQUEST);
    cr_assert(model.count * REQUEST >= LIMIT / 10 * 9,
              "NULL after %zu blocks of %d bytes in a heap of %d", model.count,
              REQUEST, LIMIT);
    take_picture(&before);
    for (int i = 0; i < 100; i++)
        cr_assert(my_malloc(REQUEST) == NULL);
    check_unchanged(&before, "a request to the full heap");
}

enum { REQUEST = 5000 };

/* Asks for a block. Returns whether there was one; if not, nothing changed. */
static bool try_block(void)
{
    take_picture(&before);
    void *payload = my_malloc(REQUEST);
    if (payload != NULL)
        add_block(payload, REQUEST);
    else
        check_unchanged(&before, "a failure of mem_sbrk");
    return payload != NULL;
}

/* Calls of mem_sbrk fail from the k-th on, until there is memory again; or only
   the k-th fails, and my_malloc may ask again for less. */
Test(my_malloc, survives_the_failure_of_any_mem_sbrk)
{
    for (unsigned k = 1; k <= 50; k++) {
        begin_heap(LIMIT);
        make_short(k - 1, UINT_MAX);
        while (try_block())
            cr_assert(model.count <= 2 * k,
                      "mem_sbrk failed, and my_malloc did not");
        end_shortage();
        new_block(REQUEST);
        new_block(1);
        check_memory();

        begin_heap(LIMIT);
        mem_fail_at(k);
        for (unsigned i = 0; i < k; i++)
            try_block();
        new_block(REQUEST);
        check_memory();
    }
}

Test(my_malloc, keeps_to_its_own_memory_when_others_move_the_break)
{
    begin_heap(LIMIT);
    for (size_t size = 1; size <= 100; size++) {
        new_block(size);
        take_foreign(size);
        new_block(3 * size);
        new_block(10);
        take_foreign(101 - size);
        take_foreign(size);
    }
    check_memory();
}

Test(my_malloc, works_wherever_the_break_is_at_first)
{
    for (size_t size = 1; size <= 4200; size += size == 64 ? 3968 : 1) {
        begin_heap(LIMIT);
        take_foreign(size);
        cr_assert(my_init() == 0, "my_init failed");
        new_block(24);
        new_block(size);
        check_memory();
    }
}

Test(my_malloc, keeps_every_block_whole_over_random_calls)
{
    begin_heap(8 << 20);
    srand(1);
    new_block(24);
    for (int i = 0; i < 3000; i++) {
        size_t request = (size_t)rand() % (rand() % 8 == 0 ? 4000 : 200) + 1;
        if (rand() % 3 == 0 && model.count > 1)
            free_block(&model.block[(size_t)rand() % model.count]);
        else
            new_block(request);
        if (i % 100 == 0)
            check_memory();
    }
    check_memory();
}

TestSuite(my_free, .init = watchdog);

Test(my_free, does_nothing_with_NULL)
{
    begin_heap(LIMIT);
    call_free(NULL);
    new_block(24);
    take_picture(&before);
    for (int i = 0; i < 100; i++)
        call_free(NULL);
    check_unchanged(&before, "my_free(NULL)");
}

Test(my_free, touches_no_live_block)
{
    begin_heap(LIMIT);
    for (size_t request = 1; request <= 200; request++)
        new_block(request);
    /* Every second block, since the last takes the place of the one freed. */
    for (size_t n = 0; n < model.count; n++) {
        free_block(&model.block[n]);
        check_memory();
    }
    for (size_t request = 1; request <= 200; request++)
        new_block(request);
    while (model.count > 0)
        free_block(&model.block[model.count - 1]);
    new_block(24);
    check_memory();
}
