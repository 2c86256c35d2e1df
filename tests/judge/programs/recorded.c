/* What the test of the recorder records. The first word says how the program
   uses the heap: threads, fork, storm, exec, kill, exit or aligned. */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCKS = 100, THREADS = 4 };

/* Allocates, grows and frees, over and over, with random sizes. */
static void churn(unsigned seed, int operations)
{
    void *blocks[BLOCKS] = {NULL};
    for (int i = 0; i < operations; i++) {
        void **block = &blocks[rand_r(&seed) % BLOCKS];
        size_t size = (size_t)rand_r(&seed) % 500;
        if (size % 3 == 0) {
            free(*block);
            *block = NULL;
        } else {
            *block = realloc(*block, size);
        }
    }
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
}

static void *churn_thread(void *argument)
{
    churn(*(unsigned *)argument, 20000);
    return NULL;
}

/* Runs `work` while THREADS threads churn. */
static void with_threads(void (*work)(void))
{
    pthread_t threads[THREADS];
    unsigned seeds[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        seeds[i] = i;
        pthread_create(&threads[i], NULL, churn_thread, &seeds[i]);
    }
    work();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void churn_here(void)
{
    churn(99, 20000);
}

/* Children that are born while other threads are anywhere in the heap. */
static void storm(void)
{
    for (unsigned i = 0; i < 40; i++) {
        if (fork() == 0) {
            churn(i, 200);
            _exit(0);
        }
    }
    while (wait(NULL) > 0)
        continue;
}

/* Three generations that free what they inherited. */
static void generations(void)
{
    void *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = malloc(i + 1);
    for (int generation = 0; generation < 2 && fork() == 0; generation++) {
        blocks[0] = realloc(blocks[0], 1000);
        free(blocks[generation + 1]);
        blocks[generation + 1] = malloc(20);
    }
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    while (wait(NULL) > 0)
        continue;
}

/* Frees a block that the compiler must believe in. */
static void drop(void *block)
{
    static void *volatile kept;
    kept = block;
    free(kept);
}

/* A child that dies anywhere, but not before it has used the heap. */
static void killed(void)
{
    int ends[2];
    char byte = 0;
    if (pipe(ends) != 0)
        exit(1);
    pid_t child = fork();
    if (child == 0) {
        drop(malloc(1));
        if (write(ends[1], &byte, 1) == 1)
            with_threads(churn_here);
        _exit(0);
    }
    if (read(ends[0], &byte, 1) == 1)
        usleep((unsigned)child % 4000);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void aligned(void)
{
    void *block = NULL;
    drop(memalign(64, 100));
    drop(aligned_alloc(256, 256));
    drop(valloc(10));
    drop(pvalloc(10));
    if (posix_memalign(&block, 4096, 30) == 0)
        drop(block);
    drop(calloc(10, 10));
    drop(reallocarray(malloc(1), 3, 7));
    drop(strdup("copied"));
    drop(realloc(malloc(8), 0));
    drop(realloc(NULL, 5));
}

int main(int count, char **words)
{
    const char *how = count > 1 ? words[1] : "";
    if (strcmp(how, "threads") == 0)
        with_threads(churn_here);
    if (strcmp(how, "storm") == 0)
        with_threads(storm);
    if (strcmp(how, "fork") == 0)
        generations();
    if (strcmp(how, "kill") == 0)
        killed();
    if (strcmp(how, "aligned") == 0)
        aligned();
    if (strcmp(how, "exit") == 0) {
        churn(1, 100);
        _exit(7);
    }
    if (strcmp(how, "exec") == 0) {
        churn(1, 100);
        execl(words[0], "recorded", "exit", NULL);
    }
    return 0;
}
