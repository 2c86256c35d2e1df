/* How often processors meet: at the locks of depots and pages, and at slots. */
#include "model.h"

#include <pthread.h>

TestSuite(locks, .init = watchdog);

enum { THREADS = 4, OPERATIONS = 50000, LIVE = 400, REAL = 0 };

static struct mymalloc_counts before;

static void count(void)
{
    mymalloc_counts(&before);
}

static double shared_per_1000(size_t operations)
{
    struct mymalloc_counts now;
    mymalloc_counts(&now);
    uint64_t shared = now.shared - before.shared + now.missed - before.missed;
    return (double)shared * 1000 / (double)operations;
}

/* Small requests, replaced at random; each operation is a call. */
static void *replace(void *context)
{
    static _Thread_local unsigned char *slot[LIVE];
    uint64_t state = (uintptr_t)context * 7919 + 1;
    believed_cpu = (uint32_t)(uintptr_t)context;
    for (int n = 0; n < OPERATIONS / 2; n++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        size_t which = state >> 33 & 255, size = (state >> 50 & 255) + 1;
        myfree(slot[which]);
        slot[which] = mymalloc(size);
        *slot[which] = 1;
    }
    for (size_t n = 0; n < LIVE; n++) {
        myfree(slot[n]);
        slot[n] = NULL;
    }
    return NULL;
}

static void run(size_t processors)
{
    pthread_t thread[THREADS];
    for (uintptr_t n = 0; n < THREADS; n++)
        cr_assert(pthread_create(&thread[n], NULL, replace,
                                 (void *)(n % processors)) == 0);
    for (int n = 0; n < THREADS; n++)
        pthread_join(thread[n], NULL);
}

static void check_shared(size_t processors, size_t cap)
{
    begin_heap(cap);
    if (processors == REAL) {
        cpu_hint_fake = NULL;
        processors = 1;
    }
    run(processors);
    count();
    run(processors);
    double per_1000 = shared_per_1000((size_t)THREADS * OPERATIONS);
    cr_assert(per_1000 < 50, "%.1f of 1000 calls are shared", per_1000);
}

Test(locks, are_rarely_shared_by_4_threads_on_4_processors)
{
    check_shared(4, SIZE_MAX);
}

Test(locks, are_rarely_shared_by_4_threads_wherever_they_run)
{
    check_shared(REAL, SIZE_MAX);
}

Test(locks, are_rarely_shared_where_1_MiB_is_granted_at_a_time)
{
    check_shared(4, MIB);
}

/* One thread, so that nothing depends on the schedule. */
static void check_pattern(const char *name, size_t calls)
{
    double per_1000 = shared_per_1000(calls);
    cr_assert(per_1000 < 50, "%s: %.1f of 1000 calls are shared", name,
              per_1000);
}

static void check_pairs(size_t size)
{
    count();
    for (int n = 0; n < 1000; n++)
        myfree(mymalloc(size));
    cr_assert(shared_per_1000(2000) == 0,
              "pairs of %zu bytes share %.1f of 1000 calls", size,
              shared_per_1000(2000));
}

Test(locks, are_not_shared_by_pairs)
{
    begin_heap(SIZE_MAX);
    for (size_t size = 1; size <= 1024; size += 13) {
        for (int n = 0; n < 300; n++) /* while it borrows from others */
            myfree(mymalloc(size));
        check_pairs(size);
    }
}

/* Batches larger than what a slot holds. */
Test(locks, are_rarely_shared_by_batches)
{
    begin_heap(SIZE_MAX);
    for (int round = 0; round < 100; round++) {
        if (round == 2)
            count();
        for (int n = 0; n < 1000; n++)
            new_block(64);
        for (int n = 0; n < 1000; n++)
            free_block(&model.block[random_number() % model.count]);
    }
    check_pattern("batches of 1000", 98 * 2000);
}

