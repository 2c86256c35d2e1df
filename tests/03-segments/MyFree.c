/* What MyFree promises: a block's bytes serve again, and no others change. */
#include "model.h"

TestSuite(MyFree, .init = watchdog);

static struct picture before;

Test(MyFree, does_nothing_with_NULL)
{
    begin_heap(APART);
    new_block(24);
    new_block(5000);
    take_picture(&before);
    for (int i = 0; i < 100; i++)
        MyFree(NULL);
    check_unchanged(&before, "MyFree(NULL)");
}

Test(MyFree, may_be_called_with_NULL_first)
{
    begin_heap(APART);
    MyFree(NULL);
    cr_assert(pages.maps == 0, "MyFree(NULL) maps memory");
    new_block(24);
    check_memory();
}

/* All contents are looked at after each free of one among neighbors. */
static void check_neighbors(size_t request, size_t step)
{
    enum { COUNT = 60 };
    unsigned char *start[COUNT];
    begin_heap(APART);
    for (size_t n = 0; n < COUNT; n++)
        start[n] = new_block(request + n % 3)->start;
    for (size_t n = 0; n < COUNT; n++) {
        free_block(block_at(start[n * step % COUNT]));
        check_memory();
    }
    check_memory();
}

Test(MyFree, touches_no_live_block)
{
    for (size_t request = 1; request <= 200 * KIB; request += request / 2 + 1) {
        check_neighbors(request, 1);
        check_neighbors(request, 7);
        check_neighbors(request, 59);
    }
}

/* Of any contents: what a program wrote may look like anything. */
Test(MyFree, reads_no_contents)
{
    static const unsigned char bytes[] = {0, 1, 0x7f, 0x80, 0xff};
    begin_heap(APART);
    for (size_t request = 1; request <= 600 * KIB; request += request / 2 + 1)
        for (size_t i = 0; i < sizeof bytes; i++) {
            unsigned char *a = MyMalloc(request), *b = MyMalloc(request);
            unsigned char *c = MyMalloc(request);
            cr_assert(a != NULL && b != NULL && c != NULL);
            memset(a, bytes[i], request);
            memset(b, bytes[i], request);
            memset(c, bytes[i], request);
            MyFree(b);
            MyFree(a);
            MyFree(c);
        }
    check_memory();
}

/* Any size may be the first to come when the last has gone. */
Test(MyFree, of_everything_leaves_a_heap_for_everything)
{
    static const size_t requests[] = {1,         16,     100,       1000,
                                      5000,      30000,  100 * KIB, 250 * KIB,
                                      300 * KIB, 3 * MIB};
    enum { REQUESTS = sizeof requests / sizeof *requests };
    for (enum placing placing = APART; placing <= LINUX; placing++) {
        begin_heap(placing);
        for (size_t i = 0; i < REQUESTS * REQUESTS; i++) {
            for (int n = 0; n < 20; n++)
                new_block(requests[i % REQUESTS]);
            for (int n = 0; n < 20; n++)
                new_block(requests[i / REQUESTS]);
            check_memory();
            free_all_blocks();
            check_memory();
        }
    }
}

/* Three segments at least, which become empty in each of the six orders. */
static void check_order(size_t request, const int *order)
{
    enum { SEGMENTS = 3 };
    unsigned char *start[SEGMENTS][300];
    size_t counts[SEGMENTS] = {0}, mapped = 0;
    begin_heap(APART);
    for (int n = -1; n < SEGMENTS;) {
        void *payload = MyMalloc(request);
        cr_assert(payload != NULL);
        n += pages.mapped > mapped;
        mapped = pages.mapped;
        if (n == SEGMENTS)
            MyFree(payload);
        else
            start[n][counts[n]++] = payload;
    }
    for (int i = 0; i < SEGMENTS; i++) {
        for (size_t n = 0; n < counts[order[i]]; n++)
            MyFree(start[order[i]][n]);
        if (i + 1 == SEGMENTS)
            break;
        for (int n = 0; n < 3; n++)
            new_block(request);
        check_memory();
        free_all_blocks();
    }
    for (size_t n = 0; n < counts[0]; n++)
        new_block(request);
    check_memory();
}

Test(MyFree, empties_segments_in_any_order)
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (int i = 0; i < 6; i++) {
        check_order(10000, orders[i]);
        check_order(50000, orders[i]);
        check_order(200 * KIB, orders[i]);
    }
}
