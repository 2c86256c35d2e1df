/* Makes memory short for a while: calls of mem_sbrk fail, one after the other.
   (mem_fail_at makes one fail; a heap may then ask again for less.) */
#ifndef SHORTAGE_H
#define SHORTAGE_H

#include <limits.h>

#include "01-bump/memlib.h"
#include "hooks.h"

static struct {
    unsigned wait;  /* calls until the first that fails */
    unsigned calls; /* that fail then */
} shortage;

static inline void watch_mem_sbrk(void *context)
{
    hook_call("caller", "mem_sbrk: read the break", 1, watch_mem_sbrk, context);
    if (shortage.wait > 0) {
        shortage.wait--;
    } else if (shortage.calls > 0) {
        shortage.calls--;
        mem_fail_at(1);
    }
}

/* After `wait` more calls the next `calls` of mem_sbrk fail, UINT_MAX: all. For
   the calling thread, and no other may have called this. */
static inline void make_short(unsigned wait, unsigned calls)
{
    static bool is_watching;
    shortage.wait = wait;
    shortage.calls = calls;
    if (!is_watching) {
        is_watching = true;
        hook_thread("caller", 0);
        hook_call("caller", "mem_sbrk: read the break", 1, watch_mem_sbrk,
                  NULL);
    }
}

static inline void end_shortage(void)
{
    make_short(0, 0);
}

#endif
