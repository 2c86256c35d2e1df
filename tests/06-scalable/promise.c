/* What the interface promises: sizes, places, contents. Each test runs twice,
   with a vmalloc that grants what it is asked for, and with one that grants at
   most 1 MiB a call. No test here knows how the heap works. */
#include "model.h"

#include <criterion/parameterized.h>

static size_t caps[] = {SIZE_MAX, MIB};

/* A test with the size that one call of vmalloc grants. */
#define EACH_CAP(suite, name)                                                  \
    ParameterizedTestParameters(suite, name)                                   \
    {                                                                          \
        return cr_make_param_array(size_t, caps, sizeof caps / sizeof *caps);  \
    }                                                                          \
    ParameterizedTest(size_t *cap, suite, name)

/* What a region can hold beside its tables. */
static size_t largest_request(void)
{
    return memory.cap == SIZE_MAX ? 9 * MIB : memory.cap - 64 * KIB;
}

TestSuite(mymalloc, .init = watchdog);

EACH_CAP(mymalloc, returns_addresses_that_are_multiples_of_16)
{
    begin_heap(*cap);
    for (size_t request = 0; request <= 9000; request++) {
        void *payload = mymalloc(request);
        cr_assert(payload != NULL, "mymalloc(%zu) returned NULL", request);
        cr_assert((uintptr_t)payload % 16 == 0, "mymalloc(%zu) is %zu modulo 16",
                  request, (size_t)((uintptr_t)payload % 16));
    }
}

EACH_CAP(mymalloc, gives_each_caller_every_byte_of_the_request_alone)
{
    begin_heap(*cap);
    for (size_t request = 0; request <= 2100; request++)
        new_block(request);
    for (size_t order = 10; (size_t)1 << order < largest_request(); order++) {
        new_block(((size_t)1 << order) - 1);
        new_block((size_t)1 << order);
        new_block(((size_t)1 << order) + 1);
    }
    check_heap();
    free_all();
    check_heap();
}

/* Written to the last byte, by one who has all of it. */
EACH_CAP(mymalloc, gives_pages_to_their_last_byte)
{
    begin_heap(*cap);
    for (size_t request = 4096; request <= largest_request();
         request += 4096 + request / 4096 * 1024)
        for (size_t n = 0; n < 3; n++) {
            struct block *block = new_block(request - n % 2);
            memset(block->start, 0x3C, block->size);
            fill(block);
        }
    check_heap();
    free_all();
    check_heap();
}

EACH_CAP(mymalloc, gives_a_block_of_its_own_to_each_request_of_0)
{
    begin_heap(*cap);
    for (int n = 0; n < 300; n++)
        new_block(0); /* which the oracle counts as a byte */
    free_all();
    check_heap();
}

EACH_CAP(mymalloc, may_be_asked_for_a_large_block_first)
{
    cpu_hint_fake = believe;
    memory.cap = *cap;
    new_block(largest_request());
    new_block(24);
    check_heap();
    free_all();
    check_heap();
}

EACH_CAP(mymalloc, refuses_what_no_heap_can_hold_and_goes_on)
{
    begin_heap(*cap);
    new_block(100);
    unsigned long granted = memory.granted;
    for (size_t k = 0; k <= 9000; k++) {
        cr_assert(mymalloc(SIZE_MAX - k) == NULL);
        cr_assert(mymalloc(SIZE_MAX / 4 * 3 + k) == NULL);
        cr_assert(mymalloc((size_t)PTRDIFF_MAX + k) == NULL);
        cr_assert(mymalloc((size_t)PTRDIFF_MAX - k) == NULL);
    }
    for (size_t bit = 41; bit < 64; bit++)
        cr_assert(mymalloc((size_t)1 << bit) == NULL);
    cr_assert(memory.granted == granted, "memory was taken in vain");
    new_block(100);
    new_block(200000);
    check_heap();
}

