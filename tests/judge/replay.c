/* Plays traces, each in a child process; and the command `replay`, which prints
   how a heap did on each. */
#include "replay.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "judge.h"

enum {
    PATIENCE = 10,              /* seconds that one operation may take */
    ALLOWANCE = 40 * 1024       /* bytes that every heap may take, as in the labs */
};

static struct progress *shared;

/* Every second: ends the process if one operation has lasted PATIENCE of them. */
static void watch(int signal_number)
{
    static size_t operation = SIZE_MAX;
    static int seconds;
    seconds = operation == shared->operation ? seconds + 1 : 0;
    operation = shared->operation;
    if (seconds < PATIENCE)
        return;
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void set_watch(void)
{
    const struct itimerval second = {{1, 0}, {1, 0}};
    signal(SIGALRM, watch);
    setitimer(ITIMER_REAL, &second, NULL);
}

static void note_end(int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_OK)
        return;
    shared->outcome = CRASHED;
    if (WIFEXITED(status))
        snprintf(shared->message, MESSAGE_SIZE, "%s ended the process with status %d",
                 shared->doing, WEXITSTATUS(status));
    else if (WTERMSIG(status) == SIGALRM)
        snprintf(shared->message, MESSAGE_SIZE, "%s did not return within %d seconds",
                 shared->doing, PATIENCE);
    else
        snprintf(shared->message, MESSAGE_SIZE, "%s ended with signal %d, %s",
                 shared->doing, WTERMSIG(status), strsignal(WTERMSIG(status)));
}

const struct progress *play_apart(const struct allocator *heap, const struct trace *trace,
                                  void (*work)(struct play *, size_t), size_t argument)
{
    int status = 0;
    if (shared == NULL)
        shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        die("no memory to share with a play");
    *shared = (struct progress){.doing = "the judge"};
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct play play = {.heap = heap, .trace = trace, .progress = shared};
        set_watch();
        work(&play, argument);
        fflush(stdout);
        _exit(STATUS_OK);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        die("cannot start a process for a play");
    note_end(status);
    return shared;
}

static bool fails(struct play *play, const char *message)
{
    play->progress->outcome = FAILED;
    snprintf(play->progress->message, MESSAGE_SIZE, "%s", message);
    return false;
}

/* What the oracle says of a promise, noted. */
static bool kept(struct play *play, bool is_kept)
{
    if (!is_kept)
        play->progress->outcome = INVALID;
    return is_kept;
}

/* From here on, a crash is one in `doing`. */
static void enter(struct play *play, const char *doing) { play->progress->doing = doing; }

static bool play_malloc(struct play *play, int32_t id, size_t request)
{
    enter(play, "malloc");
    void *payload = play->heap->malloc(request);
    if (payload == NULL && request > 0)
        return fails(play, "malloc returned NULL");
    enter(play, "writing the new block");
    return kept(play, oracle_allocated(&play->oracle, id, payload, request));
}

static bool play_free(struct play *play, int32_t id)
{
    void *payload = id == ID_NULL ? NULL : play->oracle.blocks[id].payload;
    if (play->heap->free == NULL)
        return fails(play, "the heap has no free");
    enter(play, "reading the old block");
    if (id != ID_NULL && !kept(play, oracle_holds(&play->oracle, id)))
        return false;
    enter(play, "free");
    play->heap->free(payload);
    if (id != ID_NULL)
        oracle_freed(&play->oracle, id);
    return true;
}

static bool play_realloc(struct play *play, int32_t id, size_t request)
{
    void *old = play->oracle.blocks[id].payload;
    if (play->heap->realloc == NULL)
        return fails(play, "the heap has no realloc");
    enter(play, "reading the old block");
    if (!kept(play, oracle_holds(&play->oracle, id)))
        return false;
    enter(play, "realloc");
    void *payload = play->heap->realloc(old, request);
    if (payload == NULL && request > 0)
        return fails(play, "realloc returned NULL");
    enter(play, "writing the new block");
    if (old == NULL || request > 0)
        return kept(play, oracle_reallocated(&play->oracle, id, payload, request));
    oracle_freed(&play->oracle, id);
    if (payload == NULL)
        return true;
    snprintf(play->progress->message, MESSAGE_SIZE,
             "realloc to 0 bytes must free block %d and return NULL, it returned a block", id);
    return kept(play, false);
}

static bool play_write(struct play *play, int32_t id, size_t size)
{
    enter(play, "writing a live block");
    if (!kept(play, oracle_holds(&play->oracle, id)))
        return false;
    oracle_written(&play->oracle, id, size);
    return true;
}

static bool play_operation(struct play *play, const struct operation *operation)
{
    switch (operation->kind) {
    case 'a': return play_malloc(play, operation->id, operation->size);
    case 'r': return play_realloc(play, operation->id, operation->size);
    case 'w': return play_write(play, operation->id, operation->size);
    default: return play_free(play, operation->id);
    }
}

