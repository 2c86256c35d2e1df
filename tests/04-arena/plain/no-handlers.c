/* Where the system can't register what a fork needs, there is no arena: Init
   refuses, and changes nothing. */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>

#include "04-arena/arena.h"

static _Alignas(BLOCK_SIZE) char memory[4 * BLOCK_SIZE];

/* Takes the place of libc's: the first call is that of the hooks. */
int pthread_atfork(void (*prepare)(void), void (*parent)(void),
                   void (*child)(void))
{
    static int calls;
    (void)prepare;
    (void)parent;
    (void)child;
    return ++calls == 1 ? 0 : ENOMEM;
}

int main(void)
{
    for (int i = 0; i < 3; i++) {
        assert(Init(memory, sizeof memory) == -1);
        assert(Allocate() == NULL);
    }
    return 0;
}
