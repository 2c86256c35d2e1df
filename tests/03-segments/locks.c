/* Which locks a call takes: counted, and where it matters forced. A pool's
   class, a segment's shelf, never the whole call. */
#include "model.h"

#include <pthread.h>
#include <sched.h>

#include "03-segments/heap.h"

TestSuite(locks, .init = watchdog);

enum { LOCKS = CLASSES + SHELVES + 2, SLOT_MAX = SMALL_MAX };

static struct heap heap;

static const struct lock *lock_of(const struct heap *of, size_t n)
{
    if (n < CLASSES)
        return &of->class[n].lock;
    if (n < CLASSES + SHELVES)
        return &of->shelf[n - CLASSES].lock;
    return n + 1 < LOCKS ? &of->lock : &of->own_lock;
}

/* How often each lock was taken, now or since then. */
struct counts {
    unsigned long taken[LOCKS];
};

static struct counts count_locks(void)
{
    struct counts now;
    for (size_t n = 0; n < LOCKS; n++)
        now.taken[n] = lock_of(&heap, n)->taken;
    return now;
}

static struct counts since(const struct counts *then)
{
    struct counts now = count_locks();
    for (size_t n = 0; n < LOCKS; n++)
        now.taken[n] -= then->taken[n];
    return now;
}

static unsigned long sum_of(const struct counts *counts, size_t from, size_t to)
{
    unsigned long sum = 0;
    for (size_t n = from; n < to; n++)
        sum += counts->taken[n];
    return sum;
}

static unsigned long sum_of_all(const struct counts *counts)
{
    return sum_of(counts, 0, LOCKS);
}

static void *give(size_t request)
{
    unsigned char *payload = heap_allocate(&heap, request);
    cr_assert(payload != NULL, "no block of %zu bytes", request);
    payload[0] = payload[request - 1] = 1;
    return payload;
}

/* The one lock that allocating and freeing a slot takes, each once. */
static size_t lock_of_slot(size_t request)
{
    heap_free(&heap, give(request));
    struct counts then = count_locks();
    void *payload = give(request);
    struct counts taken = since(&then);
    cr_assert(sum_of_all(&taken) == 1, "a slot of %zu bytes takes %lu locks",
              request, sum_of_all(&taken));
    size_t n = 0;
    while (taken.taken[n] == 0)
        n++;
    give(request); /* the pool does not become empty */
    then = count_locks();
    heap_free(&heap, payload);
    taken = since(&then);
    cr_assert(sum_of_all(&taken) == 1 && taken.taken[n] == 1,
              "a free of %zu bytes takes %lu locks", request,
              sum_of_all(&taken));
    return n;
}

Test(locks, of_small_sizes_are_their_own)
{
    begin_heap(APART);
    bool is_used[LOCKS] = {false};
    for (size_t request = 16; request <= SLOT_MAX; request += 16) {
        size_t n = lock_of_slot(request);
        cr_assert(!is_used[n], "%zu bytes share a lock with another size",
                  request);
        is_used[n] = true;
    }
}

/* All others are taken for the refills alone, a few for each pool. */
static void check_refills(size_t request)
{
    enum { COUNT = 20000 };
    static void *slot[COUNT];
    memset(&heap, 0, sizeof heap);
    size_t own = lock_of_slot(request);
    struct counts then = count_locks();
    const char *last = NULL;
    size_t pools = 1;
    for (size_t n = 0; n < COUNT; n++) {
        slot[n] = give(request);
        pools += last == NULL || (char *)slot[n] != last + request;
        last = slot[n];
    }
    struct counts taken = since(&then);
    unsigned long others = sum_of_all(&taken) - taken.taken[own];
    cr_assert(taken.taken[own] <= COUNT + pools, "%lu times for %d slots",
              taken.taken[own], COUNT);
    cr_assert(others <= 2 * pools, "%lu other locks for %zu pools", others,
              pools);
    cr_assert(pools <= COUNT * request / 1000 + 2,
              "%zu pools for %d slots of %zu", pools, COUNT, request);
    then = count_locks();
    for (size_t n = 0; n < COUNT; n++)
        heap_free(&heap, slot[n * 7919 % COUNT]);
    taken = since(&then);
    others = sum_of_all(&taken) - taken.taken[own];
    cr_assert(taken.taken[own] <= COUNT + 3 * pools, "%lu times for %d frees",
              taken.taken[own], COUNT);
    cr_assert(others <= 5 * pools, "%lu other locks for %zu pools", others,
              pools);
    heap_reset(&heap);
}

