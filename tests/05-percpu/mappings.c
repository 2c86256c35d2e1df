/* Break or mapping: the threshold, and what large blocks cost. */
#include "model.h"

TestSuite(mappings, .init = watchdog);

Test(mappings, begin_one_byte_above_the_threshold)
{
    begin_heap();
    size_t maps = machine.maps;
    for (size_t request = THRESHOLD - 16; request <= THRESHOLD; request++) {
        struct block *block = new_block(request);
        cr_assert(is_in_pool(block->start), "%zu bytes are mapped", request);
        free_block(block);
    }
    cr_assert(machine.maps == maps);
    for (size_t request = THRESHOLD + 1; request < THRESHOLD + 17; request++) {
        struct block *block = new_block(request);
        cr_assert(!is_in_pool(block->start), "%zu bytes are in a pool",
                  request);
        cr_assert(machine.maps == ++maps, "not one mapping for one block");
        free_block(block);
    }
    check_all_free();
}

Test(mappings, end_with_their_blocks)
{
    begin_heap();
    size_t mapped = machine.mapped, mappings = machine.mappings;
    for (size_t n = 0; n < 50; n++)
        new_block(THRESHOLD + 1 + n * 10007);
    cr_assert(machine.mappings == mappings + 50);
    check_memory();
    for (size_t n = 0; n < model.count; n++)
        free_block(&model.block[n]);
    check_memory();
    free_all();
    cr_assert(machine.mapped == mapped, "%zu bytes are still mapped",
              machine.mapped - mapped);
    check_all_free();
}

Test(mappings, are_no_longer_than_the_request_needs)
{
    begin_heap();
    for (size_t request = 2 * THRESHOLD - 200; request <= 2 * THRESHOLD + 200;
         request++) {
        size_t mapped = machine.mapped;
        struct block *block = new_block(request);
        cr_assert(machine.mapped - mapped <= request + 4096 + 64,
                  "%zu bytes are mapped for %zu", machine.mapped - mapped,
                  request);
        free_block(block);
    }
}

Test(mappings, do_not_move_the_break)
{
    begin_heap();
    const char *brk = machine.brk;
    for (int n = 0; n < 20; n++)
        new_block(4 << 20);
    cr_assert(machine.brk == brk, "the break moved for mappings");
    check_memory();
}

Test(mappings, grow_and_shrink_without_a_copy)
{
    begin_heap();
    new_block(THRESHOLD + 1);
    size_t maps = machine.maps;
    for (size_t size = THRESHOLD + 5000; size < 16 << 20; size += size / 2)
        resize_block(&model.block[0], size);
    while (model.block[0].size / 2 > THRESHOLD)
        resize_block(&model.block[0], model.block[0].size / 2);
    cr_assert(machine.maps == maps, "%zu new mappings to resize one",
              machine.maps - maps);
    cr_assert(machine.remaps > 10, "the kernel resized %zu times",
              machine.remaps);
    check_memory();
    free_all();
    check_all_free();
}

Test(mappings, that_move_stay_on_the_list)
{
    begin_heap();
    for (size_t n = 0; n < 5; n++)
        new_block(THRESHOLD + 1);
    for (int k = 0; k < 20; k++) {
        struct block *block = &model.block[(k * 3) % 5];
        resize_block(block, block->size + (size_t)k * 5000);
        check_memory();
        take_picture();
        cr_assert(picture.mappings == 5, "the walk shows %zu mappings of 5",
                  picture.mappings);
    }
    free_all();
    check_all_free();
}

Test(mappings, that_cannot_be_resized_are_as_they_were)
{
    begin_heap();
    for (int n = 0; n < 3; n++)
        new_block(THRESHOLD + 1000);
    machine.maps_left = 0;
    for (size_t n = 0; n < 3; n++) {
        cr_assert(myrealloc(model.block[n].start, 8 << 20) == NULL);
        check_memory();
    }
    machine.maps_left = UINT_MAX;
    free_all();
    check_all_free();
}

Test(mappings, become_blocks_of_a_pool_when_they_shrink_and_back)
{
    begin_heap();
    size_t mappings = machine.mappings;
    new_block(THRESHOLD + 1);
    resize_block(&model.block[0], THRESHOLD);
    cr_assert(is_in_pool(model.block[0].start));
    cr_assert(machine.mappings == mappings, "the mapping is still there");
    resize_block(&model.block[0], THRESHOLD + 1);
    cr_assert(!is_in_pool(model.block[0].start));
    free_all();
    check_all_free();
}
