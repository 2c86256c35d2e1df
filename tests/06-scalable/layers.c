/* The layers of the heap, one by one from below, each without those above it:
   runs of pages, slabs, chains in a depot. */
#include "model.h"

TestSuite(pages, .init = watchdog);

static bool is_zero;

/* A run whose every byte is then written. */
static struct place run_of(size_t n)
{
    struct place place = pages_take(n, &is_zero);
    cr_assert(place.region != NULL, "there is no run of %zu pages", n);
    cr_assert(is_in_memory(memory_at(place), n * PAGE_BYTES),
              "a run of %zu pages lies in no region", n);
    memset(memory_at(place), 0x3C, n * PAGE_BYTES);
    return place;
}

static bool is_free(struct place place)
{
    const struct chunk *chunk = &place.region->chunks[place.page / CHUNK];
    return !(chunk->used[place.page % CHUNK / 64] >> place.page % 64 & 1);
}

/* The longest free run of a chunk, page by page. */
static unsigned longest_free(struct region *region, size_t number)
{
    unsigned longest = 0, length = 0;
    for (size_t page = 0; page < CHUNK; page++) {
        struct place place = {region, number * CHUNK + page};
        length = is_free(place) ? length + 1 : 0;
        longest = length > longest ? length : longest;
    }
    return longest;
}

/* The counts are those of the bits. */
static void check_pages(size_t in_use)
{
    size_t dirty = 0;
    cr_assert(scalable.pages.in_use == in_use, "%zu pages in use, not %zu",
              scalable.pages.in_use, in_use);
    for (size_t i = 0; i < scalable.pages.regions; i++) {
        struct region *region = scalable.pages.table->entries[i].region;
        for (size_t k = 0; k < region->ready; k++) {
            const struct chunk *chunk = &region->chunks[k];
            cr_assert(chunk->longest == longest_free(region, k),
                      "chunk %zu has a free run of %u pages, and says %u", k,
                      longest_free(region, k), chunk->longest);
            for (size_t word = 0; word < WORDS; word++)
                dirty += (size_t)__builtin_popcountll(chunk->dirty[word] &
                                                      ~chunk->used[word]);
        }
    }
    cr_assert(scalable.pages.dirty == dirty, "%zu pages are dirty, not %zu",
              scalable.pages.dirty, dirty);
}

Test(pages, come_in_runs_that_overlap_no_other)
{
    enum { RUNS = 200 };
    static struct { struct place place; size_t n; } run[RUNS];
    size_t count = 0, in_use = 0;
    memory.cap = 8 * MIB;
    for (int call = 0; call < 4000; call++) {
        if (count < RUNS && (count == 0 || random_number() % 5 < 3)) {
            size_t n = random_number() % (call % 50 == 0 ? 512 : 30) + 1;
            run[count].place = run_of(n);
            run[count].n = n;
            mark(memory_at(run[count++].place), n * PAGE_BYTES, true);
            in_use += n;
        } else {
            size_t k = random_number() % count;
            mark(memory_at(run[k].place), run[k].n * PAGE_BYTES, false);
            pages_give(run[k].place, run[k].n);
            in_use -= run[k].n;
            run[k] = run[--count];
        }
        if (call % 100 == 0)
            check_pages(in_use);
    }
    check_pages(in_use);
}

Test(pages, come_from_the_lowest_address_that_has_as_many)
{
    struct place place[20];
    for (size_t n = 0; n < 20; n++)
        place[n] = run_of(n % 4 + 1);
    for (size_t n = 0; n < 20; n += 2)
        pages_give(place[n], n % 4 + 1);
    for (size_t n = 0; n < 20; n += 2) {
        size_t need = n % 4 + 1;
        struct place got = run_of(need);
        cr_assert(got.page == place[n].page,
                  "page %zu serves %zu pages, page %zu was free", got.page,
                  need, place[n].page);
    }
}

