/* What MyMalloc promises of every request: sizes, places, contents, and what
   happens when there is no memory. No test here knows how the heap works. */
#include "model.h"

TestSuite(MyMalloc, .init = watchdog);

static struct picture before;

Test(MyMalloc, needs_no_call_before_it)
{
    void *payload = MyMalloc(100);
    cr_assert(payload != NULL, "the first MyMalloc returned NULL");
    memset(payload, 1, 100);
    MyFree(payload);
    begin_heap(APART);
    new_block(100);
    check_heap();
}

Test(MyMalloc, returns_NULL_for_a_request_of_0_and_changes_nothing)
{
    begin_heap(APART);
    cr_assert(MyMalloc(0) == NULL, "MyMalloc(0) is not NULL");
    new_block(24);
    take_picture(&before);
    errno = 0;
    for (int i = 0; i < 100; i++)
        cr_assert(MyMalloc(0) == NULL, "MyMalloc(0) is not NULL");
    cr_assert(errno == 0, "MyMalloc(0) sets errno");
    check_unchanged(&before, "MyMalloc(0)");
}

Test(MyMalloc, returns_addresses_that_are_multiples_of_16)
{
    begin_heap(APART);
    for (size_t request = 1; request <= 4097; request++) {
        void *payload = MyMalloc(request);
        cr_assert(payload != NULL, "MyMalloc(%zu) returned NULL", request);
        check_aligned(payload);
    }
    for (size_t request = 4097; request < 4 * MIB; request += request / 7)
        check_aligned(MyMalloc(request));
}

Test(MyMalloc, gives_each_caller_every_byte_of_the_request_alone)
{
    begin_heap(APART);
    for (size_t request = 1; request <= 1100; request++)
        new_block(request);
    check_memory();
    for (size_t request = 1; request <= 3000; request++) {
        new_block(request);
        new_block(request);
    }
    check_heap();
    free_all_blocks();
    check_heap();
}

/* Two of each, so that both have a neighbor. */
static void check_around(size_t request)
{
    for (size_t size = request - 20; size <= request + 20; size++) {
        unsigned char *start = new_block(size)->start;
        new_block(size);
        check_contents(block_at(start), size);
        free_block(block_at(start));
    }
    check_heap();
    free_all_blocks();
}

Test(MyMalloc, serves_requests_around_every_power_of_two)
{
    for (enum placing placing = APART; placing <= LINUX; placing++) {
        begin_heap(placing);
        for (size_t power = 32; power <= 4 * MIB; power *= 2) {
            check_around(power);
            check_around(power / 4 * 5);
            check_around(power / 4 * 6);
            check_around(power / 4 * 7);
        }
    }
}

Test(MyMalloc, serves_requests_of_whole_pages_to_their_last_byte)
{
    for (enum placing placing = APART; placing <= LINUX; placing++) {
        begin_heap(placing);
        for (size_t n = 1; n <= 1100; n += n < 20 ? 1 : n / 10)
            new_block(n * PAGE_BYTES);
        check_heap();
        for (size_t n = 0; n < model.count; n += 2)
            free_block(&model.block[n]);
        check_heap();
    }
}

static void check_refused(size_t request)
{
    errno = 0;
    cr_assert(MyMalloc(request) == NULL, "MyMalloc(%zu) is not NULL", request);
    cr_assert(errno == ENOMEM, "MyMalloc(%zu) leaves errno at %d", request,
              errno);
}

static void check_huge_refused(void)
{
    for (size_t k = 0; k <= 4200; k++) {
        check_refused(SIZE_MAX - k);
        check_refused((size_t)PTRDIFF_MAX + k);
        check_refused((size_t)PTRDIFF_MAX - k);
    }
    for (size_t k = 1; k <= 64; k++) {
        check_refused(SIZE_MAX - k * PAGE_BYTES + 1);
        check_refused(SIZE_MAX - k * 2 * MIB + 1);
        check_refused(SIZE_MAX - k * 2 * MIB - 16);
        check_refused(SIZE_MAX / 64 * k);
    }
}

Test(MyMalloc, refuses_what_no_heap_can_hold_and_goes_on)
{
    begin_heap(APART);
    for (int i = 0; i < 17; i++) {
        new_block(100);
        new_block(5000);
        new_block(300 * KIB);
        take_picture(&before);
        check_huge_refused();
        check_unchanged(&before, "a huge request");
        new_block(100);
        new_block(5000);
        check_heap();
    }
}

Test(MyMalloc, may_be_asked_for_too_much_first)
{
    begin_heap(APART);
    check_huge_refused();
    cr_assert(pages.mapped == 0, "%zu bytes are mapped in vain", pages.mapped);
    new_block(100);
    check_heap();
}

/* A size that loses its high half would be served from a segment. */
Test(MyMalloc, serves_more_than_4_GiB)
{
    begin_heap(APART);
    size_t request = ((size_t)4 << 30) + 100;
    unsigned char *payload = MyMalloc(request);
    cr_assert(payload != NULL, "MyMalloc(4 GiB + 100) returned NULL");
    cr_assert(is_mapped(payload, request), "4 GiB are not all mapped");
    payload[0] = payload[request - 1] = 1;
    MyFree(payload);
    check_heap();
}

/* Out of memory */

