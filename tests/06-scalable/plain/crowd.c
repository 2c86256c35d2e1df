/* 100 threads on 2 processors, with the slots of 2, which they all want: they
   spin, and finish. Then as many as there are slots, and more. */
#include "owners.h"

static _Thread_local uint32_t name;
static uint32_t names;

static uint32_t one_of_two(void)
{
    if (name == 0)
        name = __atomic_add_fetch(&names, 1, __ATOMIC_RELAXED);
    return name % 2;
}

static void stay_on_two(void)
{
    cpu_set_t all, two;
    CPU_ZERO(&two);
    if (sched_getaffinity(0, sizeof all, &all) != 0)
        abort();
    for (size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&two) < 2; cpu++)
        if (CPU_ISSET(cpu, &all))
            CPU_SET(cpu, &two);
    sched_setaffinity(0, sizeof two, &two);
}

int main(void)
{
    begin_owners();
    stay_on_two();
    cpu_hint_fake = one_of_two;
    run_owners(100, 10000);
    cpu_hint_fake = NULL;
    run_owners(100, 10000);
    bool is_sound = audit();
    printf("100 threads: %lu wrong stamps, audit %s\n", owners.wrong,
           is_sound ? "passed" : "FAILED");
    return is_sound && owners.wrong == 0 ? 0 : 1;
}
