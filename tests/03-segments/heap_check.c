/* What heap_check says, by MyCheck: that sound heaps are sound, and what does not hold in
   others. The tests know where the chapter's heap keeps its records, change a
   word or two, and ask. The numbers are those of the chapter's invariants. */
#include "model.h"

#include "03-segments/heap.h"

TestSuite(heap_check, .init = watchdog);

enum { BLOCK_USED = 1, BLOCK_HEADER = 8, POOL_UNIT = 1024 }; /* bytes */

struct words_of_segment { /* as the chapter has them */
    struct heap *heap;
    struct shelf *shelf;
    struct words_of_segment *next, *prev;
    size_t length;
    uint32_t busy;
    _Alignas(64) uint8_t back[SEGMENT / POOL_UNIT];
};

struct words_of_block {
    uint32_t below, head;
    struct link link;
};

struct words_of_slot {
    struct words_of_slot *next;
    uintptr_t mark;
};

struct words_of_pool {
    _Alignas(16) struct words_of_pool *next;
    struct words_of_pool *prev;
    struct words_of_slot *free;
    uint16_t used, fresh, capacity;
    uint8_t class, units;
};

/* A sound heap: two segments, the second empty, and two own mappings */

enum { PAIR = 3000, LONE = 7000, LARGE = 300 * KIB, SLOT = 48, OTHER = 128 };

static struct {
    struct words_of_segment *segment, *idle, *own;
    struct words_of_block *used;    /* with used ones around it */
    struct words_of_block *pair[2]; /* free, in one bin; [1] leads to [0] */
    struct words_of_block *lone;    /* free, alone in its bin */
    struct words_of_block *above;   /* used, above `lone` */
    struct words_of_pool *open, *full, *empty;
    struct shelf *shelf; /* of `segment` */
    struct class *class; /* of the first two pools */
} heap;

static struct words_of_block *block_of(void *payload)
{
    return (void *)((char *)payload - BLOCK_HEADER);
}

static struct words_of_segment *segment_of(const void *address)
{
    return (void *)((uintptr_t)address & ~(uintptr_t)(SEGMENT - 1));
}

static uint32_t size_of(const struct words_of_block *block)
{
    return block->head & ~(uint32_t)BLOCK_USED;
}

static struct words_of_pool *pool_of(const void *slot)
{
    struct words_of_segment *segment = segment_of(slot);
    size_t unit = (uintptr_t)slot % SEGMENT / POOL_UNIT;
    cr_assert(segment->back[unit] > 0, "a slot lies in no pool");
    return (void *)((char *)segment +
                    (unit + 1 - segment->back[unit]) * POOL_UNIT);
}

static void *give(size_t request)
{
    void *payload = MyMalloc(request);
    cr_assert(payload != NULL, "MyMalloc(%zu) returned NULL", request);
    return payload;
}

static void make_blocks(void)
{
    static const size_t requests[12] = {[1] = PAIR, [3] = PAIR, [8] = LONE};
    void *payload[12];
    for (size_t n = 0; n < 12; n++)
        payload[n] = give(requests[n] > 0 ? requests[n] : 1000 + 300 * n);
    heap.pair[0] = block_of(payload[1]);
    heap.pair[1] = block_of(payload[3]);
    heap.used = block_of(payload[6]);
    heap.lone = block_of(payload[8]);
    heap.above = block_of(payload[9]);
    MyFree(payload[1]);
    MyFree(payload[3]);
    MyFree(payload[8]);
}

static void make_pools(void)
{
    void *slot[300];
    for (size_t n = 0; n < 300; n++)
        slot[n] = give(SLOT);
    heap.full = pool_of(slot[0]);
    heap.open = pool_of(slot[299]);
    cr_assert(heap.full->used == heap.full->capacity);
    for (size_t n = 0; n < 300; n += 5)
        if (pool_of(slot[n]) == heap.open)
            MyFree(slot[n]);
    heap.class = &my_heap.class[heap.open->class];
    cr_assert(heap.open->free != NULL && (void *)heap.class->open == heap.open);
}

static void make_heap(void)
{
    begin_heap(ALIGNED);
    void *other = give(OTHER);
    heap.empty = pool_of(other);
    make_pools();
    make_blocks();
    heap.segment = segment_of(heap.used);
    heap.shelf = heap.segment->shelf;
    void *rest[20];
    size_t count = 0;
    do
        rest[count] = give(200000);
    while (segment_of(rest[count++]) == heap.segment);
    heap.idle = segment_of(rest[count - 1]);
    MyFree(rest[count - 1]);
    MyFree(other);
    heap.own = segment_of(give(LARGE));
    MyFree(give(2 * LARGE));
    cr_assert(MyCheck() == 0, "MyCheck rejects a sound heap");
    cr_assert(heap.idle->busy == 0 && my_heap.spare != NULL);
}

