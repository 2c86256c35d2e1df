/* A signal arrives when a thread has read the head of the list, and its handler
   allocates too. The file that includes this has included an arena, and names
   the `event` and whether the thread `hangs`. */
#ifndef HANDLER_H
#define HANDLER_H

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hooks.h"

enum { BLOCKS = 4 };

static _Alignas(BLOCK_SIZE) char buffer[BLOCKS * BLOCK_SIZE];
static void *volatile of_handler;

static void allocate(int number)
{
    (void)number;
    of_handler = Allocate();
}

static void interrupt(void *context)
{
    (void)context;
    raise(SIGUSR1);
}

static int number(const void *block)
{
    return (int)(((const char *)block - buffer) / BLOCK_SIZE);
}

int main(void)
{
    assert(Init(buffer, sizeof buffer) == 0);
    hook_thread("A", 0);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGUSR1, allocate);
        hook_call("A", event, 1, interrupt, NULL);
        alarm(hangs ? 1 : 10);
        void *block = Allocate();
        printf("the handler gets block %d, the thread block %d\n",
               number(of_handler), number(block));
        fflush(stdout);
        _exit(of_handler == block);
    }
    int status;
    assert(pid > 0 && waitpid(pid, &status, 0) == pid);
    if (WIFSIGNALED(status))
        puts("the handler waits for the thread that it interrupted");
    return status == (hangs ? SIGALRM : 0) ? 0 : 1;
}

#endif
