/* The workloads that are about memory: crowd and space. */
#define _GNU_SOURCE
#include "bench.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* crowd: a thousand threads live, and wait most of the time. Their stacks are
   the harness's. */
enum {
    CROWD = 1000,
    STACK = 64 << 10,
    TURN_BYTES = 1 << 20,
    ONCE_BYTES = 256 << 10
};
static struct {
    pthread_t threads[CROWD];
    sem_t turns[CROWD]; /* a thread waits for the next thing that it is to do */
    sem_t done;         /* and says that it has done it */
} crowd;

/* Blocks that link to each other; the link stands behind the stamp. */
static void **link_of(void *block) { return (void **)block + 1; }

static void *get_list(struct random *random, size_t bytes)
{
    void *list = NULL;
    for (size_t sum = 0; sum < bytes;) {
        size_t size = random_size(random) + sizeof list;
        void *block = get(size);
        *link_of(block) = list;
        list = block;
        sum += size;
    }
    return list;
}

static void put_list(void *list)
{
    while (list != NULL) {
        void *next = *link_of(list);
        put(list);
        list = next;
    }
}

static unsigned await_turn(void *argument)
{
    unsigned number = (unsigned)(uintptr_t)argument;
    while (sem_wait(&crowd.turns[number]) != 0)
        continue;
    return number;
}

static void end_turn(void)
{
    sem_post(&crowd.done);
}

static void *take_turn(void *argument)
{
    unsigned number = await_turn(argument);
    struct random random = random_of(1000 + number);
    void *list = get_list(&random, TURN_BYTES);
    if (number % 100 == 99)
        note_memory();
    put_list(list);
    end_turn();
    await_turn(argument);
    return NULL;
}

static void *hold_and_free(void *argument)
{
    unsigned number = await_turn(argument);
    struct random random = random_of(1000 + number);
    void *list = get_list(&random, ONCE_BYTES);
    end_turn();
    await_turn(argument);
    put_list(list);
    end_turn();
    await_turn(argument);
    return NULL;
}

static void begin_crowd(void *(*work)(void *))
{
    char *stacks = table((size_t)CROWD * STACK);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    sem_init(&crowd.done, 0, 0);
    for (size_t i = 0; i < CROWD; i++) {
        sem_init(&crowd.turns[i], 0, 0);
        pthread_attr_setstack(&attributes, stacks + i * STACK, STACK);
        if (pthread_create(&crowd.threads[i], &attributes, work, (void *)i) != 0)
            die(STATUS_BAD_INPUT, "bench: cannot start thread %zu of %d", i + 1,
                CROWD);
    }
    pthread_attr_destroy(&attributes);
}

static void await_done(unsigned count)
{
    while (count > 0)
        if (sem_wait(&crowd.done) == 0)
            count--;
}

/* All threads do the next thing: one after the other, or when they may. */
static void let_all(bool is_in_turn)
{
    for (unsigned i = 0; i < CROWD; i++) {
        sem_post(&crowd.turns[i]);
        if (is_in_turn)
            await_done(1);
    }
    if (!is_in_turn)
        await_done(CROWD);
}

static void end_crowd(void)
{
    result.idle_kib = anonymous_kib();
    for (unsigned i = 0; i < CROWD; i++)
        sem_post(&crowd.turns[i]);
    for (unsigned i = 0; i < CROWD; i++)
        pthread_join(crowd.threads[i], NULL);
    result.left_kib = anonymous_kib();
    result.has_idle = result.has_left = true;
}

void run_crowd_turns(const size_t *words)
{
    (void)words;
    begin_crowd(take_turn);
    clock_begin(false);
    let_all(true);
    clock_end();
    note_memory();
    end_crowd();
}

void run_crowd_once(const size_t *words)
{
    (void)words;
    begin_crowd(hold_and_free);
    clock_begin(false);
    let_all(false);
    note_memory();
    let_all(false);
    clock_end();
    end_crowd();
}

/* space: 300 MB of blocks, all of them freed, or 15 of 16; then the holes are
   filled again. */
enum { SPACE_BYTES = 300000000, SPACE_BLOCKS = 3000000, REST_US = 150000 };

static size_t fill_space(void **blocks, struct random *random)
{
    size_t count = 0;
    for (size_t sum = 0; sum < SPACE_BYTES; count++) {
        if (count == SPACE_BLOCKS)
            die(STATUS_BAD_INPUT, "bench: the table of blocks is full");
        if (blocks[count] == NULL)
            blocks[count] = get(random_size(random));
        sum += size_of(blocks[count]);
    }
    return count;
}

/* What a heap may do late it does now: time passes, and somebody calls. */
static void rest(void)
{
    usleep(REST_US);
    for (int i = 0; i < 1000; i++)
        put(get(64));
}

static void run_space(uint32_t freed_of_16)
{
    struct random random = random_of(40);
    void **blocks = table(SPACE_BLOCKS * sizeof *blocks);
    clock_begin(true);
    size_t count = fill_space(blocks, &random);
    note_memory();
    for (size_t i = 0; i < count; i++)
        if (random_below(&random, 16) < freed_of_16) {
            put(blocks[i]);
            blocks[i] = NULL;
        }
    clock_end();
    rest();
    result.left_kib = anonymous_kib();
    result.has_left = true;
    clock_begin(true);
    fill_space(blocks, &random);
    note_memory();
    clock_end();
}

void run_space_all(const size_t *words)
{
    (void)words;
    run_space(16);
}

void run_space_some(const size_t *words)
{
    (void)words;
    run_space(15);
}

/* A block grows by a MiB at a time. What is new is written; what was there is
   looked at, a word of each MiB. */
enum { MIB = 1 << 20, GROWN_MIB = 96, GROWTHS = 6 };

void run_space_grow(const size_t *words)
{
    (void)words;
    clock_begin(true);
    for (unsigned growth = 0; growth < GROWTHS; growth++) {
        unsigned char *block = NULL;
        for (size_t mib = 1; mib <= GROWN_MIB; mib++) {
            block = realloc(block, mib * MIB);
            if (block == NULL)
                die(STATUS_NO_MEMORY, "bench: realloc to %zu MiB returned NULL",
                    mib);
            memset(block + (mib - 1) * MIB, (int)mib, MIB);
            for (size_t i = 0; i < mib; i++)
                if (block[i * MIB] != i + 1 || block[i * MIB + MIB - 1] != i + 1)
                    die(STATUS_CORRUPT, "bench: a block that grew to %zu MiB "
                        "is not what it was", mib);
            block = hidden(block);
        }
        free(block);
    }
    clock_end();
    result.peak_kib = high_water_kib();
}

/* A large block is allocated, written, and freed, again and again: 12 GiB in
   all. */
enum { LARGE_MIB = 12 << 10 };

void run_space_large(const size_t *words)
{
    size_t size = words[0] << 10;
    size_t count = ((size_t)LARGE_MIB << 20) / size;
    clock_begin(true);
    for (size_t i = 0; i < count; i++) {
        void *block = must_malloc(size);
        memset(block, (int)i, size);
        if (i == count / 2)
            note_memory();
        free(hidden(block));
    }
    clock_end();
}
