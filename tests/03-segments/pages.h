/* The kernel as a test wants it. These vm_map and vm_unmap take the place of
   those of vm.c: they hand out pages of one range of addresses, where the test
   says, refuse calls that are not allowed, and may fail. All of the range that
   is not mapped can't be touched: a byte before or behind a mapping, or in one
   that was given back, ends the test.

   Programs that include this have one such kernel, however many files they are
   made of. */
#ifndef PAGES_H
#define PAGES_H

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "03-segments/vm.h"

enum { PAGE_BYTES = 4096, ALIGNED_BYTES = 2 << 20, MAPPINGS = 4096 };

/* Only addresses are taken. ThreadSanitizer leaves a program half a TiB of them,
   where the system puts mappings at random. */
#define PAGES_RANGE ((size_t)1 << 38) /* bytes */

/* where a new mapping lies */
enum placing {
    APART,   /* at an odd page, with room on both sides */
    ALIGNED, /* at a multiple of 2 MiB, with room on both sides */
    ABOVE,   /* right above the last one */
    LINUX    /* as high as it fits, in the hole of an old one too */
};

struct mapping {
    char *start;
    size_t size; /* bytes */
};

struct pages {
    pthread_mutex_t lock;
    char *lo, *top; /* of the range; the highest end so far */
    enum placing placing;
    size_t count; /* live mappings, ascending */
    struct mapping mapping[MAPPINGS];
    size_t mapped, peak;   /* bytes now, and at most so far */
    size_t limit;          /* bytes that can be had */
    unsigned maps, unmaps; /* calls so far, those that failed too */
    unsigned wait,
        fails; /* calls of vm_map until one fails, and that fail then */
    unsigned unmap_fails; /* the next calls of vm_unmap that fail */
    size_t longest;       /* bytes, of all calls of vm_map */
    void (*during)(void); /* called in the middle of vm_map, if it is set */
    const char *fault;    /* the first call that is not allowed, or NULL */
};

/* Weak, because the files of one program share them. */
__attribute__((weak)) struct pages pages = {.lock = PTHREAD_MUTEX_INITIALIZER};

static inline void refuse(const char *fault)
{
    if (pages.fault == NULL)
        pages.fault = fault;
}

static inline void set_pages(void *start, size_t size, int protection)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    if (start != NULL)
        flags |= MAP_FIXED;
    void *done = mmap(start, size, protection, flags, -1, 0);
    if (done == MAP_FAILED) {
        perror("pages.h: mmap");
        abort();
    }
    if (start == NULL)
        pages.lo = done;
}

/* Nothing is mapped from now on, and nothing fails. */
static inline void begin_pages(enum placing placing)
{
    pthread_mutex_lock(&pages.lock);
    set_pages(pages.lo, PAGES_RANGE, PROT_NONE);
    uintptr_t odd = (uintptr_t)pages.lo % ALIGNED_BYTES;
    pages.top = pages.lo + (ALIGNED_BYTES - odd) + 5 * PAGE_BYTES;
    pages.placing = placing;
    pages.count = pages.mapped = pages.peak = pages.longest = 0;
    pages.limit = SIZE_MAX;
    pages.maps = pages.unmaps = pages.wait = pages.fails = pages.unmap_fails =
        0;
    pages.during = NULL;
    pages.fault = NULL;
    pthread_mutex_unlock(&pages.lock);
}

__attribute__((constructor)) static void reserve_range(void)
{
    begin_pages(APART);
}

/* After `wait` more calls of vm_map the next `calls` fail, UINT_MAX: all. */
static inline void fail_maps(unsigned wait, unsigned calls)
{
    pages.wait = wait;
    pages.fails = calls;
}

static inline unsigned mapping_calls(void)
{
    return pages.maps + pages.unmaps;
}

