/* A list for every CPU: how many there are, which one serves whom, and where a
   block goes that is freed on another CPU. */
#include "model.h"

TestSuite(lists, .init = watchdog);

/* The list whose lock the last call took, by the counts before it. */
static uint64_t count[CPUS + 1];

static void count_locks(void)
{
    for (unsigned n = 0; n <= mylists(); n++)
        count[n] = taken(n);
}

static unsigned list_used(void)
{
    unsigned used = UINT_MAX;
    for (unsigned n = 0; n < mylists(); n++)
        if (taken(n) != count[n]) {
            cr_assert(used == UINT_MAX, "a call took the locks of two lists");
            used = n;
        }
    cr_assert(used != UINT_MAX, "a call took no list's lock");
    return used;
}

/* Allocates on the CPU, and returns which list served it. */
static unsigned list_of_cpu(int cpu)
{
    machine.current = cpu;
    void *warm = mymalloc(100);
    cr_assert(warm != NULL, "mymalloc(100) returned NULL");
    count_locks();
    cr_assert(mymalloc(100) != NULL);
    return list_used();
}

static void check_lists(void)
{
    bool is_used[CPUS] = {false};
    cr_assert(mylists() == (unsigned)machine.cpus, "%u lists for %d CPUs",
              mylists(), machine.cpus);
    for (int n = 0; n < machine.cpus; n++) {
        unsigned list = list_of_cpu(machine.cpu[n]);
        cr_assert(!is_used[list], "CPU %d shares its list", machine.cpu[n]);
        is_used[list] = true;
        cr_assert(list_of_cpu(machine.cpu[n]) == list,
                  "CPU %d has another list now", machine.cpu[n]);
    }
    check_heap();
}

Test(lists, are_as_many_as_cpus_if_there_is_one)
{
    machine_has(1);
    begin_heap();
    check_lists();
}

Test(lists, are_as_many_as_cpus_if_there_are_three)
{
    machine_has(3);
    begin_heap();
    check_lists();
}

Test(lists, are_as_many_as_cpus_if_there_are_64)
{
    machine_has(64);
    begin_heap();
    check_lists();
}

Test(lists, are_as_many_as_cpus_if_their_numbers_are_sparse)
{
    static const int numbers[] = {0, 3, 6, 7, 100, 8191};
    machine.cpus = 6;
    memcpy(machine.cpu, numbers, sizeof numbers);
    begin_heap();
    check_lists();
}

Test(lists, are_as_many_as_cpus_if_the_first_number_is_not_0)
{
    machine.cpus = 2;
    machine.cpu[0] = 5;
    machine.cpu[1] = 9;
    begin_heap();
    check_lists();
}

Test(lists, serve_callers_whose_cpu_is_unknown)
{
    static const int odd[] = {-1, -2, INT_MIN, INT_MAX, 2, 3, 64, 1000, 65536};
    machine_has(2);
    begin_heap();
    for (size_t n = 0; n < sizeof odd / sizeof *odd; n++) {
        machine.current = odd[n];
        new_block(100);
        new_block(1000);
        free_block(&model.block[0]);
    }
    check_memory();
    free_all();
    check_all_free();
}

Test(lists, serve_callers_on_numbers_between_those_of_the_cpus)
{
    static const int numbers[] = {0, 3, 6};
    machine.cpus = 3;
    memcpy(machine.cpu, numbers, sizeof numbers);
    begin_heap();
    for (int cpu = -3; cpu < 10; cpu++) {
        machine.current = cpu;
        new_block(100);
    }
    check_memory();
    free_all();
    check_all_free();
}

static int calls;
static int another_each_time(void)
{
    return calls++;
}
static int one_or_the_other(void)
{
    return calls++ % 2;
}

Test(lists, stay_sound_when_the_cpu_changes_from_call_to_call)
{
    begin_heap();
    new_block(24);
    machine.reply = one_or_the_other;
    for (int n = 0; n < 2000; n++) {
        random_call();
        if (n % 20 == 0)
            check_memory();
    }
    machine.reply = another_each_time;
    for (int n = 0; n < 2000; n++)
        random_call();
    check_memory();
    free_all();
    check_all_free();
}

