/* What the walk and the counts show, at random instants: it is what the test
   knows of each block, and the parts are all that there is. */
#include "model.h"

TestSuite(walk, .init = watchdog);

enum { PARTS = 300000 };

static struct {
    size_t count;
    size_t used, free, fresh, meta, region; /* bytes */
    struct heap_part part[PARTS];
} picture;

static void add_part(const struct heap_part *part, void *context)
{
    cr_assert(context == &picture, "the walk lost the context");
    cr_assert(picture.count < PARTS, "the walk does not end");
    cr_assert(part->size > 0, "a part without a byte");
    picture.part[picture.count++] = *part;
    size_t *sum[] = {
        [PART_REGION] = &picture.region, [PART_META] = &picture.meta,
        [PART_USED] = &picture.used,     [PART_FREE] = &picture.free,
        [PART_FRESH] = &picture.fresh,
    };
    cr_assert(part->kind <= PART_FRESH, "somebody else is in the heap");
    *sum[part->kind] += part->size;
}

static void take_picture(void)
{
    picture.count = 0;
    picture.used = picture.free = picture.fresh = picture.meta = 0;
    picture.region = 0;
    mymalloc_walk(add_part, &picture);
}

/* Parts lie side by side and fill their regions, in the order of addresses. */
static void check_places(void)
{
    const char *end = NULL, *region_end = NULL, *last_region = NULL;
    for (size_t n = 0; n < picture.count; n++) {
        const struct heap_part *part = &picture.part[n];
        if (part->kind == PART_REGION) {
            cr_assert(end == region_end, "a region is not filled");
            cr_assert((const char *)part->start > last_region,
                      "regions are not in the order of their addresses");
            cr_assert(is_in_memory(part->start, part->size),
                      "a region was not granted");
            end = last_region = part->start;
            region_end = end + part->size;
            continue;
        }
        cr_assert(part->start == end, "parts are not side by side");
        end += part->size;
    }
    cr_assert(end == region_end, "the last region is not filled");
}

static int by_start(const void *a, const void *b)
{
    const struct block *one = a, *other = b;
    return (one->start > other->start) - (one->start < other->start);
}

/* The used parts are the live blocks, one by one. */
static void check_used(void)
{
    static struct block sorted[BLOCKS];
    memcpy(sorted, model.block, model.count * sizeof *sorted);
    qsort(sorted, model.count, sizeof *sorted, by_start);
    const char *last = NULL;
    size_t used = 0;
    for (size_t n = 0; n < picture.count; n++) {
        const struct heap_part *part = &picture.part[n];
        if (part->kind != PART_USED)
            continue;
        struct block key = {.start = (unsigned char *)(uintptr_t)part->start};
        struct block *block =
            bsearch(&key, sorted, model.count, sizeof key, by_start);
        cr_assert(block != NULL, "the walk shows a block that nobody has");
        cr_assert(block->size <= part->size, "%zu bytes have a part of %zu",
                  block->size, part->size);
        cr_assert(mymalloc_usable(block->start) == part->size);
        cr_assert((const char *)part->start > last);
        last = part->start;
        used++;
    }
    cr_assert(used == model.count, "the walk shows %zu of %zu blocks", used,
              model.count);
}

/* Bytes that live blocks have, with those that nobody asked for. */
static size_t usable(void)
{
    size_t sum = 0;
    for (size_t n = 0; n < model.count; n++)
        sum += mymalloc_usable(model.block[n].start);
    cr_assert(sum >= model.live);
    return sum;
}

/* Everything is one of: live, wasted inside of live blocks, free in slabs, kept
   in caches, dirty; the sum is what is taken. */
