/* The lock as releases have it, which builds for tests do not use: four threads
   count to a number under it, and the first begins alone. */
#undef TEST_HOOKS
#include <assert.h>
#include <pthread.h>
#include <stdio.h>

#include "03-segments/lock.h"

enum { THREADS = 4, TIMES = 100000 };

static struct lock lock;
static unsigned long sum, tried; /* by the lock's holder */
static uint32_t shared;

static void *count(void *context)
{
    (void)context;
    for (int i = 0; i < TIMES; i++) {
        lock_take(&lock, 1);
        sum++;
        lock_release(&lock);
        count_add(&shared, 3);
        if (lock_try(&lock, 1)) {
            tried++;
            sum++;
            lock_release(&lock);
        }
        count_add(&shared, -2);
    }
    return NULL;
}

int main(void)
{
    pthread_t thread[THREADS];
    count(NULL); /* alone: every try succeeds */
    assert(sum == 2 * TIMES && tried == TIMES && shared == TIMES);
    lock_take(&lock, 1);
    assert(!lock_try(&lock, 1));
    assert(pthread_create(&thread[0], NULL, count, NULL) == 0);
    assert(!lock_try(&lock, 1)); /* what was taken alone is held now */
    assert(sum == 2 * TIMES);
    lock_release(&lock);
    for (int i = 1; i < THREADS; i++)
        assert(pthread_create(&thread[i], NULL, count, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    assert(sum == (THREADS + 1) * (unsigned long)TIMES + tried);
    assert(shared == (THREADS + 1) * TIMES && lock.state == LOCK_FREE);
    return 0;
}
