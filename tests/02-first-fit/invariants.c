/* What my_check finds. The tests know where the chapter's heap keeps its records
   in its blocks, break one of them, and ask. Each is named after what does not
   hold any more. However many words are broken, my_check must come to an end. */
#include "01-bump/model.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "01-bump/fault.h"

TestSuite(invariants, .init = watchdog);

enum { USED = 1, PREV_USED = 2, FLAGS = 15 }; /* of a header */
enum { HEADER = 4, SLAB = 2048, SLAB_END = SLAB - HEADER }; /* bytes */

struct block_words { /* as the chapter has them */
    uint32_t head;   /* size in bytes, header included, and flags */
    uint32_t next, prev; /* free: offsets of the links of others, or 0 */
};

struct slab_words {
    uint32_t next, prev;
    uint16_t size, live, fresh, free;
};

struct object_words { /* of a free one */
    uint16_t next, unused;
    uint32_t mark;
};

/* A sound heap of two regions */

enum { PAIR = 300, TWIN = 1900, LONE = 700, WIDE = 40000, OBJECT = 32 };

static struct {
    struct block_words *used;      /* with used ones around it */
    struct block_words *pair[2];   /* free, in one bin; [1] leads to [0] */
    struct block_words *twin[2];   /* the same in another bin */
    struct block_words *beside;    /* used, above pair[0] and as large */
    struct block_words *lone;      /* free, alone in its bin */
    struct block_words *above;     /* used, above `lone` */
    struct block_words *high;      /* free, in the upper region */
    struct block_words *tail;      /* free, at the end */
    struct block_words *map;       /* the block that holds the map of slabs */
    struct slab_words *open[2];    /* slabs with room; [1] leads to [0] */
    struct slab_words *full;
    struct block_words *last_slab; /* the block of one, with a used one above */
    uint32_t *region;              /* leads to the first block above the gap */
    unsigned char *sound;          /* a copy of the heap */
} heap;

static char *lo(void)
{
    return mem_heap_lo();
}

static uint32_t offset_of(const void *address)
{
    return (uint32_t)((const char *)address - lo());
}

static struct block_words *words_of(void *payload)
{
    return (void *)((char *)payload - HEADER);
}

static uint32_t size_of(const struct block_words *block)
{
    return block->head & ~(uint32_t)FLAGS;
}

static struct block_words *block_after(struct block_words *block)
{
    return (void *)((char *)block + size_of(block));
}

/* The size of a free block stands also in its last word. */
static uint32_t *footer_of(struct block_words *block)
{
    return (uint32_t *)(void *)block_after(block) - 1;
}

static struct slab_words *slab_of(void *object)
{
    return (void *)(lo() + offset_of(object) / SLAB * SLAB);
}

static struct object_words *object_at(struct slab_words *slab, unsigned distance)
{
    return (void *)((char *)slab + distance);
}

/* The largest part that is no payload: the map of slabs, header and all. */
static void find_map(const struct heap_part *part, void *context)
{
    struct heap_part *map = context;
    if (part->kind == PART_META && part->size > map->size)
        *map = *part;
}

enum { OBJECTS = 400, IN_SLAB = (SLAB_END - 16) / OBJECT };
static unsigned char *object[OBJECTS];

/* The slab of the n-th object if it lies in a slab that is full, or NULL. */
static struct slab_words *full_slab_of(size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < OBJECTS; i++)
        count += slab_of(object[i]) == slab_of(object[n]);
    return count == IN_SLAB ? slab_of(object[n]) : NULL;
}

static void free_some_of(const struct slab_words *slab)
{
    for (size_t n = 0; n < OBJECTS; n += 7)
        if (slab_of(object[n]) == slab)
            my_free(object[n]);
}

/* Holes too small for a slab serve small requests too: not all are objects. */
static void make_slabs(void)
{
    struct slab_words *slab[3];
    size_t count = 0;
    for (size_t n = 0; n < OBJECTS; n++)
        object[n] = new_block(OBJECT)->start;
    for (size_t n = 0; n < OBJECTS && count < 3; n++) {
        slab[count] = full_slab_of(n);
        if (slab[count] != NULL && (count == 0 || slab[count] != slab[count - 1]))
            count++;
    }
    cr_assert(count == 3, "%zu slabs are full", count);
    heap.open[0] = slab[0];
    heap.open[1] = slab[1];
    heap.full = slab[2];
    free_some_of(slab[0]);
    free_some_of(slab[1]);
    cr_assert(heap.open[1]->next == offset_of(heap.open[0]));
}

