/* The arena as a test knows it: who holds each block, and what stands in it.
   Any number of threads may use it, and children of fork. What a function here
   asks of the arena, it checks by what the interface promises; the first fault
   is told once, and ends the test. Who includes this says how: see reject. */
#ifndef MODEL_H
#define MODEL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#endif

#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "04-arena/arena.h"
#include "hooks.h"

enum {
    BLOCKS = 1024, /* of the largest arena here */
    PAGE = 4096,
    ROOM = (BLOCKS + 2) * BLOCK_SIZE, /* bytes for an arena, and for its edges */
    DIRT = 0xA5,   /* what memory holds that no test has written yet */
    HANDS = 64,    /* threads that hold blocks are numbered from 1 */
    CHILD = 3,     /* seconds that a child may take; it needs milliseconds */
    WAIT = 5,      /* seconds that a thread may wait for a lock */
    FAULT = 200    /* bytes of a fault's text */
};

/* Ends the test, which the arena has failed. Called by the thread of the test. */
_Noreturn static void reject(const char *fault);

static struct {
    pid_t test;        /* the process of the test, not a child of it */
    pthread_t thread;  /* and its thread */
    char *fault;       /* the first fault that another thread or a child found,
                          FAULT bytes; children share it. "": none */
    unsigned char *memory; /* ROOM bytes between two pages that none may touch */
    unsigned char *first;  /* block */
    size_t count;    /* blocks of the arena */
} model;

/* Ends the test if somebody else has found a fault. */
static inline void check_faults(void)
{
    if (model.fault[0] != '\0')
        reject(model.fault);
}

/* Who holds what. It fits on a page, so that a child of fork sees one moment of
   it: what other threads did to several pages, it might see in part. */
static _Alignas(PAGE) struct {
    _Atomic unsigned char holder[BLOCKS];   /* its number, or 0 */
    _Atomic bool is_allocating[HANDS];      /* it may have a block not noted */
    _Atomic bool is_freeing[HANDS];         /* it may have a block still */
    _Atomic size_t forgotten;               /* blocks that Init is to get back */
} hands;
_Static_assert(sizeof hands <= PAGE, "a child must see one moment of it");

/* Tells a fault, and ends the test, or only the thread or the child. */
__attribute__((format(printf, 1, 2))) _Noreturn static inline void
complain(const char *format, ...)
{
    char fault[FAULT];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault, sizeof fault, format, arguments);
    va_end(arguments);
    bool is_test = getpid() == model.test;
    if (is_test && pthread_equal(pthread_self(), model.thread))
        reject(fault);
    if (model.fault[0] == '\0')
        strcpy(model.fault, fault);
    if (is_test)
        pthread_exit(NULL);
    _exit(1);
}

/* Arenas */

static inline size_t count_held(void)
{
    size_t count = 0;
    for (size_t i = 0; i < model.count; i++)
        count += hands.holder[i] != 0;
    return count;
}

static inline void *map(size_t length, int protection, int flags)
{
    void *start = mmap(NULL, length, protection, MAP_ANONYMOUS | flags, -1, 0);
    if (start == MAP_FAILED)
        complain("no memory for the test");
    return start;
}

/* What has to be called once in a test, and before all else. */
static inline void begin_model(void)
{
    model.test = getpid();
    model.thread = pthread_self();
    model.fault = map(FAULT, PROT_READ | PROT_WRITE, MAP_SHARED);
    unsigned char *start = map(ROOM + 2 * PAGE, PROT_NONE, MAP_PRIVATE);
    model.memory = start + PAGE;
    mprotect(model.memory, ROOM, PROT_READ | PROT_WRITE);
    memset(model.memory, DIRT, ROOM);
}

static inline size_t blocks_in(const unsigned char *buffer, size_t size)
{
    size_t skip = -(uintptr_t)buffer % BLOCK_SIZE;
    return size < skip ? 0 : (size - skip) / BLOCK_SIZE;
}

/* Makes an arena, and nobody holds a block of the one before. */
static inline void make_arena(unsigned char *buffer, size_t size)
{
    hands.forgotten = count_held();
    memset(&hands.holder, 0, sizeof hands.holder);
    if (Init(buffer, size) != 0)
        complain("Init failed with a buffer of %zu bytes", size);
    hands.forgotten = 0;
}

