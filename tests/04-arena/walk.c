/* What the judge and the pictures rely on: the arena as its walk shows it, its
   check, and the table. The check accepts every sound arena, at every moment
   when nobody is in it, and no other. */
#include "suite.h"

#include <stdlib.h>

#include "01-bump/allocator.h"
#include "04-arena/misuse.h"
#include "04-arena/walk.h"

TestSuite(walk, .init = begin_test);
TestSuite(arena_check, .init = begin_test);
TestSuite(table, .init = begin_test);

enum { FEW = 12 }; /* blocks */

static void *block[FEW];

static struct {
    size_t count, free;
    struct heap_part part[FEW + 1];
} picture;

static void add_part(const struct heap_part *part, void *context)
{
    (void)context;
    cr_assert(picture.count <= FEW, "the walk has more parts than blocks");
    picture.free += part->kind == PART_FREE;
    picture.part[picture.count++] = *part;
}

static void take_picture(void)
{
    picture.count = picture.free = 0;
    arena_walk(add_part, NULL);
}

static void take_all(void)
{
    begin_arena(FEW);
    for (int n = 0; n < FEW; n++)
        block[n] = take_one(1);
}

static void check_picture(void)
{
    take_picture();
    cr_assert(picture.count == FEW + 1, "the walk has %zu parts", picture.count);
    const struct heap_part *region = picture.part;
    cr_assert(region->kind == PART_REGION && region->start == model.first &&
              region->size == FEW * BLOCK_SIZE, "the region is not the buffer");
    for (size_t n = 0; n < FEW; n++) {
        const struct heap_part *part = &region[n + 1];
        bool is_held = hands.holder[n] != 0;
        cr_assert(part->start == model.first + n * BLOCK_SIZE &&
                  part->size == BLOCK_SIZE, "block %zu is not in its place", n);
        cr_assert(part->kind == (is_held ? PART_USED : PART_FREE),
                  "block %zu is %s, and shown otherwise", n,
                  is_held ? "held" : "free");
    }
    cr_assert(arena_count_free() == picture.free, "the list has %zu blocks",
              arena_count_free());
    cr_assert(arena_check() == 0, "a sound arena is refused");
}

Test(walk, shows_every_block_as_it_is)
{
    take_all();
    check_picture();
    srand(4);
    for (int turn = 0; turn < 300; turn++) {
        int n = rand() % FEW;
        if (block[n] != NULL) {
            give(block[n], 1);
            block[n] = NULL;
        } else {
            block[n] = take_one(1);
        }
        check_picture();
    }
}

Test(walk, shows_the_list_in_its_order)
{
    take_all();
    for (int n = 0; n < FEW; n++)
        give(block[n * 5 % FEW], 1);
    take_picture();
    for (int n = 0; n < FEW; n++) {
        const struct heap_part *part =
            &picture.part[1 + index_of(block[n * 5 % FEW])];
        const void *next = n == 0 ? NULL : block[(n - 1) * 5 % FEW];
        cr_assert(part->next == next, "the block freed as number %d has another "
                  "behind it than the one freed before", n + 1);
    }
}

Test(arena_check, accepts_arenas_of_any_size)
{
    cr_assert(arena_check() == 0, "it refuses an arena before the first Init");
    for (size_t blocks = 0; blocks < 20; blocks++) {
        begin_arena(blocks);
        cr_assert(arena_check() == 0 && arena_count_free() == blocks);
        while (take(1) != NULL)
            cr_assert(arena_check() == 0, "it refuses a sound arena");
    }
    cr_assert(Init(NULL, 1) == -1);
    cr_assert(arena_check() == 0, "it refuses an arena after an Init that failed");
}

/* All blocks are free; each in turn gets a link that is wrong. A link is the
   word that holds the address of the next: found by looking. Where there is none
   the list is another one, of which this test knows nothing. */
static void **find_link(size_t n)
{
    void **word = block[n];
    for (size_t i = 0; i < BLOCK_SIZE / sizeof *word; i++)
        if (word[i] == block[n - 1])
            return &word[i];
    return NULL;
}

static void check_refused(size_t n, void *wrong, const char *what)
{
    void **link = find_link(n), *right = *link;
    *link = wrong;
    cr_assert(arena_check() == -1, "it accepts a list with %s", what);
    *link = right;
    cr_assert(arena_check() == 0, "it changes the arena");
}

Test(arena_check, finds_a_list_that_is_broken)
{
    take_all();
    for (int n = 0; n < FEW; n++)
        give(block[n], 1);
    for (size_t n = 1; n < FEW && find_link(n) != NULL; n++) {
        check_refused(n, NULL, "an early end");
        check_refused(n, block[n], "a block that follows itself");
        check_refused(n, block[FEW - 1], "a circle");
        check_refused(n, model.first + FEW * BLOCK_SIZE, "what is no block");
        check_refused(n, model.first - BLOCK_SIZE, "what is no block");
        check_refused(n, (char *)block[n - 1] + 8, "what is inside a block");
        if (n > 1)
            check_refused(n, block[n - 2], "a block left out");
    }
}

Test(table, offers_what_the_chapter_has)
{
    cr_assert(allocator.init() == 0 && allocator.malloc(1) != NULL);
    cr_assert(strcmp(allocator.name, "04-arena") == 0);
    cr_assert(allocator.free == Free && allocator.check == arena_check);
    cr_assert(allocator.walk == arena_walk && allocator.is_thread_safe);
    cr_assert(allocator.realloc == NULL && allocator.calloc == NULL);
}

Test(table, gives_a_block_for_every_request_that_fits)
{
    cr_assert(allocator.init() == 0);
    cr_assert(allocator.malloc(0) == NULL, "0 bytes get a block");
    cr_assert(allocator.malloc(BLOCK_SIZE + 1) == NULL,
              "more than a block has get a block");
    void *first = allocator.malloc(1), *second = allocator.malloc(BLOCK_SIZE);
    cr_assert(first != NULL && second != NULL && first != second);
    allocator.free(first);
    cr_assert(allocator.malloc(100) == first);
    cr_assert(allocator.init() == 0 && allocator.check() == 0);
}