static unsigned char *payload[14];

static void make_blocks(void)
{
    static const size_t requests[14] = {
        [2] = PAIR, [3] = PAIR, [4] = PAIR, [8] = LONE, [10] = TWIN, [12] = TWIN,
    };
    for (size_t n = 0; n < 14; n++)
        payload[n] =
            new_block(requests[n] > 0 ? requests[n] : 500 + 100 * n)->start;
    heap.pair[0] = words_of(payload[2]);
    heap.beside = words_of(payload[3]);
    heap.pair[1] = words_of(payload[4]);
    heap.used = words_of(payload[6]);
    heap.lone = words_of(payload[8]);
    heap.above = words_of(payload[9]);
    heap.twin[0] = words_of(payload[10]);
    heap.twin[1] = words_of(payload[12]);
}

static void free_blocks(void)
{
    my_free(payload[2]);
    my_free(payload[4]);
    my_free(payload[8]);
    my_free(payload[10]);
    my_free(payload[12]);
}

/* The model is done with what was freed: nobody looks at contents here. */
static void make_heap(void)
{
    begin_heap(256 << 10);
    make_blocks();
    make_slabs();
    heap.last_slab = words_of(new_block(3000)->start - SLAB);
    cr_assert(size_of(heap.last_slab) == SLAB);
    free_blocks();
    struct heap_part map = {0};
    allocator.walk(find_map, &map);
    heap.map = (void *)(uintptr_t)map.start;
    take_foreign(16 * 50);
    unsigned char *first = new_block(WIDE)->start;
    unsigned char *high = new_block(WIDE)->start;
    new_block(WIDE);
    unsigned char *tail = new_block(3 * WIDE / 2)->start;
    my_free(high);
    my_free(tail);
    heap.high = words_of(high);
    heap.tail = words_of(tail);
    heap.region = (uint32_t *)(void *)(lo() + 16 - HEADER) - 3;
    cr_assert(*heap.region == offset_of(words_of(first)));
    cr_assert(heap.pair[1]->next == offset_of(&heap.pair[0]->next));
    heap.sound = malloc(mem_heapsize());
    memcpy(heap.sound, lo(), mem_heapsize());
    cr_assert(my_check() == 0, "my_check rejects a sound heap");
}

static void mend(void)
{
    memcpy(lo(), heap.sound, mem_heapsize());
}

static int check(void)
{
    if (sigsetjmp(on_fault, 1) != 0)
        cr_assert_fail("my_check has left the heap");
    catch_faults();
    int found = my_check();
    end_catching();
    return found;
}

/* The heap is broken now: my_check must say so. Then it is mended. */
static void check_found(const char *what)
{
    int found = check();
    mend();
    cr_assert(found == -1, "%s: my_check returned %d", what, found);
    cr_assert(my_check() == 0, "my_check rejects the mended heap");
}

/* Blocks */

Test(invariants, 1_sizes_lead_from_block_to_block)
{
    make_heap();
    for (uint32_t by = 16; by <= 256; by += 16) {
        heap.used->head += by;
        check_found("a used block that is larger");
        heap.used->head -= by;
        check_found("a used block that is smaller");
    }
}

Test(invariants, 2_no_block_has_size_0)
{
    make_heap();
    heap.used->head &= FLAGS;
    check_found("a used block of size 0");
    heap.lone->head &= FLAGS;
    check_found("a free block of size 0");
}

Test(invariants, 3_blocks_lie_in_their_region)
{
    make_heap();
    for (uint32_t size = 1u << 31; size >= mem_heapsize(); size /= 2) {
        heap.used->head += size;
        check_found("a used block that leaves the heap");
        heap.above->head = (uint32_t)-size | (heap.above->head & FLAGS);
        check_found("a used block whose size wraps");
        heap.tail->head += size;
        check_found("a tail that leaves the heap");
    }
    heap.above->head = offset_of(heap.high) - offset_of(heap.above) + USED;
    check_found("a block that reaches into the next region");
}

