/* A program for any heap of vm_map: makes the calls that some bytes spell, on
   the kernel of tests/03-segments/pages.h, and checks what each returns by what
   the interface promises, against records of its own. libFuzzer finds the
   bytes; replay.c reads them from files. At the first promise that is broken it
   says which, and aborts.

   The first byte says where mappings lie. Then come calls, each an operation
   and its operands, a byte each: see run_call. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "01-bump/allocator.h"
#include "02-first-fit/misuse.h"
#include "03-segments/pages.h"

const char fuzz_corpus[] = "tests/03-segments/corpus";

enum {
    BLOCKS = 256, /* that a byte can name */
    SHOWN = 512,  /* bytes at both ends of a block that are filled */
    DIRT = 0xA5   /* in freed memory, before calloc */
};

struct area {
    unsigned char *start; /* NULL: there is none */
    size_t size;          /* bytes */
    unsigned key;         /* tells its contents from others */
};

static struct area block[BLOCKS];
static unsigned keys;    /* given so far */
static unsigned reports; /* of misuse */

static struct {
    const uint8_t *next, *end;
} input;

static void demand(bool holds, const char *promise)
{
    if (holds)
        return;
    fprintf(stderr, "broken promise: %s\n", promise);
    abort();
}

/* Contents: of a large area the two ends */

static unsigned char byte_of(const struct area *area, size_t i)
{
    return (unsigned char)(area->key * 37 + i * 11 + (i >> 8));
}

static size_t byte_after(const struct area *area, size_t i)
{
    bool is_hidden = i + 1 >= SHOWN && i + 1 + SHOWN < area->size;
    return is_hidden ? area->size - SHOWN : i + 1;
}

static void fill(struct area *area)
{
    area->key = ++keys;
    for (size_t i = 0; i < area->size; i = byte_after(area, i))
        area->start[i] = byte_of(area, i);
}

static void check_contents(const struct area *area, size_t size)
{
    for (size_t i = 0; i < size; i = byte_after(area, i))
        demand(area->start[i] == byte_of(area, i), "contents stay");
}

static void check_place(const struct area *area)
{
    demand((uintptr_t)area->start % 16 == 0, "addresses are multiples of 16");
    demand(is_mapped(area->start, area->size), "blocks lie in mappings");
    for (size_t n = 0; n < BLOCKS; n++)
        demand(area == &block[n] || block[n].start == NULL ||
                   area->start + area->size <= block[n].start ||
                   block[n].start + block[n].size <= area->start,
               "blocks do not overlap");
}

/* The walk: parts fill regions, regions mappings, and blocks are shown */

static struct {
    const char *reached, *end; /* of the region */
    size_t regions;            /* bytes */
    size_t used;               /* parts in use that are a block */
    size_t ghosts;             /* parts in use that are none */
    uint64_t hash;
} walk;

static bool is_shown_by(const struct heap_part *part)
{
    for (size_t n = 0; n < BLOCKS; n++)
        if (block[n].start == part->start)
            return part->size >= block[n].size;
    return false;
}

static void visit(const struct heap_part *part, void *context)
{
    (void)context;
    walk.hash = (walk.hash ^ (uintptr_t)part->start ^ part->size << 40 ^
                 (uint64_t)part->kind << 60 ^ (uintptr_t)part->next * 3) *
                0x100000001b3;
    if (part->kind == PART_REGION) {
        demand(walk.reached == walk.end, "parts fill their region");
        demand(is_mapped(part->start, part->size), "regions are mapped");
        walk.reached = part->start;
        walk.end = walk.reached + part->size;
        walk.regions += part->size;
        return;
    }
    demand(part->start == walk.reached && part->size > 0, "parts have no gaps");
    walk.reached += part->size;
    if (part->kind == PART_USED && is_shown_by(part))
        walk.used++;
    else if (part->kind == PART_USED)
        walk.ghosts++;
}

/* Returns a number that is another one when the heap is. */
static uint64_t look(void)
{
    memset(&walk, 0, sizeof walk);
    allocator.walk(visit, NULL);
    demand(walk.reached == walk.end, "parts fill their region");
    demand(walk.regions == pages.mapped, "the walk shows all that is mapped");
    size_t live = 0;
    for (size_t n = 0; n < BLOCKS; n++)
        live += block[n].start != NULL;
    demand(walk.used == live, "the walk shows every block");
    demand(walk.ghosts == 0, "every part in use is somebody's");
    return walk.hash;
}

/* Calls */

static unsigned operand(void)
{
    return input.next < input.end ? *input.next++ : 0;
}

/* A size of one of 16 kinds. */
static size_t size_of_kind(unsigned kind)
{
    size_t n = operand();
    if (kind < 6)
        return n + 1;
    if (kind < 8)
        return 16 * n + kind;
    if (kind < 13)
        return n << (kind - 4); /* 128 KiB at most */
    if (kind == 13)
        return (256 << 10) - 128 + n;
    if (kind == 14)
        return (2 << 20) - 128 + n;
    return n << 14; /* 4 MiB at most */
}

static bool is_short(void)
{
    return pages.fails > 0;
}

