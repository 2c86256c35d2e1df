/* The heap in a process, on the hosted layer: errno, the line that misuse
   prints, and fork wherever another thread is in the heap. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "06-scalable/heap.h"
#include "06-scalable/mymalloc.h"
#include "06-scalable/vm.h"
#include "hooks.h"
#include "report.h"

TestSuite(process, .init = watchdog);

enum { IN_CHILD = 10000, CHILD_SECONDS = 10 };

static void begin(void)
{
    void *block = mymalloc(24);
    cr_assert(block != NULL);
    myfree(block);
    myfree(mymalloc(100000));
}

Test(process, is_told_by_errno_when_memory_is_short)
{
    static const size_t request[] = {SIZE_MAX, PTRDIFF_MAX, (size_t)1 << 46};
    begin();
    for (size_t n = 0; n < 3; n++) {
        errno = 0;
        cr_assert(mymalloc(request[n]) == NULL && errno == ENOMEM);
        errno = 0;
        cr_assert(mycalloc(2, request[n]) == NULL && errno == ENOMEM);
        errno = 0;
        cr_assert(myrealloc(NULL, request[n]) == NULL && errno == ENOMEM);
        errno = 0;
        cr_assert(mymemalign(64, request[n]) == NULL && errno == ENOMEM);
    }
}

Test(process, keeps_errno_when_there_is_memory)
{
    begin();
    errno = 1234;
    for (size_t n = 1; n < 3000; n++)
        myfree(mymalloc(n * n));
    cr_assert(errno == 1234);
}

/* The line that the process prints, and its end. */
static void run_child(void (*crime)(void), char *line, size_t size, int *status)
{
    int ends[2];
    cr_assert(pipe(ends) == 0);
    fflush(NULL);
    pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        crime();
        _exit(7);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t got;
    while ((got = read(ends[0], line + length, size - 1 - length)) > 0)
        length += (size_t)got;
    line[length] = '\0';
    cr_assert(waitpid(child, status, 0) == child);
    close(ends[0]);
}

static long static_long;
static void free_a_variable(void)
{
    myfree(mymalloc(10));
    myfree(&static_long);
}

static void free_twice(void)
{
    void *block = mymalloc(100);
    myfree(block);
    myfree(block);
}

static void check_crime(void (*crime)(void), const void *payload)
{
    char line[200], name[40];
    int status;
    run_child(crime, line, sizeof line, &status);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
              "the program did not abort: status %x", (unsigned)status);
    size_t length = strlen(line);
    cr_assert(length > 10 && strchr(line, '\n') == line + length - 1,
              "not one line: %s", line);
    snprintf(name, sizeof name, "%zx", (size_t)(uintptr_t)payload);
    cr_assert(payload == NULL || strstr(line, name) != NULL, "no %s in: %s",
              name, line);
}

Test(process, ends_with_one_line_that_names_the_pointer)
{
    begin();
    check_crime(free_a_variable, &static_long);
    check_crime(free_twice, NULL);
}

/* Work in a child, which must not use Criterion: 0 if all is well. */
static int work_in_child(void)
{
    static unsigned char *block[300];
    alarm(CHILD_SECONDS);
    for (int n = 0; n < IN_CHILD; n++) {
        unsigned char **slot = &block[n % 300];
        size_t request = (size_t)n * 37 % 3000 + 1;
        if (n % 50 == 0)
            request += 100000;
        if (*slot != NULL && **slot != (unsigned char)(n - 300))
            return 2;
        myfree(*slot);
        *slot = mymalloc(request);
        if (*slot == NULL)
            return 3;
        memset(*slot, (unsigned char)n, request);
    }
    for (int n = 0; n < 300; n++) {
        myfree(block[n]);
        block[n] = NULL;
    }
    void *large = mymalloc(6 << 20);
    if (large == NULL)
        return 4;
    myfree(large);
    return mymalloc_check() == 0 ? 0 : 5;
}

static void check_child(pid_t child, const char *event)
{
    int status;
    cr_assert(child > 0, "fork failed");
    cr_assert(waitpid(child, &status, 0) == child);
    cr_assert(!WIFSIGNALED(status), "fork at \"%s\": the child was ended by %d",
              event, WTERMSIG(status));
    cr_assert(WEXITSTATUS(status) == 0, "fork at \"%s\": the child found %d",
              event, WEXITSTATUS(status));
}

Test(process, goes_on_with_its_child_after_fork)
{
    begin();
    void *block[300];
    for (size_t n = 0; n < 300; n++)
        memset(block[n] = mymalloc(n * 70), (int)n, n * 70);
    pid_t child = fork();
    if (child == 0)
        _exit(work_in_child());
    check_child(child, "nothing");
    for (size_t n = 0; n < 300; n++) {
        for (size_t i = 0; i < n * 70; i++)
            cr_assert(((unsigned char *)block[n])[i] == (unsigned char)n);
        myfree(block[n]);
    }
    cr_assert(mymalloc_check() == 0);
}

