/* Forks while another thread stands inside the arena. A stops at an event, B
   forks, and the child says how its arena is. A goes on when B is about to wait
   for it, or when the child has ended. The file that includes this has included
   an arena and says whether B `waits`, and how many of the children are
   `expected` to be sound, to hang and to be broken.
     PROGRAM          tries all events, and prints a line for each
     PROGRAM EVENT    only this one, and the child shows what it does */
#ifndef FORK_AT_H
#define FORK_AT_H

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hooks.h"

enum { BLOCKS = 4 };
enum outcome { SOUND, HANGS, BROKEN, OUTCOMES };

static _Alignas(BLOCK_SIZE) char buffer[BLOCKS * BLOCK_SIZE];

/* What A does so that it passes an event, and the events. */
enum call { INIT, ALLOCATE, FREE };
static const struct {
    enum call call;
    const char *event;
} points[] = {
    {INIT, "arena: Init: it has the lock"},
    {INIT, "arena: Init: the arena is empty"},
    {INIT, "arena: Init: it is about to unlock"},
    {ALLOCATE, "arena: Allocate: it has the lock"},
    {ALLOCATE, "arena: pop: the list is read"},
    {ALLOCATE, "arena: pop: the list is moved, the block still counted"},
    {ALLOCATE, "arena: Allocate: it is about to unlock"},
    {FREE, "arena: Free: it has the lock"},
    {FREE, "arena: push: the block is first, its link is not set"},
    {FREE, "arena: push: the link is set, the block not counted"},
    {FREE, "arena: Free: it is about to unlock"},
};

static void *enter_and_stop(void *call)
{
    hook_thread("A", 0);
    char *block = NULL;
    if (*(const enum call *)call == FREE) {
        block = Allocate();
        memset(block, 'A', BLOCK_SIZE);
    }
    hook("fork_at: A begins", block);
    switch (*(const enum call *)call) {
    case INIT:
        Init(buffer, sizeof buffer);
        break;
    case ALLOCATE:
        Allocate();
        break;
    case FREE:
        Free(block);
        break;
    }
    return NULL;
}

static void release(void *context)
{
    (void)context;
    hook_release("A");
}

/* In the child: ends it if it hangs. */
static void arm(long milliseconds)
{
    struct timeval limit = {milliseconds / 1000, milliseconds % 1000 * 1000};
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value = limit}, NULL);
}

static _Noreturn void judge(void)
{
    void *first = Allocate();
    Free(first);
    _exit(first != NULL && arena_check() == 0 ? SOUND : BROKEN);
}

static _Noreturn void show(void)
{
    for (int i = 0; i < 2; i++) {
        const char *block = Allocate();
        printf("the child gets block %td, and the list begins at %p\n",
               (block - buffer) / BLOCK_SIZE, (void *)arena.list);
        fflush(stdout);
    }
    _exit(SOUND);
}

/* Returns how the child ended. */
static int fork_at(size_t point, long limit, void (*child)(void))
{
    pthread_t thread;
    enum call call = points[point].call;
    assert(Init(buffer, sizeof buffer) == 0);
    hook_park("A", "fork_at: A begins", 1);
    assert(pthread_create(&thread, NULL, enter_and_stop, &call) == 0);
    assert(hook_await_parked("A"));
    hook_park("A", points[point].event, 1);
    hook_release("A");
    assert(hook_await_parked("A"));
    if (waits)
        hook_call("B", "arena: fork: it is about to take the lock", 1, release,
                  NULL);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        arm(limit);
        child();
    }
    int status;
    assert(pid > 0 && waitpid(pid, &status, 0) == pid);
    if (!waits)
        hook_release("A");
    pthread_join(thread, NULL);
    return status;
}

static enum outcome outcome_of(int status)
{
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGALRM ? HANGS : BROKEN;
    return (enum outcome)WEXITSTATUS(status);
}

int main(int count, char **arguments)
{
    static const char *const words[] = {"is sound", "hangs", "is broken"};
    size_t tally[OUTCOMES] = {0}, all = sizeof points / sizeof *points;
    long limit = expected[HANGS] > 0 ? 100 : 3000; /* ms */
    hook_thread("B", 1);
    for (size_t point = 0; point < all; point++) {
        const char *event = points[point].event;
        if (count == 2 && strcmp(arguments[1], event) == 0) {
            int status = fork_at(point, 1000, show);
            if (WIFSIGNALED(status))
                printf("the child ends: %s\n", strsignal(WTERMSIG(status)));
            return 0;
        }
        if (count == 2)
            continue;
        enum outcome outcome = outcome_of(fork_at(point, limit, judge));
        tally[outcome]++;
        printf("%-55s the child %s\n", event + strlen("arena: "),
               words[outcome]);
    }
    return memcmp(tally, expected, sizeof tally) == 0 ? 0 : 1;
}

#endif
