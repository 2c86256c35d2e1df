/* Lets a test fail by an assertion where the heap touches memory that it may not:
       if (sigsetjmp(on_fault, 1) != 0)
           cr_assert_fail("my_check has left the heap");
       catch_faults();
       my_check();
       end_catching(); */
#ifndef FAULT_H
#define FAULT_H

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

static sigjmp_buf on_fault;
static volatile sig_atomic_t is_catching;

static inline void jump_back(int signal_number)
{
    if (!is_catching)
        signal(signal_number, SIG_DFL); /* and it comes again */
    else
        siglongjmp(on_fault, signal_number);
}

static inline void end_catching(void)
{
    is_catching = false;
}

static inline void catch_faults(void)
{
    static bool is_installed;
    struct sigaction action = {.sa_handler = jump_back};
    if (!is_installed) {
        sigaction(SIGSEGV, &action, NULL);
        sigaction(SIGBUS, &action, NULL);
        is_installed = true;
    }
    is_catching = true;
}

#endif