/* One processor allocates, another frees. */
Test(locks, are_rarely_shared_by_a_hand_over)
{
    begin_heap(SIZE_MAX);
    for (int round = 0; round < 1000; round++) {
        if (round == 50)
            count();
        believed_cpu = 0;
        for (int n = 0; n < 64; n++)
            new_block(64);
        believed_cpu = 1;
        free_all();
    }
    check_pattern("a hand-over", 950 * 128);
}

/* A slot that somebody holds is passed by. */
Test(locks, of_a_slot_stop_nobody)
{
    begin_heap(SIZE_MAX);
    for (unsigned n = 0; n < SLOTS; n++)
        cr_assert(spin_try(lock_of(&scalable.slots[n])), "a slot is not let go");
    for (unsigned left = 0; left < SLOTS; left++) {
        spin_release(lock_of(&scalable.slots[left]));
        for (uint32_t cpu = 0; cpu < SLOTS; cpu += 7) {
            believed_cpu = cpu;
            new_block(100);
            if (cpu % 3 == 0)
                free_block(&model.block[0]);
        }
        cr_assert(spin_try(lock_of(&scalable.slots[left])));
    }
    for (unsigned n = 0; n < SLOTS; n++)
        spin_release(lock_of(&scalable.slots[n]));
    check_heap();
}

/* A fork takes all of them, and writes few pages in doing so. */
Test(locks, of_slots_lie_in_few_pages)
{
    static unsigned char before_fork[sizeof scalable];
    const unsigned char *now = (const unsigned char *)&scalable;
    uintptr_t last = 0;
    size_t pages = 0;
    begin_heap(SIZE_MAX);
    new_block(100);
    memcpy(before_fork, now, sizeof scalable);
    mymalloc_before_fork();
    for (size_t n = 0; n < sizeof scalable; n++) {
        uintptr_t page = (uintptr_t)&now[n] / PAGE_BYTES;
        if (now[n] != before_fork[n] && page != last) {
            last = page;
            pages++;
        }
    }
    mymalloc_after_fork();
    cr_assert(pages > 0 && pages <= 8, "a fork writes %zu pages", pages);
}

TestSuite(slots, .init = watchdog);

/* New ones. Else two processors would write one cache line in turn. */
Test(slots, have_objects_of_no_common_line)
{
    enum { LINE = 64, PROCESSORS = 8 };
    begin_heap(SIZE_MAX);
    for (size_t size = 1; size <= 128; size++) {
        uintptr_t line[PROCESSORS];
        believed_cpu = PROCESSORS;
        for (int n = 0; n < 600; n++) /* while it borrows from others */
            new_block(size);
        for (uint32_t cpu = 0; cpu < PROCESSORS; cpu++) {
            believed_cpu = cpu;
            line[cpu] = (uintptr_t)new_block(size)->start / LINE;
            for (uint32_t other = 0; other < cpu; other++)
                cr_assert(line[other] != line[cpu],
                          "two blocks of %zu bytes are in one line", size);
        }
        free_all();
    }
}

/* Objects of 8 KiB: at first their pages go back, then one stays at hand. */
Test(slots, keep_an_object_that_is_asked_for_again_and_again)
{
    begin_heap(SIZE_MAX);
    for (size_t size = 1100; size <= 8192; size += 591) {
        size_t in_use = scalable.pages.in_use;
        for (int n = 1; n <= 4; n++) {
            myfree(mymalloc(size));
            cr_assert(scalable.pages.in_use == in_use,
                      "an object of %zu bytes is kept from pair %d on", size, n);
        }
        for (int n = 0; n < 10; n++)
            myfree(mymalloc(size));
        check_pairs(size);
    }
}

/* Eight threads that are stopped in turn while they hold a slot make eight slots
   busy, and want more than the budget: in the end each has some of it. */
