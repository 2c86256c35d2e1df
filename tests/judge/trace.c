/* Reads a trace from a file, plain or packed by gzip, and refuses one that is
   not sound with one line `FILE:LINE: message`. */
#define _GNU_SOURCE
#include "trace.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "judge.h"

enum { WORD_MAX = 32, IDS_MAX = 10000000 };

struct reader {
    const char *path;
    FILE *file;
    pid_t gzip;          /* that unpacks it, or 0 */
    size_t line;         /* of the next byte, from 1 */
    size_t word_line;    /* of the last word */
    char word[WORD_MAX]; /* the last word, cut if it is longer */
};

/* What a trace may do with an id depends on what it did before. */
struct id {
    enum { UNUSED, LIVE, FREED } state;
    size_t size; /* bytes that the live block was asked for */
};

static _Noreturn void refuse(const struct reader *reader, const char *format,
                             ...)
{
    va_list arguments;
    fflush(stdout);
    fprintf(stderr, "%s:%zu: ", reader->path, reader->word_line);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

/* Returns the reading end of a pipe from `gzip -dc`, which reads `packed`. */
static int unpack(struct reader *reader, int packed)
{
    extern char **environ;
    int ends[2];
    posix_spawn_file_actions_t actions;
    char *const arguments[] = {(char[]){"gzip"}, (char[]){"-dc"}, NULL};
    if (pipe2(ends, O_CLOEXEC) != 0)
        refuse(reader, "cannot make a pipe: %s", strerror(errno));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, packed, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
                                     O_WRONLY, 0);
    int error =
        posix_spawnp(&reader->gzip, "gzip", &actions, NULL, arguments, environ);
    if (error != 0)
        refuse(reader, "cannot run gzip: %s", strerror(error));
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    close(packed);
    return ends[0];
}

static struct reader open_trace(const char *path)
{
    struct reader reader = {.path = path, .line = 1, .word_line = 1};
    unsigned char magic[2] = {0};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        refuse(&reader, "cannot be opened: %s", strerror(errno));
    if (pread(file, magic, sizeof magic, 0) == 2 && magic[0] == 0x1f &&
        magic[1] == 0x8b)
        file = unpack(&reader, file);
    reader.file = fdopen(file, "r");
    if (reader.file == NULL)
        refuse(&reader, "cannot be read: %s", strerror(errno));
    return reader;
}

/* Called once, at the end of the file: was that really its end? */
static void close_trace(struct reader *reader)
{
    int status = 0;
    if (ferror(reader->file))
        refuse(reader, "cannot be read: %s", strerror(errno));
    fclose(reader->file);
    reader->file = NULL;
    if (reader->gzip != 0 &&
        (waitpid(reader->gzip, &status, 0) < 0 || status != 0))
        refuse(reader, "gzip cannot unpack the file beyond this line");
}

static int next_byte(struct reader *reader)
{
    int byte = reader->file == NULL ? EOF : getc(reader->file);
    if (byte == EOF && reader->file != NULL)
        close_trace(reader);
    return byte;
}

/* Reads the next word, on this line or on any. Returns false if there is
   none. */
static bool next_word(struct reader *reader, bool on_this_line)
{
    size_t length = 0;
    int byte = next_byte(reader);
    while (isspace(byte) && !(byte == '\n' && on_this_line)) {
        reader->line += byte == '\n';
        byte = next_byte(reader);
    }
    if (byte != EOF && !isspace(byte))
        reader->word_line = reader->line;
    for (; byte != EOF && !isspace(byte); byte = next_byte(reader))
        if (length < WORD_MAX - 1)
            reader->word[length++] = isprint(byte) ? (char)byte : '?';
    if (byte != EOF)
        ungetc(byte, reader->file);
    reader->word[length] = '\0';
    return length > 0;
}

/* The last word as a number, at most `max`; `what` names it in a refusal. */
static size_t number(const struct reader *reader, const char *what, size_t max)
{
    const char *word = reader->word;
    size_t digits = strspn(word, "0123456789");
    if (word[0] == '-' && isdigit((unsigned char)word[1]))
        refuse(reader, "%s is negative: %s", what, word);
    if (digits == 0 || word[digits] != '\0')
        refuse(reader, "%s is no number: %s", what, word);
    errno = 0;
    unsigned long value = strtoul(word, NULL, 10);
    if (errno != 0 || value > max)
        refuse(reader, "%s is too large: %s", what, word);
    return value;
}

static size_t header_number(struct reader *reader, const char *what, size_t max)
{
    if (!next_word(reader, false))
        refuse(reader, "the file ends where %s should be", what);
    return number(reader, what, max);
}

/* The next word of an operation, on the same line. */
static void next_field(struct reader *reader, const char *what)
{
    if (!next_word(reader, true))
        refuse(reader, "the line ends where %s should be", what);
}

