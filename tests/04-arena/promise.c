/* What every version of the arena promises one thread; it is run for the steps
   of the chapter too. The other suites prove the arena itself. */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>

#include "04-arena/arena.h"
#include "04-arena/walk.h"

enum { BLOCKS = 100 };

static _Alignas(BLOCK_SIZE) char buffer[(BLOCKS + 1) * BLOCK_SIZE];
static char *blocks[BLOCKS];

/* What hangs shall crash: .timeout may hang the runner. */
static void arm(void)
{
    struct itimerval limit = {.it_value = {.tv_sec = 20}};
    setitimer(ITIMER_REAL, &limit, NULL);
}

TestSuite(version, .init = arm);

/* Takes all of `count` blocks and fills each to its end. */
static void take_all(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cr_assert(arena_count_free() == count - i && arena_check() == 0);
        blocks[i] = Allocate();
        cr_assert(blocks[i] != NULL, "block %zu of %zu", i, count);
        cr_assert((uintptr_t)blocks[i] % BLOCK_SIZE == 0);
        cr_assert(blocks[i] >= buffer);
        cr_assert(blocks[i] + BLOCK_SIZE <= buffer + sizeof buffer);
        memset(blocks[i], (int)i, BLOCK_SIZE);
    }
    cr_assert(Allocate() == NULL && arena_count_free() == 0);
    for (size_t i = 0; i < count; i++)
        for (size_t at = 0; at < BLOCK_SIZE; at++)
            cr_assert(blocks[i][at] == (char)i, "block %zu, byte %zu", i, at);
}

Test(version, serves_each_block_of_an_aligned_buffer_once)
{
    cr_assert(Init(buffer, BLOCKS * BLOCK_SIZE) == 0);
    take_all(BLOCKS);
}

Test(version, serves_the_block_that_was_freed_last)
{
    cr_assert(Init(buffer, BLOCKS * BLOCK_SIZE) == 0);
    take_all(BLOCKS);
    for (int i = 0; i < BLOCKS; i++)
        Free(blocks[i]);
    cr_assert(arena_count_free() == BLOCKS && arena_check() == 0);
    for (int i = BLOCKS; i > 0; i--)
        cr_assert(Allocate() == blocks[i - 1]);
    cr_assert(Allocate() == NULL);
}

Test(version, keeps_inside_a_buffer_that_begins_and_ends_anywhere)
{
    for (size_t skip = 0; skip < 3; skip++)
        for (size_t less = 0; less < 3; less++) {
            memset(buffer, 0x55, sizeof buffer);
            size_t size = 5 * BLOCK_SIZE - less,
                   lost = skip == 0 ? 0 : BLOCK_SIZE - skip;
            cr_assert(Init(buffer + skip, size) == 0);
            take_all((size - lost) / BLOCK_SIZE);
            for (size_t at = 0; at < skip; at++)
                cr_assert(buffer[at] == 0x55);
            for (size_t at = skip + size; at < sizeof buffer; at++)
                cr_assert(buffer[at] == 0x55);
        }
}

Test(version, makes_no_block_of_a_buffer_that_holds_none)
{
    cr_assert(Init(buffer, 0) == 0);
    cr_assert(Allocate() == NULL);
    cr_assert(Init(buffer + 1, BLOCK_SIZE) == 0);
    cr_assert(Allocate() == NULL && arena_check() == 0);
}

Test(version, refuses_what_is_no_memory_and_goes_on)
{
    cr_assert(Init(buffer, 3 * BLOCK_SIZE) == 0);
    void *block = Allocate();
    cr_assert(Init(NULL, 5 * BLOCK_SIZE) == -1);
    cr_assert(Init(buffer, SIZE_MAX) == -1);
    Free(block);
    take_all(3);
}

Test(version, begins_anew_when_Init_is_called_again)
{
    cr_assert(Init(buffer, BLOCKS * BLOCK_SIZE) == 0);
    take_all(BLOCKS);
    cr_assert(Init(buffer, 7 * BLOCK_SIZE) == 0);
    take_all(7);
}

struct tally {
    const char *end;
    size_t free, used;
};

static void count_part(const struct heap_part *part, void *context)
{
    struct tally *tally = context;
    if (part->kind == PART_REGION) {
        tally->end = part->start;
        return;
    }
    cr_assert(part->start == tally->end && part->size == BLOCK_SIZE);
    tally->end += part->size;
    if (part->kind == PART_USED)
        tally->used++;
    else
        tally->free++;
}

Test(version, shows_free_and_held_blocks_side_by_side)
{
    struct tally tally = {0};
    cr_assert(Init(buffer, 10 * BLOCK_SIZE) == 0);
    for (int i = 0; i < 6; i++)
        blocks[i] = Allocate();
    Free(blocks[2]);
    arena_walk(count_part, &tally);
    cr_assert(tally.used == 5 && tally.free == 5);
    cr_assert(tally.end == buffer + 10 * BLOCK_SIZE);
}
