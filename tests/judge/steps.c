/* The command `steps`: what each operation of a trace changes in the heap, as
   JSON: an array with an object for each step, on a line of its own.

     step     0 for init, else the number of the operation
     text     the operation as it stands in the trace; "init"
     id       the block that it names, or null
     block    the place of that block, or where it was; null if it has no bytes
     request  bytes of the block, or those that it had
     payload  bytes of all live blocks
     heap     bytes that the heap has from the system
     gone     parts of the heap that the step before had, and this has not
     new      parts that this has, and the step before had not

   A place is [region, offset]: regions count from 0 in the order in which they
   appear, and offsets are bytes from a region's start. A part is an object:

     kind     "region", "used", "dead", "free", "header", "fresh" or "foreign"
     at       the place where it starts
     size     bytes
     id       if it is used: its block
     request  if it is used: bytes that the program asked for
     list     if it is free: the list that holds it, from 0; -1: none
     next     if it is free: the place of the next part on its list, or null

   Parts stand in the order of their addresses. A heap that cannot serve an
   operation has no step for it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "judge.h"
#include "picture.h"
#include "play.h"

enum { REGIONS = 1024 };

static const char used[] = "used";

struct part {
    const char *kind;
    struct heap_part walked;
    int32_t id;     /* used */
    size_t request; /* used: bytes */
};

struct parts {
    struct part *part;
    size_t count;
};

/* Where the regions start, in the order in which they appeared. */
struct regions {
    struct {
        const void *start;
        size_t size; /* bytes, the most that it ever had */
    } region[REGIONS];
    size_t count;
};

/* By address; a region comes before its first part. */
static int compare(const void *a, const void *b)
{
    const struct heap_part *left = &((const struct part *)a)->walked;
    const struct heap_part *right = &((const struct part *)b)->walked;
    if (left->start != right->start)
        return (uintptr_t)left->start < (uintptr_t)right->start ? -1 : 1;
    return (left->kind != PART_REGION) - (right->kind != PART_REGION);
}

static bool same(const struct part *a, const struct part *b)
{
    return a->kind == b->kind && a->walked.start == b->walked.start &&
           a->walked.size == b->walked.size &&
           a->walked.list == b->walked.list &&
           a->walked.next == b->walked.next && a->id == b->id &&
           a->request == b->request;
}

/* The parts of a picture in order; the caller releases them with free(). */
static struct parts parts_of(const struct picture *picture)
{
    struct parts parts = {.count = 0};
    parts.part = calloc(picture->layout.count + 1, sizeof *parts.part);
    if (parts.part == NULL)
        die("no memory for %zu parts", picture->layout.count);
    for (size_t i = 0; i < picture->layout.count; i++)
        if (picture->layout.parts[i].kind == PART_REGION)
            parts.part[parts.count++] = (struct part){
                .kind = "region", .walked = picture->layout.parts[i]};
    for (size_t i = 0; i < picture->count; i++) {
        const struct span *span = &picture->spans[i];
        if (i > 0 && span[-1].part == span->part)
            continue;
        struct part *part = &parts.part[parts.count++];
        part->kind = span->block != NULL ? used : kind_names[span->kind];
        part->walked = *span->part;
        if (span->block != NULL) {
            part->id = span->block->id;
            part->request = span->block->request;
        }
    }
    qsort(parts.part, parts.count, sizeof *parts.part, compare);
    return parts;
}

static void note_regions(struct regions *regions, const struct layout *layout)
{
    for (size_t i = 0; i < layout->count; i++) {
        const struct heap_part *part = &layout->parts[i];
        size_t n = 0;
        if (part->kind != PART_REGION)
            continue;
        while (n < regions->count && regions->region[n].start != part->start)
            n++;
        if (n == REGIONS)
            die("more than %d regions", REGIONS);
        if (n == regions->count)
            regions->region[regions->count++].start = part->start;
        if (regions->region[n].size < part->size)
            regions->region[n].size = part->size;
    }
}

static void print_place(const struct regions *regions, const void *address)
{
    for (size_t n = 0; address != NULL && n < regions->count; n++) {
        size_t offset =
            (uintptr_t)address - (uintptr_t)regions->region[n].start;
        if (offset < regions->region[n].size) {
            printf("[%zu,%zu]", n, offset);
            return;
        }
    }
    printf("null");
}

static void print_part(const struct regions *regions, const struct part *part)
{
    printf("{\"kind\":\"%s\",\"at\":", part->kind);
    print_place(regions, part->walked.start);
    printf(",\"size\":%zu", part->walked.size);
    if (part->kind == used)
        printf(",\"id\":%d,\"request\":%zu", part->id, part->request);
    if (part->walked.kind == PART_FREE) {
        printf(",\"list\":%d,\"next\":", part->walked.list);
        print_place(regions, part->walked.next);
    }
    putchar('}');
}

/* Prints the parts of `some` that `others` lacks. */
static void print_changes(const struct regions *regions,
                          const struct parts *some, const struct parts *others)
{
    size_t j = 0; /* of the first other that does not lie below */
    const char *separator = "";
    for (size_t i = 0; i < some->count; i++) {
        const struct part *part = &some->part[i];
        while (j < others->count && compare(&others->part[j], part) < 0)
            j++;
        if (j < others->count && same(&others->part[j], part))
            continue;
        printf("%s", separator);
        print_part(regions, part);
        separator = ",";
    }
}

static void print_step(const struct play *play, size_t n,
                       struct regions *regions, const struct parts *before,
                       const struct parts *now)
{
    const struct operation *operation =
        n == 0 ? NULL : &play->trace->operations[n - 1];
    char text[OPERATION_TEXT] = "init";
    if (operation != NULL)
        operation_text(operation, text);
    printf("%s{\"step\":%zu,\"text\":\"%s\",\"id\":", n == 0 ? "" : ",\n", n,
           text);
    if (operation != NULL && operation->id != ID_NULL)
        printf("%d", operation->id);
    else
        printf("null");
    printf(",\"block\":");
    print_place(regions, play->touched);
    printf(",\"request\":%zu,\"payload\":%zu,\"heap\":%zu,\"gone\":[",
           play->touched_size, play->oracle.payload, play->progress->heap_size);
    print_changes(regions, before, now);
    printf("],\"new\":[");
    print_changes(regions, now, before);
    printf("]}");
}

static void print_steps(struct play *play, size_t last)
{
    static struct regions regions;
    struct parts before = {.count = 0};
    putchar('[');
    for (size_t n = 0; n <= last && play_to(play, n); n++) {
        struct picture picture = picture_of(play->heap, &play->oracle);
        struct parts now = parts_of(&picture);
        note_regions(&regions, &picture.layout);
        printf("%s", n == 0 ? "\n" : "");
        print_step(play, n, &regions, &before, &now);
        free(before.part);
        before = now;
        picture_free(&picture);
    }
    printf("\n]\n");
}

int command_steps(int count, char **words)
{
    if (count != 2)
        die("steps takes a heap and a trace");
    return play_words("steps", count, words, print_steps);
}