EACH_CAP(mymalloc, keeps_every_block_whole_over_a_million_calls)
{
    begin_heap(*cap);
    for (int call = 0; call < 1000000; call++) {
        believed_cpu = (uint32_t)(random_number() % 4);
        random_call(call / 100000 % 2 == 0 ? 3000 : 300);
        if (call % 50000 == 0)
            check_heap();
    }
    check_heap();
    free_all();
    check_heap();
}

/* Freed memory serves again, whoever frees it and whoever asks. */
EACH_CAP(mymalloc, uses_memory_again_on_every_processor)
{
    begin_heap(*cap);
    for (size_t n = 0; n < 40000; n++) {
        believed_cpu = (uint32_t)n % 3;
        void *block = mymalloc(n % 5000);
        void *large = mymalloc(n % 40000);
        cr_assert(block != NULL && large != NULL);
        believed_cpu = (uint32_t)n % 7;
        myfree(large);
        myfree(block);
    }
    struct mymalloc_counts counts;
    mymalloc_counts(&counts);
    cr_assert(counts.in_use + counts.dirty <= 6 * MIB,
              "%zu bytes of pages for 45000 that are live",
              counts.in_use + counts.dirty);
}

EACH_CAP(mymalloc, serves_processors_of_any_number)
{
    static const uint32_t odd[] = {0,    63,   64,        65,       4095,
                                   1000, 8191, 0x7fffffff, 0x80000000, UINT32_MAX};
    begin_heap(*cap);
    for (size_t n = 0; n < 400; n++) {
        believed_cpu = odd[n % 10];
        new_block(n * 3);
        believed_cpu = odd[n / 10 % 10];
        if (n % 3 == 0)
            free_block(&model.block[model.count / 2]);
    }
    check_heap();
    free_all();
    check_heap();
}

TestSuite(myfree, .init = watchdog);

EACH_CAP(myfree, does_nothing_with_NULL)
{
    memory.cap = *cap;
    cpu_hint_fake = believe;
    myfree(NULL);
    begin_heap(*cap);
    new_block(24);
    for (int n = 0; n < 1000; n++)
        myfree(NULL);
    check_heap();
}

EACH_CAP(myfree, touches_no_live_block)
{
    begin_heap(*cap);
    for (size_t round = 0; round < 3; round++) {
        for (size_t n = 0; n <= 600; n++)
            new_block(n * (n % 7 == 0 ? 100 : 1));
        for (size_t n = 0; n < model.count; n++) {
            free_block(&model.block[n]);
            if (n % 20 == 0)
                check_heap();
        }
    }
    free_all();
    check_heap();
}

EACH_CAP(myfree, may_be_called_on_another_processor)
{
    begin_heap(*cap);
    for (size_t round = 0; round < 20; round++) {
        believed_cpu = 0;
        for (size_t n = 0; n < 500; n++)
            new_block(n);
        believed_cpu = 1;
        free_all();
    }
    check_heap();
}

TestSuite(myrealloc, .init = watchdog);

EACH_CAP(myrealloc, keeps_the_contents_of_1000_random_sizes)
{
    begin_heap(*cap);
    for (size_t n = 0; n < 20; n++)
        new_block(n * 50);
    for (int n = 0; n < 1000; n++) {
        size_t most = n % 10 == 0 ? largest_request() / 4 : 3000;
        resize_block(&model.block[random_number() % 20],
                     random_number() % most + 1);
        check_blocks();
    }
    check_heap();
    free_all();
    check_heap();
}

EACH_CAP(myrealloc, of_NULL_allocates_and_to_0_frees)
{
    begin_heap(*cap);
    for (size_t n = 1; n < 100; n++) {
        void *payload = myrealloc(NULL, n * 300);
        cr_assert(payload != NULL);
        add_block(payload, n * 300);
    }
    check_heap();
    while (model.count > 0) {
        struct block block = model.block[model.count - 1];
        remove_block(&model.block[model.count - 1]);
        cr_assert(myrealloc(block.start, 0) == NULL, "myrealloc(p, 0) is no NULL");
    }
    struct mymalloc_counts counts;
    mymalloc_counts(&counts);
    cr_assert(counts.live + counts.large == 0, "%zu bytes are live",
              counts.live + counts.large);
}