/* A page that was in use is there already; another one costs a fault. */
Test(pages, that_are_dirty_come_before_clean_ones)
{
    struct place first = run_of(4), second = run_of(8), third = run_of(4);
    vm_offer.purge = memory_purge;
    pages_give(first, 4);
    struct chunk *chunk = &first.region->chunks[0];
    chunk->dirty[0] &= ~UINT64_C(15); /* as after a purge */
    scalable.pages.dirty -= 4;
    pages_give(third, 4);
    struct place place = run_of(4);
    cr_assert(place.page == third.page,
              "page %zu is taken, page %zu was dirty", place.page, third.page);
    place = run_of(4);
    cr_assert(place.page == first.page, "page %zu is taken, not the lowest",
              place.page);
    pages_give(second, 8);
    check_pages(8);
}

Test(pages, are_handed_out_to_the_last_one)
{
    memory.cap = 4 * MIB;
    struct place first = run_of(1);
    size_t left = first.region->count - 1;
    while (left > 0) {
        struct place place = run_of(left > 7 ? 7 : left);
        cr_assert(place.region == first.region,
                  "%zu pages of the region are not used", left);
        left -= left > 7 ? 7 : left;
    }
    check_pages(first.region->count);
}

Test(pages, are_handed_out_again_when_they_came_back)
{
    memory.cap = 4 * MIB;
    for (size_t round = 0; round < 1000; round++) {
        struct place one = run_of(300), other = run_of(100);
        pages_give(one, 300);
        pages_give(other, 100);
    }
    cr_assert(memory.granted == 1, "vmalloc granted %lu regions",
              memory.granted);
    check_pages(0);
}

Test(pages, are_known_to_be_zero_where_memory_is_and_nobody_wrote)
{
    vm_offer.is_zeroed = true; /* as we say; nobody reads it here */
    struct place place = run_of(3);
    cr_assert(is_zero, "nobody had these pages");
    struct place next = run_of(2);
    cr_assert(is_zero, "nobody had these pages");
    pages_give(place, 3);
    cr_assert(run_of(2).page == place.page && !is_zero, "somebody had them");
    pages_give(next, 2);
    vm_offer.is_zeroed = false;
    (void)run_of(100);
    cr_assert(!is_zero, "memory is not zeroed here");
}

Test(pages, are_nowhere_when_memory_is_short)
{
    memory.cap = 4 * MIB;
    struct place place = run_of(1);
    fail_vmalloc(0, UINT_MAX);
    size_t count = 1;
    while (pages_take(5, &is_zero).region != NULL)
        count += 5;
    cr_assert(place.region->count - count < 10,
              "%zu pages of %zu are not used", place.region->count - count,
              place.region->count);
    check_pages(count);
}

TestSuite(slabs, .init = watchdog);

enum { OBJECTS = 3000 };
static void *object[OBJECTS];

/* Takes n objects of a class, as many in a chain as have room. */
static void take_objects(unsigned class, size_t from, size_t n)
{
    while (n > 0) {
        unsigned most = n < CHAIN_MOST ? (unsigned)n : CHAIN_MOST;
        chain_word chain = slab_take(class, chain_of(most), most);
        cr_assert(first_of(chain) != NULL, "no object of class %u", class);
        for (; first_of(chain) != NULL; n--) {
            void *first = first_of(chain);
            chain = chain_rest(chain);
            object[from++] = first;
        }
    }
}

static void give_object(unsigned class, size_t n)
{
    cr_assert(slab_give(class, object[n]), "an object is refused");
}

Test(slabs, hand_out_objects_that_overlap_no_other)
{
    classes_make();
    for (unsigned class = 1; class < CLASSES; class += 5) {
        size_t size = scalable.classes[class].size;
        take_objects(class, 0, 300);
        for (size_t n = 0; n < 300; n++) {
            cr_assert((uintptr_t)object[n] % 16 == 0);
            cr_assert(is_in_memory(object[n], size));
            mark(object[n], size, true);
        }
        for (size_t n = 0; n < 300; n++) {
            mark(object[n], size, false);
            memset(object[n], 0x3C, size);
            give_object(class, n);
        }
    }
    cr_assert(mymalloc_check() == 0, "the heap is broken");
}

