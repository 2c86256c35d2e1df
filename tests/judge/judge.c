/* The judge: replays traces on heaps and shows what they did. `judge --help`
   names its commands. */
#define _GNU_SOURCE /* sched_setaffinity */
#include "judge.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command {
    const char *name, *words, *help;
    int (*run)(int count, char **words);
    enum { HERE, EVERYWHERE } cpus; /* those of threads and other programs */
} commands[] = {
    {"replay", "HEAP TRACE...", "judge how the heap serves each trace",
     command_replay, HERE},
    {"map", "HEAP TRACE [N]", "draw the heap after operation N (or all)",
     command_map, HERE},
    {"picture", "HEAP TRACE [N]", "draw it as SVG, for a page", command_picture,
     HERE},
    {"steps", "HEAP TRACE", "the heap after each operation, as JSON",
     command_steps, HERE},
    {"dump", "HEAP TRACE [N]", "the heap after operation N as lines of JSON",
     command_dump, HERE},
    {"curve", "HEAP TRACE [N]", "payload and heap over time, as a table",
     command_curve, HERE},
    {"time", "HEAP... -- TRACE...", "operations a second, as a table",
     command_time, HERE},
    {"shrink", "HEAP [RULE...]", "the fewest calls that break a promise",
     command_shrink, HERE},
    {"memory", "HEAP... -- TRACE...", "the most memory taken, as a table",
     command_memory, HERE},
    {"classes", "HEAP TRACE [N]", "draw it by region and class of sizes",
     command_classes, HERE},
    {"calls", "HEAP TRACE", "the system calls that the heap makes",
     command_calls, HERE},
    {"threads", "WORKLOAD N HEAP...", "workloads on N threads, as a table",
     command_threads, EVERYWHERE},
    {"cut", "TRACE N", "the first N operations, as a trace", command_cut, HERE},
    {"record", "FOLDER COMMAND...", "run a program, a trace for each process",
     command_record, EVERYWHERE},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static const char notes[] =
    "\n"
    "HEAP   the path of a shared object (*.so), or the name of one in "
    "build/heaps/,\n"
    "       such as 01-bump, 01-bump/1-break or libc\n"
    "TRACE  a trace in the .rep format, which gzip may have packed\n"
    "Status 0: all well; 1: bad input; 2: the heap broke a promise, crashed or "
    "hung;\n"
    "       3: the heap could not serve an operation\n";

void die(const char *format, ...)
{
    va_list arguments;
    fflush(stdout);
    fputs("judge: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(STATUS_BAD_INPUT);
}

/* A heap may serve each CPU from another list: one that moves between them
   while it replays a trace gives another picture each time. */
static void stay_on_one_cpu(void)
{
    cpu_set_t here;
    int cpu = sched_getcpu();
    CPU_ZERO(&here);
    CPU_SET((size_t)cpu, &here);
    if (cpu == -1 || sched_setaffinity(0, sizeof here, &here) != 0)
        die("can't stay on one CPU");
}

static void print_help(void)
{
    for (int i = 0; i < COMMANDS; i++)
        printf("judge %-8s%-20s%s\n", commands[i].name, commands[i].words,
               commands[i].help);
    fputs(notes, stdout);
}

int main(int count, char **words)
{
    if (count < 2)
        die("which command? judge --help names them");
    if (strcmp(words[1], "--help") == 0) {
        print_help();
        return STATUS_OK;
    }
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(words[1], commands[i].name) == 0) {
            if (commands[i].cpus == HERE)
                stay_on_one_cpu();
            return commands[i].run(count - 2, words + 2);
        }
    die("no command is called %s; judge --help names them", words[1]);
}
