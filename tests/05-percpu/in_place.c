/* When a block that is reallocated stays where it is, and what that leaves. */
#include "model.h"

TestSuite(in_place, .init = watchdog);

static void check_stays(unsigned char *payload, size_t request)
{
    cr_assert(myrealloc(payload, request) == payload,
              "a block moved when %zu bytes were asked for", request);
    check_heap();
}

Test(in_place, every_request_stays_that_the_block_has_room_for)
{
    begin_heap();
    for (size_t size = 16; size <= THRESHOLD; size *= 2) {
        unsigned char *payload = mymalloc(size);
        for (size_t request = size / 2 + 1; request <= size;
             request += size / 8 + 1)
            check_stays(payload, request);
        cr_assert(size_of_block(payload) == size);
        myfree(payload);
    }
    check_all_free();
}

Test(in_place, a_block_shrinks_and_its_upper_halves_are_free)
{
    begin_heap();
    unsigned char *payload = mymalloc(64 * KIB);
    size_t free = (take_picture(), picture.free);
    check_stays(payload, 1000);
    cr_assert(size_of_block(payload) == 1024);
    take_picture();
    cr_assert(picture.free == free + 63 * KIB, "%zu bytes more are free",
              picture.free - free);
    cr_assert(free_parts(1024) == 1 && free_parts(32 * KIB) == 1);
    myfree(payload);
    check_all_free();
}

Test(in_place, a_lower_half_grows_into_its_free_buddies)
{
    begin_heap();
    unsigned char *payload = mymalloc(16);
    for (size_t request = 17; request <= THRESHOLD; request *= 2)
        check_stays(payload, request);
    cr_assert(size_of_block(payload) == THRESHOLD);
    check_stays(payload, 16);
    check_stays(payload, THRESHOLD);
    myfree(payload);
    check_all_free();
}

Test(in_place, contents_stay_when_a_block_grows)
{
    begin_heap();
    struct block *block = new_block(100);
    unsigned char *payload = block->start;
    for (size_t request = 200; request < THRESHOLD; request *= 3) {
        resize_block(&model.block[0], request);
        cr_assert(model.block[0].start == payload);
    }
    check_memory();
}

Test(in_place, an_upper_half_moves)
{
    begin_heap();
    unsigned char *lower = mymalloc(1024), *upper = mymalloc(1024);
    cr_assert(upper == lower + 1024);
    myfree(lower);
    unsigned char *moved = myrealloc(upper, 2048);
    cr_assert(moved != NULL && moved != upper);
    check_heap();
    cr_assert(size_of_block(moved) == 2048);
    myfree(moved);
    check_all_free();
}

Test(in_place, a_block_moves_when_its_buddy_is_in_use)
{
    begin_heap();
    new_block(1000);
    new_block(1000);
    unsigned char *lower = model.block[0].start;
    resize_block(&model.block[0], 2000);
    for (size_t n = 0; n < model.count; n++)
        cr_assert(model.block[n].start != lower || model.block[n].size == 1000);
    check_memory();
    free_all();
    check_all_free();
}

/* The buddy's lower part is free, its upper part is not. */
Test(in_place, a_block_moves_when_part_of_its_buddy_is_in_use)
{
    begin_heap();
    unsigned char *block = mymalloc(1024), *low = mymalloc(512),
                  *high = mymalloc(512);
    cr_assert(low == block + 1024 && high == block + 1536);
    myfree(low);
    unsigned char *moved = myrealloc(block, 2048);
    cr_assert(moved != NULL && moved != block, "a block grew over another");
    check_heap();
    myfree(moved);
    myfree(high);
    check_all_free();
}

/* At one order the buddy is free, and one order up it is not. */
Test(in_place, a_block_that_cannot_grow_far_enough_takes_nothing)
{
    begin_heap();
    unsigned char *block = mymalloc(1024), *other = mymalloc(2048);
    cr_assert(other == block + 2048);
    size_t before = free_parts(1024);
    unsigned char *moved = myrealloc(block, 4096);
    cr_assert(moved != NULL && moved != block);
    check_heap();
    myfree(moved);
    cr_assert(before == 1 && free_parts(2048) >= 1);
    myfree(other);
    check_all_free();
}
