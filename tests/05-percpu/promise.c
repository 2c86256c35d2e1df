/* What the interface promises: sizes, places, contents, and what happens when
   there is no memory. No test here knows how the heap works; tests/build.mk
   links them with each step of the chapter as well. */
#include "model.h"

TestSuite(mymalloc, .init = watchdog);

Test(mymalloc, returns_addresses_that_are_multiples_of_16)
{
    begin_heap();
    for (size_t request = 0; request <= 4200; request++) {
        void *payload = mymalloc(request);
        cr_assert(payload != NULL, "mymalloc(%zu) returned NULL", request);
        cr_assert((uintptr_t)payload % 16 == 0,
                  "mymalloc(%zu) is %zu modulo 16", request,
                  (size_t)((uintptr_t)payload % 16));
    }
}

Test(mymalloc, gives_each_caller_every_byte_of_the_request_alone)
{
    begin_heap();
    for (size_t request = 0; request <= 600; request++)
        new_block(request);
    for (size_t order = 10; order <= 21; order++) {
        new_block(((size_t)1 << order) - 1);
        new_block((size_t)1 << order);
        new_block(((size_t)1 << order) + 1);
    }
    new_block(100001);
    check_memory();
    free_all();
    check_heap();
}

Test(mymalloc, gives_a_block_of_its_own_to_each_request_of_0)
{
    begin_heap();
    unsigned char *one = mymalloc(0), *two = mymalloc(0);
    cr_assert(one != NULL && two != NULL && one != two);
    myfree(one);
    myfree(two);
    check_heap();
}

Test(mymalloc, may_be_asked_for_a_mapping_first)
{
    new_block(4 << 20);
    new_block(24);
    check_memory();
    free_all();
}

static void check_refused(size_t request)
{
    errno = 0;
    cr_assert(mymalloc(request) == NULL, "mymalloc(%zu) is not NULL", request);
    cr_assert(errno == ENOMEM, "mymalloc(%zu) left errno %d", request, errno);
}

Test(mymalloc, refuses_what_no_heap_can_hold_with_ENOMEM_and_goes_on)
{
    begin_heap();
    new_block(100);
    for (size_t k = 0; k <= 9000; k++) {
        check_refused(SIZE_MAX - k);
        check_refused(SIZE_MAX / 4 * 3 + k);
        check_refused((size_t)PTRDIFF_MAX + k);
        check_refused((size_t)PTRDIFF_MAX - k);
    }
    for (size_t bit = 41; bit < 64; bit++)
        check_refused((size_t)1 << bit);
    new_block(100);
    new_block(1000000);
    check_memory();
}

Test(mymalloc, keeps_every_block_whole_over_random_calls)
{
    begin_heap();
    srand(1);
    for (int i = 0; i < 4000; i++) {
        random_call();
        if (i % 50 == 0)
            check_memory();
    }
    check_memory();
    free_all();
    check_heap();
}

Test(mymalloc, uses_memory_again)
{
    begin_heap();
    for (int i = 0; i < 20000; i++) {
        void *block[2] = {mymalloc((size_t)i % 5000), mymalloc(100)};
        cr_assert(block[0] != NULL && block[1] != NULL);
        myfree(block[0]);
        myfree(block[1]);
    }
    take_picture();
    cr_assert(picture.bytes <= 4 << 20, "%zu bytes for at most 5100 live",
              picture.bytes);
}

TestSuite(memory, .init = watchdog);

Test(memory, comes_from_a_mapping_when_the_break_cannot_move)
{
    machine.extends_left = 0;
    begin_heap();
    for (size_t request = 1; request <= 200; request += 13)
        new_block(request);
    new_block(40000);
    check_memory();
    free_all();
    machine.extends_left = UINT_MAX;
    new_block(24);
    check_memory();
}

Test(memory, is_short_only_when_there_is_none_and_then_nothing_has_changed)
{
    begin_heap();
    machine.extends_left = 2;
    machine.maps_left = 3;
    for (int refused = 0; refused < 100;) {
        errno = 0;
        void *payload = mymalloc(3000);
        if (payload != NULL) {
            cr_assert(refused == 0, "memory came from nowhere");
            add_block(payload, 3000);
            continue;
        }
        refused++;
        cr_assert(errno == ENOMEM, "NULL with errno %d", errno);
        if (refused % 20 == 1)
            check_memory();
    }
    cr_assert(model.count >= 2 * POOL / 4096, "only %zu blocks of 3000 bytes",
              model.count);
    free_all();
    new_block(3000);
    check_memory();
}

