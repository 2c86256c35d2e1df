/* A program for the heap of chapter 6: makes the calls that some bytes spell, as if
   on processors that they name, on the memory of tests/06-scalable, and checks what
   each returns by what the interface promises, against records of its own, and the
   heap's invariants after each. libFuzzer finds the bytes; replay.c reads them
   from files. At the first promise that is broken it says which, and aborts.

   A call is an operation and its operands, a byte each: see run_call. */
#define _GNU_SOURCE /* memfd_create */
#include <stdio.h>
#include <stdlib.h>

#define MEMORY_ASSERT(holds, ...)             \
    do {                                      \
        if (!(holds)) {                       \
            fprintf(stderr, __VA_ARGS__);     \
            fputc('\n', stderr);              \
            abort();                          \
        }                                     \
    } while (0)
#include "06-scalable/model.h"

extern const char fuzz_corpus[];
const char fuzz_corpus[] = "tests/06-scalable/corpus";

enum { NAMES = 256 }; /* that a byte can be */

static struct {
    unsigned char *start; /* NULL: there is none */
} named[NAMES];
static unsigned reports;
static struct {
    const uint8_t *next, *end;
} input;

static void demand(bool holds, const char *promise)
{
    MEMORY_ASSERT(holds, "broken promise: %s", promise);
}

static struct block *block_at(const unsigned char *start)
{
    for (size_t n = 0; n < model.count; n++)
        if (model.block[n].start == start)
            return &model.block[n];
    return NULL;
}

static bool is_short(size_t request)
{
    return memory.wait != UINT_MAX || request + 64 * KIB > memory.cap;
}

static void call_free(unsigned n)
{
    if (named[n].start != NULL)
        free_block(block_at(named[n].start));
    else
        myfree(NULL);
    named[n].start = NULL;
}

static void call_malloc(unsigned n, size_t request, unsigned kind)
{
    call_free(n);
    size_t alignment = (size_t)16 << kind;
    unsigned char *start = kind == 0   ? mymalloc(request)
                           : kind == 1 ? mycalloc(1, request)
                                       : mymemalign(alignment, request);
    if (start == NULL) {
        demand(is_short(request + alignment), "NULL only when memory is short");
        return;
    }
    for (size_t i = 0; kind == 1 && i < request; i++)
        demand(start[i] == 0, "calloc gives zeros");
    demand(kind < 2 || (uintptr_t)start % alignment == 0, "it is aligned");
    demand(mymalloc_usable(start) >= request, "all of it is usable");
    add_block(start, request);
    named[n].start = start;
}

static void call_realloc(unsigned n, size_t request)
{
    if (named[n].start == NULL) {
        call_malloc(n, request, 0);
        return;
    }
    if (request == 0) {
        struct block *block = block_at(named[n].start);
        remove_block(block);
        demand(myrealloc(named[n].start, 0) == NULL, "myrealloc(p, 0) is NULL");
        named[n].start = NULL;
        return;
    }
    struct block *moved = try_resize(block_at(named[n].start), request);
    if (moved != NULL)
        named[n].start = moved->start;
    else
        demand(is_short(request), "NULL only when memory is short");
}

static void listen(const char *what, const void *payload)
{
    (void)payload;
    demand(what != NULL, "a report has words");
    reports++;
}

static void call_wrongly(unsigned char *payload)
{
    reports = 0;
    myfree(payload);
    demand(reports == 1, "misuse is seen");
    demand(myrealloc(payload, 100) == NULL && reports == 2, "misuse is seen");
}

static unsigned operand(void)
{
    return input.next < input.end ? *input.next++ : 0;
}

/* Sizes of every kind: small ones, those around a power of two, pages. */
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
        return n * PAGE_BYTES + operand();
    default:
        return n * 41;
    }
}

static void begin(void)
{
    mymalloc_reset();
    memset(named, 0, sizeof named);
    while (model.count > 0)
        remove_block(&model.block[model.count - 1]);
    mend_vmalloc();
    memory.is_frugal = true;
    if (known_pages > PAGES_KNOWN / 2) {
        memset(known_page, 0, sizeof known_page);
        known_pages = 0;
    }
    believed_cpu = 0;
    cpu_hint_fake = believe;
    mymalloc_misuse = listen;
    static const size_t caps[] = {FILE_BYTES, MIB, 256 * KIB, 5 * MIB};
    unsigned first = operand();
    memory.cap = caps[first % 4];
    vm_offer.purge = first & 4 ? memory_purge : NULL;
}

static void run_call(void)
{
    unsigned operation = operand(), kind = operation / 16, n = operand();
    switch (operation % 16) {
    default:
        call_malloc(n, size_of_kind(kind), 0);
        break;
    case 3:
        call_malloc(n, size_of_kind(kind), 1);
        break;
    case 4:
        call_malloc(n, size_of_kind(kind), 2 + n % 11);
        break;
    case 5:
    case 6:
        call_free(n);
        break;
    case 7:
    case 8:
        call_realloc(n, size_of_kind(kind));
        break;
    case 9: /* to another processor */
        believed_cpu = n;
        break;
    case 10: /* memory gets short, or there is enough again */
        if (n % 4 == 3)
            mend_vmalloc();
        else
            fail_vmalloc(n % 4, n / 4 % 8 == 7 ? UINT_MAX : n / 4 % 8);
        break;
    case 11: { /* some blocks of one size */
        size_t request = size_of_kind(kind);
        for (unsigned count = operand() % 64; count > 0; count--)
            call_malloc(n++ % NAMES, request, 0);
        break;
    }
    case 12: /* every so many */
        for (; n < NAMES; n += kind + 1)
            call_free(n);
        break;
    case 13:
        demand(mymalloc(SIZE_MAX - n) == NULL, "SIZE_MAX is too much");
        demand(mymalloc((size_t)PTRDIFF_MAX + n) == NULL, "so is half of it");
        demand(mycalloc((size_t)1 << 33, ((size_t)1 << 31) + n) == NULL,
               "a product does not wrap");
        break;
    case 14: { /* into a large block */
        struct block *block =
            named[n].start != NULL ? block_at(named[n].start) : NULL;
        if (block != NULL && mymalloc_usable(block->start) > 8192)
            call_wrongly(block->start + 1 + operand() * 37 % (block->size - 1));
        break;
    }
    case 15: { /* twice, at once */
        unsigned char *start = named[n].start;
        size_t size = start != NULL ? block_at(start)->size : 0;
        call_free(n);
        reports = 0;
        if (size > 8192) {
            myfree(start);
            demand(reports == 1, "a double free is seen");
        }
    }
    }
}

static void check_end(void)
{
    struct mymalloc_counts counts;
    for (unsigned n = 0; n < NAMES; n++)
        call_free(n);
    mymalloc_counts(&counts);
    demand(counts.live == 0 && counts.large == 0, "nothing is lost");
    demand(mymalloc_check() == 0, "the heap is sound");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input.next = data;
    input.end = data + size;
    begin();
    while (input.next < input.end) {
        run_call();
        demand(mymalloc_check() == 0, "the heap is sound");
    }
    check_end();
    return 0;
}
