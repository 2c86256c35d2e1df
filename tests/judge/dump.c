/* The command `dump`: what `map` draws, as JSON for programs, a line for each
   object. The first line tells what was played:

     {"heap": NAME, "trace": NAME, "operation": N, "text": OPERATION,
      "regions": N}

   then comes a line for each region, which the lines of its parts follow:

     {"region": R, "size": BYTES}
     {"region": R, "offset": BYTES, "size": BYTES, "kind": KIND}

   R counts from 0; an offset counts from the start of the region. KIND is
   used, dead, free, header, fresh or foreign (picture.h tells what they are).
   More about a used part: "id", "request" (bytes) and, if it is the block of
   the operation, "touched": true. About a free one: "list" and "next", [R,
   OFFSET] or null. */
#include <stdint.h>
#include <stdio.h>

#include "judge.h"
#include "picture.h"
#include "play.h"

static void print_string(const char *string)
{
    putchar('"');
    for (; *string != '\0'; string++)
        if (*string == '"' || *string == '\\' || (unsigned char)*string < ' ')
            printf("\\u%04x", *string);
        else
            putchar(*string);
    putchar('"');
}

static void print_free(const struct picture *picture,
                       const struct heap_part *part)
{
    struct place next;
    printf(", \"list\": %d, \"next\": ", part->list);
    if (part->next != NULL && picture_place(picture, part->next, &next))
        printf("[%zu, %zu]", next.region, next.offset);
    else
        printf("null");
}

/* A part is one line, though a used one may be two spans: payload and
   padding. */
static void print_part(const struct picture *picture, const struct span *span,
                       const void *touched)
{
    const struct heap_part *part = span->part;
    printf("{\"region\": %zu, \"offset\": %zu, \"size\": %zu, \"kind\": \"%s\"",
           span->region, span->offset, part->size,
           span->block ? "used" : kind_names[span->kind]);
    if (span->block != NULL)
        printf(", \"id\": %d, \"request\": %zu", span->block->id,
               span->block->request);
    if (span->block != NULL && part->start == touched)
        printf(", \"touched\": true");
    if (span->kind == FREE)
        print_free(picture, part);
    printf("}\n");
}

static void dump(struct play *play, size_t last)
{
    char operation[OPERATION_TEXT];
    size_t served = play_served(play, last, operation), regions = 0;
    if (served == SIZE_MAX)
        return;
    struct picture picture = picture_of(play->heap, &play->oracle);
    printf("{\"heap\": ");
    print_string(play->heap->name);
    printf(", \"trace\": ");
    print_string(play->trace->name);
    printf(", \"operation\": %zu, \"text\": \"%s\", \"regions\": %zu}\n",
           served, operation, picture.regions);
    for (size_t i = 0; i < picture.count; i++) {
        const struct span *span = &picture.spans[i];
        if (span->region == regions) {
            printf("{\"region\": %zu, \"size\": %zu}\n", regions,
                   picture.region_sizes[regions]);
            regions++;
        }
        if (i == 0 || span[-1].part != span->part)
            print_part(&picture, span,
                       play->touched_size > 0 ? play->touched : NULL);
    }
}

int command_dump(int count, char **words)
{
    return play_words("dump", count, words, dump);
}
