/* What an allocator of the book exports as a WebAssembly module: the functions
   of its table, each by its name, and the walk as calls of the judge's visit. In
   C they have names of their own: an allocator may have a heap_free. */
#include "01-bump/allocator.h"

#define EXPORT(name) __attribute__((export_name(#name)))

__attribute__((import_module("judge"), import_name("visit")))
void page_visit(int kind, int list, const void *start, size_t size,
                const void *next);

static void page_show(const struct heap_part *part, void *context)
{
    (void)context;
    page_visit(part->kind, part->list, part->start, part->size, part->next);
}

EXPORT(init) int page_init(void)
{
    return allocator.init == NULL ? 0 : allocator.init();
}

EXPORT(malloc) void *page_malloc(size_t request)
{
    return allocator.malloc(request);
}

EXPORT(free) void page_free(void *payload) { allocator.free(payload); }

EXPORT(realloc) void *page_realloc(void *payload, size_t request)
{
    return allocator.realloc(payload, request);
}

EXPORT(check) int page_check(void) { return allocator.check(); }

EXPORT(walk) void page_walk(void) { allocator.walk(page_show, NULL); }

/* What the table has, as bits: free, realloc, check, walk. */
EXPORT(offers) unsigned page_offers(void)
{
    return (allocator.free != NULL) | (allocator.realloc != NULL) << 1 |
           (allocator.check != NULL) << 2 | (allocator.walk != NULL) << 3;
}

/* Where the memory begins that no variable lies in. */
extern unsigned char __heap_base;
EXPORT(base) const void *page_base(void) { return &__heap_base; }