Test(invariants, 4_a_header_has_two_flags)
{
    make_heap();
    for (uint32_t flag = 4; flag <= 8; flag *= 2) {
        heap.used->head |= flag;
        check_found("an unknown flag of a used block");
        heap.lone->head |= flag;
        check_found("an unknown flag of a free block");
    }
}

Test(invariants, 5_a_used_block_says_so)
{
    make_heap();
    heap.used->head &= ~(uint32_t)USED;
    check_found("a used block that says it is free");
    heap.above->head &= ~(uint32_t)USED;
    check_found("a used block above a free one that says it is free");
}

Test(invariants, 6_a_free_block_says_so)
{
    make_heap();
    heap.lone->head |= USED;
    check_found("a free block that says it is used");
    heap.tail->head |= USED;
    check_found("a tail that says it is used");
}

Test(invariants, 7_a_block_knows_that_the_one_below_is_free)
{
    make_heap();
    heap.above->head |= PREV_USED;
    check_found("PREV_USED above a free block");
}

Test(invariants, 8_a_block_knows_that_the_one_below_is_used)
{
    make_heap();
    heap.used->head &= ~(uint32_t)PREV_USED;
    check_found("no PREV_USED above a used block");
    heap.lone->head &= ~(uint32_t)PREV_USED;
    check_found("no PREV_USED in a free block");
}

Test(invariants, 9_the_last_word_of_a_free_block_is_its_size)
{
    make_heap();
    *footer_of(heap.lone) += 16;
    check_found("a last word that is too large");
    *footer_of(heap.lone) = 0;
    check_found("a last word of 0");
    *footer_of(heap.tail) -= 16;
    check_found("a last word of the tail that is too small");
}

/* The upper one has all that a free block has, and is in its bin. */
Test(invariants, 10_no_two_free_blocks_are_neighbors)
{
    make_heap();
    heap.beside->head = size_of(heap.beside);
    *footer_of(heap.beside) = size_of(heap.beside);
    block_after(heap.beside)->head &= ~(uint32_t)PREV_USED;
    heap.pair[0]->next = offset_of(&heap.beside->next);
    heap.beside->prev = offset_of(&heap.pair[0]->next);
    heap.beside->next = 0;
    check_found("two free blocks that are neighbors");
}

Test(invariants, 11_a_region_ends_with_a_used_block_of_size_0)
{
    make_heap();
    uint32_t *end = (uint32_t *)(void *)(lo() + mem_heapsize()) - 1;
    cr_assert(*end == USED, "the heap's last word is no end");
    *end |= PREV_USED;
    check_found("an end with PREV_USED above a free block");
    *end = 0;
    check_found("an end that is free");
    *end |= 16;
    check_found("an end with a size");
}

/* Regions */

Test(invariants, 12_regions_are_linked)
{
    make_heap();
    *heap.region = 0;
    check_found("a region without the next one");
    *heap.region += 16;
    check_found("a region that does not begin where it says");
    *heap.region += 4;
    check_found("a region that is not aligned");
}

/* Nothing else is there to tell that a region is broken: no bin has a block of it. */
Test(invariants, 12_every_region_is_sound)
{
    static struct picture picture;
    begin_heap(256 << 10);
    new_block(1000);
    struct block_words *block = words_of(new_block(500)->start);
    new_block(500);
    take_foreign(16 * 50);
    new_block(WIDE);
    take_picture(&picture);
    for (size_t n = 0; n < picture.count; n++)
        if (picture.part[n].kind == PART_FREE && picture.part[n].list >= 0)
            new_block(picture.part[n].size);
    uint32_t head = block->head, *region = (uint32_t *)(void *)lo();
    cr_assert(my_check() == 0 && *region != 0);
    uint32_t next = *region;
    *region = 0;
    cr_assert(check() == -1, "the last region is not linked");
    *region = next;
    for (uint32_t wrong = 4; wrong < 16; wrong += 4) {
        block->head = head | wrong;
        cr_assert(check() == -1, "an unknown flag in a lower region");
    }
    block->head = head + (1u << 20);
    cr_assert(check() == -1, "a block that leaves a lower region");
    block->head = (head & FLAGS) | 16;
    block_after(block)->head = 16 | PREV_USED;
    cr_assert(check() == -1, "a free block that is no block in a lower region");
}

