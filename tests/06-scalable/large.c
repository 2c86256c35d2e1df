/* Blocks of pages and of many chunks of pages, among small ones. */
#include "model.h"

TestSuite(large, .init = watchdog);

enum { CHUNK_BYTES = 2 * MIB };

/* A hole that begins with a free page in the middle is no place for more. */
Test(large, blocks_do_not_run_over_chunks_that_are_used_in_part)
{
    begin_heap(SIZE_MAX);
    for (size_t n = 0; n < 6; n++)
        new_block(CHUNK_BYTES);
    for (size_t n = 0; n < 40; n++)
        new_block(9000 + n * 4096);
    for (size_t n = 6; n-- > 0;)
        free_block(&model.block[n]);
    for (size_t n = 0; n < 12; n++)
        new_block(100 * KIB); /* at the beginning of the holes */
    for (size_t n = 1; n < 6; n++)
        new_block(n * CHUNK_BYTES + n * 5000);
    check_heap();
    free_all();
    check_heap();
}

Test(large, blocks_end_in_chunks_that_others_use_too)
{
    begin_heap(SIZE_MAX);
    for (size_t n = 0; n < 2000; n++) {
        size_t kind = random_number() % 4;
        size_t size = kind == 0 ? random_number() % (7 * MIB)
                                : random_number() % (300 * KIB);
        new_block(size);
        while (model.count > 40)
            free_block(&model.block[random_number() % model.count]);
        if (n % 100 == 0)
            check_heap();
    }
    free_all();
    check_heap();
}

Test(large, blocks_are_reused)
{
    begin_heap(SIZE_MAX);
    struct mymalloc_counts counts;
    for (size_t n = 0; n < 500; n++) {
        new_block((n % 40 + 1) * 250 * KIB);
        new_block((n % 17 + 1) * 30 * KIB);
        free_all();
    }
    mymalloc_counts(&counts);
    cr_assert(counts.in_use + counts.dirty < 30 * MIB,
              "%zu bytes of pages for blocks of 10 MiB at most",
              counts.in_use + counts.dirty);
    check_heap();
}

Test(large, blocks_grow_in_place_or_move_with_their_contents)
{
    begin_heap(SIZE_MAX);
    new_block(5 * MIB);
    new_block(100);
    for (size_t n = 0; n < 300; n++) {
        size_t which = random_number() % model.count;
        resize_block(&model.block[which], random_number() % (6 * MIB) + 1);
        if (model.count < 10)
            new_block(random_number() % (3 * MIB));
        check_blocks();
    }
    check_heap();
    free_all();
    check_heap();
}

/* The whole pages of a block are written by its owner, up to the last one. */
Test(large, blocks_of_every_number_of_pages_up_to_two_chunks)
{
    begin_heap(SIZE_MAX);
    for (size_t pages = 1; pages <= 1030; pages += pages < 20 ? 1 : 5) {
        struct block *block = new_block(pages * PAGE_BYTES);
        memset(block->start, 0x77, block->size);
        fill(block);
        if (model.count > 20)
            free_block(&model.block[pages % 20]);
    }
    check_heap();
    free_all();
    check_heap();
}

/* With a system that can move pages: their contents come along. */
static unsigned moves;
static bool move_pages(void *to, void *from, size_t length)
{
    cr_assert(is_in_memory(to, length) && is_in_memory(from, length));
    cr_assert((uintptr_t)to % PAGE_BYTES == 0);
    cr_assert((uintptr_t)from % PAGE_BYTES == 0);
    cr_assert(length > 0 && length % PAGE_BYTES == 0);
    cr_assert((char *)to + length <= (char *)from ||
              (char *)from + length <= (char *)to, "pages move onto themselves");
    if (++moves % 3 == 0)
        return false; /* not this time */
    memcpy(to, from, length);
    memset(from, 0xA5, length);
    return true;
}

Test(large, blocks_may_be_moved_by_the_system)
{
    begin_heap(SIZE_MAX);
    vm_offer.move = move_pages;
    for (size_t n = 0; n < 8; n++)
        new_block(n * MIB + 5000);
    for (size_t n = 0; n < 300; n++) {
        resize_block(&model.block[random_number() % 8],
                     random_number() % (8 * MIB) + 1);
        check_blocks();
    }
    check_heap();
    free_all();
    check_heap();
}

TestSuite(purging, .init = watchdog);

/* Pages whose contents are gone are not handed out as what they were. */
Test(purging, leaves_live_blocks_alone)
{
    begin_heap(SIZE_MAX);
    vm_offer.purge = memory_purge;
    for (int call = 0; call < 60000; call++) {
        believed_cpu = (uint32_t)call % 2;
        random_call(call / 10000 % 2 == 0 ? 5000 : 200);
        if (call % 10000 == 9999)
            check_heap();
    }
    free_all();
    check_heap();
    cr_assert(memory.purges > 0, "nothing was purged");
}

