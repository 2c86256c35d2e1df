/* The buddy system: how blocks are cut, where they lie, and how they merge. */
#include "model.h"

TestSuite(buddies, .init = watchdog);

Test(buddies, give_a_request_the_smallest_power_of_two)
{
    begin_heap();
    for (size_t size = 16; size <= THRESHOLD; size *= 2) {
        size_t requests[] = {size, size - 1, size / 2 + 1};
        for (int n = 0; n < 3; n++) {
            void *payload = mymalloc(requests[n]);
            cr_assert(payload != NULL);
            size_t got = size_of_block(payload);
            cr_assert(got == size, "a request of %zu bytes got %zu, not %zu",
                      requests[n], got, size);
            myfree(payload);
        }
    }
    void *payload = mymalloc(0);
    cr_assert(payload != NULL && size_of_block(payload) == 16);
}

static char *pool_of(const void *payload)
{
    take_picture();
    for (size_t n = 0; n < picture.count; n++)
        if (picture.part[n].kind == PART_REGION &&
            (char *)payload >= (char *)picture.part[n].start &&
            (char *)payload <
                (char *)picture.part[n].start + picture.part[n].size)
            return (char *)picture.part[n + 1].start +
                   picture.part[n + 1].size; /* the header is the second part */
    cr_assert_fail("the block is in no pool");
    return NULL;
}

Test(buddies, lie_at_multiples_of_their_size_in_the_pool)
{
    begin_heap();
    for (size_t n = 0; n < 400; n++) {
        struct block *block = new_block((n * 7919) % 40000);
        size_t offset = (size_t)((char *)block->start - pool_of(block->start));
        size_t size = size_of_block(block->start);
        cr_assert(offset % size == 0, "a block of %zu bytes is at %zu", size,
                  offset);
    }
    check_memory();
}

/* Four blocks in a row that begin at a multiple of their sum. */
static void take_four(size_t size, unsigned char *block[4])
{
    for (int n = 0; n < 4; n++) {
        block[n] = mymalloc(size);
        cr_assert(block[n] != NULL, "mymalloc(%zu) returned NULL", size);
    }
    for (int n = 1; n < 4; n++)
        cr_assert(block[n] == block[0] + (size_t)n * size,
                  "fresh blocks of %zu bytes are not in a row", size);
}

Test(buddies, merge_in_whatever_order_they_are_freed)
{
    begin_heap();
    for (size_t size = 16; size <= POOL / 4; size *= 4)
        for (int order = 0; order < 24; order++) {
            unsigned char *block[4];
            int left = order;
            take_four(size, block);
            for (int n = 4; n > 0; n--) {
                int which = left % n;
                left /= n;
                myfree(block[which]);
                block[which] = block[n - 1];
                check_heap();
            }
            check_all_free();
        }
}

Test(buddies, that_are_not_buddies_do_not_merge)
{
    begin_heap();
    unsigned char *block[4];
    take_four(1024, block);
    myfree(block[1]);
    myfree(block[2]);
    cr_assert(free_parts(1024) == 2, "two neighbors that are no buddies merged");
    check_heap();
    myfree(block[0]);
    cr_assert(free_parts(2048) == 1 && free_parts(1024) == 1);
    myfree(block[3]);
    check_all_free();
}

Test(buddies, wait_until_their_buddy_is_whole)
{
    begin_heap();
    unsigned char *half = mymalloc(2048), *quarter = mymalloc(1024),
                  *other = mymalloc(1024);
    cr_assert(half != NULL && quarter == half + 2048 && other != NULL);
    myfree(half);
    check_heap();
    myfree(quarter);
    check_heap();
    cr_assert(part_at(half)->size == 2048 && part_at(quarter)->size == 1024,
              "a block merged with half of its buddy");
    myfree(other);
    check_all_free();
}

Test(buddies, become_one_block_a_pool_when_everything_is_free)
{
    begin_heap();
    srand(2);
    for (int round = 0; round < 5; round++) {
        for (int n = 0; n < 1500; n++)
            new_block(random_request());
        check_memory();
        while (model.count > 0)
            free_block(&model.block[(size_t)rand() % model.count]);
        check_all_free();
    }
    take_picture();
    cr_assert(picture.pools <= 2, "%zu pools are kept by 2 lists",
              picture.pools);
}

/* Makes free blocks of 64, 128 and 512 bytes, and nothing else below 64 KiB. */
static void make_holes(unsigned char *hole[3])
{
    static const size_t sizes[] = {64, 128, 512};
    for (int n = 0; n < 3; n++) {
        hole[n] = mymalloc(sizes[n]);
        void *buddy = mymalloc(sizes[n]);
        cr_assert(hole[n] != NULL && buddy != NULL);
    }
    for (size_t size = 16; size < 64 * KIB; size *= 2)
        while (free_parts(size) > 0)
            cr_assert(mymalloc(size) != NULL);
    for (int n = 0; n < 3; n++)
        myfree(hole[n]);
    cr_assert(free_parts(64) == 1 && free_parts(128) == 1 &&
              free_parts(512) == 1 && free_parts(256) == 0,
              "the holes are not free");
}

