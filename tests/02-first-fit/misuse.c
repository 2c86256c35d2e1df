/* What happens to a caller who frees what is no live block: where the heap can
   see it, it reports it through my_misuse, and the call has no effect. */
#include "01-bump/model.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "01-bump/fault.h"
#include "02-first-fit/misuse.h"

TestSuite(misuse, .init = watchdog);

enum { SMALL = 40, LARGE = 500, HEAP = 24 << 10 }; /* bytes */

static struct picture before;
static const char *what_said;
static const void *payload_said;
static int reports;

static void listen(const char *what, const void *payload)
{
    what_said = what;
    payload_said = payload;
    reports++;
}

static struct block *large[10], *small[10];

/* A heap with live blocks of both kinds, and holes. */
static void make_heap(void)
{
    begin_heap(HEAP);
    for (int n = 0; n < 10; n++) {
        large[n] = new_block(LARGE);
        small[n] = new_block(SMALL);
    }
    my_misuse = listen;
    reports = 0;
    take_picture(&before);
}

static const char double_free[] = "double free";

static void check_report(void *payload, const char *what)
{
    cr_assert(reports == 1, "%s: %d reports", what, reports);
    cr_assert(payload_said == payload, "%s: another payload", what);
    cr_assert(what_said != NULL, "%s: no words", what);
    cr_assert((strcmp(what_said, double_free) == 0) == (what == double_free),
              "%s is reported as: %s", what, what_said);
    check_unchanged(&before, what);
    cr_assert(my_check() == 0, "%s: the heap is broken", what);
    reports = 0;
}

static void check_caught(void *payload, const char *what)
{
    if (sigsetjmp(on_fault, 1) != 0)
        cr_assert_fail("%s: the heap follows an address that leads nowhere", what);
    catch_faults();
    my_free(payload);
    check_report(payload, what);
    cr_assert(my_realloc(payload, 10) == NULL, "%s: my_realloc went on", what);
    check_report(payload, what);
    cr_assert(my_realloc(payload, 5000) == NULL, "%s: my_realloc went on", what);
    check_report(payload, what);
    end_catching();
}

/* Frees the block, as it should be, and looks at the heap anew. */
static void free_and_look(struct block *block)
{
    my_free(block->start);
    block->size = 0; /* nobody looks at its contents */
    take_picture(&before);
}

Test(misuse, is_seen_when_a_block_is_freed_twice)
{
    make_heap();
    for (int n = 0; n < 10; n += 2) {
        free_and_look(large[n]);
        check_caught(large[n]->start, double_free);
    }
    for (int n = 1; n < 10; n += 2) {
        free_and_look(large[n]); /* and now it is part of a larger hole */
        for (int k = 0; k <= n; k++)
            check_caught(large[k]->start, double_free);
    }
}

Test(misuse, is_seen_when_a_small_block_is_freed_twice)
{
    make_heap();
    for (int n = 0; n < 10; n++) {
        free_and_look(small[n * 7 % 10]);
        for (int k = 0; k <= n; k++)
            check_caught(small[k * 7 % 10]->start, double_free);
    }
}

Test(misuse, is_seen_when_the_address_is_inside_a_block)
{
    make_heap();
    for (size_t by = 1; by < LARGE - 16; by++)
        if (by % 16 != 0)
            check_caught(large[3]->start + by, "inside a block, not aligned");
    for (size_t by = 1; by < SMALL; by++)
        check_caught(small[3]->start + by, "inside a small block");
}

/* The holes are filled first. */
Test(misuse, is_seen_when_the_address_is_inside_a_small_block_of_any_size)
{
    for (size_t request = 1; request <= 96; request += 5) {
        make_heap();
        for (int n = 0; n < 100; n++)
            new_block(request);
        unsigned char *start = model.block[model.count - 1].start;
        take_picture(&before);
        for (size_t by = 1; by < request; by++)
            check_caught(start + by, "inside a small block");
        uintptr_t slab = (uintptr_t)start & ~(uintptr_t)2047;
        check_caught((void *)slab, "the start of a slab");
        size_t size = (request + 15) / 16 * 16;
        if ((uintptr_t)start + 2 * size < slab + 2044)
            check_caught(start + size, "a small block that comes next");
    }
}

/* Contents look like headers of used blocks, one behind the other. */
Test(misuse, is_seen_when_contents_look_like_headers)
{
    make_heap();
    uint32_t *word = (uint32_t *)(void *)large[3]->start;
    large[3]->size = 0;
    for (size_t n = 0; n < LARGE / 4; n++)
        word[n] = 32 + 3;
    for (size_t by = 4; by < LARGE - 64; by += 4)
        if (by % 16 != 0)
            check_caught(large[3]->start + by, "inside a block, not aligned");
}

