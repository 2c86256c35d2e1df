/* The arena with a key (an exercise of chapter 4) sees every double free, and
   believes an owner who wrote the key by accident. Here, and not one folder up,
   because it needs a step of the chapter, which labs do not have. */
#include <assert.h>
#include <stdio.h>

#include "04-arena/steps/9-key.c"

static _Alignas(BLOCK_SIZE) char buffer[4 * BLOCK_SIZE];
static const char *reported;

static void note(const char *what, const void *block)
{
    (void)block;
    reported = what;
}

int main(void)
{
    struct block *blocks[3];
    arena_misuse = note;
    assert(Init(buffer, sizeof buffer) == 0);
    for (int i = 0; i < 3; i++)
        blocks[i] = Allocate();
    Free(blocks[0]);
    Free(blocks[1]);
    assert(reported == NULL);
    Free(blocks[0]);
    assert(reported != NULL && arena_check() == 0);
    printf("blocks 0, 1, and 0 again: %s\n", reported);
    reported = NULL;
    blocks[2]->key = key_of(blocks[2]);
    Free(blocks[2]);
    assert(reported == NULL && arena_count_free() == 4);
    printf("block 2, in use, where its owner wrote the key: freed\n");
    printf("arena_check: %d\n", arena_check());
    return arena_check() == 0 ? 0 : 1;
}
