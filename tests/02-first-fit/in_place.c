/* What my_realloc does without a second block: a block shrinks, takes the hole
   above, moves the break, or slides down into the hole below. */
#include "01-bump/model.h"

TestSuite(in_place, .init = watchdog);

static struct picture before;

enum { FEW = 128 << 10 }; /* bytes, where heaps are made by the hundred */

static struct block *block_at(const unsigned char *start)
{
    struct block *block = model.block;
    while (block < model.block + model.count && block->start != start)
        block++;
    cr_assert(block < model.block + model.count, "the block has moved");
    return block;
}

/* One block and what is around it */

enum { BELOW = 400, SIZE = 600, ABOVE = 500 }; /* bytes */
enum neighbor { USED, FREE, NONE, FOREIGN };

struct place {
    enum neighbor below; /* NONE: the block is the first of the heap */
    enum neighbor above; /* NONE: it is the last; FOREIGN: and the break moved */
};

#define NAMES(place)                                                           \
    (const char *const[]){"used", "free", "none"}[(place).below],              \
        (const char *const[]){"used", "free", "none",                          \
                              "foreign"}[(place).above]

/* A block of SIZE bytes in that place. */
static struct block *make_place(struct place place)
{
    begin_heap(FEW);
    take_foreign(48);
    unsigned char *below = NULL, *above = NULL;
    if (place.below != NONE)
        below = new_block(BELOW)->start;
    unsigned char *start = new_block(SIZE)->start;
    if (place.above <= FREE) {
        above = new_block(ABOVE)->start;
        new_block(200);
    }
    if (place.below == FREE)
        free_block(block_at(below));
    if (place.above == FREE)
        free_block(block_at(above));
    if (place.above == FOREIGN)
        take_foreign(40);
    cr_assert(my_check() == 0);
    return block_at(start);
}

static void check_resize(struct place place, size_t request)
{
    struct block *block = make_place(place);
    const unsigned char *start = block->start;
    size_t heapsize = mem_heapsize();
    size_t room = SIZE + (place.above == FREE ? ABOVE : 0);
    size_t both = room + (place.below == FREE ? BELOW : 0);
    resize_block(block, request);
    if (request <= room || place.above == NONE)
        cr_assert(model.block[model.count - 1].start == start,
                  "%zu bytes moved, %s below, %s above", request, NAMES(place));
    if (request <= both)
        cr_assert(mem_heapsize() == heapsize,
                  "%zu bytes moved the break, %s below, %s above", request,
                  NAMES(place));
    check_memory();
    cr_assert(my_check() == 0, "%zu bytes, %s below, %s above", request,
              NAMES(place));
}

