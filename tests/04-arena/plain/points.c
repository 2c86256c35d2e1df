/* Forks while another thread stands at each place of arena.c that a hook marks,
   by the list that tangle made: a new place is tried without a change here. Each
   has to be one that these calls come by. A tree without the list is a lab, where
   the suites try what places there are. */
#include "04-arena/plain.h"

#include <errno.h>

#include "04-arena/forced.h"

/* The calls come by every place: they also exhaust the arena, and fork. */
static const char calls[] = "++-I++--+F";

static bool try(const char *event)
{
    enum place place = find_place(event, 1, calls);
    if (place == OVER)
        return false;
    fork_at(event, 1, calls, 0, place == INSIDE);
    return true;
}

int main(void)
{
    char line[1000];
    int count = 0, missed = 0;
    FILE *points = fopen("build/lines/hook-points.tsv", "r");
    if (points == NULL && errno == ENOENT)
        return 0;
    begin_model();
    while (points != NULL && fgets(line, sizeof line, points) != NULL) {
        line[strcspn(line, "\t")] = '\0';
        /* In a child the thread that forked is alone: nobody could fork. */
        if (strncmp(line, "arena: ", 7) != 0 || strstr(line, "child") != NULL)
            continue;
        count++;
        if (!try(line)) {
            fprintf(stderr, "nobody comes by \"%s\"\n", line);
            missed++;
        }
    }
    printf("%d places\n", count);
    return count == 0 || missed > 0;
}