Test(invariants, 13_regions_ascend)
{
    make_heap();
    uint32_t *upper = (uint32_t *)(void *)(lo() + *heap.region) - 3;
    for (uint32_t first = 12; first < *heap.region; first += 16) {
        *upper = first;
        check_found("a region that leads back");
        *heap.region = first;
        check_found("a region that leads into itself");
    }
    *heap.region = (uint32_t)mem_heapsize() / 16 * 16 + 12;
    check_found("a region above the heap");
    *heap.region = UINT32_MAX - 3;
    check_found("a region far above the heap");
}

/* Bins */

Test(invariants, 14_links_lead_to_free_blocks)
{
    make_heap();
    heap.lone->next = offset_of(heap.used) + HEADER;
    check_found("a link to a used block");
    heap.lone->next = offset_of(heap.used) + HEADER + 32;
    check_found("a link into a payload");
    heap.pair[1]->next += 4;
    check_found("a link that is not aligned");
    heap.pair[1]->next -= HEADER;
    check_found("a link to a header");
}

/* In the place of one of the same size, so that their number is right. */
Test(invariants, 14_links_lead_to_blocks)
{
    make_heap();
    struct block_words *fake = (void *)((char *)heap.used + 64);
    fake->head = size_of(heap.pair[0]) | PREV_USED;
    fake->next = 0;
    fake->prev = offset_of(&heap.pair[1]->next);
    heap.pair[1]->next = offset_of(&fake->next);
    check_found("a link to what looks like a block in a payload");
}

Test(invariants, 15_links_stay_in_the_heap)
{
    make_heap();
    for (uint32_t next = (uint32_t)mem_heapsize(); next > 1 << 17; next *= 2) {
        heap.lone->next = next / 16 * 16;
        check_found("a link above the heap");
    }
    heap.lone->next = UINT32_MAX - 15;
    check_found("a link far above the heap");
    heap.lone->next = 1;
    check_found("a link to no block");
}

Test(invariants, 16_links_lead_back_where_they_come_from)
{
    make_heap();
    heap.pair[0]->prev = 0;
    check_found("a link back that is lost");
    heap.pair[0]->prev = offset_of(&heap.lone->next);
    check_found("a link back to another");
    heap.pair[1]->prev = offset_of(&heap.pair[0]->next);
    check_found("a first block with a link back");
}

Test(invariants, 17_lists_end)
{
    make_heap();
    heap.lone->next = offset_of(&heap.lone->next);
    check_found("a block that leads to itself");
    heap.lone->prev = heap.lone->next = offset_of(&heap.lone->next);
    check_found("a block that leads to itself, back and forth");
    heap.pair[0]->next = offset_of(&heap.pair[1]->next);
    check_found("a ring of two");
    heap.pair[1]->prev = offset_of(&heap.pair[0]->next);
    heap.pair[0]->next = offset_of(&heap.pair[1]->next);
    check_found("a ring of two, back and forth");
}

Test(invariants, 18_every_free_block_is_in_a_bin)
{
    make_heap();
    heap.pair[1]->next = 0;
    check_found("a free block that no list holds");
}

/* Two bins have changed a block. */
Test(invariants, 19_a_free_block_is_in_its_own_bin)
{
    make_heap();
    cr_assert(heap.twin[1]->next == offset_of(&heap.twin[0]->next));
    heap.pair[1]->next = offset_of(&heap.twin[0]->next);
    heap.twin[0]->prev = offset_of(&heap.pair[1]->next);
    heap.twin[1]->next = offset_of(&heap.pair[0]->next);
    heap.pair[0]->prev = offset_of(&heap.twin[1]->next);
    check_found("free blocks in lists of another size");
}

Test(invariants, 20_the_tail_is_in_no_bin)
{
    make_heap();
    heap.lone->next = offset_of(&heap.tail->next);
    heap.tail->prev = offset_of(&heap.lone->next);
    heap.tail->next = 0;
    check_found("the tail in a bin");
}

/* Slabs */

Test(invariants, 21_a_slab_counts_its_live_objects)
{
    make_heap();
    heap.open[0]->live++;
    check_found("an object too many");
    heap.open[0]->live--;
    check_found("an object too few");
    heap.full->live = 0;
    check_found("a full slab that is empty");
}