Test(buddies, fit_best_so_that_a_large_block_stays_whole)
{
    begin_heap();
    unsigned char *hole[3];
    make_holes(hole);
    cr_assert(mymalloc(100) == hole[1], "100 bytes do not go into 128");
    cr_assert(free_parts(512) == 1, "the block of 512 bytes was cut");
    cr_assert(free_parts(64) == 1, "the block of 64 bytes is gone");
    cr_assert(mymalloc(60) == hole[0], "60 bytes do not go into 64");
    cr_assert(mymalloc(60) == hole[2], "60 bytes more do not go into 512");
    cr_assert(free_parts(64) == 1 && free_parts(128) == 1 &&
                  free_parts(256) == 1,
              "the block of 512 bytes was not cut in halves");
    check_heap();
}

Test(buddies, serve_the_block_freed_last_first)
{
    begin_heap();
    unsigned char *block[8];
    for (int n = 0; n < 8; n++)
        block[n] = mymalloc(200);
    for (int n = 0; n < 8; n += 2)
        myfree(block[n]);
    for (int n = 6; n >= 0; n -= 2)
        cr_assert(mymalloc(200) == block[n], "another block came first");
    check_heap();
}

Test(buddies, of_a_full_pool_leave_no_byte)
{
    begin_heap();
    for (size_t size = 64; size <= THRESHOLD; size *= 4) {
        size_t count = POOL / size;
        take_picture();
        cr_assert(picture.pools == 1, "%zu pools before", picture.pools);
        for (size_t n = 0; n < count; n++)
            new_block(size);
        take_picture();
        cr_assert(picture.pools == 1 && picture.free == 0,
                  "%zu blocks of %zu bytes do not fill a pool", count, size);
        free_all();
    }
    check_all_free();
}

Test(buddies, hold_their_invariants_after_every_call)
{
    begin_heap();
    srand(3);
    for (int n = 0; n < 1500; n++) {
        random_call();
        check_heap();
    }
    free_all();
    check_all_free();
}

/* Free blocks of equal order, buddies: none after any call. */
Test(buddies, that_are_both_free_are_never_seen)
{
    begin_heap();
    srand(4);
    for (int call = 0; call < 300; call++) {
        random_call();
        take_picture();
        const char *data = NULL;
        for (size_t n = 1; n < picture.count; n++) {
            const struct heap_part *part = &picture.part[n];
            if (part->kind == PART_REGION)
                data = NULL;
            if (part->kind == PART_META && data == NULL)
                data = (char *)part->start + part->size;
            const struct heap_part *above = part + 1;
            size_t offset = (size_t)((char *)part->start - data);
            if (part->kind == PART_FREE && part->size < POOL &&
                offset % (2 * part->size) == 0 && n + 1 < picture.count)
                cr_assert(above->kind != PART_FREE || above->size != part->size,
                          "two free buddies of %zu bytes", part->size);
        }
    }
}

TestSuite(pools, .init = watchdog);

Test(pools, are_of_256_KiB_at_least_and_come_from_the_break)
{
    begin_heap();
    take_picture();
    cr_assert(picture.pools == 1 && picture.free >= 256 * KIB);
    cr_assert(machine.extends == 1, "%zu moves of the break", machine.extends);
}

Test(pools, are_taken_when_there_is_no_room_and_not_before)
{
    begin_heap();
    for (size_t pools = 1; pools <= 8; pools++) {
        new_block(THRESHOLD);
        new_block(THRESHOLD);
        cr_assert(machine.extends == pools, "%zu MiB in blocks, %zu pools",
                  pools, machine.extends);
    }
    free_all();
    for (size_t n = 0; n < 16; n++)
        new_block(THRESHOLD);
    cr_assert(machine.extends == 8, "free pools were not used again");
    check_memory();
}

Test(pools, that_are_empty_go_to_whoever_needs_one)
{
    begin_heap();
    machine.current = 0;
    for (int n = 0; n < 12; n++)
        new_block(THRESHOLD);
    size_t extends = machine.extends;
    free_all();
    machine.current = 1;
    for (int n = 0; n < 10; n++)
        new_block(THRESHOLD);
    cr_assert(machine.extends == extends,
              "CPU 1 moved the break while CPU 0's pools were empty");
    check_memory();
    free_all();
    check_all_free();
}

Test(pools, stay_when_a_block_comes_and_goes)
{
    begin_heap();
    uint64_t before = taken(mylists());
    for (int n = 0; n < 1000; n++) {
        void *payload = mymalloc(THRESHOLD);
        cr_assert(payload != NULL);
        myfree(payload);
    }
    cr_assert(taken(mylists()) - before <= 2,
              "the lock of the break was taken %zu times",
              (size_t)(taken(mylists()) - before));
}
