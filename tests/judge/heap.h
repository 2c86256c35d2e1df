/* A heap under judgment: the table of an allocator, and where its parts
   lie. */
#ifndef HEAP_H
#define HEAP_H

#include <stdbool.h>
#include <stddef.h>

#include "01-bump/allocator.h"

/* Loads an allocator. `name` is the path of a shared object (*.so), or a name
   such as 01-bump, 01-bump/1-break or libc: ../heaps/NAME.so, seen from the
   judge's own executable. If that fails, the process ends with one line on
   standard error and exit status 1. */
const struct allocator *heap_load(const char *name);

/* The path of `file`, given from the folder above the judge's executable. */
enum { PATH_SIZE = 4096 };
void judge_path(const char *file, char path[PATH_SIZE]);

/* What a heap's walk showed, in the order in which it showed it. */
struct layout {
    struct heap_part *parts;
    size_t count;
};

/* Walks the heap. The caller releases `parts` with free(). */
struct layout heap_layout(const struct allocator *heap);

/* Whether the parts fill every region exactly and in order, no two regions
   overlap, and the free parts of a list lead to each other only. If not,
   `message` says what there is instead, in offsets from the region's start. */
bool layout_is_sound(const struct layout *layout, char *message, size_t size);

/* Bytes that the heap has from the system. */
size_t layout_size(const struct layout *layout);

#endif
