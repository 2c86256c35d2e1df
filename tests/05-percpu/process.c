/* The heap after fork: parent and child both go on, wherever another thread was
   in the heap. */
#include "model.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hooks.h"

TestSuite(process, .init = watchdog);

enum { IN_CHILD = 3000, CHILD_SECONDS = 10 };

/* Work in a child, which must not use Criterion: 0 if all is well. */
static int work_in_child(void)
{
    static unsigned char *block[200];
    alarm(CHILD_SECONDS);
    for (int n = 0; n < IN_CHILD; n++) {
        unsigned char **slot = &block[n % 200];
        size_t request = (size_t)n * 37 % 3000 + 1;
        machine.current = n % 2;
        if (*slot != NULL && **slot != (unsigned char)(n - 200))
            return 2;
        myfree(*slot);
        *slot = mymalloc(request);
        if (*slot == NULL)
            return 3;
        memset(*slot, (unsigned char)n, request);
    }
    for (int n = 0; n < 200; n++) {
        myfree(block[n]);
        block[n] = NULL;
    }
    void *large = mymalloc(4 << 20);
    if (large == NULL)
        return 4;
    myfree(large);
    return mycheck() == 0 ? 0 : 5;
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
    begin_heap();
    for (size_t n = 0; n < 300; n++)
        new_block(n * 7);
    pid_t child = fork();
    if (child == 0)
        _exit(work_in_child());
    check_child(child, "nothing");
    check_memory();
    free_all();
    check_all_free();
}

/* A thread stops where the event is, inside of the heap; another forks, and has
   to wait. */
static void *use_heap(void *context)
{
    (void)context;
    hook_thread("A", 0);
    thread_cpu = 0;
    void *block[4];
    for (int n = 0; n < 4; n++)
        block[n] = mymalloc(THRESHOLD);
    for (int n = 0; n < 4; n++)
        myfree(block[n]);
    myfree(mymalloc(2 * THRESHOLD));
    return NULL;
}

static void *fork_beside(void *context)
{
    hook_thread("B", 1);
    thread_cpu = 1;
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
    check_all_free();
}

Test(process, may_fork_while_another_thread_holds_a_list)
{
    begin_heap();
    check_fork_at("mymalloc: hold a list");
}

Test(process, may_fork_while_another_thread_splits_a_block)
{
    begin_heap();
    check_fork_at("mymalloc: split a block");
}

Test(process, may_fork_while_another_thread_takes_a_block)
{
    begin_heap();
    check_fork_at("mymalloc: found a block");
}

Test(process, may_fork_while_another_thread_merges_blocks)
{
    begin_heap();
    check_fork_at("mymalloc: merge with the buddy");
}

Test(process, may_fork_while_another_thread_holds_the_break)
{
    begin_heap();
    check_fork_at("mymalloc: hold the break");
}

Test(process, may_fork_while_another_thread_moves_the_break)
{
    begin_heap();
    check_fork_at("mymalloc: read the break");
}

Test(process, may_fork_while_another_thread_holds_the_mappings)
{
    begin_heap();
    check_fork_at("mymalloc: hold the mappings");
}

/* The first call of all: nothing of the heap is there yet. */
Test(process, may_fork_while_another_thread_makes_the_lists)
{
    check_fork_at("mymalloc: make the lists");
    begin_heap();
}

static void live(int generation)
{
    pid_t child = fork();
    if (child == 0) {
        int fault = work_in_child();
        if (fault == 0 && generation < 4) {
            int status;
            pid_t next = fork();
            if (next == 0)
                _exit(work_in_child());
            fault = waitpid(next, &status, 0) == next && status == 0 ? 0 : 9;
        }
        _exit(fault);
    }
    check_child(child, "a generation");
}

Test(process, has_children_and_grandchildren)
{
    begin_heap();
    for (int generation = 0; generation < 5; generation++) {
        new_block(1000);
        live(generation);
    }
    check_memory();
}
