/* What the workloads have in common: the clock, memory, random numbers, blocks
   with a stamp, threads. */
#define _GNU_SOURCE
#include "bench.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

void die(int status, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (size > (int)sizeof line - 2)
        size = (int)sizeof line - 2;
    line[size] = '\n';
    (void)!write(STDERR_FILENO, line, (size_t)size + 1);
    _exit(status);
}

void *table(size_t size)
{
    void *start = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (start == MAP_FAILED)
        die(STATUS_BAD_INPUT, "bench: no %zu bytes for a table", size);
    return start;
}

double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* The number after `key` in a file of /proc. */
static size_t number_in(const char *path, const char *key)
{
    char text[4096];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (length < 0)
        die(STATUS_BAD_INPUT, "bench: cannot read %s", path);
    close(file);
    text[length] = '\0';
    const char *place = strstr(text, key);
    if (place == NULL)
        die(STATUS_BAD_INPUT, "bench: %s has no %s", path, key);
    return strtoul(place + strlen(key), NULL, 10);
}

size_t anonymous_kib(void)
{
    return number_in("/proc/self/smaps_rollup", "\nAnonymous:");
}

size_t high_water_kib(void)
{
    const char *status = "/proc/self/status";
    return number_in(status, "\nVmHWM:") - number_in(status, "\nRssFile:") -
           number_in(status, "\nRssShmem:");
}

static clockid_t clock_used;
static double began; /* by that clock; 0: it stands */

static double clock_now(void)
{
    struct timespec time;
    clock_gettime(clock_used, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void clock_begin(bool is_alone)
{
    clock_used = is_alone ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
    began = clock_now();
}

void clock_end(void)
{
    result.seconds += clock_now() - began;
    began = 0;
}

void note_memory(void)
{
    double paused = began != 0 ? clock_now() : 0;
    size_t kib = anonymous_kib();
    if (kib > result.peak_kib)
        result.peak_kib = kib;
    if (began != 0)
        began += clock_now() - paused;
}

struct random random_of(unsigned seed)
{
    struct random random = {seed * 0x9e3779b97f4a7c15u + 1};
    random_next(&random);
    return random;
}

size_t random_size(struct random *random)
{
    uint32_t dice = random_below(random, 256);
    if (dice == 0)
        return 1025 + random_below(random, 7168);
    if (dice < 128)
        return 16 + random_below(random, 49);
    if (dice < 192)
        return 65 + random_below(random, 64);
    if (dice < 224)
        return 129 + random_below(random, 128);
    if (dice < 240)
        return 257 + random_below(random, 256);
    return 513 + random_below(random, 512);
}

void shuffle(uint32_t *order, uint32_t count, struct random *random)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t k = random_below(random, i + 1);
        order[i] = order[k];
        order[k] = i;
    }
}

void *must_malloc(size_t size)
{
    void *block = malloc(size);
    if (block == NULL)
        die(STATUS_NO_MEMORY, "bench: malloc(%zu) returned NULL", size);
    return block;
}

/* The last byte of a block says the same as its first four, in one byte. */
enum { LARGEST = 16 << 20 };
static inline unsigned char seal(uint32_t size)
{
    return (unsigned char)(size * 37 + 11);
}

void restamp(void *block, uint32_t size)
{
    memcpy(block, &size, sizeof size);
    ((unsigned char *)block)[size - 1] = seal(size);
}

void *get(size_t size)
{
    void *block = must_malloc(size);
    restamp(block, (uint32_t)size);
    return hidden(block);
}

size_t size_of(const void *block)
{
    const unsigned char *bytes = block;
    uint32_t size;
    memcpy(&size, bytes, sizeof size);
    if (size < 16 || size > LARGEST || bytes[size - 1] != seal(size))
        die(STATUS_CORRUPT, "bench: a block is not what it was");
    return size;
}

/* Who has the same block a second time finds it dead. */
void put(void *block)
{
    size_of(block);
    memset(hidden(block), 0, sizeof(uint32_t));
    hidden(block);
    free(block);
}

/* The first two CPUs that the process may use, which all workloads share. */
static cpu_set_t usable;

unsigned cpus_usable(void) { return (unsigned)CPU_COUNT(&usable); }

/* Stays on one of the usable CPUs; UINT32_MAX: chooses them, and stays on
   both. */
void pin(unsigned number)
{
    cpu_set_t wanted;
    if (number == UINT32_MAX) {
        sched_getaffinity(0, sizeof wanted, &wanted);
        CPU_ZERO(&usable);
        for (unsigned cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&usable) < 2; cpu++)
            if (CPU_ISSET(cpu, &wanted))
                CPU_SET(cpu, &usable);
        sched_setaffinity(0, sizeof usable, &usable);
        return;
    }
    CPU_ZERO(&wanted);
    number %= cpus_usable();
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &usable) && number-- == 0)
            CPU_SET(cpu, &wanted);
    sched_setaffinity(0, sizeof wanted, &wanted);
}

enum { THREADS_MAX = 8 };

static struct {
    pthread_barrier_t start;
    void (*work)(unsigned number);
    bool is_pinned;
    double begin[THREADS_MAX], end[THREADS_MAX]; /* by the clock */
} common;

static void *thread_main(void *argument)
{
    unsigned number = (unsigned)(uintptr_t)argument;
    if (common.is_pinned)
        pin(number);
    pthread_barrier_wait(&common.start);
    common.begin[number] = now();
    common.work(number);
    common.end[number] = now();
    return NULL;
}

/* A single thread is the main thread: nobody else exists then. */
void run_threads(unsigned count, bool is_pinned, void (*work)(unsigned number))
{
    pthread_t threads[THREADS_MAX];
    if (count == 1) {
        if (is_pinned)
            pin(0);
        clock_begin(true);
        work(0);
        clock_end();
        return;
    }
    common.work = work;
    common.is_pinned = is_pinned;
    pthread_barrier_init(&common.start, NULL, count);
    for (unsigned i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, thread_main,
                           (void *)(uintptr_t)i) != 0)
            die(STATUS_BAD_INPUT, "bench: cannot start thread %u", i + 1);
    double begin = 0, end = 0;
    for (unsigned i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        begin = i == 0 || common.begin[i] < begin ? common.begin[i] : begin;
        end = common.end[i] > end ? common.end[i] : end;
    }
    pthread_barrier_destroy(&common.start);
    result.seconds += end - begin;
}