static void check_counts(void)
{
    struct mymalloc_counts counts;
    mymalloc_counts(&counts);
    cr_assert(counts.in_use == counts.large + counts.slabs,
              "%zu in use: %zu large, %zu in slabs", counts.in_use,
              counts.large, counts.slabs);
    cr_assert(counts.slabs == counts.live + counts.cached + counts.free +
                                  counts.fresh + counts.tails,
              "slabs of %zu: %zu live, %zu cached, %zu free, %zu fresh, %zu tail",
              counts.slabs, counts.live, counts.cached, counts.free,
              counts.fresh, counts.tails);
    cr_assert(counts.live + counts.large == picture.used,
              "%zu live and %zu large are counted, %zu shown", counts.live,
              counts.large, picture.used);
    cr_assert(counts.live + counts.large == usable(),
              "%zu are counted in live blocks, they have %zu",
              counts.live + counts.large, usable());
    cr_assert(counts.cached + counts.free + counts.dirty == picture.free,
              "%zu cached, %zu free, %zu dirty are counted, %zu shown",
              counts.cached, counts.free, counts.dirty, picture.free);
    cr_assert(counts.fresh + counts.tails <= picture.fresh);
    cr_assert(counts.in_use % PAGE_BYTES == 0 && counts.dirty % PAGE_BYTES == 0);
    size_t budget = counts.in_use / 32;
    cr_assert(vm_offer.purge == NULL ||
                  counts.dirty <= (budget < 4 * MIB ? 4 * MIB : budget),
              "%zu bytes are dirty, %zu in use", counts.dirty, counts.in_use);
}

static void check_picture(void)
{
    take_picture();
    check_places();
    check_used();
    check_counts();
    cr_assert(mymalloc_check() == 0, "mymalloc_check: the heap is broken");
}

static void work(size_t cap, size_t instants)
{
    begin_heap(cap);
    for (size_t instant = 0; instant < instants; instant++) {
        size_t calls = random_number() % 400;
        for (size_t n = 0; n < calls; n++) {
            believed_cpu = (uint32_t)(random_number() % 3);
            random_call(instant / 20 % 3 == 2 ? 100 : 1500);
        }
        check_picture();
    }
    free_all();
    check_picture();
    cr_assert(picture.used == 0);
}

Test(walk, shows_everything_at_random_instants)
{
    work(SIZE_MAX, 150);
}

Test(walk, shows_everything_where_1_MiB_is_granted_at_a_time)
{
    work(MIB, 150);
}

Test(walk, shows_everything_where_pages_are_given_back)
{
    vm_offer.purge = memory_purge;
    work(SIZE_MAX, 150);
}

Test(walk, shows_nothing_in_use_before_the_first_call)
{
    take_picture();
    cr_assert(picture.used == 0);
    cr_assert(mymalloc_check() == 0);
    begin_heap(SIZE_MAX);
    new_block(100);
    check_picture();
}

/* The parts of slabs tell the size of their blocks. */
Test(walk, tells_the_size_of_the_blocks_of_a_slab)
{
    begin_heap(SIZE_MAX);
    for (size_t n = 0; n < 300; n++)
        new_block(n * 20);
    for (size_t n = 0; n < 100; n++)
        free_block(&model.block[n]);
    take_picture();
    size_t slots = 0;
    for (size_t n = 0; n < picture.count; n++) {
        const struct heap_part *part = &picture.part[n];
        if (part->slot == 0)
            continue;
        slots++;
        cr_assert(part->kind != PART_USED || part->slot == part->size);
    }
    cr_assert(slots > 100, "%zu parts say that they are of a slab", slots);
}

/* Per class: no more pages than the peak of its live objects needs, and the
   caches. Objects that live long, among others that come and go. */
Test(walk, finds_no_more_slabs_than_the_peak_of_live_objects_needs)
{
    struct mymalloc_counts counts;
    begin_heap(SIZE_MAX);
    size_t peak = 0;
    for (size_t round = 0; round < 400; round++) {
        while (model.count < 4000)
            new_block(1 + random_number() % 16 * 30);
        peak = model.live > peak ? model.live : peak;
        for (size_t n = 0; n < 2000; n++) {
            believed_cpu = (uint32_t)n % 2;
            free_block(&model.block[random_number() % model.count]);
        }
        mymalloc_counts(&counts);
        cr_assert(counts.slabs <= peak + peak / 3 + 512 * KIB,
                  "round %zu: slabs have %zu KiB, the peak was %zu KiB", round,
                  counts.slabs / KIB, peak / KIB);
    }
    check_picture();
}