/* A thread stops where the event is, inside of the heap; another forks, and has
   to wait. */
static void *use_heap(void *context)
{
    static void *block[3000];
    (void)context;
    hook_thread("A", 0);
    for (size_t n = 0; n < 3; n++)
        block[n] = mymalloc(900);
    for (size_t n = 0; n < 3; n++) /* chains of one */
        myfree(block[n]);
    for (size_t n = 0; n < 3000; n++)
        block[n] = mymalloc(64 + n % 2 * 1000);
    for (size_t n = 0; n < 3000; n++)
        myfree(block[n]);
    void *large = mymalloc(3 << 20);
    myfree(myrealloc(large, 5 << 20));
    return NULL;
}

static void *fork_beside(void *context)
{
    hook_thread("B", 1);
    hook("process: about to fork", NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(work_in_child());
    *(pid_t *)context = child;
    return NULL;
}

static void check_fork_at(const char *event)
{
    pthread_t thread[2];
    pid_t child = -1;
    hook_park("A", event, 1);
    cr_assert(pthread_create(&thread[0], NULL, use_heap, NULL) == 0);
    cr_assert(hook_await_parked("A"), "no call came to \"%s\"", event);
    hook_park("B", "process: about to fork", 1);
    cr_assert(pthread_create(&thread[1], NULL, fork_beside, &child) == 0);
    cr_assert(hook_await_parked("B"));
    hook_release("B");
    bool has_waited = hook_await_blocked("B");
    hook_release("A");
    pthread_join(thread[0], NULL);
    pthread_join(thread[1], NULL);
    check_child(child, event);
    cr_assert(has_waited, "the fork did not wait for \"%s\"", event);
    cr_assert(mymalloc_check() == 0);
}

Test(process, may_fork_while_another_thread_holds_a_slot)
{
    begin();
    check_fork_at("mymalloc: hold a slot");
}

Test(process, may_fork_while_another_thread_takes_from_a_depot)
{
    begin();
    check_fork_at("mymalloc: hold the depot to get");
}

Test(process, may_fork_while_another_thread_puts_into_a_depot)
{
    begin();
    check_fork_at("mymalloc: hold the depot to put");
}

Test(process, may_fork_while_another_thread_dissolves_a_chain)
{
    begin();
    check_fork_at("mymalloc: hold the depot to dissolve");
}

Test(process, may_fork_while_another_thread_takes_pages)
{
    begin();
    check_fork_at("mymalloc: hold the pages");
}

Test(process, may_fork_while_another_thread_gives_pages)
{
    begin();
    check_fork_at("mymalloc: give pages");
}

/* The first call of all: nothing of the heap is there yet. */
Test(process, may_fork_while_another_thread_begins)
{
    check_fork_at("mymalloc: begin");
    begin();
}

/* It holds a slot already, and will make the classes. */
Test(process, may_fork_while_another_thread_is_about_to_begin)
{
    check_fork_at("mymalloc: hold a slot");
    begin();
}

/* Several times, so that the locks are as they were each time. */
Test(process, has_children_and_grandchildren)
{
    begin();
    for (int generation = 0; generation < 5; generation++) {
        pid_t child = fork();
        if (child == 0) {
            int fault = work_in_child(), status = 0;
            pid_t next = fork();
            if (next == 0)
                _exit(work_in_child());
            if (fault == 0 && (waitpid(next, &status, 0) != next || status != 0))
                fault = 9;
            _exit(fault);
        }
        check_child(child, "a generation");
        cr_assert(mymalloc(1000) != NULL);
    }
    cr_assert(mymalloc_check() == 0);
}

/* While others work all the time, on as many threads as there may be. */
static bool is_over;
static void *work(void *context)
{
    unsigned state = (unsigned)(uintptr_t)context;
    static _Thread_local unsigned char *block[200];
    while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED)) {
        state = state * 1103515245 + 12345;
        unsigned char **slot = &block[(state >> 16) % 200];
        myfree(*slot);
        *slot = mymalloc((state >> 8 & 0x1ff) + 1);
        **slot = 1;
    }
    return NULL;
}

Test(process, may_fork_5_times_while_2_threads_work)
{
    pthread_t thread[2];
    begin();
    for (uintptr_t n = 0; n < 2; n++)
        cr_assert(pthread_create(&thread[n], NULL, work, (void *)n) == 0);
    for (int n = 0; n < 5; n++) {
        pid_t child = fork();
        if (child == 0)
            _exit(work_in_child());
        check_child(child, "any time");
    }
    __atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
    for (int n = 0; n < 2; n++)
        pthread_join(thread[n], NULL);
}
