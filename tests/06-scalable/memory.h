/* Memory as a test wants it: this vmalloc and vmfree take the place of those of
   the hosted layer at link time. They refuse a call that the rules forbid, hand
   out pages full of 0xA5 with nothing around them, grant no more than a test
   says, fail when it says, and know what is live. memory_purge may be given to
   the heap as its vm_purge: pages are then full of 0xA5 again, not of zeros.

   The definitions are weak, so that files of one program share them. */
#ifndef MEMORY_H
#define MEMORY_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif
#ifndef MEMORY_ASSERT
#include <criterion/criterion.h>
#define MEMORY_ASSERT cr_assert
#endif
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "06-scalable/vm.h"

enum {
    PAGE_BYTES = 4096,
    FILE_BYTES = 16 << 20, /* of 0xA5, mapped as often as needed */
    REGIONS = 1 << 14,
    AROUND = 3 * PAGE_BYTES /* bytes around a region that nobody may touch */
};

struct memory {
    pthread_mutex_t lock;
    int file;            /* -1: none yet */
    size_t cap;          /* bytes that one call grants */
    size_t left;         /* bytes that can be had in all */
    unsigned wait;       /* calls of vmalloc until they fail */
    unsigned fails;      /* calls that fail then; UINT_MAX: all */
    unsigned long asked; /* calls of vmalloc, those that failed too */
    unsigned long granted, given_back, purges;
    size_t regions, taken; /* live ones, and their bytes */
    struct {
        char *start;
        size_t size; /* bytes */
    } region[REGIONS];
    bool is_frugal; /* addresses that were given back may come again */
};

extern struct memory memory;
__attribute__((weak)) struct memory memory = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .file = -1,
    .cap = SIZE_MAX,
    .left = SIZE_MAX,
    .wait = UINT_MAX,
};

/* After `wait` more calls of vmalloc the next `calls` fail, UINT_MAX: all. */
static inline void fail_vmalloc(unsigned wait, unsigned calls)
{
    memory.wait = wait;
    memory.fails = calls;
}

static inline void mend_vmalloc(void)
{
    memory.wait = UINT_MAX;
    memory.fails = 0;
}

static inline void make_file(void)
{
    static char dirt[PAGE_BYTES];
    memset(dirt, 0xA5, sizeof dirt);
    memory.file = memfd_create("dirt", MFD_CLOEXEC);
    MEMORY_ASSERT(memory.file >= 0, "no file of 0xA5");
    for (size_t n = 0; n < FILE_BYTES; n += sizeof dirt)
        MEMORY_ASSERT(write(memory.file, dirt, sizeof dirt) == PAGE_BYTES,
                      "no file of 0xA5");
}

static inline void fill_with_dirt(char *start, size_t size)
{
    for (size_t done = 0; done < size; done += FILE_BYTES) {
        size_t piece = size - done < FILE_BYTES ? size - done : FILE_BYTES;
        void *mapped = mmap(start + done, piece, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE,
                            memory.file, 0);
        MEMORY_ASSERT(mapped != MAP_FAILED, "no pages of 0xA5");
    }
}

static inline bool is_refused(size_t length)
{
    if (length > memory.cap || length > memory.left ||
        length > (size_t)64 << 30)
        return true;
    if (memory.wait == UINT_MAX)
        return false;
    if (memory.wait > 0) {
        memory.wait--;
        return false;
    }
    if (memory.fails == 0) {
        memory.wait = UINT_MAX;
        return false;
    }
    if (memory.fails != UINT_MAX)
        memory.fails--;
    return true;
}

/* An odd page, so that nobody relies on more than that. */
static inline char *new_region(size_t length)
{
    char *start = mmap(NULL, length + AROUND, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    bool is_odd = (uintptr_t)start / PAGE_BYTES % 2 != 0;
    size_t spare = is_odd ? 0 : length + 2 * PAGE_BYTES;
    munmap(start + spare, PAGE_BYTES);
    return start + (is_odd ? 2 : 1) * PAGE_BYTES;
}

__attribute__((weak)) void *vmalloc(void *addr, size_t length)
{
    MEMORY_ASSERT(length > 0 && length % PAGE_BYTES == 0,
                  "vmalloc is asked for %zu bytes", length);
    MEMORY_ASSERT((uintptr_t)addr % PAGE_BYTES == 0,
                  "vmalloc is asked for a place that is no page");
    char *start = NULL;
    pthread_mutex_lock(&memory.lock);
    memory.asked++;
    if (memory.file < 0)
        make_file();
    if (!is_refused(length))
        start = new_region(length);
    if (start != NULL) {
        fill_with_dirt(start, length);
        MEMORY_ASSERT(memory.regions < REGIONS, "too many regions");
        memory.region[memory.regions].start = start;
        memory.region[memory.regions++].size = length;
        memory.taken += length;
        memory.left -= memory.left == SIZE_MAX ? 0 : length;
        memory.granted++;
    }
    pthread_mutex_unlock(&memory.lock);
    return start;
}

__attribute__((weak)) void vmfree(void *addr, size_t length)
{
    pthread_mutex_lock(&memory.lock);
    size_t n = 0;
    while (n < memory.regions && memory.region[n].start != addr)
        n++;
    MEMORY_ASSERT(n < memory.regions, "vmfree gets no region's start");
    MEMORY_ASSERT(memory.region[n].size == length,
                  "vmfree gets %zu bytes of a region of %zu", length,
                  memory.region[n].size);
    memory.region[n] = memory.region[--memory.regions];
    memory.taken -= length;
    memory.left += memory.left == SIZE_MAX ? 0 : length;
    memory.given_back++;
    /* Else nobody gets these addresses again: who still uses them is caught. */
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
    if (memory.is_frugal)
        munmap((char *)addr - PAGE_BYTES, length + 2 * PAGE_BYTES);
    else if (mmap(addr, length, PROT_NONE, flags, -1, 0) != addr)
        MEMORY_ASSERT(false, "a region can't be unmapped");
    pthread_mutex_unlock(&memory.lock);
}

/* Are these bytes all in one live region? */
static inline bool is_in_memory(const void *start, size_t size)
{
    for (size_t n = memory.regions; n-- > 0;) {
        size_t offset = (size_t)((const char *)start - memory.region[n].start);
        if (offset < memory.region[n].size)
            return size <= memory.region[n].size - offset;
    }
    return false;
}

static inline void memory_purge(void *start, size_t length)
{
    MEMORY_ASSERT(length > 0 && length % PAGE_BYTES == 0 &&
                      (uintptr_t)start % PAGE_BYTES == 0,
                  "a purge of %zu bytes at %p", length, start);
    pthread_mutex_lock(&memory.lock);
    MEMORY_ASSERT(is_in_memory(start, length), "a purge outside of a region");
    memory.purges++;
    pthread_mutex_unlock(&memory.lock);
    madvise(start, length, MADV_DONTNEED);
}

/* Bytes of the process that were written and not given back. */
static inline size_t written_bytes(void)
{
    static char text[4096];
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    MEMORY_ASSERT(file != NULL, "no /proc/self/smaps_rollup");
    size_t length = fread(text, 1, sizeof text - 1, file), kib = 0;
    fclose(file);
    text[length] = '\0';
    const char *line = strstr(text, "\nAnonymous:");
    MEMORY_ASSERT(line != NULL && sscanf(line, "\nAnonymous: %zu kB", &kib) == 1,
                  "smaps_rollup has no Anonymous");
    return kib << 10;
}

#endif