/* The first mapping that ends above an address, which may hold it. */
static inline size_t mapping_above(const char *address)
{
    size_t low = 0, high = pages.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct mapping *mapping = &pages.mapping[middle];
        if (mapping->start + mapping->size > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Are these bytes all in mappings, adjacent ones if there are several? */
static inline bool is_mapped(const void *start, size_t size)
{
    const char *at = start, *end = at + size;
    for (size_t n = mapping_above(at); at < end; n++) {
        if (n == pages.count || pages.mapping[n].start > at)
            return false;
        at = pages.mapping[n].start + pages.mapping[n].size;
    }
    return true;
}

/* The highest place where `size` bytes are free, below one end of the range. */
static inline char *highest_hole(size_t size)
{
    char *ceiling = pages.lo + PAGES_RANGE / 2 - 3 * PAGE_BYTES;
    for (size_t n = pages.count; n-- > 0;) {
        const struct mapping *mapping = &pages.mapping[n];
        if ((size_t)(ceiling - mapping->start) >= mapping->size + size)
            break;
        ceiling = mapping->start;
    }
    return ceiling - size;
}

static inline char *place_mapping(size_t size)
{
    if (pages.placing == LINUX)
        return highest_hole(size);
    if (pages.placing == ABOVE)
        return pages.top;
    size_t odd = (uintptr_t)pages.top % ALIGNED_BYTES;
    char *aligned = pages.top + (2 * ALIGNED_BYTES - odd);
    size_t step = 1 + pages.maps * 37 % 511;
    return aligned + (pages.placing == APART ? step * PAGE_BYTES : 0);
}

static inline void add_mapping(char *start, size_t size)
{
    if (pages.count == MAPPINGS || start + size > pages.lo + PAGES_RANGE) {
        fprintf(stderr, "pages.h: more mappings than a test needs\n");
        abort();
    }
    set_pages(start, size, PROT_READ | PROT_WRITE);
    size_t n = mapping_above(start);
    memmove(&pages.mapping[n + 1], &pages.mapping[n],
            (pages.count++ - n) * sizeof pages.mapping[0]);
    pages.mapping[n] = (struct mapping){start, size};
    if (start + size > pages.top)
        pages.top = start + size;
    pages.mapped += size;
    if (pages.mapped > pages.peak)
        pages.peak = pages.mapped;
}

static inline bool must_fail(size_t length)
{
    pages.maps++;
    if (length > pages.longest)
        pages.longest = length;
    if (length == 0 || length % PAGE_BYTES != 0)
        refuse("vm_map of a length that is no multiple of 4096");
    if (length == 0 || length > PAGES_RANGE / 16 ||
        length > pages.limit - pages.mapped)
        return true;
    if (pages.wait > 0) {
        pages.wait--;
        return false;
    }
    if (pages.fails > 0 && pages.fails < UINT_MAX)
        pages.fails--;
    else if (pages.fails == 0)
        return false;
    return true;
}

__attribute__((weak)) void *vm_map(size_t length)
{
    char *start = NULL;
    if (pages.during != NULL)
        pages.during();
    pthread_mutex_lock(&pages.lock);
    bool fails = must_fail(length);
    if (!fails) {
        size_t size = (length + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
        start = place_mapping(size);
        add_mapping(start, size);
    }
    pthread_mutex_unlock(&pages.lock);
    if (fails)
        errno = ENOMEM;
    return start;
}

/* Takes a whole mapping, or its head or tail, out of the table. */
static inline bool take_mapping(char *start, size_t length)
{
    size_t n = mapping_above(start);
    struct mapping *mapping = &pages.mapping[n];
    if ((uintptr_t)start % PAGE_BYTES != 0 || length % PAGE_BYTES != 0 ||
        length == 0)
        return refuse("vm_unmap of what are no whole pages"), false;
    if (n == pages.count || start < mapping->start)
        return refuse("vm_unmap of what is not mapped"), false;
    size_t below = (size_t)(start - mapping->start);
    if (length > mapping->size - below)
        return refuse("vm_unmap of more than one mapping"), false;
    if (below > 0 && below + length < mapping->size)
        return refuse("vm_unmap of the middle of a mapping"), false;
    if (below == 0)
        mapping->start += length;
    mapping->size -= length;
    pages.mapped -= length;
    if (mapping->size == 0)
        memmove(mapping, mapping + 1, (--pages.count - n) * sizeof *mapping);
    return true;
}

__attribute__((weak)) int vm_unmap(void *start, size_t length)
{
    pthread_mutex_lock(&pages.lock);
    pages.unmaps++;
    bool fails = pages.unmap_fails > 0;
    if (fails && pages.unmap_fails < UINT_MAX)
        pages.unmap_fails--;
    fails = fails || !take_mapping(start, length);
    if (!fails)
        set_pages(start, length, PROT_NONE);
    pthread_mutex_unlock(&pages.lock);
    return fails ? -1 : 0;
}

/* How many bytes of all mappings are in memory. */
static inline size_t resident_bytes(void)
{
    static unsigned char is_resident[1 << 16];
    size_t sum = 0;
    for (size_t n = 0; n < pages.count; n++) {
        const struct mapping *mapping = &pages.mapping[n];
        size_t size = mapping->size;
        if (size / PAGE_BYTES > sizeof is_resident)
            abort();
        mincore(mapping->start, size, is_resident);
        for (size_t page = 0; page < size / PAGE_BYTES; page++)
            sum += is_resident[page] % 2 * PAGE_BYTES;
    }
    return sum;
}

#endif
