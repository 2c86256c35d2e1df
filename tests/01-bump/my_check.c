/* What my_check promises: it accepts every sound heap, and finds a broken word
   in any header. The chapter's invariants have numbers; so have the tests. */
#include "model.h"

#include <sys/mman.h>

TestSuite(my_check, .init = watchdog);

struct header {    /* as the chapter has it */
    uint64_t size; /* bytes from here to the block's end, a multiple of 16 */
    uint64_t next; /* offset of the next block in the heap; 0: none */
};

enum { CHAIN = 5 };
static struct header *header[CHAIN]; /* of blocks, somebody else's between */

static uint64_t offset(const struct header *block)
{
    return (uint64_t)((char *)block - (char *)mem_heap_lo());
}

/* A sound heap, with 200 bytes of somebody else above its last block. */
static void make_chain(void)
{
    begin_heap(LIMIT);
    for (size_t i = 0; i < CHAIN; i++) {
        take_foreign(16 + i);
        header[i] = (struct header *)(void *)new_block(24 + 40 * i)->start - 1;
    }
    take_foreign(200);
    cr_assert(my_check() == 0, "my_check rejects a sound heap");
}

/* Breaks a word of the heap, and mends it. */
static void check_finds(uint64_t *word, uint64_t value, const char *what)
{
    uint64_t sound = *word;
    *word = value;
    int found = my_check();
    *word = sound;
    cr_assert(found == -1, "%s: my_check returned %d", what, found);
    cr_assert(my_check() == 0, "my_check rejects the mended heap");
}

Test(my_check, accepts_an_empty_heap)
{
    begin_heap(LIMIT);
    cr_assert(my_check() == 0, "my_check rejects an empty heap");
    new_block(1);
    cr_assert(my_check() == 0, "my_check rejects a heap of one block");
    begin_heap(LIMIT);
    take_foreign(100);
    cr_assert(my_check() == 0, "my_check rejects a heap that is not ours");
}

Test(my_check, accepts_the_heap_after_every_call)
{
    begin_heap(8 << 20);
    new_block(24);
    srand(4);
    for (int i = 0; i < 2000; i++) {
        random_call();
        cr_assert(my_check() == 0, "my_check rejects a sound heap");
        if (i % 10 == 0)
            take_foreign((size_t)rand() % 50 + 1);
        cr_assert(my_check() == 0, "my_check rejects a heap with gaps");
    }
}

Test(my_check, accepts_the_heap_after_a_call_that_failed)
{
    begin_heap(LIMIT);
    struct block *block = new_block(100);
    cr_assert(my_malloc(SIZE_MAX) == NULL);
    cr_assert(my_check() == 0, "my_check rejects a sound heap");
    mem_fail_at(1);
    cr_assert(my_malloc(100) == NULL);
    cr_assert(my_check() == 0, "my_check rejects a sound heap");
    mem_fail_at(1);
    cr_assert(my_realloc(block->start, 10000) == NULL);
    cr_assert(my_check() == 0, "my_check rejects a sound heap");
    mem_fail_at(0);
    while (my_malloc(1000) != NULL)
        continue;
    cr_assert(my_check() == 0, "my_check rejects a full heap");
}

Test(my_check, finds_1_a_block_that_is_not_aligned)
{
    make_chain();
    for (size_t i = 0; i + 1 < CHAIN; i++)
        for (uint64_t by = 1; by < 16; by++) {
            check_finds(&header[i]->next, header[i]->next + by,
                        "a start moved up");
            check_finds(&header[i]->next, header[i]->next - by,
                        "a start moved down");
        }
}

/* A header 8 bytes above the next block's agrees with the chain in all else. */
Test(my_check, finds_1_a_block_whose_only_fault_is_its_alignment)
{
    begin_heap(LIMIT);
    struct header *first = (struct header *)(void *)new_block(24)->start - 1;
    struct header *second = (struct header *)(void *)new_block(200)->start - 1;
    new_block(24);
    cr_assert(my_check() == 0, "my_check rejects a sound heap");
    struct header copy = {second->size - 16, second->next};
    memcpy((char *)second + 8, &copy, sizeof copy);
    uint64_t sound = first->next;
    first->next = sound + 8;
    cr_assert(my_check() == -1,
              "a start that is 8 mod 16: my_check returned 0");
}

Test(my_check, finds_2_a_size_that_is_no_multiple_of_16)
{
    make_chain();
    for (size_t i = 0; i < CHAIN; i++)
        for (uint64_t by = 1; by < 16; by++)
            check_finds(&header[i]->size, header[i]->size - by, "an odd size");
}

