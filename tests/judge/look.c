/* What the commands that look into a heap (map, dump, curve) have in common. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "judge.h"
#include "play.h"

size_t play_served(struct play *play, size_t last, char *operation)
{
    snprintf(operation, OPERATION_TEXT, "init");
    bool is_sound = play_to(play, last) || play->progress->outcome == FAILED;
    size_t served = play->progress->operation;
    if (!is_sound || (play->progress->outcome == FAILED && served == 0))
        return SIZE_MAX;
    if (play->progress->outcome == FAILED) {
        served--;
        play->touched_size = 0;
    }
    if (served > 0)
        operation_text(&play->trace->operations[served - 1], operation);
    return served;
}

int play_words(const char *command, int count, char **words,
               void (*work)(struct play *, size_t))
{
    char line[OUTCOME_SIZE];
    if (count < 2 || count > 3)
        die("%s takes a heap, a trace and perhaps the number of an operation",
            command);
    const struct allocator *heap = heap_load(words[0]);
    if (heap->walk == NULL)
        die("%s has no walk to look into", words[0]);
    struct trace trace = trace_read(words[1]);
    size_t last = count == 3 ? trace_operation(&trace, words[2]) : trace.count;
    const struct progress *progress = play_apart(heap, &trace, work, last);
    if (progress->outcome != PLAYED) {
        outcome_text(&trace, progress, line);
        fprintf(stderr, "%s: %s\n", trace.name, line);
    }
    free(trace.operations);
    return outcome_status(progress->outcome);
}
