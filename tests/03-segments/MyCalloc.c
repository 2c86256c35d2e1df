/* What MyCalloc promises: zeros, as many as a product that is looked at. */
#include "model.h"

TestSuite(MyCalloc, .init = watchdog);

static struct picture before;

static const size_t sizes[] = {
    1,     15,        16,        33,        100,       600,     2000,   5000,
    40000, 100 * KIB, 250 * KIB, 256 * KIB, 300 * KIB, 2 * MIB, 3 * MIB};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void check_zero(const unsigned char *payload, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (payload[i] != 0)
            cr_assert_fail("byte %zu of %zu is not 0", i, size);
}

static void new_zeros(size_t count, size_t size)
{
    void *payload = MyCalloc(count, size);
    cr_assert(payload != NULL, "MyCalloc(%zu, %zu) returned NULL", count, size);
    check_zero(payload, count * size);
    add_block(payload, count * size);
}

Test(MyCalloc, returns_zeros_from_fresh_memory)
{
    begin_heap(APART);
    for (size_t n = 0; n < SIZES; n++)
        new_zeros(1, sizes[n]);
    check_memory();
}

static void dirty(size_t request)
{
    unsigned char *payload = MyMalloc(request);
    cr_assert(payload != NULL, "MyMalloc(%zu) returned NULL", request);
    memset(payload, 0xff, request);
    MyFree(payload);
}

Test(MyCalloc, returns_zeros_where_a_block_was)
{
    begin_heap(APART);
    new_block(100);
    for (size_t n = 0; n < SIZES; n++) {
        dirty(sizes[n]);
        void *payload = MyCalloc(sizes[n], 1);
        cr_assert(payload != NULL, "MyCalloc(%zu, 1) returned NULL", sizes[n]);
        check_zero(payload, sizes[n]);
        MyFree(payload);
    }
}

/* Blocks of one size, all over some segments; dirty when they are freed. */
static void fill_segments(size_t size, size_t total, void *give(size_t size))
{
    static void *payload[20000];
    size_t count = total / size + 1;
    if (count > 20000)
        count = 20000;
    for (size_t n = 0; n < count; n++) {
        payload[n] = give(size);
        memset(payload[n], 0xff, size);
    }
    for (size_t n = 0; n < count; n++)
        MyFree(payload[n]);
}

static void *any_bytes(size_t size)
{
    void *payload = MyMalloc(size);
    cr_assert(payload != NULL, "MyMalloc(%zu) returned NULL", size);
    return payload;
}

static void *zeros(size_t size)
{
    void *payload = MyCalloc(1, size);
    cr_assert(payload != NULL, "MyCalloc(1, %zu) returned NULL", size);
    check_zero(payload, size);
    return payload;
}

/* Whole segments are recycled, and slots become blocks of other sizes. */
Test(MyCalloc, returns_zeros_where_blocks_of_another_size_were)
{
    for (size_t from = 0; from < SIZES; from++) {
        begin_heap(LINUX);
        fill_segments(sizes[from], 5 * MIB / 2, any_bytes);
        for (size_t to = 0; to < SIZES; to++)
            fill_segments(sizes[to], MIB, zeros);
        check_memory();
    }
}

Test(MyCalloc, multiplies)
{
    begin_heap(APART);
    for (size_t count = 1; count <= 300; count += 13)
        for (size_t size = 1; size <= 300; size += 7)
            new_zeros(count, size);
    new_zeros(1000, 1000);
    new_zeros(3, 100001);
    check_memory();
}

Test(MyCalloc, returns_NULL_for_a_product_of_0)
{
    begin_heap(APART);
    new_block(24);
    take_picture(&before);
    for (size_t n = 0; n < 100; n++) {
        cr_assert(MyCalloc(n, 0) == NULL, "MyCalloc(%zu, 0) is not NULL", n);
        cr_assert(MyCalloc(0, n) == NULL, "MyCalloc(0, %zu) is not NULL", n);
    }
    cr_assert(MyCalloc(SIZE_MAX, 0) == NULL && MyCalloc(0, SIZE_MAX) == NULL);
    check_unchanged(&before, "MyCalloc of nothing");
}

static void check_refused(size_t count, size_t size)
{
    errno = 0;
    cr_assert(MyCalloc(count, size) == NULL, "MyCalloc(%zu, %zu) is not NULL",
              count, size);
    cr_assert(errno == ENOMEM, "MyCalloc(%zu, %zu) leaves errno at %d", count,
              size, errno);
}

Test(MyCalloc, refuses_a_product_that_wraps)
{
    begin_heap(APART);
    new_block(24);
    take_picture(&before);
    for (size_t k = 1; k < 64; k++) {
        size_t power = (size_t)1 << k;
        check_refused(power, SIZE_MAX / power + 1);
        check_refused(SIZE_MAX / power + 1, power);
        check_refused(power + 1, SIZE_MAX / power + 1);
        check_refused(SIZE_MAX / k, k + 1);
    }
    check_refused(SIZE_MAX, SIZE_MAX);
    check_refused((size_t)1 << 32, (size_t)1 << 32);
    check_refused(SIZE_MAX / 2 + 2, 2);
    check_unchanged(&before, "a product that wraps");
    new_zeros(10, 10);
    check_memory();
}

Test(MyCalloc, fails_without_memory_and_changes_nothing)
{
    begin_heap(APART);
    new_block(24);
    take_picture(&before);
    fail_maps(0, UINT_MAX);
    check_refused(3, MIB);
    check_refused(1, 300 * KIB);
    check_unchanged(&before, "MyCalloc without memory");
    fail_maps(0, 0);
    new_zeros(3, MIB);
    check_memory();
}
