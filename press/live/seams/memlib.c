/* memlib on the memory of a WebAssembly module: the break begins behind the
   module's variables, at a multiple of 64 KiB. Bytes are zero when they become
   part of the heap, whatever a play before this one left there. */
#include "01-bump/memlib.h"

#include <stdint.h>

enum { WASM_PAGE = 64 << 10 };  /* bytes; WebAssembly's, not the machine's */

static struct {
    char *lo, *brk, *end;
    unsigned fail_at;
} mem;

extern char __heap_base;

/* Makes the memory up to `end` exist. */
static int reach(const char *end)
{
    size_t pages = ((uintptr_t)end + WASM_PAGE - 1) / WASM_PAGE;
    size_t now = __builtin_wasm_memory_size(0);
    return pages <= now || __builtin_wasm_memory_grow(0, pages - now) != SIZE_MAX;
}

int mem_init(size_t limit)
{
    uintptr_t lo = ((uintptr_t)&__heap_base + WASM_PAGE - 1) & -WASM_PAGE;
    mem.lo = mem.brk = (char *)lo;
    mem.end = mem.lo + limit;
    mem.fail_at = 0;
    return reach(mem.end) ? 0 : -1;
}

void *mem_sbrk(size_t increment)
{
    char *old = mem.brk;
    int is_failing = mem.fail_at > 0 && --mem.fail_at == 0;
    if (is_failing || increment == 0 || increment > (size_t)(mem.end - old))
        return (void *)-1;
    mem.brk = old + increment;
    __builtin_memset(old, 0, increment);
    return old;
}

void mem_reset(void)
{
    mem.brk = mem.lo;
    mem.fail_at = 0;
}

void mem_fail_at(unsigned k) { mem.fail_at = k; }

void *mem_heap_lo(void) { return mem.lo; }

void *mem_heap_hi(void) { return mem.brk - 1; }

size_t mem_heapsize(void) { return (size_t)(mem.brk - mem.lo); }

size_t mem_pagesize(void) { return 4096; }
