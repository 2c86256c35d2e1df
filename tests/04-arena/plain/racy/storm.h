/* Four threads allocate and free as fast as they can while the process forks.
   Each block has an owner at a time, in the parent and in every child; whatever
   the schedule, the outcome must be the same. The file that includes this has
   included an arena with another lock than the chapter's, or with none. */
#ifndef STORM_H
#define STORM_H

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, BLOCKS = 8, PAIRS = 100000, FORKS = 30 };

static _Alignas(BLOCK_SIZE) char buffer[BLOCKS * BLOCK_SIZE];
static atomic_int owners[BLOCKS]; /* 0: none */
static atomic_int double_owners;

static void take_and_give(int me)
{
    char *block = Allocate();
    if (block == NULL)
        return;
    atomic_int *owner = &owners[(block - buffer) / BLOCK_SIZE];
    if (atomic_exchange(owner, me) != 0)
        double_owners++;
    *(volatile int *)block = me;
    if (*(volatile int *)block != me || atomic_exchange(owner, 0) != me)
        double_owners++;
    Free(block);
}

static void *storm(void *me)
{
    for (int i = 0; i < PAIRS; i++)
        take_and_give(*(int *)me);
    return NULL;
}

/* In the child. What other threads held is lost: no owner is expected of it. */
static _Noreturn void calm(void)
{
    size_t free = arena_count_free();
    if (arena_check() != 0 || free < BLOCKS - THREADS)
        _exit(1);
    void *blocks[BLOCKS];
    for (size_t i = 0; i < free; i++)
        blocks[i] = Allocate();
    bool is_empty = Allocate() == NULL;
    for (size_t i = 0; i < free; i++)
        Free(blocks[i]);
    _exit(is_empty && arena_count_free() == free ? 0 : 1);
}

int main(void)
{
    pthread_t threads[THREADS];
    int names[THREADS];
    assert(Init(buffer, sizeof buffer) == 0);
    for (int i = 0; i < THREADS; i++) {
        names[i] = i + 1;
        assert(pthread_create(&threads[i], NULL, storm, &names[i]) == 0);
    }
    for (int i = 0; i < FORKS; i++) {
        int status;
        pid_t pid = fork();
        if (pid == 0) {
            alarm(10);
            calm();
        }
        assert(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert(double_owners == 0 && arena_count_free() == BLOCKS);
    puts("each block had one owner at a time, in every process");
    return 0;
}

#endif