Test(in_place, keeps_contents_whatever_the_neighbors_are)
{
    static const size_t requests[] = {
        1,
        97,
        SIZE - 17,
        SIZE,
        SIZE + 1,
        SIZE + 16,
        SIZE + BELOW,
        SIZE + BELOW + 1,
        SIZE + ABOVE,
        SIZE + ABOVE + 1,
        SIZE + BELOW + ABOVE,
        SIZE + BELOW + ABOVE + 1,
        5000,
        50000,
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        for (enum neighbor below = USED; below <= NONE; below++)
            for (enum neighbor above = USED; above <= FOREIGN; above++)
                check_resize((struct place){below, above}, requests[i]);
}

/* Around the sum of all three each header counts. */
Test(in_place, keeps_contents_at_every_size)
{
    for (size_t request = 1; request <= SIZE + BELOW + ABOVE + 40; request += 7)
        check_resize((struct place){FREE, FREE}, request);
}

Test(in_place, leaves_the_block_whole_when_memory_is_short)
{
    enum { MORE = 60000 };
    for (enum neighbor below = USED; below <= NONE; below++)
        for (enum neighbor above = USED; above <= FOREIGN; above++)
            for (unsigned calls = 0; calls < 3; calls++) {
                struct block *block = make_place((struct place){below, above});
                take_picture(&before);
                make_short(0, calls);
                void *payload = my_realloc(block->start, MORE);
                end_shortage();
                if (payload == NULL)
                    check_unchanged(&before, "my_realloc without memory");
                else
                    block->start = payload;
                resize_block(block, MORE);
                check_memory();
                cr_assert(my_check() == 0);
            }
}

Test(in_place, leaves_a_small_block_where_it_is_while_there_is_room)
{
    enum { LARGEST = 96 };
    begin_heap(FEW);
    const unsigned char *start = new_block(LARGEST)->start;
    for (size_t request = LARGEST; request > 0; request--) {
        resize_block(block_at(start), request);
        cr_assert(model.block[model.count - 1].start == start,
                  "a block of %d bytes moved for %zu", LARGEST, request);
        new_block(request);
    }
    check_memory();
}

/* The end of the heap */

/* After `size` bytes of somebody else, whose end need not be aligned. */
static void check_growth_above(size_t size)
{
    begin_heap(LIMIT);
    if (size > 0)
        take_foreign(size);
    unsigned char *start = new_block(1000)->start;
    size_t end = (size_t)(start - (unsigned char *)mem_heap_lo()) + 1000;
    while (end < LIMIT / 2) {
        size_t heapsize = mem_heapsize(), more = end / 3;
        struct block *block = block_at(start);
        resize_block(block, block->size + more);
        block_at(start);
        end += more;
        cr_assert(mem_heapsize() <= heapsize ||
                      mem_heapsize() <= end + mem_pagesize() + 16,
                  "%zu bytes for a heap that ends at %zu", mem_heapsize(), end);
    }
    check_memory();
}

Test(in_place, grows_at_the_end_of_the_heap_without_copying)
{
    check_growth_above(0);
    check_growth_above(16);
    check_growth_above(4096);
}

Test(in_place, grows_without_copying_wherever_the_break_was_at_first)
{
    for (size_t size = 1; size <= 33; size += 4)
        check_growth_above(size);
}

/* A copy would not fit: the block has half of what there is. */
Test(in_place, grows_to_the_limit)
{
    begin_heap(LIMIT);
    struct block *block = new_block(LIMIT / 2);
    resize_block(block, LIMIT - 200);
    check_memory();
}

/* What the block lacks can be had, but not next to it, and no room for a copy. */
Test(in_place, takes_nothing_for_a_growth_that_fails_above_others)
{
    begin_heap(FEW);
    struct block *block = new_block(80000);
    take_foreign(48);
    take_picture(&before);
    cr_assert(my_realloc(block->start, 100000) == NULL);
    check_unchanged(&before, "my_realloc without memory for a copy");
    check_memory();
    cr_assert(my_check() == 0);
}

/* Another block is born and freed between two growths. What the block leaves
   behind must not pave the heap. */
Test(in_place, grows_many_times_in_little_more_than_its_size)
{
    begin_heap(LIMIT);
    new_block(512);
    void *other = my_malloc(128);
    size_t request = 512;
    while (request < LIMIT / 2) {
        request += 512;
        resize_block(model.block, request);
        void *next = my_malloc(128);
        cr_assert(next != NULL);
        my_free(other);
        other = next;
    }
    cr_assert(mem_heapsize() <= request + request / 10,
              "%zu bytes for a block of %zu", mem_heapsize(), request);
    check_memory();
}

/* Full heaps: there is no room but in place */

/* Blocks of 1000 bytes, in the order of their addresses, and no room. */
static size_t fill_heap(unsigned char **start)
{
    size_t count = 0;
    void *payload;
    begin_heap(FEW / 4);
    while ((payload = my_malloc(1000)) != NULL)
        start[count++] = add_block(payload, 1000)->start;
    while ((payload = my_malloc(100)) != NULL)
        add_block(payload, 100);
    cr_assert(count * 1000 > FEW / 4 / 10 * 9,
              "NULL after %zu blocks of 1000 bytes in a heap of %d", count,
              FEW / 4);
    for (size_t n = 1; n < count; n++)
        cr_assert(start[n - 1] < start[n]);
    return count;
}

Test(in_place, grows_into_the_hole_above)
{
    unsigned char *start[100];
    size_t count = fill_heap(start);
    for (size_t n = 0; n + 1 < count; n += 2) {
        free_block(block_at(start[n + 1]));
        resize_block(block_at(start[n]), 2000);
        block_at(start[n]);
    }
    check_memory();
}

Test(in_place, slides_into_the_hole_below)
{
    unsigned char *start[100];
    size_t count = fill_heap(start);
    for (size_t n = 0; n + 1 < count; n += 2) {
        free_block(block_at(start[n]));
        resize_block(block_at(start[n + 1]), 2000);
    }
    check_memory();
}

Test(in_place, grows_into_both_holes)
{
    unsigned char *start[100];
    size_t count = fill_heap(start);
    for (size_t n = 0; n + 2 < count; n += 3) {
        free_block(block_at(start[n]));
        free_block(block_at(start[n + 2]));
        resize_block(block_at(start[n + 1]), 3000);
    }
    check_memory();
}
