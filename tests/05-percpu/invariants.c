/* What mycheck finds. The tests know where the heap keeps its records, break one
   of them, and ask. Each is named after what does not hold any more. */
#include "model.h"

TestSuite(invariants, .init = watchdog);

enum { FREE = 0x80, UNIT = 16 };

struct pool_words { /* as the chapter has them */
    struct list_words *list;
    struct pool_words *next;
    uint8_t tag[POOL / UNIT];
};

struct list_words {
    uint32_t state, waited;
    uint64_t times;
    uint32_t orders;
    struct block_words *free[POOL_ORDER + 1];
};

struct block_words {
    struct block_words *next, *prev;
};

struct mapping_words {
    size_t length;
    struct mapping_words *next, *prev;
    uintptr_t mark;
};

/* A sound heap: pools of two lists and a spare one, holes, mappings */

static struct pool_words *pool, *other, *spare;
static struct list_words *list;
static struct block_words *hole[3]; /* of 1 KiB: hole[2] leads to [1], to [0] */
static unsigned char *used;         /* a block of 1 KiB */
static struct mapping_words *mapping[3];

static char *data_of(struct pool_words *words)
{
    return (char *)words + (sizeof *words + 4095) / 4096 * 4096;
}

static uint8_t *tag_at(const void *address)
{
    return &pool->tag[((char *)(uintptr_t)address - data_of(pool)) / UNIT];
}

static struct pool_words *words_of(const void *payload)
{
    struct pool_words *words = NULL;
    take_picture();
    for (size_t n = 0; n < picture.count; n++) {
        const struct heap_part *part = &picture.part[n];
        if (part->kind == PART_REGION && (char *)payload >= (char *)part->start &&
            (char *)payload < (char *)part->start + part->size)
            words = (struct pool_words *)(uintptr_t)part->start;
    }
    return words;
}

static void make_heap(void)
{
    begin_heap();
    machine.current = 1;
    new_block(100);
    other = words_of(model.block[0].start);
    unsigned char *large[2];
    for (int n = 0; n < 2; n++)
        large[n] = mymalloc(THRESHOLD);
    unsigned char *far[2] = {mymalloc(THRESHOLD), mymalloc(THRESHOLD)};
    spare = words_of(far[1]);
    for (int n = 0; n < 2; n++)
        myfree(large[n]);
    myfree(far[0]);
    myfree(far[1]);
    machine.current = 0;
    unsigned char *row[8];
    for (int n = 0; n < 8; n++)
        row[n] = new_block(1024)->start;
    pool = words_of(row[0]);
    for (int n = 0; n < 3; n++) {
        hole[n] = (struct block_words *)(void *)row[2 * n];
        for (size_t k = 0; k < model.count; k++)
            if (model.block[k].start == row[2 * n])
                free_block(&model.block[k]);
    }
    used = row[1];
    for (int n = 0; n < 3; n++)
        mapping[n] =
            (struct mapping_words *)(void *)new_block(2 * THRESHOLD)->start - 1;
    list = pool->list;
    cr_assert(list != NULL && list->free[10] == hole[2] &&
              hole[2]->next == hole[1] && hole[1]->next == hole[0]);
    cr_assert(other->list != list);
    check_memory();
}

static void check_broken(const char *what)
{
    cr_assert(mycheck() == -1, "mycheck does not see that %s", what);
}

/* Puts the word back, and the heap is sound again. */
#define BREAK(word, value, what)                   \
    do {                                           \
        __typeof__(word) sound = (word);           \
        (word) = (value);                          \
        check_broken(what);                        \
        (word) = sound;                            \
        cr_assert(mycheck() == 0, "not restored"); \
    } while (0)

Test(invariants, hold_in_a_sound_heap)
{
    cr_assert(mycheck() == 0, "an untouched heap is broken");
    make_heap();
    cr_assert(mycheck() == 0);
    free_all();
    cr_assert(mycheck() == 0);
}

Test(invariants, blocks_fill_the_pool)
{
    make_heap();
    BREAK(*tag_at(used), 9, "a block is smaller than the place it has");
    BREAK(*tag_at(used), 11, "a block overlaps the next");
    BREAK(*tag_at(used), 0, "no block begins where one ends");
    BREAK(*tag_at(used), 21, "a block is larger than a pool");
    BREAK(*tag_at(used), 3, "a block is smaller than a unit");
    BREAK(*tag_at(used), 0x7F, "a tag makes no sense");
    BREAK(other->tag[0], 0, "a pool has no first block");
}

Test(invariants, a_block_lies_at_a_multiple_of_its_size)
{
    make_heap();
    unsigned char *block[4];
    for (int n = 0; n < 4; n++)
        block[n] = mymalloc(64 * KIB);
    /* Two used blocks become one that begins in the middle. */
    cr_assert(block[2] == block[1] + 64 * KIB);
    uint8_t *first = tag_at(block[1]), *second = tag_at(block[2]);
    size_t at = (size_t)(block[1] - (unsigned char *)data_of(pool));
    if (at % (128 * KIB) == 0) {
        first = second;
        second = tag_at(block[3]);
    }
    uint8_t sound[2] = {*first, *second};
    *first = 17;
    *second = 0;
    check_broken("a block of 128 KiB lies at an odd multiple of 64 KiB");
    *first = sound[0];
    *second = sound[1];
    check_heap();
}

Test(invariants, no_two_buddies_are_free)
{
    make_heap();
    unsigned char *lower = mymalloc(32 * KIB), *upper = mymalloc(32 * KIB);
    cr_assert(upper == lower + 32 * KIB);
    struct block_words *a = (void *)lower, *b = (void *)upper;
    *tag_at(a) = *tag_at(b) = FREE | 15;
    struct block_words *first = list->free[15];
    *a = (struct block_words){b, NULL};
    *b = (struct block_words){first, a};
    if (first != NULL)
        first->prev = b;
    list->free[15] = a;
    list->orders |= 1u << 15;
    check_broken("two free buddies did not merge");
}

