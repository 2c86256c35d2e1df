/* The recorder: preloaded into a program, it notes each call of malloc's
   family in a file (recording.h) and leaves the work to glibc. It never
   allocates: its file is a mapping, and nothing is looked up by name. `judge
   record` preloads it.

   Threads take turns, each for a call and its note, so that the notes have the
   order of the calls. A forked child, which has a copy of the heap, begins a
   file of its own that names its parent's; so does a program after exec, but
   no parent. What cannot be noted ends the recording, not the program; only a
   full disk ends both, as a mapping has no other way to report it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "recording.h"

/* glibc's own functions, under names that no other library takes over. */
extern void *__libc_malloc(size_t size);
extern void __libc_free(void *block);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

/* What a fork clears in the child, whatever the parent's threads are doing. */
struct cleared {
    pthread_mutex_t turn;        /* all zero: free */
    struct recording *recording; /* NULL: not begun */
};

/* In a child that has no file yet, `name` and `count` are still its parent's.
 */
static struct {
    struct cleared *cleared;     /* NULL: it is too early to record */
    bool is_off;                 /* nothing is recorded from here on */
    char folder[PATH_MAX / 2];   /* of the recordings */
    char name[RECORD_NAME_SIZE]; /* of this process's file */
    _Atomic uint64_t count;      /* of events in it */
    _Atomic uint64_t in_flight;  /* block that a thread reallocates, or 0 */
} state;

static void give_up(const char *why)
{
    char line[128];
    int size =
        snprintf(line, sizeof line, "record: %s; no more is recorded\n", why);
    state.is_off = true;
    (void)!write(STDERR_FILENO, line, (size_t)size);
}

/* Once, as soon as there is an environment to read. */
static void prepare(void)
{
    if (environ == NULL)
        return;
    const char *folder = getenv(RECORD_FOLDER);
    state.is_off = folder == NULL || strlen(folder) >= sizeof state.folder;
    if (state.is_off)
        return;
    strcpy(state.folder, folder);
    struct cleared *cleared =
        mmap(NULL, sizeof *cleared, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (cleared == MAP_FAILED ||
        madvise(cleared, sizeof *cleared, MADV_WIPEONFORK) != 0)
        give_up("no memory that a fork clears");
    else
        state.cleared = cleared;
}

/* Creates a file named for this program and process; returns its
   descriptor. */
static int create(void)
{
    char program[17] = "", path[PATH_MAX], again[16] = "";
    prctl(PR_GET_NAME, program);
    for (char *c = program; *c != '\0'; c++)
        if (*c == '/')
            *c = '-';
    for (int i = 2;; i++) {
        snprintf(state.name, sizeof state.name, "%s.%d%s" RECORD_SUFFIX,
                 program, getpid(), again);
        snprintf(path, sizeof path, "%s/%s", state.folder, state.name);
        int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file >= 0 || errno != EEXIST)
            return file;
        snprintf(again, sizeof again, "-%d", i);
    }
}

static void note(struct recording *recording, enum event_kind kind,
                 uint64_t size, const void *old, const void *block)
{
    uint64_t count = state.count;
    if (recording == NULL)
        return;
    if (count == RECORD_EVENTS_MAX) {
        give_up("the recording is full");
        return;
    }
    recording->events[count] =
        (struct event){kind, size, (uintptr_t)old, (uintptr_t)block};
    atomic_store(&recording->count, count + 1);
    state.count = count + 1;
}

/* Begins this process's file. What another thread was reallocating when the
   process was forked is lost to it. */
static void begin_recording(void)
{
    int error = errno;
    char parent[RECORD_NAME_SIZE];
    memcpy(parent, state.name, sizeof parent);
    int file = create();
    struct recording *recording = MAP_FAILED;
    if (file >= 0 && ftruncate(file, RECORD_SIZE) == 0)
        recording = mmap(NULL, RECORD_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
                         file, 0);
    close(file);
    if (recording == MAP_FAILED) {
        give_up("the recording cannot be created");
    } else {
        memcpy(recording->parent, parent, sizeof parent);
        recording->parent_count = state.count;
        state.count = 0;
        state.cleared->recording = recording;
        if (state.in_flight != 0)
            note(recording, EVENT_FREE, 0, (void *)(uintptr_t)state.in_flight,
                 NULL);
        state.in_flight = 0;
    }
    errno = error;
}

/* Begins a turn. Returns NULL, and no turn, if nothing is to be recorded. */
static struct recording *begin(void)
{
    if (state.cleared == NULL && !state.is_off)
        prepare();
    if (state.cleared == NULL || state.is_off)
        return NULL;
    pthread_mutex_lock(&state.cleared->turn);
    if (state.cleared->recording == NULL)
        begin_recording();
    if (!state.is_off)
        return state.cleared->recording;
    pthread_mutex_unlock(&state.cleared->turn);
    return NULL;
}

static void end(const struct recording *recording)
{
    if (recording != NULL)
        pthread_mutex_unlock(&state.cleared->turn);
}

void *malloc(size_t size)
{
    struct recording *recording = begin();
    void *block = __libc_malloc(size);
    if (block != NULL)
        note(recording, EVENT_MALLOC, size, NULL, block);
    end(recording);
    return block;
}

void *calloc(size_t count, size_t size)
{
    struct recording *recording = begin();
    void *block = __libc_calloc(count, size);
    if (block != NULL)
        note(recording, EVENT_MALLOC, count * size, NULL, block);
    end(recording);
    return block;
}

void *realloc(void *old, size_t size)
{
    struct recording *recording = begin();
    if (recording != NULL)
        state.in_flight = (uintptr_t)old;
    void *block = __libc_realloc(old, size);
    if (block != NULL || size == 0)
        note(recording, EVENT_REALLOC, size, old, block);
    if (recording != NULL)
        state.in_flight = 0;
    end(recording);
    return block;
}

void free(void *block)
{
    struct recording *recording = begin();
    note(recording, EVENT_FREE, 0, block, NULL);
    __libc_free(block);
    end(recording);
}

void *memalign(size_t alignment, size_t size)
{
    struct recording *recording = begin();
    void *block = __libc_memalign(alignment, size);
    if (block != NULL)
        note(recording, EVENT_ALIGNED, size, NULL, block);
    end(recording);
    return block;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    int error = errno;
    if (alignment < sizeof *block || (alignment & (alignment - 1)) != 0)
        return EINVAL;
    void *result = memalign(alignment, size);
    errno = error;
    if (result == NULL)
        return ENOMEM;
    *block = result;
    return 0;
}

void *valloc(size_t size)
{
    return memalign((size_t)sysconf(_SC_PAGESIZE), size);
}

void *pvalloc(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (size > SIZE_MAX - page) {
        errno = ENOMEM;
        return NULL;
    }
    return memalign(page, (size + page - 1) & ~(page - 1));
}
