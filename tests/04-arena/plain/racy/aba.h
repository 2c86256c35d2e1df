/* A pops and stops when it has read the first block's link. B pops that block
   and the next, and frees the first. A goes on, with a link that it read long
   ago. The file that includes this has included a stack, and says whether two
   threads have the `same` block in the end. */
#ifndef ABA_H
#define ABA_H

#include <assert.h>
#include <pthread.h>
#include <stdio.h>

#include "hooks.h"

enum { RUNS = 1000, BLOCKS = 4 };

static _Alignas(BLOCK_SIZE) char buffer[BLOCKS * BLOCK_SIZE];
static bool is_first;

static int number(const void *block)
{
    return block == NULL ? -1
                         : (int)(((const char *)block - buffer) / BLOCK_SIZE);
}

static void say(const char *what, const void *block)
{
    if (is_first)
        printf("%s %d\n", what, number(block));
}

static void *allocate(void *block)
{
    hook_thread("A", 0);
    *(void **)block = Allocate();
    return NULL;
}

static bool race(void)
{
    pthread_t thread;
    void *of_a;
    assert(Init(buffer, sizeof buffer) == 0);
    hook_park("A", "stack: pop has read the link", 1);
    pthread_create(&thread, NULL, allocate, &of_a);
    assert(hook_await_parked("A"));
    say("A has read: first is 0, and behind it is", next_free(first_free()));
    void *first = Allocate(), *second = Allocate();
    say("B gets block", first);
    say("B gets block", second);
    Free(first);
    say("B frees block", first);
    hook_release("A");
    pthread_join(thread, NULL);
    say("A gets block", of_a);
    void *third = Allocate();
    say("B gets block", third);
    return second == third;
}

int main(void)
{
    int count = 0;
    hook_thread("B", 1);
    for (int run = 0; run < RUNS; run++) {
        is_first = run == 0;
        count += race();
    }
    printf("a block that B has already: %d of %d runs\n", count, RUNS);
    return count == (same ? RUNS : 0) ? 0 : 1;
}

#endif
