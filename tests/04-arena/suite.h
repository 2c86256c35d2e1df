/* For Criterion suites: a fault of the arena fails the test. The suites are also
   linked into one program, which has this once for each. */
#ifndef SUITE_H
#define SUITE_H

#include <criterion/criterion.h>
#include <signal.h>
#include <sys/time.h>

#include "model.h"
#include "report.h"

_Noreturn static void reject(const char *fault)
{
    cr_assert_fail("%s", fault);
    abort();
}

/* What each test begins with. It takes a second at most, and if it takes much
   longer, its thread waits for a lock. */
static inline void begin_test(void)
{
    const struct itimerval limit = {.it_value.tv_sec = 8};
    setitimer(ITIMER_REAL, &limit, NULL);
    begin_model();
}

/* Where threads have to wait for each other, and say if one waits too long. */
static inline void begin_long_test(void)
{
    watchdog();
    begin_model();
}

#endif
