/* The command `map`: the heap as text, address left to right and top to
   bottom, a character for each cell of so many bytes. The walk says where the
   parts lie, the trace what the program asked for and what it has freed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"
#include "picture.h"
#include "play.h"

enum { COLUMNS = 64, ROWS = 24, CELL_SMALL = 8, CELL = 16 };

/* How each kind of byte looks; and how the bytes of the block that was touched
   last look, by what they are now. */
static const char looks[KINDS] = {
    [PAYLOAD] = '#', [PADDING] = '+', [HEADER] = 'H',  [DEAD] = 'x',
    [FREE] = '-',    [FRESH] = '.',   [FOREIGN] = '/',
};
static const char touched_looks[KINDS] = {
    [PAYLOAD] = '@', [PADDING] = '@', [HEADER] = '=',  [DEAD] = 'X',
    [FREE] = '=',    [FRESH] = '=',   [FOREIGN] = '=',
};

struct map {
    struct picture picture;
    size_t cell; /* bytes that a character stands for */
    struct cells cells;
    struct place touched; /* where the touched block begins */
    size_t touched_end; /* offset of its end; that of its beginning: nowhere */
    char touched_look;  /* its character */
};

/* Rows that the picture takes with cells of that many bytes. */
static size_t rows(const struct picture *picture, size_t cell)
{
    size_t count = 0, row = cell * COLUMNS;
    for (size_t i = 0; i < picture->regions; i++)
        count += (picture->region_sizes[i] + row - 1) / row;
    return count;
}

/* The size of the cells: 16 bytes, or 8 where parts of the heap, such as
   headers, are no multiple of 16; doubled until the picture fits. */
static size_t fitting_cell(const struct picture *picture)
{
    size_t cell = CELL;
    for (size_t i = 0; i < picture->layout.count; i++)
        if (picture->layout.parts[i].size % CELL != 0)
            cell = CELL_SMALL;
    while (rows(picture, cell) > ROWS && rows(picture, cell) > picture->regions)
        cell *= 2;
    return cell;
}

/* Whether the touched block begins among those bytes, or fills half of
   them. */
static bool is_touched(const struct map *map, size_t region, size_t from,
                       size_t to)
{
    size_t begin = map->touched.offset, end = map->touched_end;
    if (begin == end || region != map->touched.region)
        return false;
    return (from <= begin && begin < to) ||
           2 * bytes_shared(from, to, begin, end) >= to - from;
}

static void print_region(struct map *map, size_t region)
{
    size_t size = map->picture.region_sizes[region], row = map->cell * COLUMNS;
    if (map->picture.regions > 1)
        printf("region %zu, %zu bytes\n", region, size);
    for (size_t from = 0; from < size; from += map->cell) {
        size_t to = from + map->cell < size ? from + map->cell : size;
        enum kind kind =
            cells_next(&map->cells, &map->picture, region, from, to);
        if (from % row == 0)
            printf("%9zu  ", from);
        putchar(is_touched(map, region, from, to) ? map->touched_look
                                                  : looks[kind]);
        if (to == size || to % row == 0)
            putchar('\n');
    }
}

static void print_legend(const struct map *map, const char *operation)
{
    const struct picture *picture = &map->picture;
    for (int kind = 0; kind < KINDS; kind++)
        if (picture->totals[kind] > 0)
            printf("%9c  %-8s%9zu bytes %6.1f %%\n", looks[kind],
                   kind_names[kind], picture->totals[kind],
                   100.0 * (double)picture->totals[kind] /
                       (double)picture->size);
    if (map->touched.offset != map->touched_end)
        printf("%9c  the block of `%s`\n", map->touched_look, operation);
}

/* Finds the touched block in the picture, if it has bytes there. */
static void find_touched(struct map *map, const void *touched, size_t size)
{
    if (!picture_place(&map->picture, touched, &map->touched))
        return;
    map->touched_end = map->touched.offset + size;
    for (size_t i = 0; i < map->picture.count; i++) {
        const struct span *span = &map->picture.spans[i];
        if (span->region == map->touched.region &&
            span->offset <= map->touched.offset)
            map->touched_look = touched_looks[span->kind];
    }
}

void map_print(const struct allocator *heap, const struct oracle *oracle,
               const void *touched, size_t touched_size, const char *operation)
{
    struct map map = {.picture = picture_of(heap, oracle)};
    map.cell = fitting_cell(&map.picture);
    find_touched(&map, touched, touched_size);
    printf("%zu bytes, %zu a character\n\n", map.picture.size, map.cell);
    for (size_t region = 0; region < map.picture.regions; region++)
        print_region(&map, region);
    putchar('\n');
    print_legend(&map, operation);
}

/* Draws the heap as it is after the last operation that it served. */
static void draw(struct play *play, size_t last)
{
    char operation[OPERATION_TEXT];
    size_t served = play_served(play, last, operation);
    if (served == SIZE_MAX)
        return;
    printf("%s after operation %zu of %s (%s)\n", play->heap->name, served,
           play->trace->name, operation);
    map_print(play->heap, &play->oracle, play->touched, play->touched_size,
              operation);
}

int command_map(int count, char **words)
{
    return play_words("map", count, words, draw);
}
