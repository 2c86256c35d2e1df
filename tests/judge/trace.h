/* A trace: what a program asked of malloc, one operation a line, in the .rep
   text format of the malloc labs. Four numbers come first: a suggested size of
   the heap (not used), the number of ids, the number of operations and a
   weight (not used). Then

     a ID SIZE   block ID is what malloc(SIZE) returns
     r ID SIZE   block ID is what realloc(block ID, SIZE) returns
     f ID        free(block ID)
     f -1        free(NULL)
     w ID SIZE   the program writes the first SIZE bytes of block ID

   An id counts from 0 and may be used again once its block is free. An id that
   no operation has named yet stands for NULL, so `r` of it is realloc(NULL,
   SIZE). `r ID 0` frees the block. Words may be set apart by any white space;
   an operation stays on one line. The file may be packed by gzip. */
#ifndef TRACE_H
#define TRACE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { ID_NULL = -1 }; /* the id of `f -1` */

struct operation {
    char kind;   /* 'a', 'r', 'f' or 'w' */
    int32_t id;  /* from 0, or ID_NULL */
    size_t size; /* bytes; 0 if the kind has none */
};

struct trace {
    char name[64]; /* of the file, without its folder, .rep and .gz */
    size_t ids;
    size_t count; /* of operations */
    struct operation *operations;
};

/* Reads the trace in the file `path`. A file that is no sound trace ends the
   process: one line `FILE:LINE: message` on standard error, exit status 1. */
struct trace trace_read(const char *path);

/* Adds an operation at the end of a trace. */
void trace_append(struct trace *trace, struct operation operation);

/* Writes a trace as trace_read reads it. */
void trace_write(const struct trace *trace, FILE *file);

/* Writes an operation as it stands in a trace, without a newline. */
enum { OPERATION_TEXT = 48 }; /* bytes that hold any */
void operation_text(const struct operation *operation, char *text);

/* The number of operations that a word names, 0 to all of the trace; another
   word ends the process with one line on standard error and exit status 1. */
size_t trace_operation(const struct trace *trace, const char *word);

#endif
