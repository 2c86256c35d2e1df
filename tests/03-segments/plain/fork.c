/* A child of a process with one thread has a heap of its own, and goes on: in a
   chain of children, parent and child fill the same addresses with different
   bytes, in slots, segments and mappings. */
#include <assert.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "03-segments/MyMalloc.h"
#include "03-segments/heap.h"

enum { GENERATIONS = 5, BLOCKS = 600 };

static unsigned char *block[BLOCKS];

static size_t size_of(int n)
{
    return n % 60 == 0 ? 300000 : n % 6 == 0 ? 20000 : (size_t)n + 1;
}

static void fill(int begin, int end, int key)
{
    for (int n = begin; n < end; n++) {
        block[n] = MyRealloc(MyMalloc(size_of(n) / 2 + 1), size_of(n));
        assert(block[n] != NULL);
        memset(block[n], key, size_of(n));
    }
}

static void verify(int begin, int end, int key)
{
    assert(MyCheck() == 0);
    for (int n = begin; n < end; n++)
        for (size_t i = 0; i < size_of(n); i++)
            assert(block[n][i] == key);
}

static void free_all(int begin, int end)
{
    for (int n = begin; n < end; n++)
        MyFree(block[n]);
    assert(MyCheck() == 0);
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
        free_all(0, BLOCKS / 2);
        _exit(0);
    }
    fill(BLOCKS / 2, BLOCKS, 200 + generation);
    assert(waitpid(child, &status, 0) == child && status == 0);
    verify(0, BLOCKS / 2, 1);
    verify(BLOCKS / 2, BLOCKS, 200 + generation);
    free_all(BLOCKS / 2, BLOCKS);
}

int main(void)
{
    fill(0, BLOCKS / 2, 1);
    live(0);
    return 0;
}