Test(invariants, 22_objects_have_a_size_of_their_class)
{
    make_heap();
    static const uint16_t sizes[] = {0, 1, 16, 40, 48, 112, 4096, UINT16_MAX};
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
        heap.open[0]->size = sizes[n];
        check_found("objects of another size");
        heap.full->size = sizes[n];
        check_found("objects of another size in a full slab");
    }
    /* And the count is right for it. */
    static const uint16_t others[] = {1, 8, 112, 144, SLAB_END - 28};
    for (size_t n = 0; n < sizeof others / sizeof *others; n++) {
        heap.full->size = others[n];
        heap.full->live = (uint16_t)((heap.full->fresh - 16) / others[n]);
        check_found("objects of a size that is no class");
    }
}

Test(invariants, 23_fresh_objects_begin_behind_the_others)
{
    make_heap();
    for (uint16_t fresh = 0; fresh < 3 * SLAB; fresh++) {
        if (fresh == heap.open[0]->fresh)
            continue;
        heap.open[0]->fresh = fresh;
        check_found("fresh objects that begin elsewhere");
    }
}

Test(invariants, 24_free_objects_lie_among_the_others)
{
    make_heap();
    for (uint16_t free = 0; free < 3 * SLAB; free++) {
        if (free == heap.open[0]->free)
            continue;
        heap.open[0]->free = free;
        check_found("a list of objects that begins elsewhere");
    }
}

/* It has all that a free object has, and the numbers are right. */
Test(invariants, 24_fresh_objects_are_not_free)
{
    make_heap();
    struct slab_words *slab = heap.open[0];
    struct object_words *fresh = object_at(slab, slab->fresh);
    fresh->mark = ~offset_of(fresh);
    fresh->next = slab->free;
    slab->free = slab->fresh;
    slab->live--;
    check_found("a fresh object on the list of free ones");
}

Test(invariants, 25_free_objects_are_all_on_the_list)
{
    make_heap();
    struct slab_words *slab = heap.open[1];
    slab->free = object_at(slab, slab->free)->next;
    check_found("a free object that is not on the list");
    object_at(slab, slab->free)->next = 0;
    check_found("a list that ends too early");
}

Test(invariants, 26_lists_of_objects_end)
{
    make_heap();
    struct slab_words *slab = heap.open[1];
    struct object_words *first = object_at(slab, slab->free);
    first->next = slab->free;
    check_found("an object that leads to itself");
    object_at(slab, first->next)->next = slab->free;
    check_found("a ring of two objects");
}

Test(invariants, 27_free_objects_are_marked)
{
    make_heap();
    struct slab_words *slab = heap.open[1];
    object_at(slab, slab->free)->mark ^= 1;
    check_found("a free object that was written");
    object_at(slab, slab->free)->mark = 0;
    check_found("a free object without its mark");
}

Test(invariants, 28_slabs_with_room_are_listed)
{
    make_heap();
    heap.open[1]->next = 0;
    check_found("a slab with room that no list holds");
}

Test(invariants, 28_slabs_with_room_are_listed_in_every_class)
{
    for (size_t request = 16; request <= 96; request += 16) {
        begin_heap(256 << 10);
        for (size_t n = 0; n < 300; n++)
            object[n] = new_block(request)->start;
        my_free(object[200]);
        my_free(object[100]);
        struct slab_words *slab = slab_of(object[100]);
        cr_assert(my_check() == 0 && slab->next != 0);
        slab->next = 0;
        cr_assert(check() == -1, "a slab of %zu bytes that no list holds",
                  request);
    }
}

Test(invariants, 29_slabs_without_room_are_not_listed)
{
    make_heap();
    heap.full->next = heap.open[1]->next;
    heap.full->prev = offset_of(heap.open[1]);
    heap.open[1]->next = offset_of(heap.full);
    heap.open[0]->prev = offset_of(heap.full);
    check_found("a full slab in the list of those with room");
    heap.full->next = heap.open[0]->next;
    heap.full->prev = offset_of(heap.open[1]);
    heap.open[1]->next = offset_of(heap.full);
    if (heap.full->next != 0)
        slab_of(lo() + heap.full->next)->prev = offset_of(heap.full);
    check_found("a full slab in the place of one with room");
}

static void empty_slab(struct slab_words *slab)
{
    slab->live = slab->free = 0;
    slab->fresh = 16;
}

Test(invariants, 29_of_empty_slabs_one_is_kept)
{
    make_heap();
    empty_slab(heap.open[0]);
    cr_assert(my_check() == 0, "my_check rejects an empty slab");
    empty_slab(heap.open[1]);
    check_found("two empty slabs");
}

