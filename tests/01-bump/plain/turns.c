/* Any thread may call my_malloc, if no other does at the time. Four threads
   take turns by a lock of their own, and each finds its blocks as it left them.
   There is no race for ThreadSanitizer to find. */
#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "01-bump/memlib.h"
#include "01-bump/my_malloc.h"

enum { THREADS = 4, BLOCKS = 500 };

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static size_t size_of(int block, int key)
{
    return (size_t)(block * 7 + key) % 300 + 1;
}

static void *fill_blocks(void *context)
{
    int key = *(int *)context;
    unsigned char *block[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        pthread_mutex_lock(&turn);
        block[i] = my_malloc(size_of(i, key));
        assert(block[i] != NULL);
        if (i % 3 == 2)
            block[i] = my_realloc(block[i], size_of(i, key) + 100);
        assert(block[i] != NULL && my_check() == 0);
        pthread_mutex_unlock(&turn);
        memset(block[i], key, size_of(i, key));
    }
    for (int i = 0; i < BLOCKS; i++)
        for (size_t byte = 0; byte < size_of(i, key); byte++)
            assert(block[i][byte] == key);
    return NULL;
}

int main(void)
{
    pthread_t thread[THREADS];
    int key[THREADS];
    assert(mem_init(MEM_LIMIT) == 0 && my_init() == 0);
    for (int i = 0; i < THREADS; i++) {
        key[i] = i + 1;
        assert(pthread_create(&thread[i], NULL, fill_blocks, &key[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    return my_check() == 0 ? 0 : 1;
}