/* The arena of the test, in the given bytes of the memory. */
static inline void begin_arena_at(unsigned char *buffer, size_t size)
{
    make_arena(buffer, size);
    model.first = buffer + -(uintptr_t)buffer % BLOCK_SIZE;
    model.count = blocks_in(buffer, size);
}

static inline void begin_arena(size_t blocks)
{
    begin_arena_at(model.memory, blocks * BLOCK_SIZE);
}

/* Blocks */

static inline size_t index_of(const void *block)
{
    size_t offset = (size_t)((const unsigned char *)block - model.first);
    if (offset % BLOCK_SIZE != 0)
        complain("a block begins %zu bytes after a multiple of the block size",
                 offset % BLOCK_SIZE);
    if (offset / BLOCK_SIZE >= model.count)
        complain("a block does not lie in the arena");
    return offset / BLOCK_SIZE;
}

static inline uint64_t word_of(size_t index, int hand, size_t i)
{
    return (uint64_t)index << 32 ^ (uint64_t)hand << 24 ^ i * 0x9E3779B97F4A7C15;
}

/* Words 0 and `stride` and so on, and the last, are the block's canary. */
static inline void write_canary(uint64_t *word, size_t index, int hand,
                                size_t stride)
{
    size_t last = BLOCK_SIZE / sizeof *word - 1;
    for (size_t i = 0; i < last; i += stride)
        word[i] = word_of(index, hand, i);
    word[last] = word_of(index, hand, last);
}

static inline void check_canary(const uint64_t *word, size_t index, int hand,
                                size_t stride)
{
    size_t last = BLOCK_SIZE / sizeof *word - 1;
    bool is_whole = word[last] == word_of(index, hand, last);
    for (size_t i = 0; i < last; i += stride)
        is_whole = is_whole && word[i] == word_of(index, hand, i);
    if (!is_whole)
        complain("block %zu has changed while it was held", index);
}

enum { ALL = 1, SOME = 97 }; /* strides, in words */

/* Notes that `hand` holds a block, which the arena has returned. */
static inline void hold(void *block, int hand, size_t stride)
{
    size_t index = index_of(block);
    int holder = atomic_exchange(&hands.holder[index], (unsigned char)hand);
    if (holder != 0)
        complain("block %zu was returned while it was held", index);
    write_canary(block, index, hand, stride);
}

/* A block for `hand`, or NULL. */
static inline void *take(int hand)
{
    hands.is_allocating[hand] = true;
    void *block = Allocate();
    if (block != NULL)
        hold(block, hand, SOME);
    hands.is_allocating[hand] = false;
    return block;
}

/* A block for `hand`, for there must be one. */
static inline void *take_one(int hand)
{
    void *block = take(hand);
    if (block == NULL)
        complain("Allocate returned NULL though a block is free");
    return block;
}

static inline void let_go(void *block, int hand, size_t stride)
{
    size_t index = index_of(block);
    check_canary(block, index, hand, stride);
    int holder = atomic_exchange(&hands.holder[index], 0);
    if (holder != hand)
        complain("block %zu has another holder", index);
}

static inline void give(void *block, int hand)
{
    hands.is_freeing[hand] = true;
    let_go(block, hand, SOME);
    Free(block);
    hands.is_freeing[hand] = false;
}

/* Counts */

static inline size_t count_hands(const _Atomic bool *is_busy)
{
    size_t count = 0;
    for (int hand = 0; hand < HANDS; hand++)
        count += is_busy[hand];
    return count;
}

/* Takes every free block for `hand`, which finds that there is no other block,
   and gives them back in the reverse order. Returns how many there were. */
static inline size_t count_free(int hand)
{
    void *block[BLOCKS];
    size_t count = 0;
    for (void *next; (next = take(hand)) != NULL; count++) {
        if (count == model.count)
            complain("there are more blocks than the arena has");
        block[count] = next;
    }
    if (Allocate() != NULL)
        complain("an exhausted arena has a block");
    for (size_t i = count; i > 0; i--)
        give(block[i - 1], hand);
    return count;
}

/* Free and held blocks together are all; `lost` may be missing. */
static inline void check_sum(size_t all, size_t lost)
{
    if (all > model.count || all + lost < model.count)
        complain("free and held blocks together are %zu of %zu", all,
                 model.count);
}