Test(invariants, 30_lists_of_slabs_lead_to_slabs)
{
    make_heap();
    static const uint32_t by[] = {1, 16, SLAB, 64 * SLAB, 1u << 30, 1u << 31};
    for (size_t n = 0; n < sizeof by / sizeof *by; n++) {
        heap.open[1]->next += by[n];
        check_found("a list of slabs that leads elsewhere");
        heap.open[0]->next = by[n];
        check_found("a list of slabs that does not end");
        heap.open[0]->prev += by[n];
        check_found("a list of slabs that leads back elsewhere");
    }
    heap.open[0]->next = offset_of(heap.open[1]);
    heap.open[1]->prev = offset_of(heap.open[0]);
    check_found("a ring of slabs");
}

Test(invariants, 31_the_map_knows_every_slab)
{
    make_heap();
    unsigned char *bits = (unsigned char *)heap.map + HEADER;
    bits[offset_of(heap.full) / SLAB / 8] &=
        (unsigned char)~(1u << offset_of(heap.full) / SLAB % 8);
    check_found("a slab that is not in the map");
}

Test(invariants, 32_the_map_knows_nothing_else)
{
    make_heap();
    unsigned char *bits = (unsigned char *)heap.map + HEADER;
    for (unsigned frame = 0; frame < 1024; frame++) {
        if (bits[frame / 8] >> frame % 8 & 1)
            continue;
        bits[frame / 8] |= (unsigned char)(1u << frame % 8);
        check_found("a bit of the map without a slab");
    }
}

/* No block begins in the frame of a bit, and the number of bits is right. */
Test(invariants, 32_the_map_knows_slabs_where_they_are)
{
    make_heap();
    unsigned char *bits = (unsigned char *)heap.map + HEADER;
    unsigned frame = offset_of(heap.full) / SLAB;
    unsigned empty = (offset_of(heap.high) + WIDE / 2) / SLAB;
    bits[frame / 8] &= (unsigned char)~(1u << frame % 8);
    bits[empty / 8] |= (unsigned char)(1u << empty % 8);
    check_found("a slab's bit that is another frame's");
}

Test(invariants, 33_the_map_has_room_for_its_bits)
{
    make_heap();
    struct block_words *map = heap.map;
    uint32_t size = size_of(map);
    map->head = 64 | (map->head & FLAGS);
    block_after(map)->head = (size - 64) | USED | PREV_USED;
    check_found("a map that is too small");
}

Test(invariants, 34_a_slab_fills_a_block)
{
    make_heap();
    struct block_words *block = words_of(heap.full);
    block->head = 1024 | (block->head & FLAGS);
    block_after(block)->head = 1024 | USED | PREV_USED;
    check_found("a slab in a block that is too small");
    heap.last_slab->head += size_of(block_after(heap.last_slab));
    check_found("a slab in a block that is too large");
}

/* Whatever is broken */

/* Every word of the heap's own, free blocks' and free objects' included. */
enum { WORDS = 20000 };
static struct {
    size_t count;
    uint32_t *word[WORDS];
} records;

static void add_records(const struct heap_part *part, void *context)
{
    uint32_t *word = (uint32_t *)(uintptr_t)part->start;
    size_t size = part->size / 4;
    (void)context;
    for (size_t n = 0; n < size; n++)
        if (part->kind == PART_META ||
            (part->kind == PART_FREE && (n < 2 || n == size - 1)))
            records.word[records.count++] = word + n;
    cr_assert(records.count < WORDS - 5000);
}

/* Nobody may read above the heap. */
static void make_walled_heap(void)
{
    make_heap();
    size_t page = mem_pagesize(), used = mem_heapsize();
    cr_assert(used % page == 0);
    mprotect(lo() + used, (256 << 10) - used, PROT_NONE);
    records.count = 0;
    allocator.walk(add_records, NULL);
}

Test(invariants, are_checked_to_an_end_whichever_bit_is_wrong)
{
    make_walled_heap();
    size_t found = 0;
    for (size_t n = 0; n < records.count; n++)
        for (int bit = 0; bit < 32; bit++) {
            *records.word[n] ^= 1u << bit;
            found += check() == -1;
            *records.word[n] ^= 1u << bit;
        }
    cr_assert(found > records.count * 32 / 2, "%zu of %zu bits found", found,
              records.count * 32);
    cr_assert(my_check() == 0);
}