/* Words that are changed, and then as they were */

static struct {
    size_t count;
    struct change {
        unsigned char *word;
        size_t size;
        unsigned char old[8];
    } change[16];
} changes;

static void set(void *word, size_t size, uint64_t value)
{
    struct change *change = &changes.change[changes.count++];
    *change = (struct change){.word = word, .size = size};
    memcpy(change->old, word, size);
    memcpy(word, &value, size);
}

static void set_address(void *word, const void *address)
{
    set(word, sizeof(void *), (uintptr_t)address);
}

static void add(uint32_t *word, uint32_t value)
{
    set(word, sizeof *word, *word + value);
}

static unsigned bin_for(uint32_t size)
{
    unsigned log = 31 - (unsigned)__builtin_clz(size);
    return 4 * (log - 5) + (size >> (log - 2) & 3);
}

/* Puts a free block into its bin. */
static void push(struct words_of_block *block)
{
    struct link **bin = &heap.shelf->bin[bin_for(size_of(block))];
    uint64_t bit = 1ull << bin_for(size_of(block));
    if (*bin != NULL)
        set_address(&(*bin)->prev, &block->link);
    set_address(&block->link.next, *bin);
    set_address(&block->link.prev, NULL);
    set_address(bin, &block->link);
    set(&heap.shelf->nonempty, 8, heap.shelf->nonempty | bit);
}

static void check_found(const char *what)
{
    int found = MyCheck();
    while (changes.count > 0) {
        const struct change *change = &changes.change[--changes.count];
        memcpy(change->word, change->old, change->size);
    }
    cr_assert(found == -1, "%s: MyCheck returned %d", what, found);
    cr_assert(MyCheck() == 0, "MyCheck rejects the mended heap");
}

/* Sound heaps */

Test(heap_check, accepts_an_empty_heap)
{
    cr_assert(MyCheck() == 0, "an empty heap is rejected");
    begin_heap(APART);
    cr_assert(MyCheck() == 0, "an empty heap is rejected");
    free_block(new_block(100));
    cr_assert(MyCheck() == 0, "a heap without blocks is rejected");
}

Test(heap_check, accepts_the_heap_after_every_call)
{
    static const size_t requests[] = {16, 100, 256, 257, 3000, 100 * KIB, MIB};
    begin_heap(APART);
    for (size_t i = 0; i < 400; i++) {
        new_block(requests[i % 7] + i);
        cr_assert(MyCheck() == 0, "rejected after MyMalloc");
        if (i % 3 == 2) {
            free_block(&model.block[i * 31 % model.count]);
            cr_assert(MyCheck() == 0, "rejected after MyFree");
        }
        if (i % 5 == 4) {
            resize_block(&model.block[i * 17 % model.count],
                         requests[i / 5 % 7]);
            cr_assert(MyCheck() == 0, "rejected after MyRealloc");
        }
    }
}

/* Broken ones */

Test(heap_check, finds_1_sizes_that_lead_elsewhere)
{
    make_heap();
    for (uint32_t by = 16; by <= 256; by += 16) {
        add(&heap.used->head, by);
        check_found("a used block that is larger");
        add(&heap.used->head, -by);
        check_found("a used block that is smaller");
    }
    set(&heap.used->head, 4, BLOCK_USED);
    check_found("a used block of size 0");
    add(&heap.used->head, SEGMENT);
    check_found("a block that leaves its segment");
    add(&heap.used->head, 2);
    check_found("a block with an unknown flag");
}

Test(heap_check, finds_1_a_size_below_that_is_wrong)
{
    make_heap();
    for (uint32_t by = 16; by <= 256; by += 16) {
        add(&heap.used->below, by);
        check_found("a larger size below");
        add(&heap.above->below, -by);
        check_found("a smaller size below");
    }
    set(&heap.above->below, 4, 0);
    check_found("no block below");
}

Test(heap_check, finds_1_an_end_that_is_none)
{
    make_heap();
    char *last = (char *)heap.segment + SEGMENT - BLOCK_HEADER;
    struct words_of_block *end = (void *)last;
    set(&end->head, 4, 0);
    check_found("an end that is free");
    set(&end->head, 4, 32 | BLOCK_USED);
    check_found("an end with a size");
    add(&end->below, 16);
    check_found("an end that does not know the block below");
}