/* Each system call fails in turn: the k-th move of the break or mapping. */
Test(memory, may_fail_at_any_call)
{
    begin_heap();
    for (unsigned k = 0; k < 12; k++) {
        machine.extends_left = k % 3;
        machine.maps_left = k / 3;
        for (int i = 0; i < 12; i++) {
            size_t request = (size_t)(i % 3 == 2 ? 600 : 300) * KIB;
            void *payload = mymalloc(request);
            if (payload != NULL)
                add_block(payload, request);
        }
        check_memory();
        machine.extends_left = machine.maps_left = UINT_MAX;
        new_block(600 * KIB);
        new_block(300 * KIB);
        check_memory();
        free_all();
    }
}

Test(memory, is_taken_from_another_list_before_it_is_short)
{
    begin_heap();
    machine.current = 0;
    new_block(100);
    machine.extends_left = machine.maps_left = 0;
    machine.current = 1;
    new_block(100);
    new_block(100 * KIB);
    check_memory();
}

Test(memory, of_others_on_the_break_is_left_alone)
{
    begin_heap();
    for (size_t k = 0; k < 12; k++) {
        visit_break(1 + k * 5000);
        machine.visitor = k % 2 == 0 ? 0 : 3 * k + 1;
        for (int i = 0; i < 5; i++)
            new_block(300 * KIB);
        new_block(k);
    }
    check_memory();
    const char *foreign = machine.brk;
    machine.visitor = 0;
    visit_break(100000);
    new_block(300 * KIB);
    free_all();
    check_heap();
    for (size_t i = 0; i < 100000; i++)
        cr_assert(foreign[i] == (char)0xEE, "what others have was written");
}

Test(memory, begins_wherever_the_break_is)
{
    visit_break(12345);
    begin_heap();
    new_block(24);
    new_block(THRESHOLD);
    check_memory();
}

TestSuite(myfree, .init = watchdog);

Test(myfree, does_nothing_with_NULL)
{
    myfree(NULL);
    begin_heap();
    new_block(24);
    take_picture();
    size_t before = picture.count;
    for (int i = 0; i < 100; i++)
        myfree(NULL);
    take_picture();
    cr_assert(picture.count == before);
    check_memory();
}

Test(myfree, touches_no_live_block)
{
    begin_heap();
    for (size_t request = 0; request <= 200; request++)
        new_block(request * (request % 7 == 0 ? 100 : 1));
    for (size_t n = 0; n < model.count; n++) {
        free_block(&model.block[n]);
        if (n % 10 == 0)
            check_memory();
    }
    for (size_t request = 0; request <= 200; request++)
        new_block(request);
    check_memory();
    free_all();
    check_heap();
}

Test(myfree, may_be_called_on_another_cpu_than_mymalloc)
{
    begin_heap();
    for (size_t request = 0; request <= 300; request++) {
        machine.current = (int)request % 2;
        new_block(request);
    }
    machine.current = 1;
    for (size_t n = 0; n < model.count; n++)
        free_block(&model.block[n]);
    check_memory();
    machine.current = 0;
    free_all();
    check_heap();
}

TestSuite(mycalloc, .init = watchdog);

static void check_zero(size_t count, size_t size)
{
    unsigned char *payload = mycalloc(count, size);
    cr_assert(payload != NULL, "mycalloc(%zu, %zu) returned NULL", count, size);
    check_place(payload, count * size);
    for (size_t i = 0; i < count * size; i++)
        cr_assert(payload[i] == 0, "byte %zu of mycalloc(%zu, %zu) is %d", i,
                  count, size, payload[i]);
    add_block(payload, count * size);
}

Test(mycalloc, gives_zeros_where_others_have_written)
{
    begin_heap();
    for (int round = 0; round < 3; round++) {
        for (size_t request = 1; request <= 300; request += 7)
            new_block(request);
        new_block(100000);
        new_block(THRESHOLD);
        new_block(THRESHOLD + 1);
        free_all();
        for (size_t count = 1; count <= 40; count++)
            check_zero(count, 7);
        check_zero(1, 100000);
        check_zero(100000, 1);
        check_zero(THRESHOLD / 8, 8);
        check_zero(THRESHOLD / 8 + 1, 8);
        check_memory();
        free_all();
    }
}

Test(mycalloc, refuses_a_product_that_wraps)
{
    begin_heap();
    size_t half = (size_t)1 << 32;
    size_t pairs[][2] = {{half, half},         {half, half + 1},
                         {SIZE_MAX, 2},        {2, SIZE_MAX},
                         {SIZE_MAX / 3, 4},    {SIZE_MAX / 2 + 1, 2},
                         {SIZE_MAX, SIZE_MAX}, {(SIZE_MAX >> 4) + 2, 16}};
    for (size_t n = 0; n < sizeof pairs / sizeof *pairs; n++) {
        errno = 0;
        cr_assert(mycalloc(pairs[n][0], pairs[n][1]) == NULL,
                  "mycalloc(%zu, %zu) is not NULL", pairs[n][0], pairs[n][1]);
        cr_assert(errno == ENOMEM, "errno is %d", errno);
    }
    check_zero(10, 10);
    check_memory();
}