/* Notes where the operation's block is; for one that ends it, where it was. */
static void touch(struct play *play, int32_t id)
{
    if (id == ID_NULL || play->oracle.blocks[id].payload == NULL)
        return;
    play->touched = play->oracle.blocks[id].payload;
    play->touched_size = play->oracle.blocks[id].request;
}

static bool agrees(struct play *play)
{
    enter(play, "check or walk");
    return kept(play, oracle_agrees(&play->oracle, play->heap, &play->progress->heap_size));
}

static bool start(struct play *play)
{
    play->oracle = oracle_new(play->trace->ids, play->progress->message);
    enter(play, "init");
    if (play->heap->init != NULL && play->heap->init() != 0)
        return fails(play, "init failed");
    return true;
}

/* Plays the operation that is under way. */
static bool step(struct play *play)
{
    size_t n = play->oracle.operation = play->progress->operation;
    const struct operation *operation = &play->trace->operations[n - 1];
    play->touched = NULL;
    play->touched_size = 0;
    touch(play, operation->id);
    if (!play_operation(play, operation))
        return false;
    touch(play, operation->id);
    play->progress->peak = play->oracle.peak;
    return (n & (n - 1)) != 0 || agrees(play);
}

bool play_to(struct play *play, size_t last)
{
    size_t *operation = &play->progress->operation;
    bool is_served = play->oracle.blocks != NULL || start(play);
    while (is_served && *operation < last && *operation < play->trace->count) {
        ++*operation;
        is_served = step(play);
    }
    if (play->progress->outcome == INVALID || (!is_served && *operation == 0))
        return false;
    enter(play, "reading the live blocks");
    return kept(play, oracle_all_hold(&play->oracle)) && agrees(play) && is_served;
}

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

void outcome_text(const struct trace *trace, const struct progress *progress,
                  char line[OUTCOME_SIZE])
{
    static const char *const words[] = {
        [FAILED] = "fail", [INVALID] = "invalid", [CRASHED] = "crash"};
    char operation[OPERATION_TEXT] = "init";
    if (progress->outcome == PLAYED) {
        snprintf(line, OUTCOME_SIZE, "ok");
        return;
    }
    if (progress->operation > 0)
        operation_text(&trace->operations[progress->operation - 1], operation);
    snprintf(line, OUTCOME_SIZE, "%s at operation %zu (%s): %s", words[progress->outcome],
             progress->operation, operation, progress->message);
}

int outcome_status(enum outcome outcome)
{
    if (outcome == PLAYED)
        return STATUS_OK;
    return outcome == FAILED ? STATUS_UNFINISHED : STATUS_INVALID;
}

int worse_status(int one, int other)
{
    if (one == STATUS_OK || other == STATUS_OK)
        return one + other;
    return one < other ? one : other;
}

int play_words(const char *command, int count, char **words,
               void (*work)(struct play *, size_t))
{
    char line[OUTCOME_SIZE];
    if (count < 2 || count > 3)
        die("%s takes a heap, a trace and perhaps the number of an operation", command);
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

static void play_all(struct play *play, size_t last) { play_to(play, last); }

/* How much of the heap the program had use for, as the labs define it: a heap up
   to ALLOWANCE bytes counts as no larger. */
static double utilization(const struct progress *progress)
{
    size_t use = progress->peak, size = progress->heap_size;
    return (double)(use > ALLOWANCE ? use : ALLOWANCE) /
           (double)(size > ALLOWANCE ? size : ALLOWANCE);
}

static void print_row(const struct allocator *heap, const struct trace *trace,
                      const struct progress *progress)
{
    char heap_size[24] = "-", use[24] = "-", line[OUTCOME_SIZE];
    if (heap->walk != NULL)
        snprintf(heap_size, sizeof heap_size, "%zu", progress->heap_size);
    if (heap->walk != NULL && progress->outcome == PLAYED)
        snprintf(use, sizeof use, "%.1f %%", 100 * utilization(progress));
    outcome_text(trace, progress, line);
    printf("%-20s %10zu %12zu %12s %11s  %s\n", trace->name, trace->count, progress->peak,
           heap_size, use, line);
}

int command_replay(int count, char **words)
{
    int status = STATUS_OK;
    if (count < 2)
        die("replay takes a heap and at least one trace");
    const struct allocator *heap = heap_load(words[0]);
    for (int i = 1; i < count; i++) {
        struct trace trace = trace_read(words[i]);
        if (i == 1)
            printf("%-20s %10s %12s %12s %11s  %s\n", "trace", "operations",
                   "peak payload", "final heap", "utilization", "result");
        const struct progress *progress = play_apart(heap, &trace, play_all, trace.count);
        print_row(heap, &trace, progress);
        status = worse_status(status, outcome_status(progress->outcome));
        free(trace.operations);
    }
    return status;
}
