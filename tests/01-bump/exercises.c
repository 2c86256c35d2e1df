/* The answers to the exercises of chapter 1 that are code. */
#include "01-bump/exercises/bump.h"
#include "01-bump/exercises/calloc.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "01-bump/memlib.h"
#include "01-bump/my_malloc.h"
#include "hooks.h"
#include "report.h"

enum { LIMIT = 1 << 20 };  /* bytes */

static void fresh_heap(void)
{
    cr_assert(mem_init(LIMIT) == 0);
    cr_assert(my_init() == 0);
}

TestSuite(my_calloc, .init = watchdog);

Test(my_calloc, clears_every_byte_on_a_dirty_heap)
{
    fresh_heap();
    unsigned char *dirty = my_malloc(1000);
    cr_assert(dirty != NULL);
    memset(dirty, 0xA5, 1000);
    mem_reset();
    my_init();
    unsigned char *zero = my_calloc(25, 40);
    cr_assert(zero == dirty, "the block should lie on the dirty memory");
    for (int i = 0; i < 1000; i++)
        cr_assert(zero[i] == 0, "byte %d is not zero", i);
}

Test(my_calloc, refuses_a_product_that_wraps)
{
    fresh_heap();
    cr_assert(my_calloc(10, 10) != NULL);
    cr_assert(my_calloc(SIZE_MAX / 2, 3) == NULL);
    cr_assert(my_calloc(3, SIZE_MAX / 2) == NULL);
    cr_assert(my_calloc(SIZE_MAX, SIZE_MAX) == NULL);
    cr_assert(my_calloc((SIZE_MAX >> 4) + 2, 16) == NULL);
    cr_assert(my_check() == 0);
}

Test(my_calloc, gives_null_for_nothing)
{
    fresh_heap();
    cr_assert(my_calloc(1, 1) != NULL);
    cr_assert(my_calloc(0, 8) == NULL);
    cr_assert(my_calloc(8, 0) == NULL);
}

TestSuite(bump_alloc, .init = watchdog);

static _Alignas(16) char memory[4096];

static struct arena arena_of(size_t size)
{
    return (struct arena){.memory = memory, .size = size};
}

Test(bump_alloc, hands_out_every_byte_once)
{
    struct arena arena = arena_of(sizeof memory);
    char *expected = memory;
    for (size_t request = 1; request <= 64; request++) {
        cr_assert(bump(&arena, request) == expected, "%zu bytes", request);
        expected += (request + 15) / 16 * 16;
    }
    size_t rest = (size_t)(memory + sizeof memory - expected);
    cr_assert(bump(&arena, rest) == expected);
    cr_assert(bump(&arena, 1) == NULL);
}

Test(bump_alloc, serves_small_requests_after_one_that_was_too_large)
{
    struct arena arena = arena_of(64);
    cr_assert(bump(&arena, 0) == NULL);
    cr_assert(bump(&arena, 65) == NULL);
    cr_assert(bump(&arena, SIZE_MAX) == NULL);
    cr_assert(bump(&arena, SIZE_MAX - 14) == NULL);
    cr_assert(bump(&arena, 49) == memory);
    cr_assert(bump(&arena, 1) == NULL);
}

static void allocate_meanwhile(void *context)
{
    char *other = bump(context, 40);
    cr_assert(other == memory);
    memset(other, 'B', 40);
}

/* A has read the cursor when B allocates, from beginning to end. */
Test(bump_alloc, lets_another_thread_in_at_any_moment)
{
    struct arena arena = arena_of(sizeof memory);
    hook_thread("A", 0);
    hook_call("A", "bump: read the cursor", 1, allocate_meanwhile, &arena);
    char *mine = bump(&arena, 100);
    cr_assert(mine == memory + 48, "the block of A overlaps that of B");
    cr_assert(mine[-9] == 'B');
}