/* So that a slab touches no page before it must. */
Test(slabs, hand_out_new_objects_in_the_order_of_their_addresses)
{
    classes_make();
    for (unsigned class = 1; class < CLASSES; class += 7) {
        chain_word chain = 0;
        const char *last = NULL;
        for (int n = 0; n < 3; n++) {
            chain = slab_take(class, chain_of(1), 1);
            const char *first = first_of(chain);
            cr_assert(first != NULL, "no object of class %u", class);
            bool is_next = last == NULL || first == last + scalable.classes[class].size;
            cr_assert(is_next || ((uintptr_t)first & 4095) == 0,
                      "the next object is %td bytes further", first - last);
            last = first;
        }
    }
}

Test(slabs, hand_out_first_what_came_back)
{
    classes_make();
    take_objects(10, 0, 5);
    give_object(10, 3);
    give_object(10, 1);
    void *last = object[1], *before = object[3];
    take_objects(10, 0, 1);
    cr_assert(object[0] == last, "not the one that came back last");
    take_objects(10, 0, 1);
    cr_assert(object[0] == before, "not the one that came back before");
}

Test(slabs, are_used_when_they_are_fuller_than_others)
{
    classes_make();
    take_objects(20, 0, 800);
    size_t per_slab = 0;
    const struct slab *first = slab_at(place_of(object[700]));
    first -= first->back;
    per_slab = first->objects;
    cr_assert(per_slab >= 4 && per_slab < 100);
    /* One slab keeps a single object, all others lack one. */
    for (size_t n = 0; n < 800; n++) {
        const struct slab *slab = slab_at(place_of(object[n]));
        slab -= slab->back;
        if (slab == first ? slab->live > 1 : slab->live == slab->objects)
            give_object(20, n);
    }
    for (int n = 0; n < 20; n++) {
        take_objects(20, 0, 1);
        const struct slab *slab = slab_at(place_of(object[0]));
        cr_assert(slab - slab->back != first,
                  "an object of the emptiest slab is taken");
    }
    cr_assert(first->live == 1 && mymalloc_check() == 0, "the heap is broken");
}

Test(slabs, go_when_their_last_object_has_come_back)
{
    classes_make();
    for (unsigned class = 1; class < CLASSES; class++) {
        take_objects(class, 0, 500);
        for (size_t n = 0; n < 500; n++)
            give_object(class, n * 7 % 500);
        cr_assert(scalable.depots[class].pages == 0 &&
                      scalable.depots[class].out == 0,
                  "class %u still has %u pages", class,
                  scalable.depots[class].pages);
    }
    cr_assert(scalable.pages.in_use == 0, "%zu pages are in use",
              scalable.pages.in_use);
}

Test(slabs, take_back_nothing_that_is_not_out)
{
    static long variable;
    classes_make();
    take_objects(10, 0, 3);
    size_t size = scalable.classes[10].size;
    cr_assert(!slab_give(10, &variable), "a variable is taken");
    cr_assert(!slab_give(10, (char *)object[0] + 16), "a middle is taken");
    char *lowest = object[0] < object[2] ? object[0] : object[2];
    char *highest = object[0] < object[2] ? object[2] : object[0];
    cr_assert(!slab_give(11, lowest), "an object of another class is taken");
    cr_assert(!slab_give(10, highest + size), "one that was never out is taken");
    give_object(10, 1);
    cr_assert(!slab_give(10, object[1]), "one is taken twice");
    cr_assert(scalable.depots[10].out == 2);
    give_object(10, 0);
    give_object(10, 2);
    cr_assert(mymalloc_check() == 0, "the heap is broken");
}

