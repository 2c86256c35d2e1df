/* The numbers in a line of ranges, as the kernel writes them. */
#include "05-percpu/ranges.h"

#include <criterion/criterion.h>

#include "report.h"

TestSuite(ranges, .init = watchdog);

/* Walks over the line, and compares with the numbers, which end with -1. */
static void check_numbers(const char *line, const int *numbers)
{
    int at = -1;
    for (; *numbers >= 0; numbers++) {
        int next = next_in_ranges(line, at);
        cr_assert(next == *numbers, "in \"%s\" after %d comes %d, not %d", line,
                  at, next, *numbers);
        at = next;
    }
    int next = next_in_ranges(line, at);
    cr_assert(next == -1, "in \"%s\" after the last comes %d", line, next);
}

Test(ranges, of_one_number)
{
    check_numbers("0\n", (int[]){0, -1});
    check_numbers("7\n", (int[]){7, -1});
    check_numbers("123", (int[]){123, -1});
}

Test(ranges, of_two_numbers_with_all_between)
{
    check_numbers("0-1\n", (int[]){0, 1, -1});
    check_numbers("0-3\n", (int[]){0, 1, 2, 3, -1});
    check_numbers("9-11\n", (int[]){9, 10, 11, -1});
    check_numbers("5-5\n", (int[]){5, -1});
}

Test(ranges, with_commas_between)
{
    check_numbers("0-3,8-11\n", (int[]){0, 1, 2, 3, 8, 9, 10, 11, -1});
    check_numbers("0,2,4\n", (int[]){0, 2, 4, -1});
    check_numbers("1,3-4,100\n", (int[]){1, 3, 4, 100, -1});
}

Test(ranges, may_be_asked_from_any_number)
{
    cr_assert(next_in_ranges("0-3,8-11\n", 5) == 8);
    cr_assert(next_in_ranges("0-3,8-11\n", 3) == 8);
    cr_assert(next_in_ranges("0-3,8-11\n", 7) == 8);
    cr_assert(next_in_ranges("0-3,8-11\n", 10) == 11);
    cr_assert(next_in_ranges("0-3,8-11\n", 11) == -1);
    cr_assert(next_in_ranges("0-3,8-11\n", 1000) == -1);
    cr_assert(next_in_ranges("4-5\n", -100) == 4);
}

Test(ranges, end_where_the_line_does)
{
    cr_assert(next_in_ranges("", -1) == -1);
    cr_assert(next_in_ranges("\n", -1) == -1);
    cr_assert(next_in_ranges("x", -1) == -1);
    cr_assert(next_in_ranges("0,\n", 0) == -1);
    cr_assert(next_in_ranges("0\n5\n", 0) == -1);
}
