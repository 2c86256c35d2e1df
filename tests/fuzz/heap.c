/* A program for any heap of mem_sbrk: makes the calls that some bytes spell, and
   checks what each returns by what the interface promises, against records of its
   own. libFuzzer finds the bytes; replay.c reads them from files. At the first
   promise that is broken it says which, and aborts.

   A call is an operation and its operands, a byte each: see run_call. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "01-bump/allocator.h"
#include "01-bump/memlib.h"
#include "01-bump/shortage.h"

const char fuzz_corpus[] = "tests/02-first-fit/corpus";

enum {
    LIMIT = 4 << 20, /* bytes of the heap */
    BLOCKS = 256,    /* that a byte can name */
    FOREIGN = 64,    /* areas that somebody else takes */
    DIRT = 0xA5,     /* in all memory that no call has returned yet */
    SHOWN = 2048,    /* bytes at both ends of a block that are filled */
    OVERHEAD = 256   /* bytes that a heap may need on top of a request */
};

struct area {
    unsigned char *start; /* NULL: there is none */
    size_t size;          /* bytes */
    unsigned key;         /* tells its contents from others */
};

static struct area block[BLOCKS], foreign[FOREIGN];
static uint16_t starting[LIMIT / 16]; /* at an address: 1 + the block there */
static size_t foreigners;
static unsigned keys; /* given so far */

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

static bool is_shown(const struct area *area, size_t i)
{
    return i < SHOWN || i + SHOWN >= area->size;
}

static void fill(struct area *area)
{
    area->key = ++keys;
    for (size_t i = 0; i < area->size; i++)
        if (is_shown(area, i))
            area->start[i] = byte_of(area, i);
        else
            i = area->size - SHOWN - 1;
}

static void check_contents(const struct area *area, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (is_shown(area, i))
            demand(area->start[i] == byte_of(area, i), "contents stay");
        else
            i = area->size - SHOWN - 1;
}

static void check_everything(void)
{
    for (size_t n = 0; n < BLOCKS; n++)
        check_contents(&block[n], block[n].size);
    for (size_t n = 0; n < foreigners; n++)
        check_contents(&foreign[n], foreign[n].size);
    const unsigned char *above = (unsigned char *)mem_heap_hi() + 1;
    const unsigned char *end = (unsigned char *)mem_heap_lo() + LIMIT;
    for (size_t i = 0; i < 4096 && above + i < end; i++)
        demand(above[i] == DIRT, "nothing is written above the break");
}

/* Places */

static bool is_apart(const struct area *a, const struct area *b)
{
    return a->start == NULL || b->start == NULL ||
           a->start + a->size <= b->start || b->start + b->size <= a->start;
}

static void check_place(const struct area *area)
{
    const unsigned char *end = (unsigned char *)mem_heap_hi() + 1;
    demand((uintptr_t)area->start % 16 == 0, "addresses are multiples of 16");
    demand(area->start >= (unsigned char *)mem_heap_lo() && area->start < end &&
               area->size <= (size_t)(end - area->start),
           "blocks lie in the heap");
    for (size_t n = 0; n < BLOCKS; n++)
        demand(area == &block[n] || is_apart(area, &block[n]),
               "blocks do not overlap");
    for (size_t n = 0; n < foreigners; n++)
        demand(is_apart(area, &foreign[n]), "what others took is theirs");
}

static uint16_t *starting_at(const void *address)
{
    return &starting[((const char *)address - (char *)mem_heap_lo()) / 16];
}

static void remove_block(unsigned n)
{
    if (block[n].start != NULL)
        *starting_at(block[n].start) = 0;
    block[n] = (struct area){0};
}

/* The walk: parts fill the heap, and show every block */

static struct {
    const char *reached; /* the end of the parts so far */
    size_t used;         /* blocks found */
    uint64_t hash;
} walk;

static void visit(const struct heap_part *part, void *context)
{
    (void)context;
    walk.hash = (walk.hash ^ (uintptr_t)part->start ^ part->size << 40 ^
                 (uint64_t)part->kind << 60 ^ (uintptr_t)part->next * 3) *
                0x100000001b3;
    if (part->kind == PART_REGION)
        return;
    demand(part->start == walk.reached && part->size > 0, "parts have no gaps");
    walk.reached += part->size;
    size_t n = *starting_at(part->start);
    walk.used += part->kind == PART_USED && n > 0 &&
                 block[n - 1].start == part->start &&
                 part->size >= block[n - 1].size;
}

/* Returns a number that is another one when the heap is. */
static uint64_t look(void)
{
    walk.reached = mem_heap_lo();
    walk.used = walk.hash = 0;
    allocator.walk(visit, NULL);
    demand(walk.reached == (char *)mem_heap_lo() + mem_heapsize(),
           "the walk reaches the end of the heap");
    size_t live = 0;
    for (size_t n = 0; n < BLOCKS; n++)
        live += block[n].start != NULL;
    demand(walk.used == live, "the walk shows every block");
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
    if (kind < 7)
        return n + 1;
    if (kind < 10)
        return 16 * n + kind; /* around what a header leaves of 16 bytes */
    return n << (kind - 9);   /* 64 KiB at most */
}

