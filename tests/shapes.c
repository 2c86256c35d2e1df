/* shapes: writes a trace of one of the shapes that malloc courses measure.

   Usage: shapes NAME [SEED]       NAME as in the table below

   Takes nothing else; makes a trace in the .rep format on standard output: four
   numbers (bytes of heap, blocks, operations, weight), then a line for each
   operation. The same NAME and SEED (1 unless given) make the same trace.

   The published suite has eleven traces. Seven were made by formula and are made
   here again from its description. Four were recorded from compilers; the first
   operations of recorded traces (`judge cut`) take their place. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAP_BYTES = 50 << 20, OPERATIONS_MAX = 1 << 20 };

struct operation {
    char kind;      /* a: malloc, r: realloc, f: free, w: write */
    int id;         /* block; f: -1 for the null pointer */
    unsigned size;  /* bytes; f: not used */
};

static struct {
    struct operation *operations;
    unsigned count;
    int ids;        /* one more than the highest id */
} trace;

static uint64_t random_state;

static void die(const char *what)
{
    fprintf(stderr, "shapes: %s\n", what);
    exit(1);
}

static void add(char kind, int id, unsigned size)
{
    if (trace.count == OPERATIONS_MAX || id >= OPERATIONS_MAX)
        die("the trace is too long, or a block's number too high");
    trace.operations[trace.count++] = (struct operation){kind, id, size};
    if (id >= trace.ids)
        trace.ids = id + 1;
}

/* A number from 0 to limit - 1, by splitmix64 (Steele, Lea and Flood 2014). */
static unsigned random_below(unsigned limit)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (unsigned)((z ^ z >> 31) % limit);
}

/* Pairs of a small and a medium block; all medium ones are freed; as many blocks
   follow that are too large for the holes, unless the holes are neighbors. */
static void binary(int pairs, unsigned small, unsigned medium, unsigned large)
{
    for (int i = 0; i < pairs; i++) {
        add('a', 2 * i, small);
        add('a', 2 * i + 1, medium);
    }
    for (int i = 0; i < pairs; i++)
        add('f', 2 * i + 1, 0);
    for (int i = 0; i < pairs; i++)
        add('a', 2 * pairs + i, large);
    for (int i = 0; i < pairs; i++) {
        add('f', 2 * i, 0);
        add('f', 2 * pairs + i, 0);
    }
}

static void shape_binary(void) { binary(2000, 64, 448, 512); }

static void shape_binary2(void) { binary(4000, 16, 112, 128); }

/* Two blocks that fit where one was, one that fits where two were. */
static void shape_coalescing(void)
{
    for (int id = 0; id < 3 * 2400; id += 3) {
        add('a', id, 4095);
        add('a', id + 1, 4095);
        add('f', id, 0);
        add('f', id + 1, 0);
        add('a', id + 2, 8190);
        add('f', id + 2, 0);
    }
}

/* 2,400 blocks live once each, at random. Each step picks one of those that are
   not dead: an unborn one is allocated, a live one freed. At most about 1/e of
   them live at a time, 15 MB. */
static void shape_random(void)
{
    enum { BLOCKS = 2400, SIZE_MAX_BYTES = 32 << 10 };
    int left[BLOCKS];
    unsigned count = BLOCKS;
    bool is_live[BLOCKS] = {false};
    for (int id = 0; id < BLOCKS; id++)
        left[id] = id;
    while (count > 0) {
        unsigned pick = random_below(count);
        int id = left[pick];
        if (is_live[id]) {
            add('f', id, 0);
            left[pick] = left[--count];
        } else {
            add('a', id, 1 + random_below(SIZE_MAX_BYTES));
            is_live[id] = true;
        }
    }
}

/* One block that grows by `step` 4,799 times. Between two growths a block of
   `small` bytes is allocated and the one before it freed. */
static void growth(unsigned first, unsigned step, unsigned small)
{
    enum { SMALL_BLOCKS = 4800 };
    add('a', 0, first);
    add('a', 1, small);
    for (int i = 1; i < SMALL_BLOCKS; i++) {
        add('r', 0, first + (unsigned)i * step);
        add('a', i + 1, small);
        add('f', i, 0);
    }
    add('f', SMALL_BLOCKS, 0);
    add('f', 0, 0);
}

static void shape_realloc(void) { growth(512, 128, 128); }

static void shape_realloc2(void) { growth(4092, 5, 16); }

static const struct shape {
    const char *name;
    void (*make)(void);
} shapes[] = {
    {"binary", shape_binary},
    {"binary2", shape_binary2},
    {"coalescing", shape_coalescing},
    {"random", shape_random},
    {"random2", shape_random},
    {"realloc", shape_realloc},
    {"realloc2", shape_realloc2},
};

enum { SHAPES = sizeof shapes / sizeof *shapes };

static unsigned long number(const char *text)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0)
        die("SEED is a whole number");
    return value;
}

static void make_shape(const char *name, unsigned long seed)
{
    for (unsigned i = 0; i < SHAPES; i++)
        if (strcmp(name, shapes[i].name) == 0) {
            random_state = seed * SHAPES + i;
            shapes[i].make();
            return;
        }
    die("no such shape");
}

static void write_trace(void)
{
    printf("%d\n%d\n%u\n1\n", HEAP_BYTES, trace.ids, trace.count);
    for (unsigned i = 0; i < trace.count; i++) {
        const struct operation *op = &trace.operations[i];
        if (op->kind == 'f')
            printf("f %d\n", op->id);
        else
            printf("%c %d %u\n", op->kind, op->id, op->size);
    }
    if (fflush(stdout) != 0 || ferror(stdout))
        die("cannot write");
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3)
        die("usage: shapes NAME [SEED]");
    trace.operations = calloc(OPERATIONS_MAX, sizeof *trace.operations);
    if (trace.operations == NULL)
        die("out of memory");
    make_shape(argv[1], argc == 3 ? number(argv[2]) : 1);
    write_trace();
    free(trace.operations);
}
