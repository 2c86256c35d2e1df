/* The command `picture`: the heap as an SVG for a page, in the language of
   `map`: addresses run from left to right and from top to bottom, offsets stand
   at the edge. A small heap is drawn to scale, with the ids and sizes of its
   blocks and the links of its free lists; rows that only go on with a part are
   left out. A large heap is drawn in cells, as in `map`.

   A kind is told by a pattern, the character that `map` gives it, as well as by
   a color. Every shape has its kind as a class and a color of its own for the
   page that has no style; text and lines take the color of the page's text. All
   ids begin with the names of the heap and the trace and the operation. */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"
#include "picture.h"
#include "play.h"

/* Pixels: */
enum {
    LEFT = 72,  /* of the column of offsets */
    PLOT = 576, /* of a row of bytes */
    WIDTH = LEFT + PLOT + 8,
    RULER = 30,    /* from the top of the picture to the first row */
    ROW = 26,      /* a row that is drawn to scale */
    GAP = 6,       /* the space below it */
    LINK_GAP = 16, /* the same where links are drawn */
    CELL_ROW = 14, /* a row of cells */
    CELL_GAP = 3,  /* the space below it */
    REMARK = 18,   /* a line between rows */
    LINE = 20      /* a line of the legend */
};
static const double letter = 6.65; /* a character of text */

enum {
    EXACT_ROWS = 12, /* what is more is not drawn to scale */
    CELLS = 128,     /* in a row */
    CELL_ROWS = 24,  /* what is more gets larger cells */
    LINKS = 40       /* what is more is not drawn */
};

/* How a kind looks: its color, and the path of its pattern in a square of
   PATTERN pixels. */
enum { PATTERN = 7 };
static const struct look {
    const char *color, *pattern;
} looks[KINDS] = {
    [PAYLOAD] = {"#bfd8ea", NULL},
    [PADDING] = {"#bfd8ea", "M3.5 1.5v4M1.5 3.5h4"},
    [HEADER] = {"#5b6670", NULL},
    [DEAD] = {"#e6d5d9", "M1.5 1.5l4 4M5.5 1.5l-4 4"},
    [FREE] = {"#f7d79a", "M1.5 3.5h4"},
    [FRESH] = {"#ffffff", "M3 3.5h1"},
    [FOREIGN] = {"#dcdad5", "M1.5 5.5l4 -4"},
};

/* A row of the drawing: bytes from..to of a region; or one in place of rows
   that are left out, or the name of a region that follows. */
struct row {
    enum { BYTES, LEFT_OUT, NAME } is;
    size_t region, from, to;
    int y; /* pixels from the top */
};

struct drawing {
    struct picture picture;
    const struct play *play;
    char id[160];     /* that all ids begin with */
    size_t links;     /* of free lists */
    bool is_exact;    /* drawn to scale */
    size_t row_bytes; /* in a full row */
    struct row *rows;
    size_t count; /* of rows */
    size_t shown; /* of rows of bytes */
    int bottom;   /* of the rows, pixels from the top */
    struct place touched;
    size_t touched_end; /* offset; that of the beginning: nowhere */
};

/* Texts */

