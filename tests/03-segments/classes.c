/* What a request gets: slots for small ones, blocks with a header for medium
   ones. The table of sizes, against brute force. */
#include "model.h"

TestSuite(classes, .init = watchdog);

enum { SMALL_MOST = 256, MEDIUM_MOST = 256 * KIB - 24, STEP = 16 };

static const void *sought;
static size_t found; /* bytes of the part in use that begins there */

static void look(const struct heap_part *part, void *context)
{
    (void)context;
    if (part->start == sought && part->kind == PART_USED)
        found = part->size;
}

/* What a block for `request` bytes has room for, by the walk. */
static size_t room_for(size_t request)
{
    found = 0;
    sought = MyMalloc(request);
    cr_assert(sought != NULL, "MyMalloc(%zu) returned NULL", request);
    allocator.walk(look, NULL);
    cr_assert(found >= request, "%zu bytes for a request of %zu", found,
              request);
    MyFree((void *)(uintptr_t)sought);
    return found;
}

/* The smallest of all slots that holds it: those of multiples of 16. */
static size_t smallest_slot(size_t request)
{
    size_t slot = STEP;
    while (slot < request)
        slot += STEP;
    return slot;
}

Test(classes, of_slots_are_the_multiples_of_16)
{
    begin_heap(APART);
    for (size_t request = 1; request <= SMALL_MOST; request++)
        cr_assert(room_for(request) == smallest_slot(request),
                  "%zu bytes for a request of %zu", found, request);
}

Test(classes, waste_no_more_than_a_header_and_the_rounding)
{
    begin_heap(APART);
    new_block(1000);
    for (size_t request = SMALL_MOST + 1; request <= MEDIUM_MOST;
         request += request < 5000 ? 1 : 499)
        cr_assert(room_for(request) < request + STEP,
                  "%zu bytes for a request of %zu", found, request);
}

static size_t distance(const void *from, const void *to)
{
    return (size_t)((const char *)to - (const char *)from);
}

/* Between slots there is nothing, and no slot is lost: a pool is full when the
   next would leave it. */
Test(classes, lay_slots_side_by_side)
{
    for (size_t request = 1; request <= SMALL_MOST; request++) {
        begin_heap(APART);
        size_t slot = smallest_slot(request), beside = 0;
        enum { COUNT = 2000 };
        void *last = MyMalloc(request);
        cr_assert(last != NULL);
        for (size_t n = 1; n < COUNT; n++) {
            void *next = MyMalloc(request);
            cr_assert(next != NULL);
            beside += distance(last, next) == slot;
            last = next;
        }
        cr_assert(beside * 4 >= COUNT * 2,
                  "only %zu of %d slots of %zu bytes lie "
                  "beside another",
                  beside, COUNT, slot);
    }
}

/* What is mapped and not in use: little, when many blocks live. */
Test(classes, lose_little_of_a_segment)
{
    for (size_t request = 16; request <= 60000;
         request += request < 300 ? 16 : 977) {
        begin_heap(APART);
        MyMalloc(request);
        pages.limit = pages.mapped;
        size_t sum = request;
        while (MyMalloc(request) != NULL)
            sum += request;
        cr_assert(sum + request >= ALIGNED_BYTES - ALIGNED_BYTES / 10,
                  "blocks of %zu bytes fill %zu of 2 MiB", request, sum);
    }
}

/* A class with one object costs a few KiB, and not a share of its own of a
   segment. */
Test(classes, with_one_object_each_share_a_segment)
{
    begin_heap(APART);
    for (size_t request = 1; request <= SMALL_MOST; request += STEP)
        new_block(request);
    cr_assert(resident_bytes() <= 64 * KIB, "%zu bytes for one object a class",
              resident_bytes());
    check_heap();
}
