/* The command `record`: runs a program under the recorder and makes a trace of
   what each of its processes asked of malloc. The trace of a forked child
   begins with `a` for every block that it inherited. */
#define _GNU_SOURCE
#include "recording.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heap.h"
#include "judge.h"
#include "trace.h"

/* A live block of the recorded process. */
struct held {
    uint64_t address;
    size_t size; /* bytes, as requested */
    int32_t id;
};

/* A recording on its way to a trace. */
struct tape {
    int folder; /* descriptor of the recordings' folder */
    void *live; /* tree of blocks, by address */
    struct trace trace;
    int32_t ids;      /* given so far */
    size_t aligned;   /* requests for an alignment */
    size_t strangers; /* frees of blocks from before the recording */
    size_t lost;      /* blocks whose free was not seen */
};

static int compare(const void *a, const void *b)
{
    const struct held *left = a, *right = b;
    return (left->address > right->address) - (left->address < right->address);
}

static struct held *find(const struct tape *tape, uint64_t address)
{
    const struct held key = {.address = address};
    struct held **found = tfind(&key, &tape->live, compare);
    return found == NULL ? NULL : *found;
}

static void end_block(struct tape *tape, struct held *held)
{
    tdelete(held, &tape->live, compare);
    free(held);
}

static void say(struct tape *tape, char kind, int32_t id, size_t size)
{
    trace_append(&tape->trace, (struct operation){kind, id, size});
}

/* A block is live from here on, and `kind` says how it began. The recorder
   sees every free; but if one was missed, the address tells. */
static void begin_block(struct tape *tape, char kind, int32_t id,
                        const struct event *event)
{
    struct held *held = find(tape, event->block);
    if (held != NULL) {
        say(tape, 'f', held->id, 0);
        end_block(tape, held);
        tape->lost++;
    }
    held = malloc(sizeof *held);
    if (held == NULL)
        die("no memory for the live blocks of a recording");
    *held = (struct held){event->block, event->size, id};
    tsearch(held, &tape->live, compare);
    say(tape, kind, id, event->size);
}

static void play_free(struct tape *tape, const struct event *event)
{
    struct held *held = find(tape, event->old);
    if (event->old == 0)
        say(tape, 'f', ID_NULL, 0);
    else if (held == NULL)
        tape->strangers++;
    else {
        say(tape, 'f', held->id, 0);
        end_block(tape, held);
    }
}

static void play_realloc(struct tape *tape, const struct event *event)
{
    struct held *held = find(tape, event->old);
    if (event->old != 0 && held == NULL) {
        tape->strangers++;
        if (event->block != 0)
            begin_block(tape, 'a', tape->ids++, event);
    } else if (held == NULL) {
        begin_block(tape, 'r', tape->ids++, event);
    } else {
        int32_t id = held->id;
        end_block(tape, held);
        if (event->block == 0)
            say(tape, 'r', id, 0);
        else
            begin_block(tape, 'r', id, event);
    }
}

static void play_event(struct tape *tape, const struct event *event)
{
    switch ((enum event_kind)event->kind) {
    case EVENT_ALIGNED:
        tape->aligned++;
        begin_block(tape, 'a', tape->ids++, event);
        break;
    case EVENT_MALLOC:
        begin_block(tape, 'a', tape->ids++, event);
        break;
    case EVENT_REALLOC:
        play_realloc(tape, event);
        break;
    case EVENT_FREE:
        play_free(tape, event);
        break;
    }
}

static const struct recording *map_recording(int folder, const char *name)
{
    struct stat status;
    int file = openat(folder, name, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) != 0)
        die("%s: %s", name, strerror(errno));
    const struct recording *recording = MAP_FAILED;
    if (status.st_size == RECORD_SIZE)
        recording = mmap(NULL, RECORD_SIZE, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (recording == MAP_FAILED || recording->count > RECORD_EVENTS_MAX)
        die("%s is no recording", name);
    return recording;
}

static struct tape play_recording(int folder, const char *name, uint64_t count);

static int compare_ids(const void *a, const void *b)
{
    const struct held *left = a, *right = b;
    return (left->id > right->id) - (left->id < right->id);
}

static void collect(const void *node, VISIT visit, void *context)
{
    struct held **next = context;
    if (visit == postorder || visit == leaf)
        *(*next)++ = **(struct held *const *)node;
}

/* Begins a child's tape with what was live in its parent, the oldest block
   first. */