/* A number as one reads it: from five digits on in groups of three. */
struct number {
    char text[32];
};
static struct number number_text(size_t number)
{
    struct number result;
    char digits[24];
    int count = snprintf(digits, sizeof digits, "%zu", number);
    char *to = result.text;
    for (int i = 0; i < count; i++) {
        if (i > 0 && count > 4 && (count - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return result;
}

static int text_width(const char *text)
{
    return (int)(letter * (double)strlen(text));
}

static void print_text(const char *text)
{
    for (; *text != '\0'; text++)
        if (strchr("&<>\"", *text) != NULL)
            printf("&#%d;", *text);
        else
            putchar(*text);
}

/* An offset at the edge: in KiB where no offset needs less. */
static void print_offset(const struct drawing *drawing, size_t offset)
{
    if (drawing->row_bytes / 4 < 1024)
        printf("%s", number_text(offset).text);
    else
        printf("%s KiB", number_text(offset / 1024).text);
}

/* Rows */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void add_row(struct drawing *drawing, struct row row)
{
    size_t count = drawing->count;
    if ((count & (count - 1)) == 0) {
        size_t room = count == 0 ? 1 : 2 * count;
        drawing->rows = reallocarray(drawing->rows, room, sizeof row);
        if (drawing->rows == NULL)
            die("no memory for %zu rows", room);
    }
    row.y = drawing->bottom;
    drawing->rows[drawing->count++] = row;
    if (row.is != BYTES)
        drawing->bottom += REMARK;
    else if (!drawing->is_exact)
        drawing->bottom += CELL_ROW + CELL_GAP;
    else
        drawing->bottom += ROW + (drawing->links > 0 ? LINK_GAP : GAP);
    drawing->shown += row.is == BYTES;
}

/* The bytes of the full rows from `from` on that show one part only, which
   began before them; 0 if they are fewer than two. */
static size_t same_rows(const struct drawing *drawing, const struct span **span,
                        size_t region, size_t from)
{
    size_t row = drawing->row_bytes;
    while ((*span)->region < region || (*span)->offset + (*span)->size <= from)
        ++*span;
    size_t rest = (*span)->offset + (*span)->size - from;
    if (!drawing->is_exact || (*span)->offset == from || rest < 2 * row)
        return 0;
    return rest - rest % row;
}

static void plan_region(struct drawing *drawing, size_t region)
{
    const struct span *span = drawing->picture.spans;
    size_t size = drawing->picture.region_sizes[region];
    if (drawing->picture.regions > 1)
        add_row(drawing, (struct row){NAME, region, 0, size, 0});
    for (size_t from = 0; from < size;) {
        size_t same = same_rows(drawing, &span, region, from);
        size_t to = least(size, from + (same > 0 ? same : drawing->row_bytes));
        add_row(drawing,
                (struct row){same > 0 ? LEFT_OUT : BYTES, region, from, to, 0});
        from = to;
    }
}

static void plan_rows(struct drawing *drawing, bool is_exact, size_t row_bytes)
{
    drawing->is_exact = is_exact;
    drawing->row_bytes = row_bytes;
    drawing->count = drawing->shown = 0;
    drawing->bottom = RULER;
    for (size_t region = 0; region < drawing->picture.regions; region++)
        plan_region(drawing, region);
}

/* To scale, as large as a few rows allow; else in cells as small as they do. */
static void plan(struct drawing *drawing)
{
    for (size_t bytes = 64; bytes <= 512; bytes *= 2) {
        plan_rows(drawing, true, bytes);
        if (drawing->shown <= EXACT_ROWS)
            return;
    }
    for (size_t bytes = (size_t)CELLS * 16;; bytes *= 2) {
        plan_rows(drawing, false, bytes);
        if (drawing->shown <= CELL_ROWS ||
            drawing->shown == drawing->picture.regions)
            return;
    }
}

/* Pieces: what one row shows of a range of bytes */

struct piece {
    double x, y, width, height; /* pixels */
    bool is_first, is_last;     /* it begins, or ends, with the range */
};

static double pixels(const struct drawing *drawing, size_t bytes)
{
    return (double)bytes * PLOT / (double)drawing->row_bytes;
}

/* What the row shows of the range; false if nothing. */
static bool piece_of(const struct drawing *drawing, const struct row *row,
                     struct place place, size_t end, struct piece *piece)
{
    size_t shared = bytes_shared(row->from, row->to, place.offset, end);
    if (row->is != BYTES || row->region != place.region || shared == 0)
        return false;
    piece->is_first = row->from <= place.offset;
    piece->is_last = end <= row->to;
    size_t from = piece->is_first ? place.offset : row->from;
    piece->x = LEFT + pixels(drawing, from - row->from);
    piece->y = row->y;
    piece->width = pixels(drawing, shared);
    piece->height = drawing->is_exact ? ROW : CELL_ROW;
    return true;
}

/* Paint of a kind, to stand in a tag. */
static void print_paint(const struct drawing *drawing, enum kind kind)
{
    if (looks[kind].pattern != NULL)
        printf(" fill=\"url(#%s-%s)\"", drawing->id, kind_names[kind]);
    else
        printf(" class=\"%s\" fill=\"%s\"", kind_names[kind],
               looks[kind].color);
}

static void print_patterns(const struct drawing *drawing)
{
    printf("<defs>\n");
    for (int kind = 0; kind < KINDS; kind++)
        if (drawing->picture.totals[kind] > 0 && looks[kind].pattern != NULL)
            printf("<pattern id=\"%s-%s\" width=\"%d\" height=\"%d\" "
                   "patternUnits=\"userSpaceOnUse\"><rect class=\"%s\" "
                   "width=\"%d\" height=\"%d\" fill=\"%s\"/><path "
                   "class=\"mark\" d=\"%s\" stroke=\"currentColor\" "
                   "stroke-opacity=\".42\"/></pattern>\n",
                   drawing->id, kind_names[kind], PATTERN, PATTERN,
                   kind_names[kind], PATTERN, PATTERN, looks[kind].color,
                   looks[kind].pattern);
    printf("</defs>\n");
}

/* Edges */

static void print_edge(const struct drawing *drawing)
{
    size_t quarter = drawing->row_bytes / 4;
    double step = drawing->is_exact ? pixels(drawing, 16) : (double)PLOT / 4;
    printf("<path class=\"edge\" d=\"");
    for (double x = 0; x <= PLOT; x += step)
        printf("M%g %dv-4", LEFT + x, RULER - 6);
    printf("\" stroke=\"currentColor\" stroke-opacity=\".5\"/>\n"
           "<g class=\"edge\" text-anchor=\"middle\" opacity=\".75\">\n");
    for (size_t offset = 0; offset < drawing->row_bytes; offset += quarter) {
        printf("<text x=\"%g\" y=\"%d\">+", LEFT + pixels(drawing, offset),
               RULER - 14);
        print_offset(drawing, offset);
        printf("</text>\n");
    }
    printf("</g>\n<g class=\"edge\" text-anchor=\"end\" opacity=\".75\">\n");
    for (size_t i = 0; i < drawing->count; i++) {
        const struct row *row = &drawing->rows[i];
        if (row->is != BYTES)
            continue;
        printf("<text x=\"%d\" y=\"%d\">", LEFT - 8,
               row->y + (drawing->is_exact ? ROW / 2 + 4 : CELL_ROW - 3));
        print_offset(drawing, row->from);
        printf("</text>\n");
    }
    printf("</g>\n");
}

static void print_remarks(const struct drawing *drawing)
{
    for (size_t i = 0; i < drawing->count; i++) {
        const struct row *row = &drawing->rows[i];
        if (row->is == LEFT_OUT)
            printf("<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" "
                   "opacity=\".75\">\342\213\256 %s bytes more \342\213\256"
                   "</text>\n",
                   LEFT + PLOT / 2, row->y,
                   number_text(row->to - row->from).text);
        if (row->is == NAME)
            printf("<text x=\"%d\" y=\"%d\">region %zu, %s bytes</text>\n",
                   LEFT, row->y + 12, row->region, number_text(row->to).text);
    }
}

/* A heap to scale */

/* The first of the texts, longest first, that a piece has room for; or NULL. */
static const char *fitting(char texts[][64], int count, double width)
{
    for (int i = 0; i < count; i++)
        if (text_width(texts[i]) + 6 <= width)
            return texts[i];
    return NULL;
}

static const char *label(const struct span *span, double width)
{
    static char texts[3][64];
    const char *kind = kind_names[span->kind];
    struct number size = number_text(span->size);
    if (span->kind == PAYLOAD) {
        snprintf(texts[0], 64, "block %d, %s bytes", span->block->id,
                 size.text);
        snprintf(texts[1], 64, "%d: %s", span->block->id, size.text);
        snprintf(texts[2], 64, "%d", span->block->id);
        return fitting(texts, 3, width);
    }
    if (span->kind == PADDING)
        return NULL;
    if (span->kind == FREE && span->part->list >= 0)
        snprintf(texts[0], 64, "free, %s bytes, list %d", size.text,
                 span->part->list);
    else
        snprintf(texts[0], 64, "%s, %s bytes", kind, size.text);
    snprintf(texts[1], 64, "%s %s", kind, size.text);
    snprintf(texts[2], 64, "%s", span->kind == HEADER ? "H" : kind);
    return fitting(texts, 3, width);
}

/* A part leaves a pixel free before it. */
static void print_span(const struct drawing *drawing, const struct span *span)
{
    struct piece piece;
    struct place place = {span->region, span->offset};
    for (size_t i = 0; i < drawing->count; i++) {
        if (!piece_of(drawing, &drawing->rows[i], place,
                      span->offset + span->size, &piece))
            continue;
        double edge = piece.is_first && span->kind != PADDING;
        printf("<rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\"",
               piece.x + edge, piece.y, piece.width - edge, piece.height);
        print_paint(drawing, span->kind);
        printf("/>\n");
    }
}

/* Says what a span is where a row shows most of it. Text over a pattern stands
   on the color of its kind. */
static void print_label(const struct drawing *drawing, const struct span *span)
{
    struct piece piece, widest = {.width = 0};
    struct place place = {span->region, span->offset};
    for (size_t i = 0; i < drawing->count; i++)
        if (piece_of(drawing, &drawing->rows[i], place,
                     span->offset + span->size, &piece) &&
            piece.width > widest.width)
            widest = piece;
    const char *text = label(span, widest.width);
    double x = widest.x + widest.width / 2, y = widest.y + ROW / 2.0;
    if (text == NULL)
        return;
    int width = text_width(text) + 6;
    if (looks[span->kind].pattern != NULL)
        printf("<rect class=\"%s\" x=\"%g\" y=\"%g\" width=\"%d\" "
               "height=\"16\" fill=\"%s\"/>\n",
               kind_names[span->kind], x - width / 2.0, y - 8, width,
               looks[span->kind].color);
    printf("<text x=\"%g\" y=\"%g\" text-anchor=\"middle\"%s>%s</text>\n", x,
           y + 4,
           span->kind == HEADER ? " class=\"on-header\" fill=\"#ffffff\"" : "",
           text);
}

/* Where a part begins; false if that is not drawn. */
static bool beginning(const struct drawing *drawing, struct place place,
                      struct piece *piece)
{
    for (size_t i = 0; i < drawing->count; i++)
        if (piece_of(drawing, &drawing->rows[i], place, place.offset + 1,
                     piece))
            return true;
    return false;
}

/* An arrow from one free part to the next on its list: in the gap above if they
   stand in one row, else from edge to edge, in a bow that other rows show. */
static void print_link(const struct piece *from, const struct piece *to,
                       double from_width)
{
    double x1 = from->x + (from_width > 30 ? 24 : from_width / 2);
    double x2 = to->x + 8, y1 = from->y, y2 = to->y;
    double bow = 0, from_bend = -15, to_bend = -15; /* of the ends */
    int tip = 6;                                    /* pixels, downward */
    if (to->y != from->y) {
        y1 += to->y > from->y ? from->height : 0;
        y2 += to->y > from->y ? 0 : to->height;
        from_bend = (y2 - y1) * .4;
        to_bend = -from_bend;
        bow = from_bend > 20 || from_bend < -20 ? 40 : 0;
        tip = to->y > from->y ? 6 : -6;
    }
    char path[160];
    snprintf(path, sizeof path, "M%g %gC%g %g %g %g %g %g", x1, y1, x1 + bow,
             y1 + from_bend, x2, y2 + to_bend, x2, y2 - tip);
    printf(
        "<path class=\"halo\" d=\"%s\" fill=\"none\" stroke=\"#ffffff\" "
        "stroke-width=\"3.5\"/>\n<path class=\"link\" d=\"%s\" fill=\"none\" "
        "stroke=\"currentColor\" stroke-width=\"1.2\"/>\n"
        "<path class=\"link\" d=\"M%g %gl-3 %dh6z\" "
        "fill=\"currentColor\"/>\n",
        path, path, x2, y2, -tip);
}

/* How many links there are to draw. */
static size_t count_links(const struct picture *picture)
{
    size_t links = 0;
    for (size_t i = 0; i < picture->count; i++)
        links += picture->spans[i].part->next != NULL;
    return links <= LINKS ? links : 0;
}

static void print_links(const struct drawing *drawing)
{
    const struct picture *picture = &drawing->picture;
    for (size_t i = 0; i < picture->count; i++) {
        const struct span *span = &picture->spans[i];
        struct place place = {span->region, span->offset}, next;
        struct piece from, to;
        if (span->kind == FREE && span->part->next != NULL &&
            picture_place(picture, span->part->next, &next) &&
            beginning(drawing, place, &from) && beginning(drawing, next, &to))
            print_link(&from, &to, pixels(drawing, span->size));
    }
}

/* A heap in cells */

static void print_run(const struct drawing *drawing, const struct row *row,
                      size_t from, size_t to)
{
    struct piece piece;
    struct place place = {row->region, from};
    if (piece_of(drawing, row, place, to, &piece))
        printf("M%g %gh%gv%gh-%gz", piece.x, piece.y, piece.width, piece.height,
               piece.width);
}

/* Draws the cells of a kind, whole runs of them at once. */
static void print_cells(const struct drawing *drawing, enum kind kind)
{
    struct cells cells = {.span = 0};
    size_t cell = drawing->row_bytes / CELLS;
    printf("<path");
    print_paint(drawing, kind);
    printf(" d=\"");
    for (size_t i = 0; i < drawing->count; i++) {
        const struct row *row = &drawing->rows[i];
        size_t begin = SIZE_MAX;
        if (row->is != BYTES)
            continue;
        for (size_t from = row->from; from < row->to; from += cell) {
            size_t to = least(from + cell, row->to);
            bool is_kind = cells_next(&cells, &drawing->picture, row->region,
                                      from, to) == kind;
            if (is_kind && begin == SIZE_MAX)
                begin = from;
            if (!is_kind && begin != SIZE_MAX) {
                print_run(drawing, row, begin, from);
                begin = SIZE_MAX;
            }
        }
        if (begin != SIZE_MAX)
            print_run(drawing, row, begin, row->to);
    }
    printf("\"/>\n");
}

/* Around it all */

/* Frames what the heap has, row by row. */
static void print_frames(const struct drawing *drawing)
{
    struct piece piece;
    printf("<path class=\"frame\" d=\"");
    for (size_t i = 0; i < drawing->count; i++) {
        const struct row *row = &drawing->rows[i];
        if (piece_of(drawing, row, (struct place){row->region, row->from},
                     row->to, &piece))
            printf("M%g %gh%gv%gh-%gz", piece.x + .5, piece.y + .5,
                   piece.width - 1, piece.height - 1, piece.width - 1);
    }
    printf("\" fill=\"none\" stroke=\"currentColor\" "
           "stroke-opacity=\".35\"/>\n");
}

/* Outlines the touched block; in cells, all cells that it shares. */
static void print_touched(const struct drawing *drawing)
{
    struct place place = drawing->touched;
    size_t end = drawing->touched_end, cell = drawing->row_bytes / CELLS;
    struct piece piece;
    if (place.offset == end)
        return;
    if (!drawing->is_exact) {
        place.offset -= place.offset % cell;
        end += (cell - end % cell) % cell;
    }
    printf("<path class=\"touched\" d=\"");
    for (size_t i = 0; i < drawing->count; i++) {
        if (!piece_of(drawing, &drawing->rows[i], place, end, &piece))
            continue;
        printf("M%g %g%s%gM%g %g%s%g", piece.x, piece.y,
               piece.is_first ? "v" : "m0 ", piece.height, piece.x,
               piece.y + piece.height, "h", piece.width);
        printf("%s%gM%g %gh%g", piece.is_last ? "v-" : "m0 -", piece.height,
               piece.x, piece.y, piece.width);
    }
    printf("\" fill=\"none\" stroke=\"#b02a12\" stroke-width=\"2.5\" "
           "stroke-linecap=\"square\"/>\n");
}

/* An entry of the legend: a kind, or KINDS for the touched block. */
struct entry {
    enum kind kind;
    char text[96];
    int x, y;
};
struct legend {
    struct entry entries[KINDS + 1];
    int count;
    int bottom; /* pixels from the top */
};

/* Puts an entry beside the one before, or on the next line. */
static void add_entry(struct legend *legend, enum kind kind, const char *text)
{
    static int x; /* where the entry before ends */
    int width = 24 + text_width(text);
    if (legend->count == 0 || x + width > WIDTH) {
        legend->bottom += LINE;
        x = LEFT;
    }
    struct entry *entry = &legend->entries[legend->count++];
    entry->kind = kind;
    entry->x = x;
    entry->y = legend->bottom - LINE;
    snprintf(entry->text, sizeof entry->text, "%s", text);
    x += width + 20;
}

static struct legend plan_legend(const struct drawing *drawing,
                                 const char *operation)
{
    const struct picture *picture = &drawing->picture;
    struct legend legend = {.bottom = drawing->bottom + 4};
    char text[96];
    for (enum kind kind = 0; kind < KINDS; kind++) {
        size_t bytes = picture->totals[kind];
        snprintf(text, sizeof text, "%s %s bytes, %.1f %%", kind_names[kind],
                 number_text(bytes).text,
                 100.0 * (double)bytes / (double)picture->size);
        if (bytes > 0)
            add_entry(&legend, kind, text);
    }
    snprintf(text, sizeof text, "the block of '%s'", operation);
    if (drawing->touched.offset != drawing->touched_end)
        add_entry(&legend, KINDS, text);
    return legend;
}

static void print_legend(const struct drawing *drawing,
                         const struct legend *legend)
{
    for (int i = 0; i < legend->count; i++) {
        const struct entry *entry = &legend->entries[i];
        printf("<rect x=\"%d\" y=\"%d\" width=\"17\" height=\"13\"", entry->x,
               entry->y);
        if (entry->kind == KINDS)
            printf(" class=\"touched\" fill=\"none\" stroke=\"#b02a12\" "
                   "stroke-width=\"2.5\"");
        else {
            print_paint(drawing, entry->kind);
            printf(" stroke=\"currentColor\" stroke-opacity=\".35\"");
        }
        printf("/>\n<text x=\"%d\" y=\"%d\">%s</text>\n", entry->x + 24,
               entry->y + 11, entry->text);
    }
}

/* What the picture shows, in words. */
static void print_start(const struct drawing *drawing, int height,
                        size_t served, const char *operation)
{
    const struct picture *picture = &drawing->picture;
    const char *separator = ": ";
    printf("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"heap\" "
           "width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
           "font-family=\"monospace\" font-size=\"11\" fill=\"currentColor\" "
           "role=\"img\" aria-label=\"",
           WIDTH, height, WIDTH, height);
    print_text(drawing->play->heap->name);
    printf(" after operation %zu of ", served);
    print_text(drawing->play->trace->name);
    printf(" (%s), %zu bytes", operation, picture->size);
    for (int kind = 0; kind < KINDS; kind++)
        if (picture->totals[kind] > 0) {
            printf("%s%s %zu", separator, kind_names[kind],
                   picture->totals[kind]);
            separator = ", ";
        }
    printf("\">\n");
}

/* Letters and digits as they are, all else as a hyphen. */
static void set_id(struct drawing *drawing, size_t served)
{
    snprintf(drawing->id, sizeof drawing->id, "%s-%s-%zu",
             drawing->play->heap->name, drawing->play->trace->name, served);
    for (char *c = drawing->id; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c))
            *c = '-';
}

static void draw(struct play *play, size_t last)
{
    char operation[OPERATION_TEXT];
    size_t served = play_served(play, last, operation);
    if (served == SIZE_MAX)
        return;
    struct drawing drawing = {.play = play};
    drawing.picture = picture_of(play->heap, &play->oracle);
    if (picture_place(&drawing.picture, play->touched, &drawing.touched))
        drawing.touched_end = drawing.touched.offset + play->touched_size;
    drawing.links = count_links(&drawing.picture);
    set_id(&drawing, served);
    plan(&drawing);
    struct legend legend = plan_legend(&drawing, operation);
    print_start(&drawing, legend.bottom, served, operation);
    print_patterns(&drawing);
    print_edge(&drawing);
    print_remarks(&drawing);
    if (drawing.is_exact)
        for (size_t i = 0; i < drawing.picture.count; i++)
            print_span(&drawing, &drawing.picture.spans[i]);
    else
        for (enum kind kind = 0; kind < KINDS; kind++)
            if (drawing.picture.totals[kind] > 0)
                print_cells(&drawing, kind);
    print_frames(&drawing);
    print_touched(&drawing);
    if (drawing.is_exact && drawing.links > 0)
        print_links(&drawing);
    for (size_t i = 0; drawing.is_exact && i < drawing.picture.count; i++)
        print_label(&drawing, &drawing.picture.spans[i]);
    print_legend(&drawing, &legend);
    printf("</svg>\n");
}

int command_picture(int count, char **words)
{
    return play_words("picture", count, words, draw);
}