/* A block or NULL for `request`: from malloc, or from the block `old`. */
static void allocate(struct area *area, struct area old, size_t request)
{
    bool may_fail = is_short();
    size_t mapped = pages.mapped;
    void *payload = old.start == NULL ? allocator.malloc(request)
                                      : allocator.realloc(old.start, request);
    if (payload == NULL) {
        demand(may_fail, "there is memory for the request");
        demand(pages.mapped <= mapped, "a failure maps nothing");
        look(); /* empty pools may have become free blocks */
        return;
    }
    *area = (struct area){payload, request, old.key};
    check_place(area);
    struct area kept = {payload, old.size, old.key};
    check_contents(&kept, old.size < request ? old.size : request);
    fill(area);
}

static void call_malloc(unsigned n, size_t request)
{
    if (block[n].start == NULL)
        allocate(&block[n], (struct area){0}, request);
}

static void call_calloc(unsigned n, size_t request)
{
    if (block[n].start != NULL)
        return;
    bool may_fail = is_short();
    unsigned char *payload = allocator.calloc(1, request);
    if (payload == NULL) {
        demand(may_fail, "there is memory for the request");
        return;
    }
    for (size_t i = 0; i < request; i++)
        demand(payload[i] == 0, "calloc returns zeros");
    block[n] = (struct area){payload, request, 0};
    check_place(&block[n]);
    fill(&block[n]);
}

static void call_free(unsigned n)
{
    check_contents(&block[n], block[n].size);
    if (block[n].start != NULL)
        memset(block[n].start, DIRT,
               block[n].size < SHOWN ? block[n].size : SHOWN);
    allocator.free(block[n].start);
    block[n] = (struct area){0};
}

static void call_realloc(unsigned n, size_t request)
{
    if (request > 0) {
        allocate(&block[n], block[n], request);
        return;
    }
    demand(allocator.realloc(block[n].start, 0) == NULL,
           "realloc to 0 is NULL");
    block[n] = (struct area){0};
}

static void call_with_too_much(unsigned n)
{
    static const size_t most[] = {SIZE_MAX, PTRDIFF_MAX, SIZE_MAX - (2 << 20),
                                  SIZE_MAX / 2 + 256};
    size_t request = most[operand() % 4] - operand();
    uint64_t before = look();
    demand(allocator.malloc(request) == NULL, "huge requests are refused");
    demand(allocator.calloc(request, 16) == NULL, "huge requests are refused");
    if (block[n].start != NULL)
        demand(allocator.realloc(block[n].start, request) == NULL,
               "huge requests are refused");
    demand(look() == before, "a failure changes nothing");
}

static void call_with_nothing(void)
{
    demand(allocator.malloc(0) == NULL, "malloc(0) is NULL");
    demand(allocator.calloc(0, 7) == NULL, "calloc(0, n) is NULL");
    demand(allocator.realloc(NULL, 0) == NULL, "realloc(NULL, 0) is NULL");
    allocator.free(NULL);
}

static void listen(const char *what, const void *payload)
{
    (void)payload;
    demand(what != NULL, "a report has words");
    reports++;
}

/* Frees what is no block: an address inside one that is not aligned. */
static void call_wrongly(unsigned n, unsigned by)
{
    if (block[n].start == NULL || by % 16 == 0)
        return;
    uint64_t before = look();
    allocator.free(block[n].start + by);
    demand(reports == 1 && look() == before,
           "misuse is seen, and has no effect");
    reports = 0;
}

static void call_twice(unsigned n)
{
    unsigned char *start = block[n].start;
    if (start == NULL)
        return;
    call_free(n);
    uint64_t before = look();
    allocator.free(start);
    demand(reports == 1 && look() == before, "a double free is seen");
    reports = 0;
}

static void begin(void)
{
    fail_maps(0, 0);
    pages.unmap_fails = 0;
    demand(allocator.init() == 0, "a heap can begin");
    demand(pages.mapped == 0, "a heap that begins again keeps nothing");
    demand(pages.fault == NULL, "the kernel is called as it can be");
    memset(block, 0, sizeof block);
}

static void run_call(void)
{
    unsigned operation = operand(), kind = operation / 16, n = operand();
    switch (operation % 16) {
    default:
        call_malloc(n, size_of_kind(kind) + 1);
        break;
    case 3:
        call_calloc(n, size_of_kind(kind) + 1);
        break;
    case 4:
    case 5:
    case 6:
        call_free(n);
        break;
    case 7:
    case 8:
        call_realloc(n, size_of_kind(kind));
        break;
    case 9:
        fail_maps(n % 8, n / 8);
        break;
    case 10: /* some blocks of one size */
    case 11: {
        size_t request = size_of_kind(kind) + 1;
        for (unsigned count = operand(); count > 0; count--)
            call_malloc(n++ % BLOCKS, request);
        break;
    }
    case 12: /* every so many */
        for (; n < BLOCKS; n += kind + 1)
            call_free(n);
        break;
    case 13:
        call_with_too_much(n);
        call_with_nothing();
        break;
    case 14:
        call_wrongly(n, operand());
        call_twice(n);
        break;
    case 15:
        if (kind == 0)
            begin();
    }
}

static void check_end(void)
{
    look();
    for (unsigned n = 0; n < BLOCKS; n++)
        call_free(n);
    look();
    demand(pages.mapped <= 4 << 20, "a heap without blocks keeps little");
    demand(reports == 0, "no call was wrong");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin();
    my_misuse = listen;
    input.next = data;
    input.end = data + size;
    begin_pages((enum placing)(operand() % (LINUX + 1)));
    while (input.next < input.end) {
        run_call();
        demand(allocator.check() == 0, "the heap is sound");
        demand(pages.fault == NULL, "the kernel is called as it can be");
    }
    check_end();
    return 0;
}
