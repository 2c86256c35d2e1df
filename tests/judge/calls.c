/* The command `calls`: what a heap asks of the kernel while it serves a trace.
   The play runs in a child process that stops at each system call; only those
   that come between two marks, before the first operation and after the last,
   are counted.

   Prints the name of each system call and how often it was made. A heap that
   cannot finish the trace is an error. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "judge.h"
#include "play.h"

/* The calls by which heaps deal with memory; others are shown by number. */
static const struct {
    long number;
    const char *name;
} names[] = {
    {SYS_brk, "brk"},         {SYS_mmap, "mmap"},
    {SYS_munmap, "munmap"},   {SYS_mremap, "mremap"},
    {SYS_madvise, "madvise"}, {SYS_mprotect, "mprotect"},
    {SYS_futex, "futex"},     {SYS_write, "write"},
};

enum {
    NAMES = sizeof names / sizeof names[0],
    CALLS = 512,    /* above all numbers of system calls */
    MARK = SYS_getppid
};

static void print_counts(const size_t counts[CALLS])
{
    for (int i = 0; i < NAMES; i++)
        if (counts[names[i].number] > 0)
            printf("%-10s%8zu\n", names[i].name, counts[names[i].number]);
    for (long number = 0; number < CALLS; number++) {
        int i = 0;
        while (i < NAMES && names[i].number != number)
            i++;
        if (i == NAMES && counts[number] > 0)
            printf("call %-5ld%8zu\n", number, counts[number]);
    }
}

/* The child: serves the trace between two marks. */
static void serve(const struct allocator *heap, const struct trace *trace,
                  void **blocks)
{
    if (heap->init != NULL && heap->init() != 0)
        _exit(STATUS_UNFINISHED);
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    syscall(MARK);
    for (size_t i = 0; i < trace->count; i++) {
        const struct operation *operation = &trace->operations[i];
        void **block = &blocks[operation->id + 1];
        if (operation->kind == 'a')
            *block = heap->malloc(operation->size);
        else if (operation->kind == 'r')
            *block = heap->realloc(*block, operation->size);
        else if (operation->kind == 'f') {
            heap->free(*block);
            *block = NULL;
        }
        if (*block == NULL && operation->size > 0 && operation->kind != 'w')
            _exit(STATUS_UNFINISHED);
    }
    syscall(MARK);
    _exit(STATUS_OK);
}

/* The parent: counts until the child has ended. Returns its exit status. */
static int count_calls(pid_t child, size_t counts[CALLS])
{
    int status = 0, marks = 0;
    waitpid(child, &status, 0);
    ptrace(PTRACE_SETOPTIONS, child, NULL,
           PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    while (ptrace(PTRACE_SYSCALL, child, NULL, NULL) == 0 &&
           waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        struct __ptrace_syscall_info info;
        ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info);
        if (WSTOPSIG(status) != (SIGTRAP | 0x80) ||
            info.op != PTRACE_SYSCALL_INFO_ENTRY)
            continue;
        if (info.entry.nr == MARK)
            marks++;
        else if (marks == 1 && info.entry.nr < CALLS)
            counts[info.entry.nr]++;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_INVALID;
}

int command_calls(int count, char **words)
{
    if (count != 2)
        die("calls takes HEAP TRACE");
    const struct allocator *heap = heap_load(words[0]);
    struct trace trace = trace_read(words[1]);
    size_t size = (trace.ids + 1) * sizeof(void *), counts[CALLS] = {0};
    void **blocks = mmap(NULL, size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (blocks == MAP_FAILED || heap->free == NULL || heap->realloc == NULL)
        die("cannot play %s on %s", trace.name, words[0]);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        serve(heap, &trace, blocks);
    int status = child > 0 ? count_calls(child, counts) : STATUS_INVALID;
    if (status == STATUS_OK)
        print_counts(counts);
    else
        fprintf(stderr, "judge: %s did not finish %s\n", words[0], trace.name);
    return status;
}
