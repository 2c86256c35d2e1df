/* The workload trace: what a program asked for, in the text format that
   tests/judge/trace.h describes, written to in full by the program. Each play
   is a child process, so that the heap is new every time; the first play is for
   memory, and the others for time. */
#define _GNU_SOURCE
#include "bench.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    OPERATIONS = 8000000, /* of all timed plays together, about */
    PLAYS_MAX = 400,
    SAMPLES = 500 /* of memory in a play */
};

struct operation {
    char kind;   /* 'a', 'r', 'f' or 'w' */
    int32_t id;  /* -1: NULL */
    size_t size; /* bytes */
};

static struct {
    const char *path, *text, *end;
    size_t ids, count;
    struct operation *operations;
    struct live {
        void *payload;
        size_t size; /* bytes */
    } *live;         /* by id; live[-1] is NULL */
    struct {
        double seconds;
        size_t peak_kib, faults;
    } *shared; /* with the children */
} trace;

_Noreturn static void die_of_trace(void)
{
    die(STATUS_BAD_INPUT, "bench: %s is no trace", trace.path);
}

static char next_char(void)
{
    while (trace.text < trace.end && memchr(" \t\r\n", *trace.text, 4) != NULL)
        trace.text++;
    if (trace.text == trace.end)
        die_of_trace();
    return *trace.text;
}

static long next_number(void)
{
    long sign = next_char() == '-' ? -1 : 1, number = 0;
    trace.text += sign < 0;
    if (trace.text == trace.end || *trace.text < '0' || *trace.text > '9')
        die_of_trace();
    for (; trace.text < trace.end && *trace.text >= '0' && *trace.text <= '9';
         trace.text++)
        number = number * 10 + (*trace.text - '0');
    return sign * number;
}

static void read_trace(void)
{
    struct stat status;
    int file = open(trace.path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) != 0 || status.st_size == 0)
        die(STATUS_BAD_INPUT, "bench: cannot read %s", trace.path);
    size_t size = (size_t)status.st_size;
    trace.text = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
    if (trace.text == MAP_FAILED)
        die(STATUS_BAD_INPUT, "bench: cannot read %s", trace.path);
    trace.end = trace.text + size;
    next_number();
    trace.ids = (size_t)next_number();
    trace.count = (size_t)next_number();
    next_number();
    if (trace.ids > size || trace.count > size || trace.count == 0)
        die_of_trace();
    trace.operations = table(trace.count * sizeof *trace.operations);
    for (size_t i = 0; i < trace.count; i++) {
        struct operation *operation = &trace.operations[i];
        operation->kind = next_char();
        trace.text++;
        if (memchr("arfw", operation->kind, 4) == NULL)
            die_of_trace();
        operation->id = (int32_t)next_number();
        if (operation->id < -1 || operation->id >= (int32_t)trace.ids)
            die_of_trace();
        if (operation->kind != 'f')
            operation->size = (size_t)next_number();
    }
}

/* A new block is written in full, a grown one in what is new. */
static void serve(const struct operation *operation)
{
    struct live *live = &trace.live[operation->id];
    size_t old = 0;
    switch (operation->kind) {
    case 'a':
        live->payload = must_malloc(operation->size);
        break;
    case 'r':
        old = live->size;
        live->payload = realloc(live->payload, operation->size);
        if (live->payload == NULL && operation->size > 0)
            die(STATUS_NO_MEMORY, "bench: realloc to %zu returned NULL",
                operation->size);
        break;
    case 'f':
        free(live->payload);
        *live = (struct live){NULL, 0};
        return;
    default:
        memset(live->payload, 1, operation->size);
        return;
    }
    live->size = operation->size;
    if (live->size > old)
        memset((char *)live->payload + old, 1, live->size - old);
}

static void play_for_memory(void)
{
    struct rusage usage;
    for (size_t i = 0; i < trace.count; i++) {
        serve(&trace.operations[i]);
        if (i * SAMPLES / trace.count != (i + 1) * SAMPLES / trace.count)
            note_memory();
    }
    trace.shared->peak_kib = result.peak_kib;
    getrusage(RUSAGE_SELF, &usage);
    trace.shared->faults = (size_t)usage.ru_minflt;
}

static void play_for_time(void)
{
    clock_begin(true);
    for (size_t i = 0; i < trace.count; i++)
        serve(&trace.operations[i]);
    clock_end();
    trace.shared->seconds += result.seconds;
}

static void play(void (*how)(void))
{
    int status;
    pid_t child = fork();
    if (child < 0)
        die(STATUS_BAD_INPUT, "bench: cannot fork");
    if (child == 0) {
        how();
        _exit(0);
    }
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
        die(STATUS_CORRUPT, "bench: the play of %s crashed", trace.path);
    if (WEXITSTATUS(status) != 0)
        _exit(WEXITSTATUS(status));
    memset(trace.live - 1, 0, (trace.ids + 1) * sizeof *trace.live);
}

void run_trace(const char *path)
{
    trace.path = path;
    read_trace();
    trace.live = (struct live *)table((trace.ids + 1) * sizeof *trace.live) + 1;
    trace.shared = table(sizeof *trace.shared);
    play(play_for_memory);
    size_t plays = OPERATIONS / trace.count;
    if (plays > PLAYS_MAX)
        plays = PLAYS_MAX;
    for (size_t i = 0; i == 0 || i < plays; i++)
        play(play_for_time);
    result.peak_kib = trace.shared->peak_kib;
    result.faults = trace.shared->faults;
    result.seconds = trace.shared->seconds;
}
