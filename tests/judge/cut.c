/* The command `cut`: the first operations of a trace, as a trace on standard
   output. Blocks that are live after them stay so. */
#include <stdlib.h>

#include "judge.h"
#include "trace.h"

int command_cut(int count, char **words)
{
    struct trace cut = {.count = 0};
    if (count != 2)
        die("cut takes a trace and a number of operations");
    struct trace trace = trace_read(words[0]);
    size_t last = trace_operation(&trace, words[1]);
    for (size_t i = 0; i < last; i++)
        trace_append(&cut, trace.operations[i]);
    trace_write(&cut, stdout);
    free(trace.operations);
    free(cut.operations);
    return STATUS_OK;
}
