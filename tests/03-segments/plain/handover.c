/* One thread allocates all blocks, another frees them: what is mapped stays
   within what lives at a time. The same when each thread gives its blocks to
   the next in a ring. */
#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "01-bump/allocator.h"
#include "03-segments/MyMalloc.h"
#include "03-segments/pages.h"

enum { SLOTS = 512, MOST = 4 };

#ifdef __SANITIZE_THREAD__
enum { BLOCKS = 20000 };
#else
enum { BLOCKS = 200000 };
#endif

/* A queue of one writer and one reader. */
struct queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned char *block[SLOTS];
    size_t first, count;
};

static struct queue queue[MOST];

static void put(struct queue *to, unsigned char *block)
{
    pthread_mutex_lock(&to->lock);
    while (to->count == SLOTS)
        pthread_cond_wait(&to->changed, &to->lock);
    to->block[(to->first + to->count++) % SLOTS] = block;
    pthread_cond_signal(&to->changed);
    pthread_mutex_unlock(&to->lock);
}

static unsigned char *get(struct queue *from)
{
    pthread_mutex_lock(&from->lock);
    while (from->count == 0)
        pthread_cond_wait(&from->changed, &from->lock);
    unsigned char *block = from->block[from->first];
    from->first = (from->first + 1) % SLOTS;
    from->count--;
    pthread_cond_signal(&from->changed);
    pthread_mutex_unlock(&from->lock);
    return block;
}

/* All that a queue can hold at a time is below 4 MiB; and one block at times
   300 KiB. */
static size_t request_of(size_t n)
{
    if (n % 1000 == 999)
        return 300 << 10;
    return n % 10 == 9 ? n * 7919 % 40000 + 1 : n * 7919 % 500 + 1;
}

static void *produce(void *context)
{
    struct queue *to = context;
    for (size_t n = 0; n < BLOCKS; n++) {
        size_t request = request_of(n);
        unsigned char *block = MyMalloc(request);
        assert(block != NULL);
        block[0] = block[request - 1] = (unsigned char)request;
        put(to, block);
    }
    return NULL;
}

static void *consume(void *context)
{
    struct queue *from = context;
    for (size_t n = 0; n < BLOCKS; n++) {
        size_t request = request_of(n);
        unsigned char *block = get(from);
        assert(block[0] == (unsigned char)request);
        assert(block[request - 1] == (unsigned char)request);
        MyFree(block);
    }
    return NULL;
}

/* `pairs` of threads, each with a queue. */
static void hand_over(size_t pairs, size_t most)
{
    pthread_t thread[2 * MOST];
    assert(allocator.init() == 0);
    begin_pages(LINUX);
    for (size_t i = 0; i < pairs; i++) {
        pthread_mutex_init(&queue[i].lock, NULL);
        pthread_cond_init(&queue[i].changed, NULL);
        queue[i].first = queue[i].count = 0;
        assert(pthread_create(&thread[2 * i], NULL, produce, &queue[i]) == 0);
        assert(pthread_create(&thread[2 * i + 1], NULL, consume, &queue[i]) ==
               0);
    }
    for (size_t i = 0; i < 2 * pairs; i++)
        pthread_join(thread[i], NULL);
    if (pages.fault != NULL)
        fprintf(stderr, "%s\n", pages.fault);
    assert(pages.fault == NULL);
    if (pages.peak > most)
        fprintf(stderr, "%zu bytes were mapped, %zu are enough\n", pages.peak,
                most);
    assert(pages.peak <= most);
    assert(allocator.check() == 0);
    assert(pages.mapped <= 4 << 20);
}

int main(void)
{
    hand_over(1, 10 << 20);
    hand_over(MOST, MOST * (10 << 20));
    return 0;
}
