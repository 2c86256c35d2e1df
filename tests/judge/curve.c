/* The command `curve`: how the bytes that the program uses and the bytes that
   the heap has from the system grow, as tab-separated values with a line of
   names. */
#include <stdio.h>

#include "judge.h"
#include "play.h"

enum { POINTS = 200 };

static void sample(struct play *play, size_t last)
{
    printf("operation\tpayload_bytes\theap_bytes\n");
    for (size_t point = 0; point <= POINTS; point++) {
        size_t operation = last * point / POINTS;
        if (point > 0 && operation == play->progress->operation)
            continue;
        if (!play_to(play, operation))
            return;
        printf("%zu\t%zu\t%zu\n", operation, play->oracle.payload,
               play->progress->heap_size);
    }
}

int command_curve(int count, char **words)
{
    return play_words("curve", count, words, sample);
}
