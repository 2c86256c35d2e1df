/* A program for the heap of chapter 5: makes the calls that some bytes spell, from
   CPUs that they name, on the machine of tests/05-percpu, and checks what each
   returns by what the interface promises, against records of its own, and the
   heap's invariants after each. libFuzzer finds the bytes; replay.c reads them
   from files. At the first promise that is broken it says which, and aborts.

   A call is an operation and its operands, a byte each: see run_call. */
#include <stdio.h>
#include <stdlib.h>

#define MACHINE_ASSERT(holds, ...)            \
    do {                                      \
        if (!(holds)) {                       \
            fprintf(stderr, __VA_ARGS__);     \
            fputc('\n', stderr);              \
            abort();                          \
        }                                     \
    } while (0)
#include "05-percpu/heap.h"
#include "05-percpu/machine.h"
#include "05-percpu/mymalloc.h"

extern const char fuzz_corpus[];
const char fuzz_corpus[] = "tests/05-percpu/corpus";

enum {
    BLOCKS = 256,  /* that a byte can name */
    SHOWN = 512,   /* bytes at both ends of a block that are filled */
    THRESHOLD = 512 << 10,
    POOL = 1 << 20
};

struct area {
    unsigned char *start; /* NULL: there is none */
    size_t size;          /* bytes */
    unsigned key;         /* tells its contents from others */
};

static struct area block[BLOCKS];
static unsigned keys, reports;
static struct {
    const uint8_t *next, *end;
} input;

static void demand(bool holds, const char *promise)
{
    MACHINE_ASSERT(holds, "broken promise: %s", promise);
}

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

static bool is_in_memory(const struct area *area)
{
    if ((char *)area->start >= machine.lo && (char *)area->start < machine.brk)
        return area->size <= (size_t)(machine.brk - (char *)area->start);
    for (size_t n = 0; n < machine.mappings; n++) {
        size_t offset = (size_t)((char *)area->start - machine.mapping[n].start);
        if (offset < machine.mapping[n].length)
            return area->size <= machine.mapping[n].length - offset;
    }
    return false;
}

/* A new block in its place among the others. */
static void place(unsigned n, void *start, size_t size)
{
    struct area area = {.start = start, .size = size};
    demand((uintptr_t)start % 16 == 0, "addresses are multiples of 16");
    demand(is_in_memory(&area), "blocks lie in the heap's memory");
    for (size_t k = 0; k < BLOCKS; k++)
        demand(block[k].start == NULL ||
                   area.start + size <= block[k].start ||
                   block[k].start + block[k].size <= area.start,
               "blocks do not overlap");
    fill(&area);
    block[n] = area;
}

static void call_free(unsigned n)
{
    if (block[n].start != NULL)
        check_contents(&block[n], block[n].size);
    myfree(block[n].start);
    block[n].start = NULL;
}

static bool is_short(void)
{
    return machine.extends_left != UINT_MAX || machine.maps_left != UINT_MAX;
}

static void call_malloc(unsigned n, size_t request, bool is_calloc)
{
    call_free(n);
    unsigned char *start = is_calloc ? mycalloc(1, request) : mymalloc(request);
    if (start == NULL) {
        demand(is_short(), "NULL only when memory is short");
        return;
    }
    for (size_t i = 0; is_calloc && i < request; i++)
        demand(start[i] == 0, "calloc gives zeros");
    place(n, start, request);
}

static void call_realloc(unsigned n, size_t request)
{
    struct area old = block[n];
    unsigned char *start = myrealloc(old.start, request);
    if (start == NULL && (request == 0 && old.start != NULL)) {
        block[n].start = NULL;
        return;
    }
    if (start == NULL) {
        demand(is_short(), "NULL only when memory is short");
        if (old.start != NULL)
            check_contents(&old, old.size);
        return;
    }
    struct area moved = {start, request, old.key};
    size_t kept = old.size < request ? old.size : request;
    for (size_t i = 0; old.start != NULL && i < kept; i = byte_after(&old, i))
        if (i < kept)
            demand(moved.start[i] == byte_of(&old, i), "realloc keeps contents");
    block[n].start = NULL;
    place(n, start, request);
}

