/* Nobody reads or writes memory that is free, but for the words that the heap
   keeps in it: the check and the walk least of all. In a build with
   AddressSanitizer free memory is poisoned, and whoever touches it is reported;
   in all builds the live blocks must lie outside. */
#include "model.h"

#if defined __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif
#endif
#ifndef ASAN_POISON_MEMORY_REGION
#define ASAN_POISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#endif

TestSuite(poison, .init = watchdog);

enum { KEPT = 16 }; /* bytes at the start of a free block that are the heap's */

static struct picture free_memory;

static void keep_free_part(const struct heap_part *part, void *context)
{
    (void)context;
    size_t kept = part->kind == PART_FREE ? KEPT : 0;
    if ((part->kind == PART_FREE || part->kind == PART_FRESH) &&
        part->size > kept) {
        struct heap_part rest = *part;
        rest.start = (const char *)part->start + kept;
        rest.size -= kept;
        add_part(&rest, &free_memory);
    }
}

static void poison(void)
{
    free_memory.count = 0;
    allocator.walk(keep_free_part, NULL);
    for (size_t n = 0; n < free_memory.count; n++)
        ASAN_POISON_MEMORY_REGION(free_memory.part[n].start,
                                  free_memory.part[n].size);
}

static void cure(void)
{
    for (size_t n = 0; n < free_memory.count; n++)
        ASAN_UNPOISON_MEMORY_REGION(free_memory.part[n].start,
                                    free_memory.part[n].size);
}

static void check_apart(void)
{
    for (size_t n = 0; n < free_memory.count; n++)
        check_place(free_memory.part[n].start, free_memory.part[n].size);
}

static void check_poisoned(void)
{
    poison();
    cr_assert(allocator.check() == 0, "the check rejects a sound heap");
    check_walk();
    check_memory();
    check_apart();
    cure();
}

Test(poison, of_free_memory_hurts_nobody)
{
    for (enum placing placing = APART; placing <= LINUX; placing++) {
        begin_heap(placing);
        check_poisoned();
        srand(21);
        for (int i = 0; i < 3000; i++) {
            random_call(100);
            if (i % 50 == 0)
                check_poisoned();
        }
        free_all_blocks();
        check_poisoned();
    }
}

/* The requests of others don't touch what stays free. */
Test(poison, of_holes_hurts_no_request_that_fits_elsewhere)
{
    begin_heap(APART);
    unsigned char *hole = NULL;
    for (size_t n = 0; n < 40; n++) {
        unsigned char *start = new_block(20000)->start;
        if (n == 20)
            hole = start;
    }
    free_block(block_at(hole));
    ASAN_POISON_MEMORY_REGION(hole + KEPT, 20000 - KEPT);
    for (size_t n = 0; n < 300; n++)
        free_block(new_block(30000 + n * 100));
    check_memory();
    ASAN_UNPOISON_MEMORY_REGION(hole + KEPT, 20000 - KEPT);
    check_heap();
}
