/* Loads an allocator, walks its heap, and checks that the walk adds up. */
#include "heap.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "judge.h"

void judge_path(const char *file, char path[PATH_SIZE])
{
    char self[PATH_SIZE] = "";
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        die("cannot find its own executable");
    for (int i = 0; i < 2; i++)
        *strrchr(self, '/') = '\0';
    if (snprintf(path, PATH_SIZE, "%s/%s", self, file) >= PATH_SIZE)
        die("path too long: %s", file);
}

const struct allocator *heap_load(const char *name)
{
    char file[PATH_SIZE], path[PATH_SIZE];
    size_t length = strlen(name);
    if (length > 3 && strcmp(name + length - 3, ".so") == 0)
        snprintf(path, sizeof path, "%s%s", strchr(name, '/') ? "" : "./",
                 name);
    else {
        snprintf(file, sizeof file, "heaps/%s.so", name);
        judge_path(file, path);
    }
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL)
        die("cannot load heap %s: %s", name, dlerror());
    const struct allocator *heap = dlsym(object, "allocator");
    if (heap == NULL || heap->malloc == NULL)
        die("heap %s exports no struct allocator", name);
    return heap;
}

static void append(const struct heap_part *part, void *context)
{
    struct layout *layout = context;
    if ((layout->count & (layout->count - 1)) == 0) {
        size_t room = layout->count == 0 ? 1 : layout->count * 2;
        layout->parts = reallocarray(layout->parts, room, sizeof *part);
        if (layout->parts == NULL)
            die("no memory for a walk of %zu parts", room);
    }
    layout->parts[layout->count++] = *part;
}

struct layout heap_layout(const struct allocator *heap)
{
    struct layout layout = {.count = 0};
    heap->walk(append, &layout);
    return layout;
}

static const char *end_of(const struct heap_part *part)
{
    return (const char *)part->start + part->size;
}

/* The index of the region after the one at `i`, or 0 if the parts of this one
   do not fill it exactly and in order. */
static size_t next_region(const struct layout *layout, size_t i, char *message,
                          size_t size)
{
    const struct heap_part *region = &layout->parts[i];
    const char *lo = region->start, *done = lo;
    for (i++; i < layout->count && layout->parts[i].kind != PART_REGION; i++) {
        const struct heap_part *part = &layout->parts[i];
        if (part->start != done || part->size == 0 ||
            part->size > (size_t)(end_of(region) - done)) {
            snprintf(message, size,
                     "a part of %zu bytes at %+td, where the part before ends "
                     "at %td, "
                     "in a region of %zu",
                     part->size, (const char *)part->start - lo, done - lo,
                     region->size);
            return 0;
        }
        done = end_of(part);
    }
    if (done == end_of(region))
        return i;
    snprintf(message, size, "parts that end at %td, in a region of %zu bytes",
             done - lo, region->size);
    return 0;
}

/* By address; a region comes before its first part. */
static int compare(const void *a, const void *b)
{
    const struct heap_part *left = a, *right = b;
    if (left->start != right->start)
        return (uintptr_t)left->start < (uintptr_t)right->start ? -1 : 1;
    return (left->kind != PART_REGION) - (right->kind != PART_REGION);
}

static bool regions_are_apart(const struct layout *sorted, char *message,
                              size_t size)
{
    const char *end = NULL;
    for (size_t i = 0; i < sorted->count; i++) {
        const struct heap_part *part = &sorted->parts[i];
        if (part->kind != PART_REGION)
            continue;
        if ((uintptr_t)part->start < (uintptr_t)end) {
            snprintf(message, size, "two regions that overlap");
            return false;
        }
        end = end_of(part);
    }
    return true;
}

static bool lists_are_closed(const struct layout *sorted, char *message,
                             size_t size)
{
    for (size_t i = 0; i < sorted->count; i++) {
        const struct heap_part *part = &sorted->parts[i];
        if (part->kind != PART_FREE || part->next == NULL)
            continue;
        const struct heap_part key = {.kind = PART_FREE, .start = part->next};
        const struct heap_part *next =
            bsearch(&key, sorted->parts, sorted->count, sizeof key, compare);
        if (next == NULL || next->kind != PART_FREE ||
            next->list != part->list) {
            snprintf(message, size,
                     "a free part of %zu bytes on list %d, whose next is no "
                     "free part "
                     "of that list",
                     part->size, part->list);
            return false;
        }
    }
    return true;
}

bool layout_is_sound(const struct layout *layout, char *message, size_t size)
{
    if (layout->count == 0)
        return true;
    if (layout->parts[0].kind != PART_REGION) {
        snprintf(message, size, "a part before the first region");
        return false;
    }
    for (size_t i = 0; i < layout->count;) {
        i = next_region(layout, i, message, size);
        if (i == 0)
            return false;
    }
    struct layout sorted = {calloc(layout->count, sizeof *layout->parts),
                            layout->count};
    if (sorted.parts == NULL)
        die("no memory for a walk of %zu parts", layout->count);
    memcpy(sorted.parts, layout->parts, layout->count * sizeof *layout->parts);
    qsort(sorted.parts, sorted.count, sizeof *sorted.parts, compare);
    bool is_sound = regions_are_apart(&sorted, message, size) &&
                    lists_are_closed(&sorted, message, size);
    free(sorted.parts);
    return is_sound;
}

size_t layout_size(const struct layout *layout)
{
    size_t size = 0;
    for (size_t i = 0; i < layout->count; i++)
        if (layout->parts[i].kind == PART_REGION)
            size += layout->parts[i].size;
    return size;
}