/* Two of the one that was there; each is in its bin, and all else holds. */
Test(heap_check, finds_2_free_blocks_that_are_neighbors)
{
    make_heap();
    uint32_t size = size_of(heap.lone);
    struct words_of_block *upper = (void *)((char *)heap.lone + size / 32 * 16);
    uint32_t rest = size - size / 32 * 16;
    set_address(&heap.shelf->bin[bin_for(size)], NULL);
    set(&heap.shelf->nonempty, 8,
        heap.shelf->nonempty & ~(1ull << bin_for(size)));
    set(&heap.lone->head, 4, size - rest);
    set(&upper->below, 4, size - rest);
    set(&upper->head, 4, rest);
    set(&heap.above->below, 4, rest);
    push(heap.lone);
    push(upper);
    check_found("two free blocks that are neighbors");
}

Test(heap_check, finds_3_a_free_block_that_is_in_no_bin)
{
    make_heap();
    set_address(&heap.pair[1]->link.next, NULL);
    check_found("a list that ends too early");
    add(&heap.used->head, (uint32_t)-BLOCK_USED);
    add(&heap.segment->busy, (uint32_t)-1);
    check_found("a used block that says that it is free");
    add(&heap.lone->head, BLOCK_USED);
    add(&heap.segment->busy, 1);
    check_found("a free block that says that it is used");
}

Test(heap_check, finds_3_links_that_do_not_lead_back)
{
    make_heap();
    set_address(&heap.pair[0]->link.prev, NULL);
    check_found("a link back that is lost");
    set_address(&heap.pair[0]->link.prev, &heap.lone->link);
    check_found("a link back to another block");
    set_address(&heap.pair[1]->link.prev, &heap.pair[0]->link);
    check_found("a first block with a link back");
    set_address(&heap.pair[0]->link.next, &heap.pair[1]->link);
    check_found("a ring");
    set_address(&heap.lone->link.next, &heap.lone->link);
    check_found("a block that leads to itself");
    set_address(&heap.lone->link.next, &heap.used->link);
    check_found("a link to a used block");
}

Test(heap_check, finds_3_links_to_where_no_block_can_be)
{
    static const uintptr_t wild[] = {16, (uintptr_t)1 << 60, UINTPTR_MAX - 15};
    make_heap();
    for (size_t n = 0; n < sizeof wild / sizeof *wild; n++) {
        set(&heap.pair[1]->link.next, sizeof(void *), wild[n]);
        check_found("a link out of the heap");
        set(&heap.pair[0]->link.prev, sizeof(void *), wild[n]);
        check_found("a link back out of the heap");
        set(&heap.shelf->bin[bin_for(size_of(heap.lone))], sizeof(void *),
            wild[n]);
        check_found("a bin out of the heap");
    }
    set_address(&heap.pair[1]->link.next, (char *)&heap.pair[0]->link + 4);
    check_found("a link into the middle of a block");
}

/* Two bins change their blocks. */
Test(heap_check, finds_3_a_free_block_in_another_bin)
{
    make_heap();
    size_t low = 0, high = 0;
    for (size_t n = 0; n < BINS; n++) {
        low = heap.shelf->bin[n] == &heap.pair[1]->link ? n : low;
        high = heap.shelf->bin[n] == &heap.lone->link ? n : high;
    }
    cr_assert(low != high);
    set_address(&heap.shelf->bin[low], &heap.lone->link);
    set_address(&heap.shelf->bin[high], &heap.pair[1]->link);
    check_found("blocks in bins of another size");
}

Test(heap_check, finds_4_a_bit_that_is_wrong)
{
    make_heap();
    for (int bin = 0; bin < BINS; bin++) {
        set(&heap.shelf->nonempty, 8, heap.shelf->nonempty ^ 1ull << bin);
        check_found("a bit of a bin");
    }
}

Test(heap_check, finds_5_units_that_lead_elsewhere)
{
    make_heap();
    for (size_t unit = 0; unit < SEGMENT / POOL_UNIT; unit++) {
        uint8_t *back = &heap.segment->back[unit];
        set(back, 1, *back + 1u);
        check_found("a unit that leads further back");
        if (*back > 0) {
            set(back, 1, *back - 1u);
            check_found("a unit that leads less far back");
        }
    }
}

