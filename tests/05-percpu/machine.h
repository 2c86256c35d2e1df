/* A machine for the heap of chapter 5: it takes the place of memory.c and cpu.c
   at link time, counts what the heap asks for, checks it, and does what a test
   wants: CPUs with any numbers, a break that somebody else moves, no memory.
   The definitions are weak, so that several suites can be linked together. */
#ifndef MACHINE_H
#define MACHINE_H

#ifndef MACHINE_ASSERT
#include <criterion/criterion.h>
#define MACHINE_ASSERT cr_assert
#endif
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "05-percpu/cpu.h"
#include "05-percpu/memory.h"

enum {
    BREAK_LIMIT = 200 << 20, /* bytes */
    AROUND = 600 << 20,      /* bytes from lo where nobody may read */
    MAPPINGS = 4000,
    CPUS = 64,
    MACHINE_PAGE = 4096
};

struct machine {
    char *lo, *brk;          /* the break began at lo */
    size_t break_limit;      /* bytes above lo */
    size_t extends;          /* calls that moved the break */
    size_t maps, unmaps, remaps;
    unsigned extends_left;   /* calls until the break can't move */
    unsigned maps_left;      /* calls until there are no mappings */
    size_t mappings;         /* live ones */
    size_t mapped;           /* bytes of them */
    size_t largest;          /* bytes of the largest that was asked for */
    struct {
        char *start;
        size_t length;
    } mapping[MAPPINGS];
    size_t visitor;          /* bytes that somebody takes before each extend */
    int cpu[CPUS], cpus;     /* the numbers of the CPUs, ascending */
    int current;             /* where threads are that did not say it */
    int (*reply)(void);      /* NULL, or what cpu_current asks */
};

extern struct machine machine;
__attribute__((weak)) struct machine machine = {
    .break_limit = BREAK_LIMIT,
    .extends_left = UINT_MAX,
    .maps_left = UINT_MAX,
    .cpu = {0, 1},
    .cpus = 2,
};

/* The CPU of the calling thread; negative: machine.current. */
extern _Thread_local int thread_cpu;
__attribute__((weak)) _Thread_local int thread_cpu = INT_MIN;

/* A machine with CPUs 0, 1, ..., before the first call of the heap. */
static inline void machine_has(int cpus)
{
    machine.cpus = cpus;
    for (int n = 0; n < cpus; n++)
        machine.cpu[n] = n;
}

__attribute__((weak)) int cpu_current(void)
{
    if (machine.reply != NULL)
        return machine.reply();
    return thread_cpu != INT_MIN ? thread_cpu : machine.current;
}

__attribute__((weak)) int cpu_next(int cpu)
{
    for (int n = 0; n < machine.cpus; n++)
        if (machine.cpu[n] > cpu)
            return machine.cpu[n];
    return -1;
}

/* The break */

__attribute__((weak)) void *memory_break(void)
{
    if (machine.lo == NULL) {
        machine.lo = mmap(NULL, AROUND, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        MACHINE_ASSERT(machine.lo != MAP_FAILED &&
                           mprotect(machine.lo, BREAK_LIMIT,
                                    PROT_READ | PROT_WRITE) == 0,
                       "no memory for the machine");
        machine.brk = machine.lo;
    }
    return machine.brk;
}

static inline char *move_break(size_t length)
{
    char *start = memory_break();
    if (length > machine.break_limit - (size_t)(start - machine.lo))
        return NULL;
    machine.brk += length;
    return start;
}

/* Somebody else moves the break, and fills what is now below it. */
static inline void visit_break(size_t length)
{
    char *start = move_break(length);
    MACHINE_ASSERT(start != NULL, "the test moves the break too far");
    memset(start, 0xEE, length);
}

__attribute__((weak)) void *memory_extend(size_t length)
{
    if (machine.visitor != 0)
        visit_break(machine.visitor);
    if (machine.extends_left == 0)
        return memory_refuse();
    if (machine.extends_left != UINT_MAX)
        machine.extends_left--;
    char *start = move_break(length);
    if (start == NULL)
        return memory_refuse();
    machine.extends++;
    return start;
}

/* Mappings: what is unmapped must have been mapped, all of it and no more. */

__attribute__((weak)) void *memory_map(size_t length)
{
    MACHINE_ASSERT(length != 0 && length % MACHINE_PAGE == 0,
              "a mapping of %zu bytes", length);
    if (length > machine.largest)
        machine.largest = length;
    if (machine.maps_left == 0 || length > (size_t)1 << 40)
        return memory_refuse();
    if (machine.maps_left != UINT_MAX)
        machine.maps_left--;
    char *start = mmap(NULL, length, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        return memory_refuse();
    size_t n = __atomic_fetch_add(&machine.mappings, 1, __ATOMIC_RELAXED);
    MACHINE_ASSERT(n < MAPPINGS, "too many mappings for the machine");
    machine.mapping[n].start = start;
    machine.mapping[n].length = length;
    machine.mapped += length;
    machine.maps++;
    return start;
}

static inline size_t find_mapping(const void *start, size_t length)
{
    size_t n = 0;
    while (n < machine.mappings && machine.mapping[n].start != start)
        n++;
    MACHINE_ASSERT(n < machine.mappings, "a mapping is ended that there is not");
    MACHINE_ASSERT(machine.mapping[n].length == length,
              "%zu bytes are unmapped of a mapping of %zu", length,
              machine.mapping[n].length);
    return n;
}

__attribute__((weak)) void memory_unmap(void *start, size_t length)
{
    size_t n = find_mapping(start, length);
    machine.mapping[n] = machine.mapping[--machine.mappings];
    machine.mapped -= length;
    machine.unmaps++;
    munmap(start, length);
}

/* A mapping always moves, so that nobody relies on its place. */
__attribute__((weak)) void *memory_remap(void *start, size_t length,
                                         size_t new_length)
{
    size_t n = find_mapping(start, length);
    MACHINE_ASSERT(new_length != 0 && new_length % MACHINE_PAGE == 0,
              "a mapping of %zu bytes", new_length);
    if (machine.maps_left == 0)
        return memory_refuse();
    char *moved = mmap(NULL, new_length, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (moved == MAP_FAILED)
        return memory_refuse();
    memcpy(moved, start, length < new_length ? length : new_length);
    munmap(start, length);
    machine.mapping[n].start = moved;
    machine.mapping[n].length = new_length;
    machine.mapped += new_length - length;
    machine.remaps++;
    return moved;
}

__attribute__((weak)) bool memory_is_mapped(const void *page)
{
    unsigned char is_resident;
    return mincore((void *)(uintptr_t)page, 1, &is_resident) == 0;
}

__attribute__((weak)) void *memory_refuse(void)
{
    errno = ENOMEM;
    return NULL;
}

#endif
