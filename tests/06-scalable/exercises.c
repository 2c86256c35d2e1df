/* The answers to the exercises of chapter 6 that are code. */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>

#include "06-scalable/exercises/class_size.h"
#include "06-scalable/exercises/expected_pages.h"
#include "06-scalable/mymalloc.h"
#include "report.h"

TestSuite(class_size, .init = watchdog);

/* A class may borrow its first objects from larger ones. */
static size_t least_usable(size_t request)
{
    size_t least = SIZE_MAX;
    for (int n = 0; n < 300; n++) {
        size_t usable = mymalloc_usable(mymalloc(request));
        least = usable < least ? usable : least;
    }
    return least;
}

Test(class_size, is_what_an_object_of_the_class_has)
{
    size_t request = 1;
    for (unsigned class = 1; class <= 56; class++) {
        size_t size = class_size(class);
        cr_assert(size >= request && least_usable(request) == size,
                  "class %u has %zu bytes, not %zu", class,
                  least_usable(request), size);
        request = size + 1;
    }
    cr_assert(class_size(56) == 8192);
}

TestSuite(expected_pages, .init = watchdog);

static bool is_about(double value, double expected)
{
    return value > expected - 0.01 && value < expected + 0.01;
}

Test(expected_pages, are_those_that_keep_an_object)
{
    cr_assert(is_about(expected_pages(100, 1, 0.95), 5));
    cr_assert(is_about(expected_pages(100, 2, 0.5), 75));
    cr_assert(is_about(expected_pages(100, 16, 0.95), 55.99));
    cr_assert(is_about(expected_pages(7, 256, 1), 0));
}
