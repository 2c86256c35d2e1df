/* Threads, with every schedule forced: a thread that is moved between reading
   its CPU and taking the lock, two first calls, blocks that cross over. */
#include "model.h"

#include <pthread.h>

#include "05-percpu/lock.h"
#include "hooks.h"

TestSuite(races, .init = watchdog);

struct caller {
    const char *name;
    int cpu;
    size_t request;
    void *payload;
    void *to_free;
};

static void *call(void *context)
{
    struct caller *caller = context;
    hook_thread(caller->name, caller->cpu);
    thread_cpu = caller->cpu;
    hook("races: about to call", caller);
    if (caller->to_free != NULL)
        myfree(caller->to_free);
    if (caller->request != 0)
        caller->payload = mymalloc(caller->request);
    return NULL;
}

static void start(pthread_t *thread, struct caller *caller)
{
    cr_assert(pthread_create(thread, NULL, call, caller) == 0);
}

/* A stops where the event is, B runs from beginning to end, A goes on. */
static void overtake(const char *event, struct caller *a, struct caller *b)
{
    pthread_t thread[2];
    hook_park("A", event, 1);
    start(&thread[0], a);
    cr_assert(hook_await_parked("A"), "no call came to \"%s\"", event);
    start(&thread[1], b);
    pthread_join(thread[1], NULL);
    hook_release("A");
    pthread_join(thread[0], NULL);
}

static void check_apart(const struct caller *a, const struct caller *b)
{
    char *left = a->payload, *right = b->payload;
    cr_assert(left != NULL && right != NULL, "a request got NULL");
    cr_assert(left + a->request <= right || right + b->request <= left,
              "two threads have the same block");
    memset(left, 'A', a->request);
    memset(right, 'B', b->request);
    check_heap();
    for (size_t i = 0; i < a->request; i++)
        cr_assert(left[i] == 'A', "B wrote into A's block");
}

Test(races, of_a_thread_that_is_moved_after_it_read_its_cpu)
{
    begin_heap();
    for (size_t size = 16; size <= THRESHOLD; size *= 2) {
        struct caller a = {.name = "A", .cpu = 0, .request = size};
        struct caller b = {.name = "B", .cpu = 0, .request = size};
        overtake("mymalloc: read the CPU", &a, &b);
        check_apart(&a, &b);
        myfree(a.payload);
        myfree(b.payload);
        check_heap();
    }
    check_all_free();
}

/* A frees into the list that B uses at the time. */
Test(races, of_a_thread_that_frees_what_another_list_owns)
{
    begin_heap();
    machine.current = 0;
    for (size_t size = 16; size <= THRESHOLD; size *= 2) {
        void *payload = mymalloc(size);
        struct caller a = {.name = "A", .cpu = 1, .to_free = payload};
        struct caller b = {.name = "B", .cpu = 0, .request = size};
        overtake("mymalloc: read the owner", &a, &b);
        check_heap();
        myfree(b.payload);
    }
    check_all_free();
}

static void check_first_calls(size_t request)
{
    struct caller a = {.name = "A", .cpu = 0, .request = request};
    struct caller b = {.name = "B", .cpu = 1, .request = request};
    pthread_t thread[2];
    hook_park("A", "mymalloc: make the lists", 1);
    start(&thread[0], &a);
    cr_assert(hook_await_parked("A"), "the lists are made elsewhere");
    hook_park("B", "races: about to call", 1);
    start(&thread[1], &b);
    cr_assert(hook_await_parked("B"));
    hook_release("B");
    bool has_waited = hook_await_blocked("B");
    hook_release("A");
    pthread_join(thread[0], NULL);
    pthread_join(thread[1], NULL);
    check_apart(&a, &b);
    cr_assert(has_waited, "B did not wait for the lists");
    cr_assert(machine.maps == 1, "the lists were made %zu times", machine.maps);
}

Test(races, of_two_first_calls_make_the_lists_once)
{
    check_first_calls(100);
    myfree(NULL);
    begin_heap();
}

/* A has asked where the break is; B takes a pool, or somebody moves the break. */
static void visit(void *context)
{
    (void)context;
    visit_break(12345);
}

Test(races, of_a_break_that_moves_after_it_was_read)
{
    begin_heap();
    hook_thread("main", 0);
    for (int n = 0; n < 20; n++) {
        hook_call("main", "mymalloc: read the break", 1, visit, NULL);
        for (int k = 0; k < 2; k++)
            cr_assert(is_in_pool(new_block(THRESHOLD)->start),
                      "there is no pool when the break has moved");
    }
    check_memory();
    free_all();
    check_all_free();
}

/* While A holds the list of CPU 0, B on CPU 1 does all it wants. */
Test(races, leave_the_other_cpu_alone)
{
    begin_heap();
    machine.current = 1;
    new_block(24);
    machine.current = 0;
    new_block(24);
    struct caller a = {.name = "A", .cpu = 0, .request = 100};
    struct caller b = {.name = "B", .cpu = 1, .request = 100};
    overtake("mymalloc: hold a list", &a, &b);
    check_apart(&a, &b);
    struct caller c = {.name = "A", .cpu = 0, .request = 5000};
    struct caller d = {.name = "B", .cpu = 1, .to_free = b.payload};
    overtake("mymalloc: hold a list", &c, &d);
    check_memory();
}

TestSuite(locks, .init = watchdog);

static struct lock *the_lock;
static int holders, most, sum;

static void *hold_often(void *context)
{
    for (int n = 0; n < 20000; n++) {
        lock_take(the_lock);
        int now = __atomic_add_fetch(&holders, 1, __ATOMIC_RELAXED);
        if (now > most)
            most = now;
        sum++;
        __atomic_sub_fetch(&holders, 1, __ATOMIC_RELAXED);
        lock_release(the_lock);
    }
    return context;
}

Test(locks, are_held_by_one_thread_and_counted)
{
    static struct lock lock;
    pthread_t thread[4];
    begin_heap();
    the_lock = &lock;
    for (int n = 0; n < 4; n++)
        cr_assert(pthread_create(&thread[n], NULL, hold_often, NULL) == 0);
    for (int n = 0; n < 4; n++)
        pthread_join(thread[n], NULL);
    cr_assert(most == 1 && sum == 80000, "%d held it at once", most);
    cr_assert(lock.taken == 80000, "it counts %zu", (size_t)lock.taken);
    cr_assert(lock.waited <= lock.taken);
    cr_assert(lock_try(&lock) && !lock_try(&lock));
}

static void *take_it(void *context)
{
    lock_take(the_lock);
    lock_release(the_lock);
    return context;
}

Test(locks, count_who_finds_them_taken)
{
    static struct lock lock;
    pthread_t thread;
    begin_heap();
    the_lock = &lock;
    lock_take(&lock);
    cr_assert(pthread_create(&thread, NULL, take_it, NULL) == 0);
    while (__atomic_load_n(&lock.state, __ATOMIC_RELAXED) != 2)
        ; /* until it sleeps */
    cr_assert(lock.waited == 0);
    lock_release(&lock);
    pthread_join(thread, NULL);
    cr_assert(lock.waited == 1 && lock.taken == 2, "%u waited of %zu",
              lock.waited, (size_t)lock.taken);
}
