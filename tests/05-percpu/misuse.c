/* What happens to a caller who frees what is no live block: it is reported, and
   the call has no effect. */
#include "model.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(misuse, .init = watchdog);

static const void *payload_said;
static char said[100];
static int reports;

static void listen(const char *what, const void *payload)
{
    snprintf(said, sizeof said, "%s", what);
    payload_said = payload;
    reports++;
}

static void make_heap(void)
{
    mymalloc_misuse = listen;
    begin_heap();
    for (size_t n = 0; n < 20; n++)
        new_block(40 + 30 * n);
    new_block(2 * THRESHOLD);
    reports = 0;
}

static void check_report(void *payload, const char *what)
{
    cr_assert(reports == 1, "%s: %d reports", what, reports);
    cr_assert(payload_said == payload, "%s: another pointer", what);
    cr_assert(strlen(said) > 5, "%s: no words", what);
    reports = 0;
    check_memory();
}

static void check_caught(void *payload, const char *what)
{
    myfree(payload);
    check_report(payload, what);
    cr_assert(myrealloc(payload, 10) == NULL, "%s: myrealloc went on", what);
    check_report(payload, what);
    cr_assert(myrealloc(payload, 4 * THRESHOLD) == NULL,
              "%s: myrealloc went on", what);
    check_report(payload, what);
}

Test(misuse, is_seen_when_a_block_is_freed_twice)
{
    make_heap();
    for (int n = 0; n < 5; n++) {
        void *payload = model.block[n].start;
        free_block(&model.block[n]);
        check_caught(payload, "a double free");
    }
}

Test(misuse, is_called_a_double_free_where_the_block_is_still_there)
{
    make_heap();
    void *one = mymalloc(1000), *two = mymalloc(1000);
    cr_assert(one != NULL && two != NULL);
    myfree(one);
    myfree(one);
    check_report(one, "a double free");
    cr_assert(strstr(said, "double") != NULL, "it says: %s", said);
}

Test(misuse, is_seen_when_a_freed_block_has_merged)
{
    make_heap();
    void *lower = mymalloc(64 * KIB), *upper = mymalloc(64 * KIB);
    myfree(upper);
    myfree(lower);
    check_caught(upper, "a double free of a merged block");
}

Test(misuse, is_seen_inside_of_a_block)
{
    make_heap();
    for (size_t n = 0; n < 20; n++)
        for (size_t offset = 1; offset < model.block[n].size; offset += 61)
            check_caught(model.block[n].start + offset, "a pointer inside");
}

Test(misuse, is_seen_in_the_heaps_own_records)
{
    make_heap();
    take_picture();
    for (size_t n = 0; n < picture.count; n++)
        if (picture.part[n].kind == PART_META)
            for (size_t k = 0; k < picture.part[n].size; k += 1024) {
                char *inside = (char *)(uintptr_t)picture.part[n].start + k;
                check_caught(inside, "a pointer into the tables");
            }
}

Test(misuse, is_seen_when_a_mapping_is_freed_twice)
{
    make_heap();
    void *payload = mymalloc(3 * THRESHOLD);
    myfree(payload);
    myfree(payload);
    check_report(payload, "a double free of a mapping");
}

Test(misuse, is_seen_inside_of_a_mapping)
{
    make_heap();
    unsigned char *payload = mymalloc(3 * THRESHOLD);
    memset(payload, 0xA5, 3 * THRESHOLD);
    check_caught(payload + 16, "a pointer into a mapping");
    check_caught(payload + 4096, "a pointer into the next page");
    check_caught(payload + 4096 - 32, "a pointer to a page");
    myfree(payload);
    check_memory();
}

Test(misuse, is_seen_when_the_pointer_comes_from_elsewhere)
{
    static long variable;
    long local;
    make_heap();
    char *other = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *of_libc = malloc(100), *large_of_libc = malloc(4 << 20);
    check_caught(&variable, "a variable");
    check_caught(&local, "a local variable");
    check_caught(of_libc, "libc's block");
    check_caught(large_of_libc, "libc's mapping");
    for (size_t offset = 0; offset < 200; offset += 8)
        check_caught(other + offset, "somebody's mapping");
    munmap(other, 8192);
    for (size_t offset = 0; offset < 200; offset += 8)
        check_caught(other + offset, "a mapping that is gone");
    check_caught((void *)(uintptr_t)48, "a small number");
    check_caught((void *)(UINTPTR_MAX - 15), "a large number");
    free(of_libc);
    free(large_of_libc);
}

Test(misuse, is_seen_on_the_break_between_pools)
{
    make_heap();
    char *foreign = machine.brk;
    visit_break(3 << 20);
    new_block(THRESHOLD);
    new_block(THRESHOLD);
    for (size_t offset = 0; offset < 3 << 20; offset += 60000)
        check_caught(foreign + offset, "what others took from the break");
    check_caught(machine.brk, "the break itself");
    check_caught(machine.lo - 4096 + 32, "below the break's beginning");
}

Test(misuse, is_seen_in_a_pool_that_is_spare)
{
    make_heap();
    unsigned char *block[4];
    for (int n = 0; n < 4; n++)
        block[n] = mymalloc(THRESHOLD);
    for (int n = 0; n < 4; n++)
        myfree(block[n]);
    for (int n = 0; n < 4; n++)
        check_caught(block[n], "a block of a pool that is spare");
}

Test(misuse, of_NULL_is_none)
{
    make_heap();
    myfree(NULL);
    cr_assert(reports == 0);
    check_memory();
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
    ssize_t length = read(ends[0], line, size - 1);
    line[length > 0 ? length : 0] = '\0';
    cr_assert(waitpid(child, status, 0) == child);
    close(ends[0]);
}

static long static_long;
static void free_a_variable(void)
{
    myfree(mymalloc(10));
    myfree(&static_long);
}

Test(misuse, ends_the_program_with_one_line_that_names_the_pointer)
{
    begin_heap();
    char line[200], name[40];
    int status;
    run_child(free_a_variable, line, sizeof line, &status);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
              "the program did not abort: status %x", (unsigned)status);
    size_t length = strlen(line);
    cr_assert(length > 10 && strchr(line, '\n') == line + length - 1,
              "not one line: %s", line);
    snprintf(name, sizeof name, "%zx", (size_t)(uintptr_t)&static_long);
    cr_assert(strstr(line, name) != NULL, "no %s in: %s", name, line);
}

static void free_a_variable_at_once(void)
{
    myfree(&static_long);
}

/* Before any block was asked for. */
Test(misuse, ends_the_program_even_at_its_first_call)
{
    char line[200];
    int status;
    cr_assert(mymalloc != NULL);
    run_child(free_a_variable_at_once, line, sizeof line, &status);
    cr_assert(WIFSIGNALED(status), "the program went on");
    cr_assert(mymalloc(10) != NULL, "mymalloc(10) returned NULL");
}
