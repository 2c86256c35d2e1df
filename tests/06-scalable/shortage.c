/* Memory that is short: a vmalloc that fails at any call, for ever, or now and
   then, that grants little, or nothing but single pages. A request gets NULL only
   then, nothing else changes, and when there is memory again, all goes on. */
#include "model.h"

#include <criterion/parameterized.h>
#include <sys/wait.h>

TestSuite(shortage, .init = watchdog);

enum { GRANT = 256 * KIB, LARGEST = 150 * KIB };

static size_t request_of(size_t n)
{
    static const size_t request[] = {24,   100,  3000,     40000,    16,
                                     8000, 8200, 60 * KIB, LARGEST, 1000};
    return request[n % 10];
}

/* Calls of every kind while no memory can be had. */
static void work_in_shortage(void)
{
    for (size_t n = 0, refused = 0; refused < 30; n++) {
        cr_assert(n < 100000, "memory comes from nowhere");
        if (try_block(request_of(n)) == NULL)
            refused++;
        if (model.count > 0 && n % 3 == 0)
            (void)try_resize(&model.block[n % model.count], request_of(n + 1));
        if (n % 7 == 0) {
            void *zeros = mycalloc(1, request_of(n));
            void *aligned = mymemalign(512, request_of(n));
            myfree(zeros);
            myfree(aligned);
        }
        if (n % 500 == 0)
            check_heap();
    }
    check_heap();
}

static void work_again(void)
{
    for (size_t n = 0; n < 40; n++)
        new_block(request_of(n));
    check_heap();
    free_all();
    check_heap();
    for (size_t n = 0; n < 40; n++)
        new_block(request_of(n));
    free_all();
    check_heap();
}

/* vmalloc fails from the k-th request on. */
ParameterizedTestParameters(shortage, may_begin_at_any_request)
{
    static int k[50];
    for (int n = 0; n < 50; n++)
        k[n] = n + 1;
    return cr_make_param_array(int, k, 50);
}

ParameterizedTest(int *k, shortage, may_begin_at_any_request)
{
    cpu_hint_fake = believe;
    memory.cap = GRANT;
    for (int n = 1; n < *k; n++)
        new_block(request_of((size_t)n));
    fail_vmalloc(0, UINT_MAX);
    work_in_shortage();
    mend_vmalloc();
    work_again();
}

/* And at any call of vmalloc, the tables' too. */
ParameterizedTestParameters(shortage, may_begin_at_any_call_of_vmalloc)
{
    static int k[50];
    for (int n = 0; n < 50; n++)
        k[n] = n;
    return cr_make_param_array(int, k, 50);
}

ParameterizedTest(int *k, shortage, may_begin_at_any_call_of_vmalloc)
{
    cpu_hint_fake = believe;
    memory.cap = GRANT;
    fail_vmalloc((unsigned)*k, UINT_MAX);
    work_in_shortage();
    cr_assert(memory.granted <= (unsigned long)*k);
    mend_vmalloc();
    work_again();
}

/* A system that grants nothing at first, however often it is asked for less. */
Test(shortage, may_be_from_the_beginning)
{
    cpu_hint_fake = believe;
    fail_vmalloc(0, UINT_MAX);
    for (size_t n = 0; n < 100; n++) {
        cr_assert(mymalloc(request_of(n)) == NULL, "memory from nowhere");
        cr_assert(mycalloc(1, request_of(n)) == NULL);
        cr_assert(myrealloc(NULL, request_of(n) + 1) == NULL);
        cr_assert(mymemalign(64, request_of(n)) == NULL);
        myfree(NULL);
    }
    cr_assert(mymalloc_check() == 0);
    mend_vmalloc();
    work_again();
}