Test(purging, keeps_free_dirty_pages_below_the_budget)
{
    struct mymalloc_counts counts;
    begin_heap(SIZE_MAX);
    vm_offer.purge = memory_purge;
    for (size_t n = 0; n < 400; n++)
        new_block(200 * KIB);
    for (size_t n = 0; n < 20000; n++)
        new_block(500);
    while (model.count > 0) {
        free_block(&model.block[random_number() % model.count]);
        if (model.count % 1000 != 0)
            continue;
        mymalloc_counts(&counts);
        size_t budget = counts.in_use / 32;
        if (budget < 4 * MIB)
            budget = 4 * MIB;
        cr_assert(counts.dirty <= budget, "%zu bytes are dirty, %zu in use",
                  counts.dirty, counts.in_use);
    }
    check_heap();
}

/* After 95 of 100 are freed at random, at most 40 % of the peak is there. */
Test(purging, gives_back_what_random_frees_leave)
{
    enum { MANY = 300000 };
    static void *block[MANY];
    size_t count = 0, live = 0;
    memset(block, 1, sizeof block);
    touch_records();
    begin_heap(SIZE_MAX);
    vm_offer.purge = memory_purge;
    size_t before = written_bytes();
    while (live < 150 * MIB && count < MANY) {
        size_t size = random_number() % 64 == 0 ? random_number() % (16 * KIB)
                                                : random_number() % 1000 + 1;
        live += size;
        block[count] = mymalloc(size);
        cr_assert(block[count] != NULL);
        memset(block[count++], 1, size);
    }
    size_t peak = written_bytes() - before;
    for (size_t n = 0; n < count; n++)
        if (random_number() % 20 != 0)
            myfree(block[n]);
    size_t left = written_bytes() - before;
    cr_assert(left * 10 <= peak * 4, "%zu KiB of %zu KiB are left", left / KIB,
              peak / KIB);
    check_heap();
}

/* A program that frees a MiB and allocates it again has it still. */
Test(purging, leaves_what_the_heap_once_needed)
{
    begin_heap(SIZE_MAX);
    vm_offer.purge = memory_purge;
    for (int round = 0; round < 10; round++) {
        for (int n = 0; n < 10; n++)
            new_block(100 * KIB);
        free_all();
    }
    cr_assert(memory.purges == 0, "%lu runs were purged", memory.purges);
}

/* Holes of 64 KiB serve no request for 128 KiB. */
Test(purging, leaves_few_pages_at_the_peak)
{
    struct mymalloc_counts counts;
    begin_heap(SIZE_MAX);
    vm_offer.purge = memory_purge;
    for (int n = 0; n < 40; n++)
        new_block(64 * KIB);
    for (size_t n = model.count; n-- > 0;)
        if (n % 2 == 0)
            free_block(&model.block[n]);
    for (int n = 0; n < 15; n++)
        new_block(128 * KIB);
    mymalloc_counts(&counts);
    cr_assert(counts.dirty <= counts.in_use / 4, "%zu KiB are dirty, %zu in use",
              counts.dirty / KIB, counts.in_use / KIB);
    check_heap();
}

/* Who frees much purges much. */
Test(purging, is_done_by_the_call_that_frees)
{
    struct mymalloc_counts counts;
    begin_heap(SIZE_MAX);
    vm_offer.purge = memory_purge;
    struct block *block = new_block(64 * MIB);
    memset(block->start, 1, block->size);
    fill(block);
    free_block(block);
    mymalloc_counts(&counts);
    cr_assert(counts.dirty <= 4 * MIB, "%zu KiB are dirty after one myfree",
              counts.dirty / KIB);
}

/* A few; when a call drains the caches, at most what they had. */
Test(purging, is_of_a_few_pages_in_one_call)
{
    begin_heap(SIZE_MAX);
    vm_offer.purge = memory_purge;
    for (size_t n = 0; n < 30000; n++)
        new_block(random_number() % 3000);
    while (model.count > 0) {
        unsigned long before = memory.purges;
        free_block(&model.block[random_number() % model.count]);
        cr_assert(memory.purges - before <= 1024, "one myfree purges %lu runs",
                  memory.purges - before);
    }
}

/* mycalloc trusts what the system says, and no more. */
Test(purging, does_not_make_dirt_into_zeros)
{
    begin_heap(SIZE_MAX);
    vm_offer.purge = memory_purge;
    for (size_t round = 0; round < 20; round++) {
        for (size_t n = 0; n < 300; n++)
            new_zeros(1, random_number() % 50000);
        free_all();
    }
}