Test(slabs, give_no_more_than_is_asked_for)
{
    size_t sum = 0;
    classes_make();
    for (unsigned n = 1; n <= 20; n++) {
        chain_word chain = slab_take(3, chain_of(40), n);
        unsigned got = 40 - room_of(chain);
        cr_assert(got >= 1 && got <= n, "%u objects for %u", got, n);
        cr_assert(scalable.depots[3].out == (sum += got));
    }
}

TestSuite(depot, .init = watchdog);

static chain_word chain_from(unsigned class, unsigned n)
{
    chain_word chain = depot_get(class, n);
    cr_assert(first_of(chain) != NULL && room_of(chain) == 0,
              "a chain of %u has room for %u", n, room_of(chain));
    return chain;
}

Test(depot, gives_back_the_chain_that_it_got_last)
{
    classes_make();
    chain_word one = chain_from(2, 10), other = chain_from(2, 20);
    void *second = first_of(chain_rest(one));
    cr_assert(depot_put(2, one) == NULL && depot_put(2, other) == NULL);
    chain_word got = depot_get(2, 10);
    cr_assert(got == other, "it is not the chain that came last");
    got = depot_get(2, 10);
    cr_assert(got == one && first_of(chain_rest(got)) == second,
              "it is not the chain that came before");
    cr_assert(scalable.in_depots == 0, "%zu bytes are kept in depots",
              scalable.in_depots);
}

Test(depot, keeps_no_more_than_its_budget)
{
    classes_make();
    static chain_word chain[300];
    for (size_t n = 0; n < 300; n++)
        chain[n] = chain_from(8, 40); /* of 128 bytes each */
    for (size_t n = 0; n < 300; n++)
        cr_assert(depot_put(8, chain[n]) == NULL, "a chain is refused");
    cr_assert(scalable.in_depots > 900 * KIB && scalable.in_depots <= MIB,
              "%zu bytes are kept in depots", scalable.in_depots);
    cr_assert(scalable.depots[8].out * 128 == scalable.in_depots,
              "%zu objects are out", scalable.depots[8].out);
    cr_assert(mymalloc_check() == 0, "the heap is broken");
}

/* Who may have few objects gets them from the front of a long chain. */
Test(depot, gives_no_more_than_twice_what_is_asked_for)
{
    classes_make();
    unsigned sum = 0;
    chain_word chain = chain_from(2, 60);
    size_t kept = 60 * 32;
    cr_assert(depot_put(2, chain) == NULL && scalable.in_depots == kept);
    while (scalable.in_depots > 0) {
        chain_word part = depot_get(2, 7);
        unsigned length = most_of(part) - room_of(part);
        cr_assert(length >= 7 && length <= 14, "%u objects for 7", length);
        kept -= length * 32;
        cr_assert(scalable.in_depots == kept, "%zu bytes are kept, not %zu",
                  scalable.in_depots, kept);
        for (sum += length; first_of(part) != NULL; part = chain_rest(part))
            mark(first_of(part), 32, true);
    }
    cr_assert(sum == 60, "%u of 60 objects came back", sum);
}

Test(depot, has_a_stack_for_each_class)
{
    classes_make();
    chain_word one = chain_from(4, 8), other = chain_from(5, 8);
    cr_assert(depot_put(4, one) == NULL && depot_put(5, other) == NULL);
    cr_assert(depot_get(4, 8) == one && depot_get(5, 8) == other);
}

Test(depot, is_empty_when_it_was_drained)
{
    classes_make();
    for (int n = 0; n < 3; n++) {
        chain_word one = chain_from(4, 8), other = chain_from(4, 9);
        cr_assert(depot_put(4, one) == NULL && depot_put(4, other) == NULL);
        cr_assert(scalable.in_depots > 0, "nothing is kept");
        cr_assert(!depot_drain(4, 1) && depot_drain(4, 1));
        cr_assert(scalable.in_depots == 0 && scalable.depots[4].out == 0 &&
                  scalable.depots[4].pages == 0);
    }
    cr_assert(scalable.pages.in_use == 0);
}