/* It is asked for less each time, and so it may refuse a few times. */
Test(shortage, of_long_pieces_is_none)
{
    for (size_t cap = (size_t)64 << 30; cap >= 256 * KIB; cap /= 2) {
        pid_t child = fork();
        if (child == 0) {
            cpu_hint_fake = believe;
            memory.cap = cap;
            for (size_t n = 0; n < 200; n++)
                if (mymalloc(request_of(n)) == NULL)
                    _exit(1);
            _exit(memory.asked > 400 ? 2 : 0);
        }
        int status;
        cr_assert(child > 0 && waitpid(child, &status, 0) == child);
        cr_assert(status == 0, "where %zu KiB are granted: status %x",
                  cap / KIB, (unsigned)status);
    }
}

Test(shortage, now_and_then_stops_nobody)
{
    cpu_hint_fake = believe;
    memory.cap = GRANT;
    for (unsigned n = 0; n < 3000; n++) {
        fail_vmalloc(n % 4, 1 + n % 3);
        (void)try_block(request_of(n));
        if (model.count > 100)
            free_block(&model.block[n % model.count]);
    }
    check_heap();
    mend_vmalloc();
    work_again();
}

/* Regions of a page and more: too short for a heap at first. */
Test(shortage, of_all_but_single_pages)
{
    cpu_hint_fake = believe;
    for (size_t pages = 1; pages <= 80; pages++) {
        memory.cap = pages * PAGE_BYTES;
        for (size_t n = 0; n < 100; n++)
            (void)try_block(request_of(n));
        if (pages >= 64)
            cr_assert(model.count > 0, "%zu pages a call serve nobody", pages);
        check_heap();
        if (pages % 3 == 0)
            free_all();
    }
    memory.cap = SIZE_MAX;
    work_again();
}

Test(shortage, of_all_but_a_single_page_from_the_beginning_to_the_end)
{
    cpu_hint_fake = believe;
    memory.cap = PAGE_BYTES;
    for (size_t n = 0; n < 2000; n++)
        if (try_block(request_of(n)) != NULL && n % 2 == 0)
            free_block(&model.block[n % model.count]);
    cr_assert(mymalloc_check() == 0);
    free_all();
    memory.cap = SIZE_MAX;
    work_again();
}

/* Fills the memory there is with blocks of a size. Returns their bytes. */
static size_t fill_memory(size_t request)
{
    size_t before = model.live;
    for (uint32_t cpu = 0; cpu < 3; cpu++) {
        believed_cpu = cpu;
        while (try_block(request) != NULL)
            ;
    }
    return model.live - before;
}

static const size_t enough = 16 * MIB;

static void begin_short_heap(size_t cap)
{
    memory.left = enough;
    begin_heap(cap);
}

Test(shortage, comes_when_the_memory_is_used)
{
    begin_short_heap(MIB);
    for (size_t request = 200; request <= 20000; request += request / 2) {
        size_t live = fill_memory(request);
        cr_assert(live > enough / 100 * 70,
                  "of %zu bytes only %zu serve requests of %zu", enough, live,
                  request);
        check_heap();
        free_all();
    }
    check_heap();
}

/* What one size has cached, and what other processors have, serves who needs
   it: NULL means that there is none. */
Test(shortage, is_none_while_others_have_memory_in_their_caches)
{
    static const size_t request[] = {200, 3000, 300, 8000, 50000, 600, 200000};
    begin_short_heap(MIB);
    for (size_t n = 0; n < 7; n++) {
        size_t live = fill_memory(request[n]);
        cr_assert(live > enough / 100 * 70,
                  "of %zu bytes only %zu serve requests of %zu", enough, live,
                  request[n]);
        believed_cpu = (uint32_t)n;
        free_all();
    }
    check_heap();
}

/* The last object that there is. */
Test(shortage, leaves_what_was_freed_to_every_processor)
{
    begin_short_heap(MIB);
    (void)fill_memory(1000);
    for (uint32_t n = 0; n < 500; n++) {
        believed_cpu = n % 5;
        free_block(&model.block[n * 7 % model.count]);
        believed_cpu = n % 7 + 1;
        new_block(1000);
    }
    check_heap();
}

