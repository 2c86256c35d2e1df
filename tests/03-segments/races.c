/* Two threads at the places where they could meet: one is stopped there, by a
   hook, while another works. Whoever needs what the first one holds must wait,
   and be woken; whoever does not must go on. A thread is known to wait when its
   lock says that it is awaited. */
#define _GNU_SOURCE /* pthread_timedjoin_np */
#include "model.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "03-segments/heap.h"
#include "hooks.h"

TestSuite(races, .init = watchdog);

enum { LARGE = 200000, IN_FIRST = 9 };

/* A thread that makes one call */
struct caller {
    const char *name;
    pthread_t thread;
    void *freed;    /* to MyFree, or NULL: */
    size_t request; /* to MyMalloc */
    unsigned char *payload;
    bool has_ended;
};

static void *call(void *context)
{
    struct caller *caller = context;
    hook_thread(caller->name, 0);
    if (caller->freed != NULL)
        MyFree(caller->freed);
    else
        caller->payload = MyMalloc(caller->request);
    __atomic_store_n(&caller->has_ended, true, __ATOMIC_RELEASE);
    return NULL;
}

static void start(struct caller *caller)
{
    cr_assert(pthread_create(&caller->thread, NULL, call, caller) == 0);
}

/* Starts a caller, and waits until it has arrived at the event. */
static void start_and_stop(struct caller *caller, const char *event,
                           unsigned visit)
{
    hook_park(caller->name, event, visit);
    start(caller);
    cr_assert(hook_await_parked(caller->name), "%s does not come to '%s'",
              caller->name, event);
}

/* Waits until a caller waits for the lock; it must not end without it. */
static void check_waits(const struct caller *caller, const struct lock *lock)
{
    while (__atomic_load_n(&lock->state, __ATOMIC_RELAXED) != LOCK_AWAITED) {
        cr_assert(!__atomic_load_n(&caller->has_ended, __ATOMIC_ACQUIRE),
                  "a call does not wait for one that is in the middle");
        sched_yield();
    }
}

static void join(struct caller *caller)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 10; /* longer than any wait that ends */
    cr_assert(pthread_timedjoin_np(caller->thread, NULL, &end) == 0,
              "a call that waits is never woken");
    if (caller->freed == NULL)
        add_block(caller->payload, caller->request);
}

/* Makes a call that must end though somebody holds the lock. */
static void check_goes_on(struct caller caller, const struct lock *held)
{
    start(&caller);
    while (!__atomic_load_n(&caller.has_ended, __ATOMIC_ACQUIRE)) {
        cr_assert(__atomic_load_n(&held->state, __ATOMIC_RELAXED) !=
                      LOCK_AWAITED,
                  "a call waits for a lock that it does not need");
        sched_yield();
    }
    join(&caller);
}

static struct lock *lock_of_class(size_t request)
{
    return &my_heap.class[class_for(request)].lock;
}

static struct lock *first_shelf(void)
{
    return &my_heap.shelf[0].lock;
}

/* Slots of a class */

static const char chosen[] = "pool: slot chosen, not yet taken";

Test(races, for_a_slot_give_each_thread_one)
{
    static const size_t requests[] = {1, 16, 100, 256};
    for (size_t i = 0; i < 4; i++) {
        begin_heap(APART);
        new_block(requests[i]);
        struct caller a = {.name = "A", .request = requests[i]};
        struct caller b = {.name = "B", .request = requests[i]};
        start_and_stop(&a, chosen, 1);
        start(&b);
        check_waits(&b, lock_of_class(requests[i]));
        hook_release("A");
        join(&a);
        join(&b);
        check_heap();
    }
}

Test(races, for_a_pool_let_a_free_wait)
{
    begin_heap(APART);
    new_block(40);
    void *payload = MyMalloc(40);
    struct caller a = {.name = "A", .request = 40};
    struct caller b = {.name = "B", .freed = payload};
    start_and_stop(&a, chosen, 1);
    start(&b);
    check_waits(&b, lock_of_class(40));
    hook_release("A");
    join(&a);
    join(&b);
    check_heap();
}

Test(races, for_slots_stop_no_other_size)
{
    begin_heap(APART);
    for (size_t request = 8; request <= SMALL_MAX; request += 16)
        new_block(request);
    new_block(5000);
    const struct lock *held = lock_of_class(40);
    struct caller a = {.name = "A", .request = 40};
    start_and_stop(&a, chosen, 1);
    for (size_t request = 8; request <= SMALL_MAX; request += 16) {
        if (class_for(request) == class_for(40))
            continue;
        check_goes_on((struct caller){.name = "B", .request = request}, held);
        void *payload = model.block[--model.count].start;
        check_goes_on((struct caller){.name = "B", .freed = payload}, held);
    }
    check_goes_on((struct caller){.name = "B", .request = 5000}, held);
    check_goes_on((struct caller){.name = "B", .request = 300 * KIB}, held);
    hook_release("A");
    join(&a);
    check_heap();
}

/* Blocks of a segment: A stops before it releases the shelf */