Test(my_check, finds_2_a_size_without_room_for_a_payload)
{
    make_chain();
    for (size_t i = 0; i < CHAIN; i++) {
        check_finds(&header[i]->size, 0, "size 0");
        check_finds(&header[i]->size, 16, "a header alone");
    }
}

Test(my_check, finds_3_a_block_that_reaches_into_the_next)
{
    make_chain();
    for (size_t i = 0; i + 1 < CHAIN; i++) {
        uint64_t most = header[i]->next - offset(header[i]);
        for (uint64_t by = 16; by <= 64; by += 16)
            check_finds(&header[i]->size, most + by, "a size too large");
    }
}

Test(my_check, finds_3_a_chain_that_leads_back)
{
    make_chain();
    for (size_t i = 0; i < CHAIN; i++)
        for (size_t back = 0; back <= i; back++)
            check_finds(&header[i]->next, offset(header[back]),
                        "a chain that leads back");
}

Test(my_check, finds_4_a_block_that_leaves_the_heap)
{
    make_chain();
    uint64_t rest = mem_heapsize() - offset(header[CHAIN - 1]);
    check_finds(&header[CHAIN - 1]->size, rest / 16 * 16 + 16,
                "a size past the heap");
    for (size_t i = 0; i < CHAIN; i++)
        for (uint64_t k = 16; k <= 4096; k += 16) {
            check_finds(&header[i]->size, -k, "a size that wraps");
            check_finds(&header[i]->size, (uint64_t)1 << 63 | k, "a huge size");
        }
}

Test(my_check, finds_4_a_chain_that_leaves_the_heap)
{
    make_chain();
    uint64_t heapsize = mem_heapsize();
    for (size_t i = 0; i < CHAIN; i++) {
        for (uint64_t k = 0; k <= 4096; k += 8) {
            check_finds(&header[i]->next, heapsize / 16 * 16 + 16 + k,
                        "a start past the heap");
            check_finds(&header[i]->next, -k - 8, "a start below the heap");
        }
        check_finds(&header[i]->next, heapsize / 16 * 16,
                    "a header past the heap");
        check_finds(&header[i]->next, (uint64_t)1 << 63, "a start far away");
    }
}

/* Behind the heap lies a page that nobody may read. */
Test(my_check, finds_4_a_chain_that_leaves_the_heap_and_does_not_follow_it)
{
    size_t page = mem_pagesize();
    begin_heap(2 * page);
    struct header *first = (struct header *)(void *)new_block(24)->start - 1;
    struct header *last = (struct header *)(void *)new_block(24)->start - 1;
    take_foreign(page - mem_heapsize());
    cr_assert(mprotect((char *)mem_heap_lo() + page, page, PROT_NONE) == 0);
    cr_assert(my_check() == 0, "my_check rejects a sound heap");
    for (uint64_t next = page - 8; next <= page + 64; next += 8) {
        check_finds(&first->next, next, "a chain that leaves the heap");
        check_finds(&last->next, next, "a chain that leaves the heap");
    }
}

Test(my_check, finds_4_a_break_below_the_first_block)
{
    begin_heap(LIMIT);
    take_foreign(100);
    new_block(24);
    cr_assert(my_check() == 0);
    mem_reset();
    cr_assert(my_check() == -1, "my_check reads a block above the heap");
}

Test(my_check, finds_4_a_break_below_the_last_block)
{
    make_chain();
    size_t heapsize = mem_heapsize();
    for (size_t cut = 0; cut < heapsize - 200; cut++) {
        mem_reset();
        if (cut > 0)
            mem_sbrk(cut);
        cr_assert(my_check() == -1, "the heap has %zu of %zu bytes left", cut,
                  heapsize);
    }
    mem_sbrk(heapsize - 200 - mem_heapsize());
    cr_assert(my_check() == 0,
              "my_check rejects a heap that ends with its last block");
}

Test(my_check, finds_5_a_chain_that_ends_too_early)
{
    make_chain();
    for (size_t i = 0; i + 1 < CHAIN; i++)
        check_finds(&header[i]->next, 0, "a chain that ends too early");
}

/* Behind the last block lies what looks like another. */
Test(my_check, finds_5_a_chain_that_goes_on_behind_its_last_block)
{
    make_chain();
    struct header *last = header[CHAIN - 1];
    struct header *another = (struct header *)((char *)last + last->size);
    *another = (struct header){.size = 32, .next = 0};
    check_finds(&last->next, offset(another), "a chain that goes on");
}
