/* Gives every play a child process, and tells how that ended. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "judge.h"
#include "play.h"

enum { PATIENCE = 10 /* seconds that one operation may take */ };

static struct progress *shared;

/* Every second: ends the process if one operation has lasted PATIENCE of
   them. */
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

/* Notes how the child ended, unless it came to the end of its work. */
static void note_end(int status)
{
    if (shared->is_over)
        return;
    shared->outcome = CRASHED;
    if (WIFEXITED(status))
        snprintf(shared->message, MESSAGE_SIZE,
                 "%s ended the process with status %d", shared->doing,
                 WEXITSTATUS(status));
    else if (WTERMSIG(status) == SIGALRM)
        snprintf(shared->message, MESSAGE_SIZE,
                 "%s did not return within %d seconds", shared->doing,
                 PATIENCE);
    else
        snprintf(shared->message, MESSAGE_SIZE, "%s ended with signal %d, %s",
                 shared->doing, WTERMSIG(status), strsignal(WTERMSIG(status)));
}

const struct progress *play_apart(const struct allocator *heap,
                                  const struct trace *trace,
                                  void (*work)(struct play *, size_t),
                                  size_t argument)
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
        shared->is_over = true;
        _exit(STATUS_OK);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        die("cannot start a process for a play");
    note_end(status);
    return shared;
}