Test(races, for_a_block_let_a_request_wait)
{
    begin_heap(ALIGNED);
    new_block(5000);
    size_t mapped = pages.mapped;
    struct caller a = {.name = "A", .request = 6000};
    struct caller b = {.name = "B", .request = 7000};
    start_and_stop(&a, "lock: release", 1);
    start(&b);
    check_waits(&b, first_shelf());
    hook_release("A");
    join(&a);
    join(&b);
    cr_assert(pages.mapped == mapped, "a second segment comes before it must");
    check_heap();
}

Test(races, for_a_segment_let_a_free_wait)
{
    begin_heap(ALIGNED);
    new_block(5000);
    void *payload = MyMalloc(6000);
    struct caller a = {.name = "A", .request = 6000};
    struct caller b = {.name = "B", .freed = payload};
    start_and_stop(&a, "lock: release", 1);
    start(&b);
    check_waits(&b, first_shelf());
    hook_release("A");
    join(&a);
    join(&b);
    check_heap();
}

/* Where another segment has room, nobody waits for the first. */
Test(races, for_a_segment_stop_no_other)
{
    begin_heap(ALIGNED);
    while (pages.mapped <= SEGMENT)
        new_block(150000);
    void *other = model.block[--model.count].start;
    free_block(&model.block[0]);
    struct caller a = {.name = "A", .request = 150000};
    start_and_stop(&a, "lock: release", 1);
    const struct lock *held = first_shelf();
    check_goes_on((struct caller){.name = "B", .freed = other}, held);
    check_goes_on((struct caller){.name = "B", .request = 150000}, held);
    check_goes_on((struct caller){.name = "B", .request = LARGE}, held);
    hook_release("A");
    join(&a);
    check_heap();
}

/* Segments that come and go */

/* Blocks until a second segment is there. */

static void fill_first(void *payload[IN_FIRST + 2])
{
    for (size_t n = 0; n < IN_FIRST + 2; n++) {
        payload[n] = MyMalloc(LARGE);
        cr_assert(payload[n] != NULL);
    }
    cr_assert(pages.mapped == 2 * SEGMENT, "%zu bytes are mapped",
              pages.mapped);
}

static void free_all(void *payload[IN_FIRST + 2])
{
    for (size_t n = 0; n < IN_FIRST + 2; n++)
        MyFree(payload[n]);
}

/* A has a new pool, and stops before any of its slots is in use. All else in
   the segment is freed, and so is another segment: the first must not go. */
Test(races, for_an_empty_segment_spare_a_pool_that_is_new)
{
    void *payload[IN_FIRST + 2];
    begin_heap(ALIGNED);
    new_block(5000);
    uintptr_t segment = (uintptr_t)model.block[0].start / SEGMENT * SEGMENT;
    struct caller a = {.name = "A", .request = 40};
    start_and_stop(&a, "lock: take", 2);
    free_block(&model.block[0]);
    fill_first(payload);
    free_all(payload);
    cr_assert(is_mapped((void *)segment, SEGMENT),
              "a segment goes while a pool of it is made");
    hook_release("A");
    join(&a);
    check_heap();
    free_all_blocks();
    check_heap();
}

/* A has freed the last block of a segment, and stops before it says so. The
   segment is used again, becomes empty, and goes: A must not touch it. */
static void check_late(size_t request, unsigned visit)
{
    void *payload[IN_FIRST + 2];
    begin_heap(ALIGNED);
    void *last = MyMalloc(request);
    cr_assert(last != NULL);
    struct caller a = {.name = "A", .freed = last};
    start_and_stop(&a, "lock: take", visit);
    fill_first(payload);
    free_all(payload);
    cr_assert(pages.mapped == SEGMENT, "%zu bytes stay", pages.mapped);
    hook_release("A");
    join(&a);
    cr_assert(pages.mapped == SEGMENT, "%zu bytes stay", pages.mapped);
    check_heap();
    new_block(request);
    new_block(LARGE);
    check_heap();
}

Test(races, for_an_empty_segment_end_well_for_who_comes_late)
{
    check_late(5000, 2);
    check_late(40, 2);
}

/* Two threads find no memory at a time: each maps a segment, and both serve. */
static void *other_block;

static void allocate_meanwhile(void)
{
    pages.during = NULL;
    other_block = MyMalloc(LARGE);
}

Test(races, for_the_first_segment_lose_none)
{
    for (enum placing placing = APART; placing <= LINUX; placing++) {
        begin_heap(placing);
        pages.during = allocate_meanwhile;
        new_block(LARGE);
        cr_assert(other_block != NULL);
        add_block(other_block, LARGE);
        check_heap();
        size_t mapped = pages.mapped;
        for (int n = 0; n < 15; n++)
            new_block(LARGE);
        cr_assert(pages.mapped == mapped, "one of two segments does not serve");
        free_all_blocks();
        check_heap();
        cr_assert(pages.mapped == SEGMENT, "%zu bytes stay", pages.mapped);
    }
}

/* Own mappings: the one that is kept is taken once. */
Test(races, for_the_mapping_that_is_kept_have_one_winner)
{
    begin_heap(ALIGNED);
    MyFree(MyMalloc(MIB));
    struct caller a = {.name = "A", .request = MIB};
    struct caller b = {.name = "B", .request = MIB};
    start_and_stop(&a, "lock: release", 1);
    start(&b);
    check_waits(&b, &my_heap.own_lock);
    hook_release("A");
    join(&a);
    join(&b);
    check_heap();
}