Test(misuse, is_seen_when_contents_look_like_one_header)
{
    make_heap();
    large[3]->size = 0;
    for (size_t by = 16; by < LARGE - 64; by += 16) {
        memset(large[3]->start, 0, LARGE);
        *(uint32_t *)(void *)(large[3]->start + by - 4) = 32 + 3;
        check_caught(large[3]->start + by, "a header with none above it");
    }
}

/* What stands above the heap could be a header too. */
Test(misuse, is_seen_when_contents_look_like_a_header_that_leads_out)
{
    make_heap();
    large[3]->size = 0;
    unsigned char *start = large[3]->start;
    struct block *foreign = take_foreign(2000);
    foreign->size = 0;
    memset(foreign->start, 0xff, 2000);
    take_picture(&before);
    for (size_t by = 16; by < 2000; by += 16) {
        size_t size = (size_t)(foreign->start - start) / 16 * 16 + by;
        *(uint32_t *)(void *)start = 0;
        *(uint32_t *)(void *)(start + 16 - 4) = (uint32_t)size + 3;
        check_caught(start + 16, "a header that leads out of the heap");
    }
}

/* Where contents don't look like a header. */
Test(misuse, is_seen_when_the_address_is_inside_a_block_and_aligned)
{
    make_heap();
    for (size_t by = 16; by < LARGE - 16; by += 16) {
        memset(large[3]->start, 0, LARGE);
        large[3]->size = 0;
        check_caught(large[3]->start + by, "inside a block of zeros");
        memset(large[3]->start, 0xff, LARGE);
        check_caught(large[3]->start + by, "inside a block of ones");
    }
}

Test(misuse, is_seen_when_the_address_was_never_handed_out)
{
    static char outside[64];
    char local[64];
    make_heap();
    for (size_t by = 0; by < 32; by++) {
        check_caught(outside + by, "a static variable");
        check_caught(local + by, "a local variable");
        check_caught((char *)mem_heap_hi() + 1 + by, "behind the heap");
        check_caught((char *)mem_heap_lo() - 1 - by, "below the heap");
        check_caught((char *)1 + by, "next to NULL");
        check_caught((char *)UINTPTR_MAX - by, "the end of all memory");
    }
    uintptr_t slab = (uintptr_t)small[0]->start & ~(uintptr_t)2047;
    check_caught((void *)slab, "the start of a slab");
    check_caught((void *)(slab + 2048 - 16), "the end of a slab");
    check_caught(mem_heap_lo(), "the start of the heap");
}

/* Right above the word that ends a region, which looks like a used block. */
Test(misuse, is_seen_when_the_address_is_the_end_of_a_region)
{
    make_heap();
    size_t above = HEAP - mem_heapsize();
    struct block *foreign = take_foreign(above / 2);
    my_malloc(above / 4);
    take_picture(&before);
    check_caught(foreign->start, "the end of a region");
    check_caught((char *)mem_heap_hi() + 1, "the end of the heap");
}

Test(misuse, is_seen_before_there_is_a_heap)
{
    begin_heap(HEAP);
    new_block(LARGE);
    begin_heap(HEAP);
    my_misuse = listen;
    take_picture(&before);
    check_caught((char *)mem_heap_lo() + 16, "an empty heap");
    check_caught((char *)16, "an empty heap");
    my_free(NULL);
    cr_assert(reports == 0);
}

Test(misuse, is_not_seen_where_there_is_none)
{
    begin_heap(4 * LIMIT);
    my_misuse = listen;
    new_block(24);
    for (int i = 0; i < 5000; i++)
        random_call();
    while (model.count > 0)
        free_block(model.block);
    cr_assert(reports == 0, "a call without fault is reported: %s", what_said);
}

/* What a program writes into its blocks must not make them look free. */
Test(misuse, is_not_seen_in_contents)
{
    make_heap();
    for (uint32_t *word = (uint32_t *)(void *)small[5]->start, value = 0;
         value < 100000; value += 16) {
        word[0] = word[1] = ~value;
        my_free(word);
        cr_assert(reports == 0, "a live block is taken for a free one");
        word = my_malloc(SMALL);
    }
}

Test(misuse, stops_the_program_if_nobody_listens)
{
    begin_heap(HEAP);
    unsigned char *payload = new_block(LARGE)->start;
    new_block(LARGE);
    my_free(payload);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGILL, SIG_DFL);
        signal(SIGTRAP, SIG_DFL);
        my_free(payload);
        _exit(0);
    }
    int status = 0;
    cr_assert(waitpid(child, &status, 0) == child);
    cr_assert(WIFSIGNALED(status), "a double free went on");
}