static inline void check_count(int hand)
{
    size_t held = count_held();
    check_sum(count_free(hand) + held, 0);
}

/* Work */

/* A generator for each thread, so that each run is like the last. */
static inline unsigned random_number(unsigned *state)
{
    *state = *state * 1103515245 + 12345;
    return *state >> 16;
}

/* Allocates and frees, `calls` times, and keeps at most `limit` blocks: the
   first `*count` of `block`. NULL is right only where it is allowed. */
static inline void work(int hand, int calls, void **block, size_t *count,
                        size_t limit, bool may_fail)
{
    unsigned state = (unsigned)hand;
    for (int i = 0; i < calls; i++) {
        bool gives = *count == limit ||
                     (*count > 0 && random_number(&state) % 2 == 0);
        if (gives) {
            size_t n = random_number(&state) % *count;
            give(block[n], hand);
            block[n] = block[--*count];
        } else {
            void *new_block = may_fail ? take(hand) : take_one(hand);
            if (new_block != NULL)
                block[(*count)++] = new_block;
        }
    }
}

static inline void give_all(int hand, void **block, size_t *count)
{
    while (*count > 0)
        give(block[--*count], hand);
}

/* Threads. What they use is static: they may go on while their test ends. */

struct runner {
    pthread_t thread;
    const char *name; /* for hooks; NULL: it takes no part */
    void (*run)(void *context);
    void *context;
    sem_t begun;      /* posted when the thread has its name */
};

static inline void *begin_runner(void *context)
{
    struct runner *runner = context;
    if (runner->name != NULL)
        hook_thread(runner->name, 0);
    sem_post(&runner->begun);
    runner->run(runner->context);
    return NULL;
}

/* Returns when the thread has its name, so that hooks know it. */
static inline void start(struct runner *runner, const char *name,
                         void (*run)(void *context), void *context)
{
    *runner = (struct runner){.name = name, .run = run, .context = context};
    sem_init(&runner->begun, 0, 0);
    if (pthread_create(&runner->thread, NULL, begin_runner, runner) != 0)
        complain("no thread for the test");
    while (sem_wait(&runner->begun) != 0)
        ;
}

/* Waits until a thread with a name has stopped: true; or has ended. It may not
   wait for a lock all the time. */
static inline bool await_stop(const char *name)
{
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    while (hook_await_blocked(name)) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec - begin.tv_sec > WAIT)
            complain("thread %s waits for a lock that nobody has", name);
    }
    return hook_await_parked(name);
}

static inline void await_end(struct runner *runner)
{
    if (runner->name != NULL)
        await_stop(runner->name);
    pthread_join(runner->thread, NULL);
    if (getpid() == model.test && pthread_equal(pthread_self(), model.thread))
        check_faults();
}

/* Children */

/* Forks; the child runs run(context) and ends. A child of fork has one thread,
   the one that forked, and reports by its exit alone. */
static inline pid_t start_child(void (*run)(void *context), void *context)
{
    pid_t child = fork();
    if (child < 0)
        complain("no process for the test");
    if (child == 0) {
        alarm(CHILD);
        run(context);
        _exit(0);
    }
    hook("arena's tests: the process has forked", NULL);
    return child;
}

static inline void await_child(pid_t child)
{
    int status;
    if (waitpid(child, &status, 0) != child)
        complain("a child got lost");
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        complain("the child of a fork hangs");
    if (WIFSIGNALED(status))
        complain("the child of a fork ends by signal %d", WTERMSIG(status));
    if (status != 0) {
        char fault[FAULT];
        strcpy(fault, model.fault);
        model.fault[0] = '\0';
        complain("in the child: %s", fault);
    }
}

/* What a child does with the arena: it counts, makes 10,000 mixed calls, and
   counts again. Blocks may be missing that threads were about to take or to give
   back when the process forked: those threads are not there to do it. */
static inline void live_in_child(int hand, size_t lost)
{
    static void *block[BLOCKS];
    size_t count = 0, held = count_held(), free = count_free(hand);
    check_sum(free + held, lost);
    work(hand, 10000, block, &count, free < 16 ? free : 16, false);
    give_all(hand, block, &count);
    size_t left = count_free(hand);
    if (left != free)
        complain("of %zu free blocks %zu are left", free, left);
}

#endif