/* By a byte, over each border of a class, up and down. */
EACH_CAP(myrealloc, grows_and_shrinks_by_little)
{
    begin_heap(*cap);
    new_block(1);
    new_block(300);
    for (size_t size = 1; size < 12000; size += size < 1200 ? 1 : 61)
        resize_block(&model.block[0], size);
    for (size_t size = 12000; size > 61; size -= size < 1200 ? 1 : 61)
        resize_block(&model.block[0], size);
    check_heap();
}

EACH_CAP(myrealloc, grows_a_large_block_beside_others)
{
    begin_heap(*cap);
    new_block(10 * KIB);
    new_block(10 * KIB);
    for (size_t size = 10 * KIB; size < largest_request() / 3;
         size += size / 3 + 4096) {
        for (size_t n = 0; n < model.count; n += 2)
            resize_block(&model.block[n], size + n);
        if (size < 100 * KIB)
            new_block(size / 2);
        check_blocks();
    }
    check_heap();
    for (size_t n = 0; n < model.count; n++)
        resize_block(&model.block[n], 100);
    check_heap();
    free_all();
    check_heap();
}

EACH_CAP(myrealloc, that_fails_leaves_the_block)
{
    begin_heap(*cap);
    for (size_t size = 10; size < largest_request(); size *= 3)
        new_block(size);
    for (size_t n = 0; n < model.count; n++) {
        cr_assert(myrealloc(model.block[n].start, SIZE_MAX) == NULL);
        cr_assert(myrealloc(model.block[n].start, PTRDIFF_MAX) == NULL);
        cr_assert(myrealloc(model.block[n].start, (size_t)1 << 45) == NULL);
    }
    check_heap();
    free_all();
    check_heap();
}

/* What shrank much gives back what it has no need for. */
EACH_CAP(myrealloc, that_shrinks_much_gives_memory_back)
{
    begin_heap(*cap);
    struct mymalloc_counts counts;
    for (size_t n = 0; n < 64; n++)
        new_block(200 * KIB);
    for (size_t n = 0; n < 64; n++)
        resize_block(&model.block[n], 100);
    check_heap();
    mymalloc_counts(&counts);
    cr_assert(counts.in_use < 2 * MIB,
              "%zu bytes of pages for 64 blocks of 100", counts.in_use);
}

TestSuite(mycalloc, .init = watchdog);

EACH_CAP(mycalloc, gives_zeros_where_others_have_written)
{
    begin_heap(*cap);
    for (int round = 0; round < 3; round++) {
        for (size_t request = 1; request <= 300; request += 7)
            new_block(request);
        for (size_t request = 5000; request < largest_request() / 2;
             request *= 2)
            new_block(request);
        for (size_t n = 0; n < model.count; n++) {
            memset(model.block[n].start, 0xFF, model.block[n].size);
            fill(&model.block[n]);
        }
        free_all();
        for (size_t count = 1; count <= 40; count++)
            new_zeros(count, 7);
        for (size_t size = 1000; size < largest_request() / 2; size += size)
            new_zeros(1, size);
        new_zeros(100000, 1);
        check_heap();
        free_all();
    }
}