Test(heap_check, finds_6_a_pool_that_counts_wrong)
{
    make_heap();
    struct words_of_pool *pools[] = {heap.open, heap.full};
    for (int n = 0; n < 2; n++) {
        struct words_of_pool *pool = pools[n];
        set(&pool->used, 2, pool->used + 1u);
        check_found("a slot too many");
        set(&pool->used, 2, pool->used - 1u);
        check_found("a slot too few");
        set(&pool->fresh, 2, pool->fresh + 1u);
        check_found("a slot more that was handed out");
        set(&pool->fresh, 2, pool->fresh - 1u);
        check_found("a slot less that was handed out");
        set(&pool->capacity, 2, pool->capacity + 1u);
        check_found("a slot more than there is room for");
        set(&pool->units, 1, pool->units + 1u);
        check_found("a pool that is longer than its block");
        set(&pool->units, 1, 0);
        check_found("a pool without units");
    }
}

Test(heap_check, finds_6_free_slots_that_are_none)
{
    make_heap();
    struct words_of_slot *slot = heap.open->free;
    set_address(&slot->next, NULL);
    check_found("a list of slots that ends too early");
    set_address(&slot->next, slot);
    check_found("a slot that leads to itself");
    set_address(&heap.open->free, slot->next);
    check_found("a free slot that is on no list");
    set_address(&heap.open->free, (char *)slot + 16);
    check_found("a list that leads into a slot");
    set_address(&heap.open->free, (char *)heap.full + sizeof *heap.full);
    check_found("a list that leads into another pool");
    set(&slot->mark, 8, slot->mark ^ 1);
    check_found("a free slot without its mark");
}

Test(heap_check, finds_7_a_pool_that_is_not_where_it_should_be)
{
    make_heap();
    set_address(&heap.class->open, NULL);
    check_found("an open pool that no list holds");
    set_address(&heap.class->open, heap.full);
    check_found("a full pool in the place of an open one");
    set_address(&heap.open->next, heap.full);
    set_address(&heap.full->prev, heap.open);
    check_found("a full pool on the list");
    set_address(&heap.open->prev, heap.full);
    check_found("an open pool with a wrong link back");
    set(&heap.open->class, 1, heap.open->class + 1u);
    check_found("a pool of another class");
    struct class *other = &my_heap.class[heap.empty->class];
    set_address(&other->empty, NULL);
    check_found("an empty pool that the class has lost");
    set_address(&other->empty, heap.open);
    check_found("a pool in use in the place of an empty one");
    add(&heap.class->pools, 1);
    check_found("a pool too many");
    add(&heap.class->pools, (uint32_t)-1);
    check_found("a pool too few");
}

Test(heap_check, finds_8_a_segment_that_counts_wrong)
{
    make_heap();
    add(&heap.segment->busy, 1);
    check_found("a block too many");
    add(&heap.segment->busy, (uint32_t)-1);
    check_found("a block too few");
    add(&heap.idle->busy, 1);
    check_found("an empty segment that is in use");
    add(&heap.own->busy, (uint32_t)-1);
    check_found("an own mapping that is not in use");
}

Test(heap_check, finds_9_an_empty_segment_that_is_forgotten)
{
    make_heap();
    set_address(&my_heap.idle, NULL);
    check_found("an empty segment that nobody remembers");
    set_address(&my_heap.idle, heap.segment);
    check_found("another segment in its place");
}

Test(heap_check, finds_10_segments_that_are_not_where_they_should_be)
{
    make_heap();
    set_address(&heap.segment->heap, NULL);
    check_found("a segment of another heap");
    set_address(&heap.segment->shelf, &my_heap.shelf[40]);
    check_found("a segment of another shelf");
    set_address(&heap.segment->prev, heap.idle);
    check_found("a first segment with a link back");
    set(&heap.segment->length, 8, SEGMENT / 2);
    check_found("a segment that is shorter");
    add(&heap.shelf->count, 1);
    check_found("a segment too many on a shelf");
    set_address(&heap.own->shelf, heap.shelf);
    check_found("an own mapping on a shelf");
    set_address(&heap.own->prev, heap.segment);
    check_found("a first own mapping with a link back");
    set(&heap.own->length, 8, heap.own->length + 16);
    check_found("an own mapping of no whole pages");
    set_address(&my_heap.spare, (char *)heap.segment + 4096);
    check_found("a mapping that was kept, where there is none");
    set_address(&my_heap.spare, heap.own);
    check_found("a mapping that is kept and in use");
}
