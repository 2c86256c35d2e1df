/* What memlib promises: a break that only rises, a limit, failures on order. */
#include "01-bump/memlib.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

TestSuite(memlib, .init = watchdog);

enum { LIMIT = 1 << 16 }; /* bytes */

static void check_refused(size_t increment)
{
    size_t heapsize = mem_heapsize();
    errno = 0;
    cr_assert(mem_sbrk(increment) == (void *)-1, "mem_sbrk(%zu) succeeded",
              increment);
    cr_assert(errno == ENOMEM, "errno is %d", errno);
    cr_assert(mem_heapsize() == heapsize, "a call that failed moved the break");
}

Test(memlib, begins_with_an_empty_heap)
{
    cr_assert(mem_init(LIMIT) == 0);
    cr_assert(mem_heapsize() == 0);
    cr_assert(mem_heap_lo() != NULL);
    cr_assert((char *)mem_heap_hi() + 1 == mem_heap_lo());
}

Test(memlib, begins_at_a_page)
{
    cr_assert(mem_init(LIMIT) == 0);
    cr_assert(mem_pagesize() == (size_t)sysconf(_SC_PAGESIZE));
    cr_assert((uintptr_t)mem_heap_lo() % mem_pagesize() == 0);
}

Test(memlib, extends_the_heap_by_exactly_what_is_asked)
{
    cr_assert(mem_init(LIMIT) == 0);
    char *lo = mem_heap_lo();
    size_t taken = 0;
    for (size_t increment = 1; increment <= 300; increment++) {
        char *start = mem_sbrk(increment);
        cr_assert(start == lo + taken, "mem_sbrk(%zu) returned another place",
                  increment);
        memset(start, 1, increment);
        taken += increment;
        cr_assert(mem_heapsize() == taken);
        cr_assert((char *)mem_heap_hi() == lo + taken - 1);
        cr_assert(mem_heap_lo() == lo);
    }
}

Test(memlib, has_every_byte_up_to_the_limit_and_none_more)
{
    cr_assert(mem_init(LIMIT) == 0);
    cr_assert(mem_sbrk(LIMIT) == mem_heap_lo(), "the limit itself is refused");
    cr_assert((char *)mem_heap_hi() == (char *)mem_heap_lo() + LIMIT - 1);
    memset(mem_heap_lo(), 1, LIMIT);
    check_refused(1);

    mem_reset();
    check_refused(LIMIT + 1);
    cr_assert(mem_sbrk(LIMIT - 1) != (void *)-1);
    check_refused(2);
    cr_assert(mem_sbrk(1) != (void *)-1, "the last byte is refused");
    check_refused(1);
}

Test(memlib, refuses_increments_that_are_not_positive)
{
    cr_assert(mem_init(LIMIT) == 0);
    cr_assert(mem_sbrk(100) != (void *)-1);
    check_refused(0);
    for (size_t k = 0; k <= 4200; k++) {
        check_refused(SIZE_MAX - k);
        check_refused(PTRDIFF_MAX - k);
        check_refused((size_t)PTRDIFF_MAX + k);
    }
    cr_assert(mem_sbrk(100) != (void *)-1,
              "after a refusal the heap can't grow");
}

Test(memlib, fails_at_the_kth_call_and_at_no_other)
{
    for (unsigned k = 1; k <= 50; k++) {
        cr_assert(mem_init(LIMIT) == 0);
        cr_assert(mem_sbrk(16) != (void *)-1);
        mem_fail_at(k);
        for (unsigned call = 1; call <= 100; call++)
            if (call == k)
                check_refused(16);
            else
                cr_assert(mem_sbrk(16) != (void *)-1,
                          "call %u of mem_sbrk failed", call);
    }
}

Test(memlib, forgets_a_planned_failure_when_told_to)
{
    cr_assert(mem_init(LIMIT) == 0);
    mem_fail_at(1);
    mem_fail_at(0);
    cr_assert(mem_sbrk(16) != (void *)-1, "mem_fail_at(0) does not cancel");
    mem_fail_at(1);
    cr_assert(mem_init(LIMIT) == 0);
    cr_assert(mem_sbrk(16) != (void *)-1, "mem_init does not cancel");
    mem_fail_at(1);
    mem_reset();
    cr_assert(mem_sbrk(16) != (void *)-1, "mem_reset does not cancel");
}

Test(memlib, leaves_memory_dirty_when_it_moves_the_break_back)
{
    cr_assert(mem_init(LIMIT) == 0);
    unsigned char *start = mem_sbrk(LIMIT);
    cr_assert(start == mem_heap_lo());
    memset(start, 0xA5, LIMIT);
    mem_reset();
    cr_assert(mem_heapsize() == 0);
    cr_assert(mem_sbrk(LIMIT) == start, "the break is not where it was");
    for (size_t i = 0; i < LIMIT; i++)
        cr_assert(start[i] == 0xA5, "byte %zu has changed", i);
}

Test(memlib, can_be_made_again_with_another_limit)
{
    for (size_t limit = 4096; limit <= 1 << 20; limit *= 2) {
        cr_assert(mem_init(limit) == 0);
        cr_assert(mem_heapsize() == 0);
        cr_assert(mem_sbrk(limit) != (void *)-1);
        memset(mem_heap_lo(), 1, limit);
        check_refused(1);
    }
}

Test(memlib, says_so_when_there_is_no_such_heap)
{
    cr_assert(mem_init(LIMIT) == 0);
    errno = 0;
    cr_assert(mem_init(SIZE_MAX / 2) == -1, "a heap of half the address space");
    cr_assert(errno != 0, "mem_init failed without errno");
    cr_assert(mem_init(LIMIT) == 0, "and after that no heap can be made");
    cr_assert(mem_sbrk(LIMIT) != (void *)-1);
}