Test(locks, of_other_kinds_are_taken_to_refill_a_pool)
{
    begin_heap(LINUX);
    for (size_t request = 16; request <= SLOT_MAX; request += 16)
        check_refills(request);
}

/* Medium blocks, a dozen in each of many segments. */
enum { SEGMENTS = 40, IN_SEGMENT = 13, MEDIUM = 160000 };
static void *block[SEGMENTS][IN_SEGMENT];

static void fill_segments(void)
{
    for (size_t n = 0; n < SEGMENTS; n++)
        for (size_t i = 0; i < IN_SEGMENT; i++)
            block[n][i] = give(MEDIUM);
    for (size_t n = 0; n < SEGMENTS; n++)
        for (size_t i = 1; i < IN_SEGMENT; i++)
            cr_assert((uintptr_t)block[n][i] / ALIGNED_BYTES ==
                          (uintptr_t)block[n][0] / ALIGNED_BYTES,
                      "segment %zu has less than %d blocks", n, IN_SEGMENT);
}

Test(locks, of_different_segments_are_their_own)
{
    begin_heap(ALIGNED);
    fill_segments();
    bool is_used[LOCKS] = {false};
    for (size_t n = 0; n < SEGMENTS; n++) {
        size_t own = LOCKS;
        for (size_t i = 2; i < IN_SEGMENT; i++) {
            struct counts then = count_locks();
            heap_free(&heap, block[n][i]);
            struct counts taken = since(&then);
            cr_assert(sum_of_all(&taken) == 1, "a free takes %lu locks",
                      sum_of_all(&taken));
            size_t k = 0;
            while (taken.taken[k] == 0)
                k++;
            cr_assert(own == LOCKS || own == k, "a segment has two locks");
            own = k;
        }
        cr_assert(!is_used[own], "two segments share a lock");
        is_used[own] = true;
    }
}

/* Blocks fill their segments but for a rest that is far too small. */
Test(locks, of_segments_without_room_are_not_taken)
{
    begin_heap(ALIGNED);
    fill_segments();
    for (size_t n = SEGMENTS; n-- > 0;) {
        heap_free(&heap, block[n][5]);
        struct counts then = count_locks();
        void *payload = give(MEDIUM);
        struct counts taken = since(&then);
        cr_assert(payload == block[n][5]);
        cr_assert(sum_of_all(&taken) == 1, "a request takes %lu locks",
                  sum_of_all(&taken));
    }
}

/* Of own mappings: none that others need. */
Test(locks, of_own_mappings_are_taken_by_nobody_else)
{
    begin_heap(LINUX);
    give(100);
    for (size_t request = 256 * KIB; request < 4 * MIB; request += 300 * KIB) {
        struct counts then = count_locks();
        heap_free(&heap, give(request));
        heap_free(&heap, give(request));
        struct counts taken = since(&then);
        cr_assert(sum_of(&taken, 0, LOCKS - 1) == 0,
                  "a large block takes a small one's lock");
        cr_assert(taken.taken[LOCKS - 1] <= 6, "%lu times for four calls",
                  taken.taken[LOCKS - 1]);
    }
}

/* Whoever maps memory lets others work: in the middle of vm_map another thread
   allocates and frees of all sizes that need no mapping. */

static void *others[4]; /* live blocks for the other thread to free */

static void *work(void *context)
{
    void *payload[64];
    (void)context;
    for (size_t n = 0; n < 64; n++)
        payload[n] = MyMalloc(n % 16 * 16 + 1);
    for (size_t n = 0; n < 64; n++)
        MyFree(payload[n]);
    for (size_t n = 0; n < 4; n++)
        MyFree(others[n]);
    MyFree(MyMalloc(5000));
    return payload[0];
}