Test(mycalloc, gives_a_block_for_nothing_at_all)
{
    begin_heap();
    void *one = mycalloc(0, 8), *two = mycalloc(8, 0);
    cr_assert(one != NULL && two != NULL && one != two);
    myfree(one);
    myfree(two);
    check_heap();
}

Test(mycalloc, returns_NULL_when_memory_is_short)
{
    begin_heap();
    machine.extends_left = machine.maps_left = 0;
    cr_assert(mycalloc(1, 4 << 20) == NULL);
    machine.extends_left = machine.maps_left = UINT_MAX;
    check_zero(1, 4 << 20);
    check_memory();
}

TestSuite(myrealloc, .init = watchdog);

Test(myrealloc, of_NULL_allocates)
{
    begin_heap();
    for (size_t request = 0; request <= 2000; request += 37)
        add_block(myrealloc(NULL, request), request);
    add_block(myrealloc(NULL, THRESHOLD + 1), THRESHOLD + 1);
    check_memory();
}

Test(myrealloc, to_0_frees_and_returns_NULL)
{
    begin_heap();
    for (size_t request = 1; request <= (4 << 20); request *= 2) {
        void *payload = mymalloc(request);
        cr_assert(payload != NULL);
        cr_assert(myrealloc(payload, 0) == NULL);
        check_heap();
    }
    for (int i = 0; i < 10000; i++)
        cr_assert(myrealloc(mymalloc(1000), 0) == NULL);
    take_picture();
    cr_assert(picture.bytes <= 3 << 20, "nothing was freed");
}

Test(myrealloc, keeps_the_contents_that_both_sizes_have_room_for)
{
    static const size_t sizes[] = {
        1,     15,     16,     17,        100,           128,
        1000,  4096,   5000,   65536,     100000,        THRESHOLD - 1,
        THRESHOLD, THRESHOLD + 1, THRESHOLD + 5000, POOL, 3 * POOL};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    begin_heap();
    for (size_t from = 0; from < COUNT; from++)
        for (size_t to = 0; to < COUNT; to++) {
            resize_block(new_block(sizes[from]), sizes[to]);
            check_memory();
            new_block(10);
            free_block(&model.block[0]);
            if (to % 5 == 0)
                free_all();
        }
    free_all();
    check_heap();
}

/* Behind the pools of a test nobody may read. */
Test(myrealloc, reads_no_more_than_there_is)
{
    begin_heap();
    unsigned char *payload = mymalloc(100);
    cr_assert(payload != NULL);
    memset(payload, 7, 100);
    payload = myrealloc(payload, AROUND);
    cr_assert(payload != NULL, "myrealloc returned NULL");
    for (size_t i = 0; i < 100; i++)
        cr_assert(payload[i] == 7, "byte %zu is lost", i);
    myfree(payload);
}

Test(myrealloc, grows_a_block_step_by_step)
{
    begin_heap();
    new_block(1);
    new_block(1);
    for (size_t size = 2; size < 2 * THRESHOLD; size += size / 3 + 1) {
        resize_block(&model.block[0], size);
        if (size % 3 == 0)
            new_block(size % 1000);
    }
    check_memory();
    while (model.block[0].size > 1)
        resize_block(&model.block[0], model.block[0].size * 2 / 3);
    check_memory();
}

Test(myrealloc, leaves_the_block_alone_when_memory_is_short)
{
    begin_heap();
    new_block(100);
    new_block(3 * THRESHOLD);
    new_block(THRESHOLD);
    machine.extends_left = machine.maps_left = 0;
    while (true) {
        void *payload = mymalloc(1000);
        if (payload == NULL)
            break;
        add_block(payload, 1000);
    }
    for (size_t n = 0; n < 3; n++) {
        errno = 0;
        cr_assert(myrealloc(model.block[n].start, 4 * THRESHOLD) == NULL);
        cr_assert(errno == ENOMEM, "errno is %d", errno);
        cr_assert(myrealloc(model.block[n].start, SIZE_MAX - 100) == NULL);
        cr_assert(myrealloc(model.block[n].start, PTRDIFF_MAX) == NULL);
        check_memory();
    }
    machine.extends_left = machine.maps_left = UINT_MAX;
    for (size_t n = 0; n < 3; n++)
        resize_block(&model.block[0], 4 * THRESHOLD);
    check_memory();
    free_all();
}
