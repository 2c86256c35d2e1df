/* The answers to the exercises of chapter 1 that are code. */
#include "01-bump/exercises/calloc.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "01-bump/memlib.h"
#include "01-bump/my_malloc.h"
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
