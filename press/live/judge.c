/* The judge in a page: the same code as build/bin/judge, which draws, dumps and
   checks a heap, beside an allocator that is a WebAssembly module of its own and
   shares its memory. Heap and trace come from the page instead of from files,
   and a play needs no process, because a trap ends nothing but the call.

   The page calls offer once, and for each play add for each operation, then
   show. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"
#include "play.h"

/* The allocator's module, press/live/heap.c */
#define HEAP(name) __attribute__((import_module("heap"), import_name(#name)))
HEAP(init) int heap_init(void);
HEAP(malloc) void *heap_malloc(size_t request);
HEAP(free) void heap_free(void *payload);
HEAP(realloc) void *heap_realloc(void *payload, size_t request);
HEAP(check) int heap_check(void);
HEAP(walk) void heap_walk(void);

#define EXPORT __attribute__((visibility("default"), used))

static struct trace trace;
static char heap_name[64];
static struct allocator heap = {.name = heap_name};

/* The walk that is under way, and what it is for. */
static struct {
    heap_visit *visit;
    void *context;
} walk;

static void walk_heap(heap_visit *visit, void *context)
{
    walk.visit = visit;
    walk.context = context;
    heap_walk();
}

/* The allocator's module shows a part of its heap. */
EXPORT void visit(int kind, int list, const void *start, size_t size,
                  const void *next)
{
    const struct heap_part part = {kind, list, start, size, next};
    walk.visit(&part, walk.context);
}

/* Where the page writes a name, of at most 63 letters and a zero. */
EXPORT char *name_of_heap(void) { return heap_name; }
EXPORT char *name_of_trace(void) { return trace.name; }

/* What an allocator may lack, as bits: free, realloc, check, walk. */
EXPORT void offer(unsigned functions)
{
    heap.init = heap_init;
    heap.malloc = heap_malloc;
    heap.free = functions & 1 ? heap_free : NULL;
    heap.realloc = functions & 2 ? heap_realloc : NULL;
    heap.check = functions & 4 ? heap_check : NULL;
    heap.walk = functions & 8 ? walk_heap : NULL;
}

EXPORT void add(int kind, int id, size_t size)
{
    trace_append(&trace, (struct operation){(char)kind, id, size});
}

/* Forgets all operations. */
EXPORT void drop(void) { trace.count = trace.ids = 0; }

/* What look.c gets instead of a shared object, a file and a process */

const struct allocator *heap_load(const char *name)
{
    (void)name;
    return &heap;
}

struct trace trace_read(const char *path)
{
    (void)path;
    struct trace copy = trace;
    copy.operations = calloc(trace.count + 1, sizeof *copy.operations);
    if (copy.operations == NULL)
        die("no memory for %zu operations", trace.count);
    for (size_t i = 0; i < trace.count; i++)
        copy.operations[i] = trace.operations[i];
    return copy;
}

const struct progress *play_apart(const struct allocator *allocator,
                                  const struct trace *played,
                                  void (*work)(struct play *, size_t),
                                  size_t argument)
{
    static struct progress progress;
    progress = (struct progress){.doing = "the judge"};
    struct play play = {
        .heap = allocator, .trace = played, .progress = &progress};
    work(&play, argument);
    progress.is_over = true;
    return &progress;
}

/* Prints what a command says of the heap after operation `last`: 0 its map, 1
   its picture, 2 its dump, 3 all steps to the end. Returns the judge's status. */
EXPORT int show(int command, size_t last)
{
    static int (*const commands[])(int, char **) = {
        command_map, command_picture, command_dump, command_steps};
    char number[24];
    snprintf(number, sizeof number, "%zu", last);
    char *words[] = {heap_name, trace.name, number};
    int status = commands[command](command == 3 ? 2 : 3, words);
    fflush(stdout);
    fflush(stderr);
    return status;
}

_Noreturn void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fflush(stderr);
    __builtin_trap();
}
