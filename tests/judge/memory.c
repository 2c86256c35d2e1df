/* The command `memory`: how much memory heaps take while they serve traces.
   Each heap has a child process for each trace, whose blocks are filled as a
   program would fill them. At SAMPLES places of the trace the kernel is asked
   how much address space the process has, and how many of its pages that no file
   stands behind are resident; what
   there was after init is subtracted, so that heaps that can't be walked are
   measured like any other.

   Prints tab-separated values: the trace, the heap, and the peaks in KiB of the
   requests that are live, of what is resident, and of what is mapped (`-`: the
   heap cannot finish the trace). */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "judge.h"
#include "play.h"

enum { SAMPLES = 500, TEXT_SIZE = 4096 };

/* KiB of the process. */
struct taken {
    size_t resident, mapped;
};

/* The number after `key` in a file of /proc. */
static size_t number_in(const char *path, const char *key)
{
    char text[TEXT_SIZE];
    int file = open(path, O_RDONLY);
    ssize_t length = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (length < 0)
        die("cannot read %s", path);
    close(file);
    text[length] = '\0';
    const char *place = strstr(text, key);
    return place != NULL ? strtoul(place + strlen(key), NULL, 10) : 0;
}

static struct taken taken_now(void)
{
    return (struct taken){number_in("/proc/self/smaps_rollup", "Anonymous:"),
                          number_in("/proc/self/status", "VmSize:")};
}

static void note_peak(struct play *play, struct taken begin)
{
    struct taken now = taken_now();
    struct progress *progress = play->progress;
    if (now.resident - begin.resident > progress->resident)
        progress->resident = now.resident - begin.resident;
    if (now.mapped - begin.mapped > progress->mapped)
        progress->mapped = now.mapped - begin.mapped;
}

struct live {
    void *payload;
    size_t request; /* bytes */
};

/* Serves one operation and fills what is new. Returns whether the heap could. */
static bool serve(const struct allocator *heap,
                  const struct operation *operation, struct live *live)
{
    size_t old = live->request;
    switch (operation->kind) {
    case 'a':
        live->payload = heap->malloc(operation->size);
        old = 0;
        break;
    case 'r':
        if (heap->realloc == NULL)
            return false;
        live->payload = heap->realloc(live->payload, operation->size);
        break;
    case 'f':
        if (heap->free == NULL)
            return false;
        heap->free(live->payload);
        *live = (struct live){NULL, 0};
        return true;
    default:
        return true;
    }
    live->request = operation->size;
    if (live->payload != NULL && operation->size > old)
        memset((char *)live->payload + old, 1, operation->size - old);
    return live->payload != NULL || operation->size == 0;
}

static bool serve_all(struct play *play, struct live *blocks,
                      struct taken begin)
{
    const struct trace *trace = play->trace;
    struct live null = {NULL, 0};
    size_t live = 0;
    for (size_t i = 0; i < trace->count; i++) {
        int32_t id = trace->operations[i].id;
        struct live *block = id == ID_NULL ? &null : &blocks[id];
        play->progress->operation = i + 1;
        live -= block->request;
        if (!serve(play->heap, &trace->operations[i], block))
            return false;
        live += block->request;
        if (live > play->progress->peak)
            play->progress->peak = live;
        if (i * SAMPLES / trace->count != (i + 1) * SAMPLES / trace->count)
            note_peak(play, begin);
    }
    return true;
}

static void run(struct play *play, size_t unused)
{
    (void)unused;
    const struct allocator *heap = play->heap;
    size_t size = (play->trace->ids + 1) * sizeof(struct live);
    struct live *blocks = mmap(NULL, size, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
                               0);
    if (blocks == MAP_FAILED)
        die("no memory for %zu blocks", play->trace->ids);
    play->progress->doing = "the measured run";
    taken_now(); /* touches what it needs itself */
    bool is_served = (heap->init == NULL || heap->init() == 0) &&
                     serve_all(play, blocks, taken_now());
    if (!is_served)
        play->progress->outcome = FAILED;
}

static int measure(const struct trace *trace, char *name)
{
    const struct progress *progress =
        play_apart(heap_load(name), trace, run, 0);
    printf("%s\t%s\t", trace->name, name);
    if (progress->outcome == PLAYED)
        printf("%zu\t%zu\t%zu\n", (progress->peak + 1023) / 1024,
               progress->resident, progress->mapped);
    else
        printf("-\t-\t-\n");
    return outcome_status(progress->outcome);
}

int command_memory(int count, char **words)
{
    int heaps = 0, status = STATUS_OK;
    while (heaps < count && strcmp(words[heaps], "--") != 0)
        heaps++;
    if (heaps == 0 || heaps + 1 >= count)
        die("memory takes heaps, -- and traces");
    printf("trace\theap\tpayload_kib\tresident_kib\tmapped_kib\n");
    for (int i = heaps + 1; i < count; i++) {
        struct trace trace = trace_read(words[i]);
        for (int heap = 0; heap < heaps; heap++)
            status = worse_status(status, measure(&trace, words[heap]));
        free(trace.operations);
    }
    return status;
}