static void listen(const char *what, const void *payload)
{
    (void)payload;
    demand(what != NULL, "a report has words");
    reports++;
}

static void call_wrongly(unsigned char *payload)
{
    myfree(payload);
    demand(reports == 1, "misuse is seen");
    demand(myrealloc(payload, 100) == NULL && reports == 2, "misuse is seen");
    reports = 0;
}

static unsigned operand(void)
{
    return input.next < input.end ? *input.next++ : 0;
}

/* Sizes of every kind: small ones, those around a power of two, large ones. */
static size_t size_of_kind(unsigned kind)
{
    unsigned n = operand();
    size_t around = (size_t)1 << (4 + n % 18);
    switch (kind % 8) {
    case 0:
    case 1:
        return n;
    case 2:
        return n * 17;
    case 3:
        return around - 1;
    case 4:
        return around;
    case 5:
        return around + 1;
    case 6:
        return THRESHOLD - 128 + n;
    default:
        return n * 4111;
    }
}

static void begin(void)
{
    machine.extends_left = machine.maps_left = UINT_MAX;
    machine.current = 0;
    machine.visitor = 0;
    (void)memory_break(); /* now there is one */
    demand(myreset() == 0, "a heap can begin");
    memset(block, 0, sizeof block);
}

static void run_call(void)
{
    unsigned operation = operand(), kind = operation / 16, n = operand();
    switch (operation % 16) {
    default:
        call_malloc(n, size_of_kind(kind), false);
        break;
    case 3:
        call_malloc(n, size_of_kind(kind), true);
        break;
    case 4:
    case 5:
        call_free(n);
        break;
    case 6:
    case 7:
        call_realloc(n, size_of_kind(kind));
        break;
    case 8: /* to another CPU, or to none */
        machine.current = (int)n - 2;
        break;
    case 9: /* memory gets short, or there is enough again */
        machine.extends_left = n % 4 == 3 ? UINT_MAX : n % 4;
        machine.maps_left = n / 4 % 4 == 3 ? UINT_MAX : n / 4 % 4;
        break;
    case 10: { /* some blocks of one size */
        size_t request = size_of_kind(kind);
        for (unsigned count = operand() % 64; count > 0; count--)
            call_malloc(n++ % BLOCKS, request, false);
        break;
    }
    case 11: /* every so many */
        for (; n < BLOCKS; n += kind + 1)
            call_free(n);
        break;
    case 12:
        demand(mymalloc(SIZE_MAX - n) == NULL, "SIZE_MAX is too much");
        demand(mymalloc((size_t)PTRDIFF_MAX + n) == NULL, "so is half of it");
        demand(mycalloc((size_t)1 << 33, ((size_t)1 << 31) + n) == NULL,
               "a product does not wrap");
        break;
    case 13:
        if (block[n].start != NULL && block[n].size > 1)
            call_wrongly(block[n].start + 1 + operand() % (block[n].size - 1));
        break;
    case 14: {
        unsigned char *start = block[n].start;
        call_free(n);
        if (start != NULL)
            call_wrongly(start);
        break;
    }
    case 15:
        if (kind % 2 == 0 && machine.brk < machine.lo + BREAK_LIMIT / 2)
            machine.visitor = n * 100;
    }
}

static size_t used, unmerged;

static void add_part(const struct heap_part *part, void *context)
{
    (void)context;
    used += part->kind == PART_USED;
    unmerged += part->kind == PART_FREE && part->size != POOL;
}

static void check_end(void)
{
    for (unsigned n = 0; n < BLOCKS; n++)
        call_free(n);
    demand(mycheck() == 0, "the heap is sound");
    used = unmerged = 0;
    mywalk(add_part, NULL);
    demand(used == 0 && unmerged == 0, "a pool that is free is one block");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mymalloc_misuse = listen;
    begin();
    input.next = data;
    input.end = data + size;
    while (input.next < input.end) {
        run_call();
        demand(mycheck() == 0, "the heap is sound");
    }
    check_end();
    return 0;
}