static bool must_succeed(size_t request)
{
    return shortage.calls == 0 &&
           request <= LIMIT - OVERHEAD &&
           mem_heapsize() <= LIMIT - OVERHEAD - request;
}

/* A block or NULL for `request`: from my_malloc, or from the block `old`. */
static void allocate(struct area *area, struct area old, size_t request)
{
    bool must = must_succeed(request), is_first = old.start == NULL;
    uint64_t before = must ? 0 : look();
    size_t heapsize = mem_heapsize();
    void *payload = is_first ? allocator.malloc(request)
                             : allocator.realloc(old.start, request);
    if (payload == NULL) {
        demand(!must, "there is memory for the request");
        demand(mem_heapsize() == heapsize && look() == before,
               "a failure changes nothing");
        return;
    }
    remove_block((unsigned)(area - block));
    *area = (struct area){payload, request, old.key};
    check_place(area);
    *starting_at(payload) = (uint16_t)(area - block + 1);
    struct area kept = {payload, old.size, old.key};
    size_t both = old.size < request ? old.size : request;
    for (size_t i = 0; i < both && i < SHOWN; i++)
        demand(area->start[i] == byte_of(&kept, i), "realloc keeps contents");
    for (size_t i = old.size - SHOWN; old.size > SHOWN && i < both; i++)
        demand(area->start[i] == byte_of(&kept, i), "realloc keeps contents");
    fill(area);
}

static void call_malloc(unsigned n, size_t request)
{
    if (block[n].start == NULL)
        allocate(&block[n], (struct area){0}, request);
}

static void call_free(unsigned n)
{
    check_contents(&block[n], block[n].size);
    allocator.free(block[n].start);
    remove_block(n);
}

static void call_realloc(unsigned n, size_t request)
{
    if (request > 0) {
        allocate(&block[n], block[n], request);
        return;
    }
    demand(allocator.realloc(block[n].start, 0) == NULL, "realloc to 0 is NULL");
    remove_block(n);
}

static void call_with_nothing(void)
{
    demand(allocator.malloc(0) == NULL, "malloc(0) is NULL");
    demand(allocator.realloc(NULL, 0) == NULL, "realloc(NULL, 0) is NULL");
    allocator.free(NULL);
}

static void call_with_too_much(unsigned n)
{
    static const size_t most[] = {SIZE_MAX, PTRDIFF_MAX, UINT32_MAX, LIMIT + 4096};
    size_t request = most[operand() % 4] - operand();
    uint64_t before = look();
    demand(allocator.malloc(request) == NULL, "huge requests are refused");
    if (block[n].start != NULL)
        demand(allocator.realloc(block[n].start, request) == NULL,
               "huge requests are refused");
    demand(look() == before, "a failure changes nothing");
}

static void move_break(size_t size)
{
    void *start = foreigners < FOREIGN && shortage.calls == 0 && size > 0
                      ? mem_sbrk(size)
                      : (void *)-1;
    if (start == (void *)-1)
        return;
    struct area *area = &foreign[foreigners++];
    *area = (struct area){start, size, 0};
    fill(area);
}

static void begin(void)
{
    size_t heapsize = mem_heapsize();
    end_shortage();
    mem_reset();
    demand(heapsize == 0 || mem_sbrk(heapsize) == mem_heap_lo(), "memlib works");
    memset(mem_heap_lo(), DIRT, heapsize);
    for (unsigned n = 0; n < BLOCKS; n++)
        remove_block(n);
    foreigners = 0;
    demand(allocator.init() == 0, "a heap can begin");
}

static void run_call(void)
{
    unsigned operation = operand(), kind = operation / 16, n = operand();
    switch (operation % 16) {
    default:
        call_malloc(n, size_of_kind(kind) + 1);
        break;
    case 4:
    case 5:
    case 6:
        call_free(n);
        break;
    case 7:
    case 8:
    case 9:
        call_realloc(n, size_of_kind(kind));
        break;
    case 10:
        move_break(n << kind / 2);
        break;
    case 11:
        make_short(n % 8, n / 8);
        break;
    case 12: { /* some blocks of one size */
        size_t request = size_of_kind(kind) + 1;
        for (unsigned count = operand(); count > 0; count--)
            call_malloc(n++ % BLOCKS, request);
        break;
    }
    case 13: /* every so many */
        for (; n < BLOCKS; n += kind + 1)
            call_free(n);
        break;
    case 14:
        call_with_too_much(n);
        call_with_nothing();
        break;
    case 15:
        if (kind == 0)
            begin();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (mem_heap_lo() == NULL) {
        demand(mem_init(LIMIT) == 0, "there is memory to begin with");
        demand(mem_sbrk(LIMIT) == mem_heap_lo(), "memlib works");
    }
    begin();
    input.next = data;
    input.end = data + size;
    while (input.next < input.end) {
        run_call();
        demand(allocator.check == NULL || allocator.check() == 0,
               "the heap is sound");
    }
    look();
    check_everything();
    return 0;
}
