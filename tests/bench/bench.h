/* A run of the bench: one workload, on whatever malloc the process was started
   with. The harness takes its own tables from the kernel and calls malloc for
   nothing but the workload. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is measured; a workload fills what it has. */
struct result {
    double seconds;       /* while the clock ran */
    size_t start_kib;     /* anonymous memory of the process at its start */
    size_t peak_kib;      /* the most that there was at a note_memory() */
    size_t idle_kib;      /* when all is freed, and the threads live on */
    size_t left_kib;      /* when what can be is freed, and no thread is left */
    bool has_idle, has_left, has_calls;
    size_t faults;        /* page faults of the workload */
    double p50, p999;     /* ns that a call takes, at these ranks */
    double longest;       /* ns of the longest */
};
extern struct result result;

/* Exit statuses. */
enum {
    STATUS_BAD_INPUT = 1, /* wrong words, or the machine has not enough */
    STATUS_CORRUPT = 2,   /* a block did not hold what was written */
    STATUS_NO_MEMORY = 3  /* malloc returned NULL */
};

/* Ends the process with one line on standard error. */
_Noreturn void die(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Memory of the harness's own: zeros, touched already, and shared, so that it
   does not count as memory of the process. */
void *table(size_t size);

/* Seconds of a clock that never goes back. */
double now(void);

/* KiB of anonymous memory of this process that are resident, exactly. */
size_t anonymous_kib(void);

/* KiB that were resident at most so far, less those of files; off by a few
   hundred at most. */
size_t high_water_kib(void);

/* The clock of a workload: begin and end may be called in turns. For one that
   is alone it is the clock of the process, which stands still while another
   process has the processor; for threads it is that of the machine. */
void clock_begin(bool is_alone);
void clock_end(void);

/* Notes a peak of memory, with the clock stopped. */
void note_memory(void);

/* Random numbers, the same in every run. */
struct random {
    uint64_t state;
};
struct random random_of(unsigned seed);
static inline uint32_t random_next(struct random *random)
{
    random->state = random->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random->state >> 33);
}
/* A number from 0 to limit - 1; limit at most 2^31. */
static inline uint32_t random_below(struct random *random, uint32_t limit)
{
    return (uint32_t)((uint64_t)random_next(random) * limit >> 31);
}
/* The sizes of churn: half of them 16 to 64 bytes, a quarter to 128, an eighth
   to 256, a sixteenth to 512 and another to 1024, but one in 256 to 8 KiB. */
size_t random_size(struct random *random);

/* Puts 0 to count - 1 into `order`, shuffled. */
void shuffle(uint32_t *order, uint32_t count, struct random *random);

/* A block of at least 16 bytes: its size stands in its first four, and a stamp
   in them and in its last byte says whether it is whole. */
void *get(size_t size);
void put(void *block);
void restamp(void *block, uint32_t size);
/* The size of a live block, which is whole; dies otherwise. */
size_t size_of(const void *block);

/* malloc, or death with STATUS_NO_MEMORY. */
void *must_malloc(size_t size);

/* Keeps the compiler from knowing what is written, or that nobody reads it. */
static inline void *hidden(void *block)
{
    __asm__ volatile("" : "+r"(block) : : "memory");
    return block;
}

/* Runs `work` in `count` threads, each of which gets its number from 0, from a
   common start; the clock runs from there until the last has ended. With
   `is_pinned` thread i stays on CPU i of those that the process may use. */
void run_threads(unsigned count, bool is_pinned, void (*work)(unsigned number));
void pin(unsigned number);
unsigned cpus_usable(void);

/* The workloads, each with the number of its variant's words. */
void run_pair(const size_t *words);     /* size, threads */
void run_batch(const size_t *words);    /* blocks */
void run_churn(const size_t *words);    /* blocks, threads */
void run_handoff(const size_t *words);  /* size */
void run_exchange(const size_t *words); /* threads */
void run_larson(const size_t *words);   /* threads */
void run_bursts(const size_t *words);
void run_crowd_turns(const size_t *words);
void run_crowd_once(const size_t *words);
void run_space_all(const size_t *words);
void run_space_some(const size_t *words);
void run_space_grow(const size_t *words);
void run_space_large(const size_t *words); /* KiB */
void run_trace(const char *path);

#endif