Test(slots, share_what_is_left_of_their_budget)
{
    enum { BUSY = 8, BLOCKS_EACH = 40, ROUNDS = 20 };
    begin_heap(SIZE_MAX);
    for (int round = 1; round <= ROUNDS; round++)
        for (uint32_t cpu = 0; cpu < BUSY; cpu++) {
            size_t calls = 0;
            believed_cpu = cpu;
            count();
            for (size_t size = 16; size <= 512; size += 16) {
                for (size_t n = 0; n < BLOCKS_EACH; n++)
                    new_block(size);
                free_all();
                calls += 2 * BLOCKS_EACH;
            }
            cr_assert(scalable.in_slots < 600 * KIB, "%zu KiB are for slots",
                      scalable.in_slots / KIB);
            cr_assert(round < ROUNDS || shared_per_1000(calls) < 1000,
                      "slot %u shares %.1f of 1000 calls", cpu,
                      shared_per_1000(calls));
        }
}

/* The heap halves: `large` goes, and then calls are made that may drain. */
static void halve(void *large, size_t calls)
{
    myfree(large);
    for (size_t n = 0; n < calls; n++)
        myfree(mymalloc(OBJECT_MAX + 1));
}

/* No call gives back more than some chains. */
Test(slots, and_depots_are_drained_by_many_short_calls)
{
    enum { OBJECTS = 60000, CALL_MOST = 16 * KIB };
    static void *block[OBJECTS];
    begin_heap(SIZE_MAX);
    void *large = mymalloc(64 * MIB);
    for (size_t n = 0; n < OBJECTS; n++)
        block[n] = mymalloc(16);
    for (size_t n = 0; n < OBJECTS; n++)
        myfree(block[n]);
    cr_assert(scalable.in_depots > 512 * KIB, "%zu bytes are kept",
              scalable.in_depots);
    for (size_t n = 0; n < 1000; n++) {
        size_t kept = scalable.in_depots;
        halve(n == 0 ? large : NULL, 1);
        cr_assert(kept - scalable.in_depots <= CALL_MOST,
                  "a call gave back %zu bytes", kept - scalable.in_depots);
    }
    cr_assert(scalable.in_depots == 0, "%zu bytes are still kept",
              scalable.in_depots);
}

/* Somebody is stopped in the middle of a call, and goes on later. */
Test(slots, are_drained_later_if_they_are_held)
{
    begin_heap(SIZE_MAX);
    void *large = mymalloc(64 * MIB);
    believed_cpu = 5;
    for (int n = 0; n < 40; n++)
        new_block(1000);
    free_all();
    const struct magazine *magazine =
        &scalable.slots[5].of[class_for(1000)];
    cr_assert(first_of(magazine->loaded) != NULL, "the slot keeps nothing");
    spin_take(lock_of(&scalable.slots[5]));
    believed_cpu = 6;
    halve(large, 2 * CLASSES);
    spin_release(lock_of(&scalable.slots[5]));
    halve(NULL, 2 * CLASSES);
    cr_assert(first_of(magazine->loaded) == NULL &&
                  first_of(magazine->previous) == NULL,
              "the slot that was held keeps what it has");
}

static struct spin the_lock;
static unsigned long holders, most, sum;

static void *hold_often(void *context)
{
    for (int n = 0; n < 20000; n++) {
        spin_take(&the_lock);
        unsigned long now = __atomic_add_fetch(&holders, 1, __ATOMIC_RELAXED);
        most = now > most ? now : most;
        sum++;
        __atomic_sub_fetch(&holders, 1, __ATOMIC_RELAXED);
        spin_release(&the_lock);
    }
    return context;
}

TestSuite(spin, .init = watchdog);

Test(spin, locks_are_held_by_one_thread_and_counted)
{
    pthread_t thread[THREADS];
    for (int n = 0; n < THREADS; n++)
        cr_assert(pthread_create(&thread[n], NULL, hold_often, NULL) == 0);
    for (int n = 0; n < THREADS; n++)
        pthread_join(thread[n], NULL);
    cr_assert(most == 1 && sum == 80000, "%lu held it at once", most);
    cr_assert(the_lock.taken == 80000, "it counts %u", the_lock.taken);
    cr_assert(spin_try(&the_lock) && !spin_try(&the_lock));
}
