/* The answers to the exercises of chapter 5 that are code. */
#include <criterion/criterion.h>
#include <pthread.h>

#include "05-percpu/exercises/class.h"
#include "05-percpu/exercises/owner.h"
#include "hooks.h"
#include "report.h"

TestSuite(class_for, .init = watchdog);

Test(class_for, gives_the_smallest_of_its_sizes_that_fits)
{
    static const size_t sizes[] = {16,  32,  48,  64,   96,   128,  192, 256,
                                   384, 512, 768, 1024, 1536, 2048, 3072};
    size_t n = 0;
    for (size_t request = 0; request <= 3072; request++) {
        if (request > sizes[n])
            n++;
        cr_assert(class_for(request) == sizes[n], "%zu bytes get %zu, not %zu",
                  request, class_for(request), sizes[n]);
    }
    cr_assert(class_for((1 << 20) + 1) == 3 << 19);
    cr_assert(class_for(1 << 30) == 1 << 30);
}

Test(class_for, loses_a_seventh_where_powers_of_two_lose_a_quarter)
{
    double powers = 0, both = 0;
    for (size_t request = (1 << 15) + 1; request <= 1 << 16; request++) {
        size_t size = class_for(request);
        powers += (double)((1 << 16) - request) / (1 << 16);
        both += (double)(size - request) / (double)size;
    }
    powers /= 1 << 15;
    both /= 1 << 15;
    cr_assert(powers > 0.249 && powers < 0.251, "%f of a block", powers);
    cr_assert(both > 0.145 && both < 0.147, "%f of a block", both);
}

TestSuite(hold_owner_of, .init = watchdog);

static struct lock first, second;
static struct lock *owner;
static struct owned owned = {&owner};

Test(hold_owner_of, takes_the_lock_of_the_owner)
{
    owner = &first;
    cr_assert(hold_owner_of(&owned) == &first);
    cr_assert(!lock_try(&first) && first.taken == 1 && second.taken == 0);
}

static void change_owner(void *context)
{
    (void)context;
    owner = &second;
}

Test(hold_owner_of, sees_that_the_owner_changed_before_it_held_the_lock)
{
    owner = &first;
    hook_thread("main", 0);
    hook_call("main", "owner: read the owner", 1, change_owner, NULL);
    cr_assert(hold_owner_of(&owned) == &second, "it holds the old owner");
    cr_assert(lock_try(&first), "it still holds the lock of the old owner");
    cr_assert(!lock_try(&second), "it does not hold the new owner's");
}
