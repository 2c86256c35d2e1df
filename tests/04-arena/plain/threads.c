/* For ThreadSanitizer above all: 8 threads take blocks, write every byte, look
   whether it is still there, and give them back; two of them fork. Nothing that
   the threads share orders them, but the arena. */
#include <assert.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "04-arena/arena.h"

enum { THREADS = 8, ROUNDS = 300, BATCH = 20, FORKS = 10, BLOCKS = 256 };

static _Alignas(BLOCK_SIZE) char memory[BLOCKS * BLOCK_SIZE];

static void work(int key, int rounds)
{
    char *block[BATCH];
    for (int round = 0; round < rounds; round++) {
        for (int n = 0; n < BATCH; n++) {
            block[n] = Allocate();
            if (block[n] != NULL)
                memset(block[n], key, BLOCK_SIZE);
        }
        for (int n = 0; n < BATCH; n++) {
            if (block[n] == NULL)
                continue;
            assert(block[n][0] == key && block[n][BLOCK_SIZE - 1] == key);
            assert(memcmp(block[n], block[n] + 1, BLOCK_SIZE - 1) == 0);
            Free(block[n]);
        }
    }
}

/* The child has what is free; no more than that is to be had. */
static void live_in_child(void)
{
    size_t count = 0;
    alarm(30);
    work(100, 100);
    while (Allocate() != NULL)
        count++;
    _exit(count > BLOCKS);
}

static void *run(void *context)
{
    int key = *(int *)context;
    for (int i = 0; i < FORKS; i++) {
        work(key, ROUNDS / FORKS);
        if (key > 2)
            continue;
        int status;
        pid_t child = fork();
        assert(child >= 0);
        if (child == 0)
            live_in_child();
        assert(waitpid(child, &status, 0) == child && status == 0);
    }
    return NULL;
}

int main(void)
{
    pthread_t thread[THREADS];
    int key[THREADS];
    size_t count = 0;
    assert(Init(memory, sizeof memory) == 0);
    for (int i = 0; i < THREADS; i++) {
        key[i] = i + 1;
        assert(pthread_create(&thread[i], NULL, run, &key[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    while (Allocate() != NULL)
        count++;
    assert(count == BLOCKS);
    return 0;
}
