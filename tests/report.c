/* The closing line of a Criterion binary, for tests/run and for graders;
   crashes count as failures. And the watchdog: see report.h.
   Criterion forks for each test, in a program that has the book's code in it:
   were the book's handlers called then, one that is wrong would stop Criterion
   and not the test. So they are registered here, and called in tests only. */
#include "report.h"

#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/time.h>

ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
    printf("%zu passed, %zu failed\n", stats->tests_passed,
           stats->tests_failed);
}

void watchdog(void)
{
    const struct itimerval limit = {.it_value.tv_sec = 30};
    setitimer(ITIMER_REAL, &limit, NULL);
}

enum { HANDLERS = 5000 };

static struct {
    void (*prepare)(void), (*parent)(void), (*child)(void); /* NULL: none */
} handler[HANDLERS];
static size_t handlers;
static bool is_runner; /* this process only starts the tests */

ReportHook(PRE_ALL)(struct criterion_test_set *tests)
{
    (void)tests;
    is_runner = true;
}

/* The last that is registered is called first. */
static void prepare(void)
{
    for (size_t i = handlers; i > 0 && !is_runner; i--)
        if (handler[i - 1].prepare != NULL)
            handler[i - 1].prepare();
}

static void parent(void)
{
    for (size_t i = 0; i < handlers && !is_runner; i++)
        if (handler[i].parent != NULL)
            handler[i].parent();
}

static void child(void)
{
    for (size_t i = 0; i < handlers && !is_runner; i++)
        if (handler[i].child != NULL)
            handler[i].child();
}

/* What the linker would have taken from libc calls this. */
int __register_atfork(void (*prepare)(void), void (*parent)(void),
                      void (*child)(void), void *program);

int pthread_atfork(void (*first)(void), void (*then)(void),
                   void (*in_child)(void))
{
    if (handlers == HANDLERS)
        return ENOMEM;
    if (handlers == 0 && __register_atfork(prepare, parent, child, NULL) != 0)
        return ENOMEM;
    handler[handlers].prepare = first;
    handler[handlers].parent = then;
    handler[handlers].child = in_child;
    handlers++;
    return 0;
}