EACH_CAP(mycalloc, refuses_a_product_that_wraps)
{
    begin_heap(*cap);
    size_t half = (size_t)1 << 32;
    size_t pairs[][2] = {{half, half},     {half, half + 1},  {SIZE_MAX, 2},
                         {2, SIZE_MAX},    {SIZE_MAX, SIZE_MAX},
                         {half * 2, half / 2 + 1}, {3, SIZE_MAX / 3 + 1}};
    for (size_t n = 0; n < sizeof pairs / sizeof *pairs; n++)
        cr_assert(mycalloc(pairs[n][0], pairs[n][1]) == NULL,
                  "mycalloc(%zx, %zx) is not NULL", pairs[n][0], pairs[n][1]);
    void *none[] = {mycalloc(0, 0), mycalloc(SIZE_MAX, 0), mycalloc(0, SIZE_MAX)};
    for (size_t n = 0; n < 3; n++) {
        cr_assert(none[n] != NULL, "a product of 0 is no failure");
        myfree(none[n]);
    }
    check_heap();
}

TestSuite(mymalloc_usable, .init = watchdog);

EACH_CAP(mymalloc_usable, tells_bytes_that_are_the_callers)
{
    begin_heap(*cap);
    for (size_t request = 0; request < largest_request() / 2;
         request += request / 16 + 1) {
        unsigned char *payload = mymalloc(request);
        cr_assert(payload != NULL);
        size_t usable = mymalloc_usable(payload);
        cr_assert(usable >= request, "%zu usable of %zu", usable, request);
        add_block(payload, usable);
        if (model.count > 100)
            free_block(&model.block[request % model.count]);
    }
    check_heap();
    free_all();
    cr_assert(mymalloc_usable(NULL) == 0);
    check_heap();
}

/* Waste inside of a block: at most 15 bytes up to 128, then at most a seventh of
   the request up to 8 KiB, and less than a page above. */
EACH_CAP(mymalloc_usable, is_little_more_than_the_request)
{
    begin_heap(*cap);
    for (size_t request = 1; request < 500 * KIB; request += request / 64 + 1) {
        void *payload[300]; /* the first may be borrowed of a larger size */
        for (int n = 0; n < 300; n++)
            payload[n] = request < 9000 || n == 299 ? mymalloc(request) : NULL;
        size_t waste = mymalloc_usable(payload[299]) - request;
        for (int n = 0; n < 300; n++)
            myfree(payload[n]);
        cr_assert(request > 128 || waste < 16, "%zu bytes waste %zu", request,
                  waste);
        cr_assert(request <= 128 || waste * 7 <= request ||
                      (request > 8192 && waste < PAGE_BYTES),
                  "%zu bytes waste %zu", request, waste);
    }
}

TestSuite(mymemalign, .init = watchdog);

EACH_CAP(mymemalign, returns_multiples_of_the_alignment)
{
    begin_heap(*cap);
    for (size_t alignment = 16; alignment <= largest_request() / 8;
         alignment *= 2)
        for (size_t request = 0; request < 20000;
             request += request / 2 + alignment / 64 + 1) {
            void *payload = mymemalign(alignment, request);
            cr_assert(payload != NULL, "mymemalign(%zu, %zu) returned NULL",
                      alignment, request);
            cr_assert((uintptr_t)payload % alignment == 0,
                      "mymemalign(%zu, %zu) is no multiple", alignment, request);
            cr_assert(mymalloc_usable(payload) >= request);
            add_block(payload, request);
            if (model.count > 50)
                free_block(&model.block[request % model.count]);
        }
    check_heap();
    for (size_t n = 0; n < model.count; n++)
        resize_block(&model.block[n], n * 500 + 1);
    check_heap();
    free_all();
    check_heap();
}

EACH_CAP(mymemalign, refuses_what_no_heap_can_hold)
{
    begin_heap(*cap);
    for (size_t bit = 4; bit < 64; bit++) {
        size_t alignment = (size_t)1 << bit;
        cr_assert(mymemalign(alignment, SIZE_MAX) == NULL);
        cr_assert(mymemalign(alignment, PTRDIFF_MAX) == NULL);
        cr_assert(mymemalign(alignment, SIZE_MAX - alignment + 1) == NULL);
        if (bit > 40)
            cr_assert(mymemalign(alignment, 100) == NULL);
    }
    new_block(100);
    check_heap();
}