Test(invariants, tags_stand_where_blocks_begin)
{
    make_heap();
    BREAK(tag_at(used)[1], 4, "a tag stands inside of a block");
    BREAK(tag_at(used)[63], FREE | 4, "a tag stands at the end of a block");
    BREAK(tag_at(hole[1])[5], 10, "a tag stands inside of a free block");
    BREAK(pool->tag[POOL / UNIT - 1], 4, "a tag stands at the pool's end");
}

Test(invariants, free_blocks_are_on_the_list_of_their_order)
{
    make_heap();
    BREAK(*tag_at(used), FREE | 10, "a free block is on no list");
    BREAK(*tag_at(hole[1]), 10, "a used block is on a list");
    BREAK(list->free[10], hole[1], "a free block was lost from a list");
    BREAK(list->free[10], NULL, "a list was lost");
    BREAK(hole[1]->next, NULL, "a list ends too early");
    BREAK(list->free[9], hole[0], "a block is on two lists");
    BREAK(list->free[4], hole[0], "a block is on a list of smaller blocks");
}

Test(invariants, links_lead_to_free_blocks)
{
    static struct block_words outside;
    make_heap();
    BREAK(hole[1]->next, &outside, "a link leads out of the heap");
    BREAK(hole[1]->next, (struct block_words *)(void *)used,
          "a link leads to a used block");
    BREAK(hole[1]->next, (struct block_words *)(void *)(used + 4),
          "a link leads between units");
    BREAK(hole[1]->next, (struct block_words *)(void *)pool,
          "a link leads to a table");
    BREAK(hole[1]->next, (struct block_words *)(uintptr_t)16,
          "a link leads to nowhere");
    BREAK(hole[0]->next, (struct block_words *)(void *)data_of(other),
          "a link leads to a pool of another list");
}

Test(invariants, links_lead_back)
{
    make_heap();
    BREAK(hole[1]->prev, hole[0], "a block does not lead back");
    BREAK(hole[0]->prev, NULL, "a block does not lead back");
    BREAK(hole[2]->prev, hole[0], "the first of a list has one before it");
}

Test(invariants, a_list_ends)
{
    make_heap();
    BREAK(hole[0]->next, hole[2], "a list is a circle");
    BREAK(hole[0]->next, hole[0], "a block follows itself");
}

Test(invariants, bits_say_which_lists_are_empty)
{
    make_heap();
    for (unsigned order = 0; order <= 31; order++)
        BREAK(list->orders, list->orders ^ 1u << order,
              "a bit of the orders is wrong");
}

Test(invariants, pools_belong_to_a_list_or_are_spare)
{
    static struct list_words nobody;
    make_heap();
    cr_assert(spare->list == NULL, "the spare pool has a list");
    BREAK(spare->list, list, "a spare pool has a list");
    BREAK(pool->list, other->list, "a pool has the list of another");
    BREAK(pool->list, NULL, "a pool is spare and has blocks");
    BREAK(pool->list, &nobody, "a pool belongs to no list that there is");
    BREAK(spare->next, spare, "the spare pools are a circle");
    BREAK(spare->next, pool, "a pool is spare and has a list");
    BREAK(spare->next, (struct pool_words *)(uintptr_t)4096,
          "a spare pool leads to nowhere");
}

Test(invariants, a_list_keeps_one_empty_pool_at_most)
{
    make_heap();
    struct list_words *second = other->list;
    struct block_words *empty = (void *)data_of(spare);
    struct block_words *first = second->free[20];
    cr_assert(first != NULL, "CPU 1 has no empty pool");
    /* Take the spare pool off its stack: it is the only one. */
    struct pool_words *next = spare->next;
    cr_assert(next == NULL, "there is more than one spare pool");
    spare->list = second;
    spare->tag[0] = FREE | 20;
    *empty = (struct block_words){first, NULL};
    first->prev = empty;
    second->free[20] = empty;
    check_broken("a list has two empty pools");
}

Test(invariants, mappings_know_their_neighbors_and_length)
{
    make_heap();
    BREAK(mapping[1]->mark, 0, "a mapping has no mark");
    BREAK(mapping[1]->prev, NULL, "a mapping does not lead back");
    BREAK(mapping[1]->length, 0, "a mapping has no length");
    BREAK(mapping[1]->length, 4096 + 16, "a mapping is no number of pages");
    BREAK(mapping[0]->next, mapping[2], "the mappings are a circle");
    BREAK(mapping[1]->next, (struct mapping_words *)(uintptr_t)4096,
          "a mapping leads to nowhere");
    BREAK(mapping[1]->next, (struct mapping_words *)(void *)(used + 16),
          "a mapping leads to no page");
}

/* Any byte of the tables: mycheck ends, whatever it says. */
Test(invariants, are_asked_for_without_a_crash)
{
    make_heap();
    srand(8);
    for (int n = 0; n < 3000; n++) {
        uint8_t *byte = &pool->tag[rand() % (n % 2 == 0 ? 600 : POOL / UNIT)];
        uint8_t sound = *byte;
        *byte = (uint8_t)rand();
        (void)mycheck();
        *byte = sound;
    }
    for (int n = 0; n < 2000; n++) {
        unsigned char *byte =
            (unsigned char *)hole[n % 3] + rand() % (int)sizeof **hole;
        unsigned char sound = *byte;
        *byte = (unsigned char)rand();
        (void)mycheck();
        *byte = sound;
    }
    check_memory();
}
