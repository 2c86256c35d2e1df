/* After fork each process has a heap of its own, and goes on: in a chain of
   children, parent and child fill the same addresses with different bytes. */
#include <assert.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "01-bump/memlib.h"
#include "01-bump/my_malloc.h"

enum { GENERATIONS = 5, BLOCKS = 1000, SIZE = 100 };

static unsigned char *block[BLOCKS];

static void fill(int begin, int end, int key)
{
    for (int i = begin; i < end; i++) {
        block[i] = my_realloc(my_malloc(SIZE / 2), SIZE);
        assert(block[i] != NULL);
        memset(block[i], key, SIZE);
    }
}

static void verify(int begin, int end, int key)
{
    assert(my_check() == 0);
    for (int i = begin; i < end; i++)
        for (int byte = 0; byte < SIZE; byte++)
            assert(block[i][byte] == key);
}

/* Half of the blocks are from before every fork, the others from after. */
static void live(int generation)
{
    int status = 0;
    if (generation == GENERATIONS)
        return;
    pid_t child = fork();
    assert(child >= 0);
    if (child == 0) {
        alarm(30);
        fill(BLOCKS / 2, BLOCKS, 100 + generation);
        live(generation + 1);
        verify(0, BLOCKS / 2, 1);
        _exit(0);
    }
    fill(BLOCKS / 2, BLOCKS, 200 + generation);
    assert(waitpid(child, &status, 0) == child && status == 0);
    verify(0, BLOCKS / 2, 1);
    verify(BLOCKS / 2, BLOCKS, 200 + generation);
}

int main(void)
{
    assert(mem_init(MEM_LIMIT) == 0 && my_init() == 0);
    fill(0, BLOCKS / 2, 1);
    live(0);
    return 0;
}