static unsigned refusals;
static void refuse(void)
{
    refusals++;
}

/* The hosted layer sets errno there. */
Test(shortage, is_told_to_the_layer_below)
{
    begin_heap(MIB);
    vm_offer.refuse = refuse;
    new_block(100);
    cr_assert(refusals == 0);
    cr_assert(mymalloc(SIZE_MAX) == NULL && refusals == 1);
    cr_assert(mymalloc(2 * MIB) == NULL && refusals == 2);
    cr_assert(mycalloc(SIZE_MAX, 2) == NULL && refusals == 3);
    cr_assert(myrealloc(model.block[0].start, SIZE_MAX) == NULL &&
              refusals == 4);
    cr_assert(mymemalign(64, SIZE_MAX) == NULL && refusals == 5);
    fail_vmalloc(0, UINT_MAX);
    unsigned nulls = 0;
    while (nulls < 10)
        nulls += try_block(100 * KIB) == NULL;
    cr_assert(refusals == 15, "%u times NULL, %u were told", nulls, refusals);
}

TestSuite(regions, .init = watchdog);

/* As many as there are. */
Test(regions, may_be_thousands)
{
    begin_heap(MIB);
    for (size_t n = 0; n < 3000; n++) {
        void *payload = mymalloc(900 * KIB);
        cr_assert(payload != NULL, "no block %zu of 900 KiB", n);
        cr_assert(is_in_memory(payload, 900 * KIB));
        *(size_t *)payload = n;
        model.block[model.count++] =
            (struct block){.start = payload, .size = 900 * KIB};
    }
    for (size_t n = 0; n < model.count; n++)
        cr_assert(*(size_t *)model.block[n].start == n);
    cr_assert(mymalloc_check() == 0);
    for (size_t n = 0; n < 3000; n++)
        myfree(model.block[n * 7 % 3000].start);
    model.count = 0;
    cr_assert(mymalloc_check() == 0);
    cr_assert(memory.regions < 10, "%zu regions are left", memory.regions);
    work_again();
}

/* All that was taken is given back, but for the caches. */
static void check_given_back(size_t most)
{
    cr_assert(model.count == 0);
    cr_assert(memory.taken <= most, "%zu KiB are left of a heap that is empty",
              memory.taken / KIB);
    check_heap();
}

Test(regions, are_given_back_when_all_is_freed)
{
    begin_heap(MIB);
    for (int round = 0; round < 3; round++) {
        while (model.live < 60 * MIB)
            new_block(random_number() % 16 == 0 ? random_number() % (700 * KIB)
                                                : random_number() % 9000);
        check_heap();
        while (model.count > 0)
            free_block(&model.block[random_number() % model.count]);
        check_given_back(12 * MIB);
        cr_assert(memory.given_back > 20);
    }
}

Test(regions, are_given_back_when_only_large_blocks_were_there)
{
    begin_heap(MIB);
    for (size_t n = 0; n < 60; n++)
        new_block(800 * KIB);
    free_all();
    check_given_back(4 * MIB);
}

/* One that becomes empty is not given back and asked for again, over and over. */
Test(regions, are_not_asked_for_and_given_back_in_turn)
{
    begin_heap(MIB);
    for (size_t n = 0; n < 10; n++)
        new_block(800 * KIB);
    unsigned long asked = memory.asked;
    for (int n = 0; n < 1000; n++)
        myfree(mymalloc(800 * KIB));
    cr_assert(memory.asked <= asked + 2, "1000 pairs ask vmalloc %lu times",
              memory.asked - asked);
}

Test(regions, grow_when_a_block_needs_more_than_was_granted)
{
    begin_heap(64 * MIB);
    memory.cap = 64 * MIB;
    fail_vmalloc(0, 0);
    for (size_t size = MIB; size < 60 * MIB; size += 7 * MIB)
        new_block(size);
    check_heap();
    free_all();
    check_heap();
}
