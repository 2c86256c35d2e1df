/* The command `classes`: what the regions of a heap are used for. Each region
   has a line for each size of slots that has pools there, and one for all that
   lies outside of pools; the bar shows the kinds of bytes in the characters of
   `map`, payload first, on one scale for all lines of the region. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"
#include "picture.h"
#include "play.h"

enum { SLOT_MAX = 4096, BAR = 40 };

static const char looks[KINDS] = {
    [PAYLOAD] = '#', [PADDING] = '+', [HEADER] = 'H',  [DEAD] = 'x',
    [FREE] = '-',    [FRESH] = '.',   [FOREIGN] = '/',
};

/* The bytes of one line, by kind. */
struct line {
    size_t bytes[KINDS], total;
};

/* Sorts the spans of a region into lines by the slots of their parts; [0] is
   all else. */
static void fill(const struct picture *picture, size_t region,
                 struct line lines[SLOT_MAX + 1])
{
    memset(lines, 0, (SLOT_MAX + 1) * sizeof *lines);
    for (size_t i = 0; i < picture->count; i++) {
        const struct span *span = &picture->spans[i];
        unsigned slot = span->part->slot;
        if (span->region != region || slot > SLOT_MAX)
            continue;
        lines[slot].bytes[span->kind] += span->size;
        lines[slot].total += span->size;
    }
}

/* A character for each `scale` bytes of a kind, rounded so that the whole bar
   is as long as it should be. */
static void print_bar(const struct line *line, size_t scale)
{
    size_t done = 0, cells = 0;
    for (int kind = 0; kind < KINDS; kind++) {
        done += line->bytes[kind];
        for (; cells * scale + scale / 2 < done; cells++)
            putchar(looks[kind]);
    }
    putchar('\n');
}

static void print_line(const char *name, const struct line *line, size_t scale)
{
    size_t used = line->bytes[PAYLOAD] + line->bytes[PADDING];
    printf("%9s%10zu%10zu  ", name, line->total, used);
    print_bar(line, scale);
}

static size_t scale_of(const struct line lines[SLOT_MAX + 1])
{
    size_t most = BAR;
    for (int slot = 1; slot <= SLOT_MAX; slot++)
        if (lines[slot].total > most)
            most = lines[slot].total;
    return (most + BAR - 1) / BAR;
}

static void print_region(const struct picture *picture, size_t region,
                         struct line lines[SLOT_MAX + 1])
{
    fill(picture, region, lines);
    size_t scale = scale_of(lines), rest = (lines[0].total + BAR - 1) / BAR;
    printf("\nregion %zu, %zu bytes\n", region, picture->region_sizes[region]);
    printf("     slot     bytes      used\n");
    for (int slot = 1; slot <= SLOT_MAX; slot++)
        if (lines[slot].total > 0) {
            char name[16];
            snprintf(name, sizeof name, "%d", slot);
            print_line(name, &lines[slot], scale);
        }
    print_line("none", &lines[0], rest > 0 ? rest : 1);
}

static void draw(struct play *play, size_t last)
{
    char operation[OPERATION_TEXT];
    size_t served = play_served(play, last, operation);
    if (served == SIZE_MAX)
        return;
    struct picture picture = picture_of(play->heap, &play->oracle);
    struct line *lines = calloc(SLOT_MAX + 1, sizeof *lines);
    if (lines == NULL)
        die("no memory for %d lines", SLOT_MAX);
    printf("%s after operation %zu of %s (%s)\n", play->heap->name, served,
           play->trace->name, operation);
    for (size_t region = 0; region < picture.regions; region++)
        print_region(&picture, region, lines);
    putchar('\n');
    for (int kind = 0; kind < KINDS; kind++)
        if (picture.totals[kind] > 0)
            printf("%9c  %s\n", looks[kind], kind_names[kind]);
    free(lines);
}

int command_classes(int count, char **words)
{
    return play_words("classes", count, words, draw);
}
