/* Plays a trace on a heap under the eyes of the oracle, in a process of its
   own, so that a heap that crashes or hangs takes nobody with it. */
#ifndef PLAY_H
#define PLAY_H

#include <stdbool.h>
#include <stddef.h>

#include "heap.h"
#include "oracle.h"
#include "trace.h"

enum outcome {
    PLAYED,  /* so far, to the end if nothing follows */
    FAILED,  /* the heap could not serve the operation */
    INVALID, /* the heap broke a promise */
    CRASHED  /* the heap ended its process, or hung */
};

/* What a play shares with the process that waits for it. */
struct progress {
    size_t operation;  /* under way or the last, from 1; 0: init */
    const char *doing; /* what the process is in, for a crash */
    bool is_over;      /* the child has done all that it was to do */
    enum outcome outcome;
    size_t peak;                /* bytes, the most that was live as requested */
    size_t heap_size;           /* bytes from the system, at the last walk */
    double seconds;             /* that a timed play took */
    size_t resident, mapped;    /* KiB, the most that a measured play took */
    char message[MESSAGE_SIZE]; /* what went wrong */
};

struct play {
    const struct allocator *heap;
    const struct trace *trace;
    struct progress *progress;
    struct oracle oracle;
    void *touched;       /* where the last operation's block is or was */
    size_t touched_size; /* bytes requested for it */
};

/* Lets `work` play in a child process, with `argument`. Returns how that
   ended, until the next call. */
const struct progress *play_apart(const struct allocator *heap,
                                  const struct trace *trace,
                                  void (*work)(struct play *, size_t),
                                  size_t argument);

/* For `work`: plays on to operation `last` (the trace's end if there are
   fewer). The heap and the oracle must agree after operations 1, 2, 4, 8, ...
   and after the last. Returns whether that operation was reached; if not, the
   heap has been judged at the operation that failed. */
bool play_to(struct play *play, size_t last);

/* For `work`: plays to operation `last` and returns how many operations the
   heap has served, with the text of the last (`init` if none); SIZE_MAX if
   there is nothing to look at because the heap is broken. */
size_t play_served(struct play *play, size_t last, char *operation);

/* The body of the commands that look into a heap: `words` are HEAP TRACE [N],
   and `work` gets N, or the number of operations in the trace. Says how the
   play ended if it was not well, and returns the exit status. */
int play_words(const char *command, int count, char **words,
               void (*work)(struct play *, size_t));

/* The worse of two exit statuses. */
int worse_status(int one, int other);

/* The exit status for an outcome. */
int outcome_status(enum outcome outcome);

/* How a play ended, in one line: ok, or fail at operation N (OPERATION): ... */
enum { OUTCOME_SIZE = MESSAGE_SIZE + 128 };
void outcome_text(const struct trace *trace, const struct progress *progress,
                  char line[OUTCOME_SIZE]);

#endif
