/* Somebody else moves the break whenever the heap is about to: between its
   question where the break is, and its call. This program's memlib does that, by
   any number of bytes, and it fails at times. No byte of the visitor's may be
   written, and no request may fail while there is memory. */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "01-bump/memlib.h"
#include "01-bump/my_malloc.h"

enum { LIMIT = 16 << 20, VISITS = 5000, PAGE = 4096, BLOCKS = 300 };

static _Alignas(PAGE) unsigned char memory[LIMIT];
static size_t brk; /* offset */

static struct {
    size_t start, size;
} visit[VISITS];
static size_t visits;
static size_t visit_max; /* bytes of one */
static size_t visit_size; /* bytes of each; 0: any up to visit_max */
static bool is_failing;

void *mem_sbrk(size_t increment)
{
    if (is_failing && rand() % 3 == 0)
        return (void *)-1;
    size_t size = visit_size > 0 ? visit_size : (size_t)rand() % visit_max;
    assert(visits < VISITS && brk + size + increment <= LIMIT);
    visit[visits].start = brk;
    visit[visits++].size = size;
    memset(memory + brk, 0x77, size);
    brk += size + increment;
    return memory + brk - increment;
}

int mem_init(size_t limit)
{
    brk = visits = 0;
    return limit <= LIMIT ? 0 : -1;
}

void mem_reset(void) { brk = 0; }

void *mem_heap_lo(void) { return memory; }

void *mem_heap_hi(void) { return memory + brk - 1; }

size_t mem_heapsize(void) { return brk; }

static void check_visits(void)
{
    for (size_t n = 0; n < visits; n++)
        for (size_t i = 0; i < visit[n].size; i++)
            assert(memory[visit[n].start + i] == 0x77);
}

static struct {
    unsigned char *start;
    size_t size;
} block[BLOCKS];

/* Changes a block, and looks whether its first and last byte are kept. */
static void change_block(int n, size_t size)
{
    unsigned char *start = my_realloc(block[n].start, size);
    if (start == NULL && size > 0) {
        assert(is_failing);
        return;
    }
    if (block[n].size > 0 && size > 0)
        assert(*start == (unsigned char)n);
    if (block[n].size > 0 && size >= block[n].size)
        assert(start[block[n].size - 1] == (unsigned char)n);
    block[n].start = start;
    block[n].size = size;
    if (size > 0)
        memset(start, n, size);
}

static void live(void)
{
    assert(mem_init(LIMIT) == 0 && my_init() == 0);
    memset(block, 0, sizeof block);
    for (int i = 0; i < 4000; i++) {
        size_t size = (size_t)rand() % (rand() % 4 == 0 ? 6000 : 150);
        change_block(rand() % BLOCKS, size);
        if (i % 16 == 0)
            assert(my_check() == 0);
    }
    check_visits();
    for (int n = 0; n < BLOCKS; n++)
        for (size_t i = 0; i < block[n].size; i++)
            assert(block[n].start[i] == (unsigned char)n);
}

/* The break is some bytes below the end of a page, and as few are asked for; but
   then they lie elsewhere, and are no room for a region. */
static void get_too_little(void)
{
    for (size_t missing = 16; missing <= 128; missing += 16)
        for (size_t request = 100; request <= 200; request += 16) {
            assert(mem_init(LIMIT) == 0 && my_init() == 0);
            memset(block, 0, sizeof block);
            visit_size = PAGE - missing;
            for (int n = 0; n < 80; n++) {
                change_block(n, request);
                assert(my_check() == 0);
            }
            check_visits();
        }
    visit_size = 0;
}

int main(void)
{
    get_too_little();
    for (visit_max = 1; visit_max <= 5000; visit_max *= 3)
        for (int turn = 0; turn < 2; turn++) {
            is_failing = turn == 1;
            live();
        }
    return 0;
}