static uint32_t any_value(void)
{
    static const uint32_t values[] = {0, 1, 12, 16, UINT32_MAX, 1u << 31};
    switch (rand() % 5) {
    case 0:
        return values[rand() % 6];
    case 1:
        return *records.word[(size_t)rand() % records.count];
    case 2:
        return (uint32_t)rand() % (uint32_t)mem_heapsize();
    case 3:
        return (uint32_t)rand() % (uint32_t)mem_heapsize() / 16 * 16 +
               (rand() % 2 == 0 ? 12 : 3);
    default:
        return (uint32_t)rand() << 8;
    }
}

Test(invariants, are_checked_to_an_end_whatever_is_wrong)
{
    make_walled_heap();
    srand(7);
    for (int i = 0; i < 20000; i++) {
        uint32_t *word[8], sound[8];
        int count = rand() % 8 + 1;
        for (int n = 0; n < count; n++) {
            word[n] = records.word[(size_t)rand() % records.count];
            sound[n] = *word[n];
            *word[n] = any_value();
        }
        int found = check();
        cr_assert(found == 0 || found == -1);
        while (count-- > 0)
            *word[count] = sound[count];
    }
    cr_assert(my_check() == 0);
}

/* All records at once, and what else lies between them. */
Test(invariants, are_checked_to_an_end_when_all_is_wrong)
{
    make_walled_heap();
    for (unsigned value = 0; value < 256; value++) {
        memset(lo(), (int)value, mem_heapsize());
        cr_assert(check() == -1, "a heap full of %u", value);
        mend();
        memset(lo() + 12, (int)value, mem_heapsize() - 12);
        cr_assert(check() == -1, "a heap full of %u", value);
        mend();
    }
    srand(8);
    for (int i = 0; i < 300; i++) {
        for (size_t n = 0; n < records.count; n++)
            if (rand() % 16 == 0)
                *records.word[n] = any_value();
        check();
        mend();
    }
    cr_assert(my_check() == 0);
}

/* Two words that each let the other pass. */
Test(invariants, are_checked_to_an_end_where_one_fault_hides_another)
{
    make_walled_heap();
    uint32_t first = *heap.region;
    struct block_words *block = (void *)(lo() + first);
    uint32_t *upper = (uint32_t *)(void *)block - 3;
    for (uint32_t next = 12; next <= first; next += 16)
        for (uint32_t size = 1u << 31; size > mem_heapsize(); size /= 2) {
            *upper = next;
            block->head = size | USED | PREV_USED;
            check_found("a region that leads back, and a block that leaves it");
        }
}

/* A slab that seems to reach out of the heap, and leads there. */
Test(invariants, are_checked_to_an_end_where_a_slab_leaves_the_heap)
{
    begin_heap(256 << 10);
    struct slab_words *slab = slab_of(new_block(OBJECT)->start);
    size_t end = mem_heapsize();
    cr_assert(my_check() == 0 && end % mem_pagesize() == 0);
    cr_assert(slab->size == OBJECT && slab->live == 1, "it is no slab");
    mprotect(lo() + end, (256 << 10) - end, PROT_NONE);
    for (unsigned fresh = 16 + OBJECT; fresh <= UINT16_MAX; fresh += OBJECT)
        for (unsigned free = 16; free <= UINT16_MAX; free += 64 * OBJECT) {
            slab->fresh = (uint16_t)fresh;
            slab->free = (uint16_t)free;
            cr_assert(check() == -1, "fresh objects at %u, a free one at %u",
                      fresh, free);
        }
}

/* Any block's flags: all four bits. */
Test(invariants, hold_for_the_flags_of_every_block)
{
    make_heap();
    records.count = 0;
    allocator.walk(add_records, NULL);
    static struct picture picture;
    take_picture(&picture);
    for (size_t n = 0; n < picture.count; n++) {
        const struct heap_part *part = &picture.part[n];
        if (part->kind != PART_META || part->size != HEADER)
            continue;
        for (uint32_t flag = 1; flag < 16; flag++) {
            *(uint32_t *)(uintptr_t)part->start ^= flag;
            check_found("flags");
        }
    }
}
