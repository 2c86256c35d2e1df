/* A tag of 4 bits has come round after 16 changes: the exchange of A succeeds
   with a link that it read before them. Chapter 4's exercise on the tag. */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>

#include "04-arena/steps/10-narrow.c"
#include "hooks.h"

static _Alignas(BLOCK_SIZE) char buffer[4 * BLOCK_SIZE];

static int number(const void *block)
{
    return block == NULL ? -1 : (int)number_of(block) - 1;
}

static void *allocate(void *block)
{
    hook_thread("A", 0);
    *(void **)block = Allocate();
    return NULL;
}

int main(void)
{
    pthread_t thread;
    void *of_a;
    assert(Init(buffer, sizeof buffer) == 0);
    hook_thread("B", 1);
    hook_park("A", "stack: pop has read the link", 1);
    pthread_create(&thread, NULL, allocate, &of_a);
    assert(hook_await_parked("A"));
    printf("A has read: first is %d, and behind it is %d\n",
           number(first_free()), number(next_free(first_free())));
    void *first = Allocate(), *second = Allocate(), *third = Allocate();
    Free(first);
    for (int i = 0; i < 6; i++)
        Free(Allocate());
    printf("B has made 16 changes, and has blocks %d and %d\n", number(second),
           number(third));
    hook_release("A");
    pthread_join(thread, NULL);
    printf("A gets block %d\n", number(of_a));
    void *again = Allocate();
    printf("B gets block %d\n", number(again));
    return again == second ? 0 : 1;
}
