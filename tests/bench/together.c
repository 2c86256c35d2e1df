/* The workloads in which threads free what others have allocated: handoff,
   exchange, larson and bursts. */
#include "bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* handoff: one thread allocates, the other frees. Blocks pass through a ring,
   64 at a time. */
enum { RING = 8192, HAND = 64, HANDED = 1500000, PATIENCE = 1000 };
static struct {
    void **blocks;
    size_t size;
    _Alignas(64) size_t in;  /* blocks that were put into the ring */
    _Alignas(64) size_t out; /* that were taken out */
} ring;

/* Waits until a number of the ring is at least `least`. */
static void await(const size_t *number, size_t least)
{
    for (unsigned i = 0; __atomic_load_n(number, __ATOMIC_ACQUIRE) < least; i++)
        if (i % PATIENCE == PATIENCE - 1)
            sched_yield();
}

static void produce(void)
{
    for (size_t in = 0; in < HANDED; in += HAND) {
        if (in >= RING)
            await(&ring.out, in - RING + HAND);
        for (size_t i = 0; i < HAND; i++)
            ring.blocks[(in + i) % RING] = get(ring.size);
        __atomic_store_n(&ring.in, in + HAND, __ATOMIC_RELEASE);
        if (in % (HANDED / 4) < HAND)
            note_memory();
    }
}

static void consume(void)
{
    for (size_t out = 0; out < HANDED; out += HAND) {
        await(&ring.in, out + HAND);
        for (size_t i = 0; i < HAND; i++)
            put(ring.blocks[(out + i) % RING]);
        __atomic_store_n(&ring.out, out + HAND, __ATOMIC_RELEASE);
    }
}

static void hand_off(unsigned number)
{
    if (number == 0)
        produce();
    else
        consume();
}

void run_handoff(const size_t *words)
{
    ring.size = words[0];
    ring.blocks = table(RING * sizeof *ring.blocks);
    run_threads(2, true, hand_off);
    note_memory();
}

/* exchange: all threads have one table. Each allocates a block, puts it into a
   place at random, and frees what it finds there. */
enum { PLACES = 10000, EXCHANGED = 8000000 };
static struct {
    void **places;
    size_t count; /* for a thread */
} exchange;

static void exchange_blocks(unsigned number)
{
    struct random random = random_of(10 + number);
    for (size_t i = 0; i < exchange.count; i++) {
        void **place = &exchange.places[random_below(&random, PLACES)];
        void *block = get(random_size(&random));
        block = __atomic_exchange_n(place, block, __ATOMIC_ACQ_REL);
        if (block != NULL)
            put(block);
    }
}

void run_exchange(const size_t *words)
{
    exchange.places = table(PLACES * sizeof *exchange.places);
    exchange.count = EXCHANGED / words[0];
    run_threads((unsigned)words[0], words[0] <= 2, exchange_blocks);
    note_memory();
    for (size_t i = 0; i < PLACES; i++)
        if (exchange.places[i] != NULL)
            put(exchange.places[i]);
}

/* larson: a thread replaces blocks of its table, hands the table to a fresh
   thread, and ends. */
enum { TABLES_MAX = 8, TABLE = 2000, LIVES = 120, LARSON = 8000000 };
static struct {
    void **blocks;
    size_t replaced; /* in a life */
    struct life {
        _Alignas(64) struct random random;
        unsigned left; /* lives */
        bool is_pinned;
    } lives[TABLES_MAX];
    unsigned tables; /* that are still replaced */
    pthread_mutex_t lock;
    pthread_cond_t ended;
} larson = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};

static void *live(void *argument);

static void begin_life(struct life *life)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, live, life) != 0)
        die(STATUS_BAD_INPUT, "bench: cannot start a fresh thread");
    pthread_detach(thread);
}

static void *live(void *argument)
{
    struct life *life = argument;
    unsigned number = (unsigned)(life - larson.lives);
    void **blocks = larson.blocks + number * (size_t)TABLE;
    if (life->is_pinned)
        pin(number);
    for (size_t i = 0; i < larson.replaced; i++) {
        void **block = &blocks[random_below(&life->random, TABLE)];
        put(*block);
        *block = get(random_size(&life->random));
    }
    if (--life->left > 0) {
        begin_life(life);
        return NULL;
    }
    pthread_mutex_lock(&larson.lock);
    larson.tables--;
    pthread_cond_signal(&larson.ended);
    pthread_mutex_unlock(&larson.lock);
    return NULL;
}

