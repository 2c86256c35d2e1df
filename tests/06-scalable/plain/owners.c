/* 8 to 64 threads allocate, hand over and free, and stamp every granule that
   they own: nothing is owned twice, nothing is lost. First where the threads
   run, then as if each ran on a processor of its own, then all on one. */
#include "owners.h"

static _Thread_local uint32_t name;
static uint32_t names, processors; /* that threads believe in */

static uint32_t believe(void)
{
    if (name == 0)
        name = __atomic_add_fetch(&names, 1, __ATOMIC_RELAXED);
    return name % processors;
}

static bool is_right(uintptr_t threads, unsigned each, uint32_t on)
{
    processors = on;
    cpu_hint_fake = on > 0 ? believe : NULL;
    run_owners(threads, each);
    bool is_sound = audit();
    printf("%zu threads: %lu wrong stamps, audit %s\n", (size_t)threads,
           owners.wrong, is_sound ? "passed" : "FAILED");
    return is_sound && owners.wrong == 0;
}

/* The last runs have a system that takes pages back. */
static void purge(void *start, size_t length)
{
    madvise(start, length, MADV_DONTNEED);
}

int main(void)
{
    begin_owners();
    bool holds = is_right(8, 100000, 0);
    holds = is_right(16, 50000, 3) && holds;
    holds = is_right(64, 15000, 64) && holds;
    vm_offer.purge = purge;
    holds = is_right(64, 15000, 2) && holds;
    holds = is_right(8, 100000, 1) && holds;
    return holds ? 0 : 1;
}