Test(lists, are_asked_for_the_cpu_at_most_once_a_call)
{
    begin_heap();
    void *payload = mymalloc(100);
    machine.reply = one_or_the_other;
    for (int n = 0; n < 20; n++) {
        int before = calls;
        void *block = mymalloc(100 + (size_t)n * 50);
        cr_assert(calls - before <= 1, "mymalloc asked %d times",
                  calls - before);
        before = calls;
        myfree(block);
        cr_assert(calls - before <= 1, "myfree asked %d times",
                  calls - before);
    }
    myfree(payload);
    check_heap();
}

/* Two CPUs at work with small blocks: no lock is taken by both. */
Test(lists, of_two_cpus_never_share_a_lock_for_small_blocks)
{
    begin_heap();
    enum { EACH = 300 };
    static void *block[2][EACH];
    for (int cpu = 0; cpu < 2; cpu++) {
        machine.current = cpu;
        for (int n = 0; n < EACH; n++)
            block[cpu][n] = mymalloc((size_t)n);
        for (int n = 0; n < EACH; n++)
            myfree(block[cpu][n]);
        block[cpu][0] = mymalloc(24); /* keeps a pool */
    }
    unsigned list[2];
    for (int cpu = 0; cpu < 2; cpu++) {
        machine.current = cpu;
        count_locks();
        for (int n = 1; n < EACH; n++)
            cr_assert((block[cpu][n] = mymalloc((size_t)n)) != NULL);
        for (int n = 1; n < EACH; n++)
            myfree(block[cpu][n]);
        list[cpu] = list_used();
        cr_assert(taken(mylists()) == count[mylists()],
                  "CPU %d took the lock of the break", cpu);
        cr_assert(taken(list[cpu]) - count[list[cpu]] == 2 * (EACH - 1),
                  "%d calls took the lock %zu times", 2 * (EACH - 1),
                  (size_t)(taken(list[cpu]) - count[list[cpu]]));
    }
    cr_assert(list[0] != list[1], "both CPUs use one list");
}

Test(lists, do_not_give_neighbors_to_two_cpus)
{
    begin_heap();
    enum { EACH = 200, CACHE_LINE = 64 };
    uintptr_t line[2][EACH];
    for (int n = 0; n < EACH; n++)
        for (int cpu = 0; cpu < 2; cpu++) {
            machine.current = cpu;
            line[cpu][n] = (uintptr_t)mymalloc(16) / CACHE_LINE;
        }
    for (int n = 0; n < EACH; n++)
        for (int k = 0; k < EACH; k++)
            cr_assert(line[0][n] != line[1][k], "two CPUs share a cache line");
}

TestSuite(home, .init = watchdog);

Test(home, is_where_a_block_goes_that_another_cpu_frees)
{
    begin_heap();
    unsigned own = list_of_cpu(0), other = list_of_cpu(1);
    machine.current = 0;
    void *payload = mymalloc(5000);
    machine.current = 1;
    count_locks();
    myfree(payload);
    cr_assert(list_used() == own && own != other,
              "the block went to the list of the caller");
    check_heap();
    machine.current = 0;
    cr_assert(mymalloc(5000) == payload, "the block is not on its list");
}

Test(home, is_where_blocks_merge)
{
    begin_heap();
    machine.current = 1;
    new_block(100);
    machine.current = 0;
    for (size_t n = 0; n < 1000; n++)
        new_block(n);
    machine.current = 1;
    free_all();
    check_all_free();
}

Test(home, keeps_what_a_producer_and_a_consumer_take_bounded)
{
    begin_heap();
    enum { QUEUE = 500 };
    static void *queue[QUEUE];
    for (size_t n = 0; n < 100000; n++) {
        machine.current = 1;
        myfree(queue[n % QUEUE]);
        machine.current = 0;
        queue[n % QUEUE] = mymalloc(n % 300);
        cr_assert(queue[n % QUEUE] != NULL);
    }
    take_picture();
    cr_assert(picture.pools <= 2, "%zu pools for %d small blocks",
              picture.pools, QUEUE);
    check_heap();
}

Test(home, of_a_pool_that_changed_hands_is_its_new_list)
{
    begin_heap();
    machine.current = 0;
    for (int n = 0; n < 6; n++)
        new_block(THRESHOLD);
    free_all();
    machine.current = 1;
    for (int n = 0; n < 6; n++)
        new_block(THRESHOLD);
    machine.current = 0;
    count_locks();
    free_block(&model.block[0]);
    unsigned list = list_used();
    machine.current = 1;
    cr_assert(list == list_of_cpu(1), "the block went to the old list");
    check_memory();
}
