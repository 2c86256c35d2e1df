/* Forces the schedules of threads, and records them. In a build with TEST_HOOKS
   the book's code calls hook(event, object) at the places where another thread
   could step in. tests/hooks.c implements it, and here a test decides what
   happens at each. No test needs luck, and none sleeps for a time.

       hook_park("A", "mem_sbrk: read the break", 1);
       pthread_create(...);            // its first call: hook_thread("A", 0)
       hook_await_parked("A");         // A has read the break
       ...                             // what another thread does meanwhile
       hook_release("A");

   Only threads that called hook_thread take part. All others pass a hook and
   take no lock: ThreadSanitizer sees no order but that of the book's code.
   A child of fork has its forking thread alone, with its name, and begins with
   nothing planned and nothing recorded. What goes wrong (a thread that does not
   arrive, say) ends the program with one line.

   Also counts what a heap does: the same in every run, where times are not. */
#ifndef HOOKS_H
#define HOOKS_H

#include <stdbool.h>

#include "01-bump/allocator.h"
#include "01-bump/hook.h"

/* Names the calling thread. `cpu` is what a record says of it: a number that
   the test gives, wherever it runs. To move to another CPU, call it again. */
void hook_thread(const char *name, int cpu);

/* Lets `thread` run call(context) when it arrives at `event` (NULL: any event)
   for the `visit`-th time from now, counted from 1. The call may fork and may
   use hooks. `event` has to last until then. */
void hook_call(const char *thread, const char *event, unsigned visit,
               void (*call)(void *context), void *context);

/* Lets `thread` stop there, until it is released. */
void hook_park(const char *thread, const char *event, unsigned visit);

/* Waits until `thread` has stopped. Returns false if it ended instead. */
bool hook_await_parked(const char *thread);

/* Waits until `thread`, which has called hook_thread, waits for a lock of the
   book: it sleeps there, or spins. Returns false if it stopped or ended instead.
   What a waiting thread waits for, only another can do: it stays as it is. */
bool hook_await_blocked(const char *thread);

/* Lets `thread`, which has stopped, go on. */
void hook_release(const char *thread);

/* From now on each arrival of a named thread is recorded as a step, and with it
   how the heap that `walk` visits has changed. `walk` must take no lock. Where
   one thread runs at a time, the same schedule always gives the same record. */
void hook_record(void (*walk)(heap_visit *visit, void *context));

/* Ends the record and writes it to build/schedules/NAME.json: an array with an
   object for each step, on a line of its own.
     step    its number, from 1
     thread  the name of the thread that arrived
     cpu     its CPU
     event   the event at which it arrived
     chunk   the chunk where that hook() stands, by build/lines/hook-points.tsv;
             null if it stands in a test
     object  the place that the hook names; null if it is in no region
     gone    parts of the heap that the step before had, and this has not
     new     parts that this has, and the step before had not
   A place is [region, offset]: regions count from 0 in the order in which they
   appear, and offsets are bytes from a region's start. A part is an object:
     kind    "region", "meta", "used", "free", "fresh" or "foreign"
     at      the place where it starts
     size    bytes
     list    if it is free: the list that holds it, from 0; -1: none
     next    if it is free: the place of the next part on its list, or null */
void hook_write(const char *name);

/* Returns how many basic blocks of any heap.c or arena.c the process has run;
   a loop runs at least one a turn. Builds with TSan and releases don't count. */
unsigned long hook_steps(void);

#endif