/* Reads the operation whose kind is the last word. */
static struct operation read_operation(struct reader *reader, size_t ids)
{
    struct operation operation = {.kind = reader->word[0], .id = ID_NULL};
    if (reader->word[1] != '\0' || strchr("arfw", operation.kind) == NULL)
        refuse(reader, "unknown operation: %s", reader->word);
    next_field(reader, "the id");
    if (operation.kind == 'f' && strcmp(reader->word, "-1") == 0)
        return operation;
    size_t id = number(reader, "the id", SIZE_MAX);
    if (id >= ids)
        refuse(reader, "id %zu is out of range: the header promises %zu ids",
               id, ids);
    operation.id = (int32_t)id;
    if (operation.kind == 'f')
        return operation;
    next_field(reader, "the size");
    operation.size = number(reader, "the size", SIZE_MAX);
    return operation;
}

/* Refuses an operation that its id does not allow; else notes what it does. */
static void apply(const struct reader *reader,
                  const struct operation *operation, struct id *id)
{
    bool is_live = id->state == LIVE;
    if (operation->kind == 'a' && is_live)
        refuse(reader, "id %d is allocated, but it is still live",
               operation->id);
    if (operation->kind == 'f' && !is_live)
        refuse(reader, "id %d is freed, but it is not live", operation->id);
    if (operation->kind == 'w' && !is_live)
        refuse(reader, "id %d is written, but it is not live", operation->id);
    if (operation->kind == 'w' && operation->size > id->size)
        refuse(reader, "%zu bytes are written to id %d, which has %zu",
               operation->size, operation->id, id->size);
    if (operation->kind == 'r' && id->state == FREED)
        refuse(reader, "id %d is reallocated, but it is freed", operation->id);
    if (operation->kind == 'w')
        return;
    bool is_freed = operation->kind == 'f';
    if (operation->kind == 'r' && is_live && operation->size == 0)
        is_freed = true;
    *id = (struct id){is_freed ? FREED : LIVE, operation->size};
}

/* Reads the operations of a trace for which the header promised so many. */
static void read_operations(struct reader *reader, struct trace *trace,
                            size_t ids, size_t count)
{
    struct id *states = calloc(ids + 1, sizeof *states);
    if (states == NULL)
        refuse(reader, "no memory for %zu ids", ids);
    while (next_word(reader, false)) {
        if (trace->count == count)
            refuse(reader,
                   "more than the %zu operations that the header promises",
                   count);
        struct operation operation = read_operation(reader, ids);
        if (operation.id != ID_NULL)
            apply(reader, &operation, &states[operation.id]);
        trace_append(trace, operation);
    }
    if (trace->count < count)
        refuse(reader,
               "the file ends after %zu operations, the header promises %zu",
               trace->count, count);
    if (trace->ids != ids)
        refuse(reader, "the header promises %zu ids, the operations use %zu",
               ids, trace->ids);
    free(states);
}

static void set_name(struct trace *trace, const char *path)
{
    const char *slash = strrchr(path, '/');
    snprintf(trace->name, sizeof trace->name, "%s", slash ? slash + 1 : path);
    char *end = strstr(trace->name, ".rep");
    if (end != NULL)
        *end = '\0';
}

struct trace trace_read(const char *path)
{
    struct reader reader = open_trace(path);
    struct trace trace = {.count = 0};
    set_name(&trace, path);
    header_number(&reader, "the suggested size of the heap", SIZE_MAX);
    size_t ids = header_number(&reader, "the number of ids", IDS_MAX);
    size_t count = header_number(&reader, "the number of operations", SIZE_MAX);
    header_number(&reader, "the weight", SIZE_MAX);
    read_operations(&reader, &trace, ids, count);
    return trace;
}

void operation_text(const struct operation *operation, char *text)
{
    if (operation->kind == 'f')
        snprintf(text, OPERATION_TEXT, "f %d", operation->id);
    else
        snprintf(text, OPERATION_TEXT, "%c %d %zu", operation->kind,
                 operation->id, operation->size);
}

void trace_append(struct trace *trace, struct operation operation)
{
    if ((trace->count & (trace->count - 1)) == 0) {
        size_t room = trace->count == 0 ? 1 : trace->count * 2;
        trace->operations =
            reallocarray(trace->operations, room, sizeof operation);
        if (trace->operations == NULL)
            die("no memory for %zu operations", room);
    }
    trace->operations[trace->count++] = operation;
    if (operation.id >= (int32_t)trace->ids)
        trace->ids = (size_t)operation.id + 1;
}

void trace_write(const struct trace *trace, FILE *file)
{
    char text[OPERATION_TEXT];
    fprintf(file, "0\n%zu\n%zu\n1\n", trace->ids, trace->count);
    for (size_t i = 0; i < trace->count; i++) {
        operation_text(&trace->operations[i], text);
        fprintf(file, "%s\n", text);
    }
}

size_t trace_operation(const struct trace *trace, const char *word)
{
    char *end;
    size_t number = strtoul(word, &end, 10);
    if (!isdigit((unsigned char)*word) || *end != '\0' || number > trace->count)
        die("%s is no operation of %s, which has %zu", word, trace->name,
            trace->count);
    return number;
}