static void inherit(struct tape *tape, const struct recording *recording)
{
    struct tape parent = play_recording(tape->folder, recording->parent,
                                        recording->parent_count);
    struct held *blocks = calloc((size_t)parent.ids + 1, sizeof *blocks),
                *last = blocks;
    if (blocks == NULL)
        die("no memory for the live blocks of a recording");
    twalk_r(parent.live, collect, &last);
    qsort(blocks, (size_t)(last - blocks), sizeof *blocks, compare_ids);
    for (const struct held *held = blocks; held < last; held++) {
        const struct event event = {.block = held->address, .size = held->size};
        begin_block(tape, 'a', tape->ids++, &event);
    }
    free(blocks);
    tdestroy(parent.live, free);
    free(parent.trace.operations);
}

/* Plays the first `count` events of a recording, or all. */
static struct tape play_recording(int folder, const char *name, uint64_t count)
{
    struct tape tape = {.folder = folder};
    const struct recording *recording = map_recording(folder, name);
    if (recording->parent[0] != '\0')
        inherit(&tape, recording);
    if (count > recording->count)
        count = recording->count;
    for (uint64_t i = 0; i < count; i++)
        play_event(&tape, &recording->events[i]);
    munmap((void *)(uintptr_t)recording, RECORD_SIZE);
    return tape;
}

/* Makes NAME.PID.rep of NAME.PID.recording, and says so. */
static void make_trace(int folder, const char *name)
{
    char to[NAME_MAX + 1];
    size_t stem = strlen(name) - strlen(RECORD_SUFFIX);
    snprintf(to, sizeof to, "%.*s.rep", (int)stem, name);
    struct tape tape = play_recording(folder, name, UINT64_MAX);
    FILE *file =
        fdopen(openat(folder, to, O_WRONLY | O_CREAT | O_TRUNC, 0666), "w");
    if (file != NULL)
        trace_write(&tape.trace, file);
    if (file == NULL || fclose(file) != 0)
        die("%s: %s", to, strerror(errno));
    fprintf(stderr, "%s: %zu operations, %d ids, %zu requests aligned", to,
            tape.trace.count, tape.ids, tape.aligned);
    if (tape.strangers > 0)
        fprintf(stderr, ", %zu frees of older blocks left out", tape.strangers);
    if (tape.lost > 0)
        fprintf(stderr, ", %zu frees not seen", tape.lost);
    fputc('\n', stderr);
    tdestroy(tape.live, free);
    free(tape.trace.operations);
}

static int is_recording(const struct dirent *file)
{
    const char *end = strstr(file->d_name, RECORD_SUFFIX);
    return end != NULL && strcmp(end, RECORD_SUFFIX) == 0;
}

/* Makes a trace of every recording in the folder, then removes the recordings:
   each may be the parent of another. Returns how many there were. */
static int make_traces(const char *path)
{
    struct dirent **files;
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int count = scandir(path, &files, is_recording, alphasort);
    if (folder < 0 || count < 0)
        die("%s: %s", path, strerror(errno));
    for (int i = 0; i < count; i++)
        make_trace(folder, files[i]->d_name);
    for (int i = 0; i < count; i++) {
        unlinkat(folder, files[i]->d_name, 0);
        free(files[i]);
    }
    free(files);
    close(folder);
    return count;
}

/* Runs the command with the recorder and returns its status, as a shell
   does. */
static int run(const char *folder, char **words)
{
    int status;
    char recorder[PATH_SIZE];
    judge_path("lib/record.so", recorder);
    pid_t child = fork();
    if (child == 0) {
        setenv(RECORD_FOLDER, folder, 1);
        setenv("LD_PRELOAD", recorder, 1);
        execvp(words[0], words);
        fprintf(stderr, "judge: cannot run %s: %s\n", words[0],
                strerror(errno));
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        die("cannot start a process: %s", strerror(errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int command_record(int count, char **words)
{
    char folder[PATH_MAX];
    if (count < 2)
        die("record takes a folder for the traces and a command");
    if ((mkdir(words[0], 0777) != 0 && errno != EEXIST) ||
        realpath(words[0], folder) == NULL)
        die("%s: %s", words[0], strerror(errno));
    int status = run(folder, words + 1);
    if (make_traces(folder) == 0)
        die("%s recorded nothing: is it linked dynamically?", words[1]);
    return status;
}