static bool has_worked, has_ended;

static void *work_and_tell(void *context)
{
    void *worked = work(context);
    __atomic_store_n(&has_ended, true, __ATOMIC_RELEASE);
    return worked;
}

static bool is_awaited(void)
{
    for (size_t n = 0; n < LOCKS; n++)
        if (__atomic_load_n(&lock_of(&my_heap, n)->state, __ATOMIC_RELAXED) ==
            LOCK_AWAITED)
            return true;
    return false;
}

/* The other thread ends, or it waits: then its lock says that it is awaited. */
static void let_another_work(void)
{
    pthread_t thread;
    void *worked = NULL;
    pages.during = NULL;
    has_ended = false;
    cr_assert(pthread_create(&thread, NULL, work_and_tell, NULL) == 0);
    while (!__atomic_load_n(&has_ended, __ATOMIC_ACQUIRE)) {
        cr_assert(!is_awaited(), "nobody can work while a thread maps memory");
        sched_yield();
    }
    pthread_join(thread, &worked);
    cr_assert(worked != NULL);
    has_worked = true;
}

static void check_others_work(size_t request)
{
    begin_heap(ALIGNED);
    for (size_t n = 0; n < 10; n++)
        cr_assert(MyMalloc(150000) != NULL);
    for (size_t n = 0; n < 300; n++)
        MyFree(MyMalloc(n + 1)); /* each class has a pool */
    static const size_t requests[4] = {24, 200, 5000, 150000};
    for (size_t n = 0; n < 4; n++)
        others[n] = MyMalloc(requests[n]);
    has_worked = false;
    pages.during = let_another_work;
    void *payload = NULL;
    for (size_t n = 0; n < 200 && !has_worked; n++) {
        payload = MyMalloc(request);
        cr_assert(payload != NULL);
    }
    cr_assert(has_worked, "no call of vm_map");
    cr_assert(allocator.check() == 0);
}

Test(locks, are_free_while_a_segment_is_mapped)
{
    check_others_work(150000);
    check_others_work(240000);
}

Test(locks, are_free_while_a_large_block_is_mapped)
{
    check_others_work(300000);
    check_others_work(3000000);
}

/* The order in which locks are taken */

static unsigned held_said, wanted_said, disorders;

static void listen(unsigned held, unsigned wanted)
{
    held_said = held;
    wanted_said = wanted;
    disorders++;
}

Test(locks, are_taken_in_the_order_of_their_ranks)
{
    begin_heap(APART);
    new_block(1);
    lock_disorder = listen;
    for (unsigned low = RANK_ALL; low <= RANK_OWN; low++)
        for (unsigned high = low; high <= RANK_OWN; high++) {
            struct lock first = {0}, second = {0};
            disorders = 0;
            lock_take(&first, high);
            lock_take(&second, low);
            cr_assert(disorders == 1 && held_said == high && wanted_said == low,
                      "rank %u after %u is not seen", low, high);
            lock_release(&second);
            lock_release(&first);
            lock_take(&first, low);
            if (low < high)
                lock_take(&second, high);
            if (low < high)
                lock_release(&second);
            lock_release(&first);
            cr_assert(disorders == 1, "rank %u after %u is refused", high, low);
        }
}

static void complain(unsigned held, unsigned wanted)
{
    cr_assert_fail("a lock of rank %u is taken after one of %u", wanted, held);
}

/* All calls, so that segments come and go, and pools with them. */
Test(locks, are_in_order_in_every_call)
{
    lock_disorder = complain;
    for (enum placing placing = APART; placing <= LINUX; placing++) {
        begin_heap(placing);
        srand(31);
        for (int i = 0; i < 5000; i++)
            random_call(i % 2000 < 1000 ? 300 : 5);
        free_all_blocks();
    }
}

/* Nobody leaves a call with a lock. */
Test(locks, are_released_when_a_call_ends)
{
    begin_heap(LINUX);
    srand(32);
    for (int i = 0; i < 3000; i++) {
        random_call(100);
        for (size_t n = 0; n < LOCKS; n++)
            cr_assert(lock_of(&my_heap, n)->state == LOCK_FREE);
    }
}
