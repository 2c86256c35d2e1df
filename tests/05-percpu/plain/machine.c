/* The real machine: the break moves for small blocks, a mapping comes and goes
   for a large one, there are as many lists as possible CPUs, and each CPU that we
   may run on has a list of its own. */
#define _GNU_SOURCE /* sched_setaffinity */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "05-percpu/cpu.h"
#include "05-percpu/heap.h"
#include "05-percpu/memory.h"
#include "05-percpu/mymalloc.h"

static void check_seams(void)
{
    char *brk = memory_break();
    char *start = memory_extend(10000);
    assert(start == brk && (char *)memory_break() == brk + 10000);
    for (int i = 0; i < 10000; i++)
        assert(start[i] == 0);
    memset(start, 1, 10000);
    char *mapping = memory_map(8192);
    assert(mapping != NULL && (uintptr_t)mapping % 4096 == 0);
    for (int i = 0; i < 8192; i++)
        assert(mapping[i] == 0);
    memset(mapping, 7, 8192);
    assert(memory_is_mapped(mapping) && memory_is_mapped(mapping + 4096));
    mapping = memory_remap(mapping, 8192, 1 << 20);
    assert(mapping != NULL && mapping[0] == 7 && mapping[8191] == 7);
    assert(mapping[8192] == 0 && mapping[(1 << 20) - 1] == 0);
    mapping = memory_remap(mapping, 1 << 20, 4096);
    assert(mapping != NULL && mapping[4095] == 7);
    memory_unmap(mapping, 4096);
    assert(!memory_is_mapped(mapping));
    errno = 0;
    assert(memory_map((size_t)1 << 62) == NULL);
    assert(memory_extend((size_t)1 << 60) == NULL);
    assert((char *)memory_break() == brk + 10000);
    assert(memory_refuse() == NULL && errno == ENOMEM);
}

static void *wait_for(void *lock)
{
    pthread_mutex_lock(lock);
    pthread_mutex_unlock(lock);
    return NULL;
}

static void check_heap(void)
{
    const char *brk = memory_break();
    char *small = mymalloc(100), *threshold = mymalloc(512 << 10);
    assert((char *)memory_break() > brk && small >= brk && threshold >= brk);
    brk = memory_break();
    assert(small < brk && threshold < brk);
    char *large = mymalloc((512 << 10) + 1);
    assert(memory_break() == brk && (large < small || large >= brk));
    char *page = large - (uintptr_t)large % 4096;
    assert(memory_is_mapped(page));
    memset(large, 1, (512 << 10) + 1);
    myfree(large);
    assert(!memory_is_mapped(page));
    errno = 0;
    assert(mymalloc(PTRDIFF_MAX) == NULL && errno == ENOMEM);
    myfree(threshold);
    myfree(small);
    assert(mycheck() == 0);
}

/* The CPUs that there can be are those that we may run on, and perhaps more. */
static void check_cpus(void)
{
    cpu_set_t all, one;
    unsigned count = 0;
    assert(sched_getaffinity(0, sizeof all, &all) == 0);
    for (int cpu = cpu_next(-1); cpu >= 0; cpu = cpu_next(cpu))
        count++;
    assert(count == mylists() && count >= (unsigned)CPU_COUNT(&all));
    assert(count >= (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
    uint64_t before[count], after, waited;
    unsigned used[count];
    memset(used, 0, sizeof used);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &all))
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        assert(sched_setaffinity(0, sizeof one, &one) == 0);
        assert(cpu_current() == (int)cpu);
        assert(cpu_next((int)cpu - 1) == (int)cpu);
        myfree(mymalloc(100));
        for (unsigned n = 0; n < count; n++)
            mylock(n, &before[n], &waited);
        assert(mymalloc(100) != NULL);
        for (unsigned n = 0; n < count; n++) {
            mylock(n, &after, &waited);
            used[n] += after != before[n];
        }
    }
    for (unsigned n = 0; n < count; n++)
        assert(used[n] <= 1);
}

/* While another thread may be in libc, which moves the break without a lock
   of ours, we leave the break alone. Nor does libc get what we have. */
static void check_break_of_libc(void)
{
    pthread_t thread;
    pthread_mutex_t busy = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&busy);
    assert(pthread_create(&thread, NULL, wait_for, &busy) == 0);
    char *brk = sbrk(0), *odd = sbrk(1000);
    assert(odd == brk && sbrk(0) == brk + 1000);
    char *start = memory_extend(10000), *next = memory_extend(20000);
    assert(sbrk(0) == brk + 1000);
    assert(start >= brk + 1000 && start + 10000 <= next);
    assert(next + 20000 <= (char *)memory_break());
    for (int i = 0; i < 20000; i++)
        assert(next[i] == 0);
    memset(start, 1, 10000);
    memset(next, 2, 20000);
    assert(sbrk(1 << 20) == (void *)-1);
    char *in_the_way = mmap(memory_break(), 4096, PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert(in_the_way == next + 20480);
    start = memory_extend(20000);
    assert(start > in_the_way && start[19999] == 0);
    next = start;
    assert(memory_extend((size_t)1 << 60) == NULL);
    pthread_mutex_unlock(&busy);
    pthread_join(thread, NULL);
    assert((start = memory_extend(10000)) >= next + 20000 && start[9999] == 0);
}

int main(void)
{
    check_seams();
    check_heap();
    check_cpus();
    check_break_of_libc();
    return 0;
}