static const size_t requests[] = {32,        700,       5000,   40000,
                                  200 * KIB, 300 * KIB, 3 * MIB};
enum { REQUESTS = sizeof requests / sizeof *requests };

/* A heap without memory, from the k-th vm_map on: returns how many blocks it
   had. */
static size_t fill_heap(size_t request, unsigned k)
{
    size_t count = 0;
    begin_heap(APART);
    fail_maps(k, UINT_MAX);
    while (MyMalloc(request) != NULL) {
        count++;
        cr_assert(pages.mapped <= (2 * k + 1) * 4 * MIB,
                  "vm_map failed, and MyMalloc did not");
    }
    return count;
}

/* Asks for a block. Returns whether there was one; if not, nothing changed. */
static bool try_block(size_t request)
{
    take_picture(&before);
    size_t mapped = pages.mapped;
    errno = 0;
    void *payload = MyMalloc(request);
    if (payload != NULL) {
        add_block(payload, request);
        return true;
    }
    cr_assert(errno == ENOMEM, "a failure leaves errno at %d", errno);
    cr_assert(pages.mapped <= mapped, "a failure maps %zu bytes",
              pages.mapped - mapped);
    check_unchanged(&before, "a failure of vm_map");
    return false;
}

/* The same calls twice: the second time it is known which will fail. */
Test(MyMalloc, survives_the_failure_of_any_vm_map)
{
    for (size_t i = 0; i < REQUESTS; i++)
        for (unsigned k = 0; k < 4; k++) {
            size_t count = fill_heap(requests[i], k);
            begin_heap(APART);
            fail_maps(k, UINT_MAX);
            for (size_t n = 0; n < count; n++)
                cr_assert(MyMalloc(requests[i]) != NULL);
            cr_assert(!try_block(requests[i]) && !try_block(requests[i]));
            fail_maps(0, 0);
            new_block(requests[i]);
            new_block(1);
            check_memory();
            cr_assert(allocator.check() == 0);
        }
}

Test(MyMalloc, survives_any_single_failure_of_vm_map)
{
    for (size_t i = 0; i < REQUESTS; i++)
        for (unsigned k = 0; k < 6; k++) {
            begin_heap(APART);
            new_block(100);
            fail_maps(k, 1);
            size_t failures = 0;
            for (int n = 0; n < 30; n++)
                failures += !try_block(requests[i]);
            cr_assert(failures <= 1, "one vm_map failed, and %zu MyMalloc",
                      failures);
            fail_maps(0, 0);
            check_heap();
        }
}

/* A trim that fails leaks pages, and breaks nothing. */
Test(MyMalloc, survives_failures_of_vm_unmap)
{
    for (enum placing placing = APART; placing <= LINUX; placing++) {
        begin_heap(placing);
        srand(11);
        for (int i = 0; i < 3000; i++) {
            if (i % 7 == 0)
                pages.unmap_fails = 1;
            random_call(40);
            if (i % 100 == 0)
                cr_assert(allocator.check() == 0, "the heap is broken");
        }
        pages.unmap_fails = 0;
        check_memory();
        cr_assert(allocator.init() == 0);
        begin_pages(placing); /* without what has leaked */
    }
}

Test(MyMalloc, returns_NULL_only_when_memory_is_out_and_then_changes_nothing)
{
    for (size_t i = 0; i < REQUESTS - 2; i++) {
        begin_heap(APART);
        void *first = MyMalloc(requests[i]);
        cr_assert(first != NULL, "MyMalloc(%zu) returned NULL", requests[i]);
        pages.limit = pages.mapped;
        size_t count = 1;
        while (MyMalloc(requests[i]) != NULL)
            count++;
        size_t usable = ALIGNED_BYTES - ALIGNED_BYTES / 8;
        cr_assert(count * requests[i] + requests[i] > usable,
                  "NULL after %zu blocks of %zu bytes in 2 MiB", count,
                  requests[i]);
        take_picture(&before);
        for (int n = 0; n < 100; n++)
            cr_assert(MyMalloc(requests[i]) == NULL);
        check_unchanged(&before, "a request to the full heap");
    }
}

/* Random calls, wherever the pages lie */

static void check_random_calls(enum placing placing, int calls, int each)
{
    begin_heap(placing);
    srand((unsigned)placing + 1);
    new_block(24);
    for (int i = 0; i < calls; i++) {
        random_call(i % 2000 < 1000 ? 400 : 20);
        if (i % each == 0)
            check_heap();
    }
    free_all_blocks();
    check_heap();
}

Test(MyMalloc, keeps_every_block_whole_between_other_mappings)
{
    check_random_calls(APART, 10000, 250);
}

Test(MyMalloc, keeps_every_block_whole_in_aligned_mappings)
{
    check_random_calls(ALIGNED, 10000, 250);
}

Test(MyMalloc, keeps_every_block_whole_in_adjacent_mappings)
{
    check_random_calls(ABOVE, 10000, 250);
}

Test(MyMalloc, keeps_every_block_whole_where_old_mappings_were)
{
    check_random_calls(LINUX, 10000, 250);
}

Test(MyMalloc, keeps_the_heap_sound_after_every_call)
{
    for (enum placing placing = APART; placing <= LINUX; placing++)
        check_random_calls(placing, 300, 1);
}