void run_larson(const size_t *words)
{
    struct random random = random_of(20);
    unsigned count = (unsigned)words[0];
    larson.blocks = table(count * (size_t)TABLE * sizeof *larson.blocks);
    larson.replaced = LARSON / count / LIVES;
    larson.tables = count;
    for (size_t i = 0; i < count * (size_t)TABLE; i++)
        larson.blocks[i] = get(random_size(&random));
    clock_begin(false);
    for (unsigned i = 0; i < count; i++) {
        larson.lives[i] = (struct life){random_of(21 + i), LIVES, count <= 2};
        begin_life(&larson.lives[i]);
    }
    pthread_mutex_lock(&larson.lock);
    while (larson.tables > 0)
        pthread_cond_wait(&larson.ended, &larson.lock);
    pthread_mutex_unlock(&larson.lock);
    clock_end();
    note_memory();
    for (size_t i = 0; i < count * (size_t)TABLE; i++)
        put(larson.blocks[i]);
}

/* bursts: in each round a thread allocates a thousand blocks and fills them.
   A tenth of them it keeps, for twenty rounds; an eighth it leaves for the other
   thread; an eighth it reallocates; the rest it frees at the end of the round.
   Every byte is compared before a block is reallocated or freed. */
enum {
    ROUNDS = 400,
    BURST = 1000,
    KEPT = 2000, /* blocks of a thread */
    PASSED = 500 /* places where a thread leaves blocks for the other */
};
static struct bursts {
    void *burst[BURST];
    void *kept[KEPT];
    void *passed[PASSED]; /* for the other thread */
    size_t next_kept, next_passed;
    struct random random;
} *bursts; /* by thread */

/* Half of the blocks have 16 to 31 bytes, a quarter 32 to 63, and so on to
   16 KiB; one in a hundred has any size up to 256 KiB. */
static size_t burst_size(struct random *random)
{
    if (random_below(random, 100) == 0)
        return 16 + random_below(random, (256 << 10) - 15);
    uint32_t bits = random_next(random);
    size_t octave = 16;
    for (; octave < 8192 && bits % 2 == 1; bits /= 2)
        octave *= 2;
    return octave + random_below(random, (uint32_t)octave);
}

/* What the inside of a block holds, all of one byte; its ends are the stamp. */
static void fill(void *block, size_t from, size_t size)
{
    memset((char *)block + from, (int)(size % 251), size - from);
    restamp(block, (uint32_t)size);
}

static void compare(const unsigned char *block, size_t size, size_t count)
{
    unsigned char wanted = (unsigned char)(size % 251), differs = 0;
    for (size_t i = sizeof(uint32_t); i < count - 1; i++)
        differs |= block[i] ^ wanted;
    if (differs != 0)
        die(STATUS_CORRUPT, "bench: a block is not what it was");
}

static void *get_filled(size_t size)
{
    void *block = must_malloc(size);
    fill(block, 0, size);
    return block;
}

static void put_filled(void *block)
{
    if (block == NULL)
        return;
    size_t size = size_of(block);
    compare(block, size, size);
    put(block);
}

static void *resize(void *block, size_t size)
{
    size_t old = size_of(block);
    compare(block, old, old);
    void *moved = realloc(block, size);
    if (moved == NULL)
        die(STATUS_NO_MEMORY, "bench: realloc to %zu returned NULL", size);
    compare(moved, old, old < size ? old : size);
    fill(moved, 0, size);
    return moved;
}

static void burst_round(struct bursts *own, struct bursts *other)
{
    struct random *random = &own->random;
    for (size_t i = 0; i < BURST; i++) {
        void *block = get_filled(burst_size(random)), **place = NULL;
        uint32_t dice = random_below(random, 40);
        own->burst[i] = NULL;
        if (dice < 4)
            place = &own->kept[own->next_kept++ % KEPT];
        else if (dice < 9)
            place = &other->passed[own->next_passed++ % PASSED];
        else if (dice < 14)
            block = resize(block, burst_size(random));
        if (place == NULL)
            own->burst[i] = block;
        else
            put_filled(__atomic_exchange_n(place, block, __ATOMIC_ACQ_REL));
    }
    for (size_t i = 0; i < BURST; i++)
        put_filled(own->burst[i * 7 % BURST]);
    for (size_t i = 0; i < PASSED; i++)
        put_filled(__atomic_exchange_n(&own->passed[i], NULL, __ATOMIC_ACQ_REL));
}

static void burst(unsigned number)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        burst_round(&bursts[number], &bursts[1 - number]);
        if (number == 0 && round % (ROUNDS / 8) == ROUNDS / 16)
            note_memory();
    }
}

void run_bursts(const size_t *words)
{
    (void)words;
    bursts = table(2 * sizeof *bursts);
    for (unsigned i = 0; i < 2; i++)
        bursts[i].random = random_of(30 + i);
    run_threads(2, true, burst);
    note_memory();
    for (unsigned i = 0; i < 2; i++) {
        for (size_t k = 0; k < KEPT; k++)
            put_filled(bursts[i].kept[k]);
        for (size_t k = 0; k < PASSED; k++)
            put_filled(bursts[i].passed[k]);
    }
}
