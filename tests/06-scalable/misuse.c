/* What happens to a caller who frees what is no live block: what the header says
   is always seen is reported, and the call has no effect. */
#include "model.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

TestSuite(misuse, .init = watchdog);

static const void *payload_said;
static char said[100];
static int reports;

static void listen(const char *what, const void *payload)
{
    snprintf(said, sizeof said, "%s", what);
    payload_said = payload;
    reports++;
    /* No lock is held: the heap may be used. */
    void *block = mymalloc(100);
    cr_assert(block != NULL);
    myfree(block);
}

static void make_heap(void)
{
    begin_heap(SIZE_MAX);
    mymalloc_misuse = listen;
    for (size_t n = 0; n < 30; n++)
        new_block(40 + 30 * n);
    new_block(20000);
    new_block(3 * MIB);
    reports = 0;
}

static void check_report(const void *payload, const char *what)
{
    cr_assert(reports == 1, "%s: %d reports", what, reports);
    cr_assert(payload_said == payload, "%s: another pointer", what);
    cr_assert(strlen(said) > 5, "%s: no words", what);
    reports = 0;
    check_heap();
}

static void check_free_caught(void *payload, const char *what)
{
    myfree(payload);
    check_report(payload, what);
}

static void check_caught(void *payload, const char *what)
{
    check_free_caught(payload, what);
    cr_assert(myrealloc(payload, 10) == NULL, "%s: myrealloc went on", what);
    check_report(payload, what);
    cr_assert(myrealloc(payload, 4 * MIB) == NULL, "%s: myrealloc went on",
              what);
    check_report(payload, what);
}

/* Whatever the number of objects that the processor keeps of the size. */
Test(misuse, is_seen_when_the_last_block_is_freed_again)
{
    make_heap();
    for (size_t size = 1; size <= 8192; size += size / 3 + 1) {
        size_t before = model.count;
        for (size_t n = 0; n < 150; n++)
            new_block(size);
        while (model.count > before) {
            void *payload = model.block[model.count - 1].start;
            free_block(&model.block[model.count - 1]);
            if (model.count % 7 == 0 || model.count < before + 20)
                check_free_caught(payload, "a double free");
        }
    }
}

Test(misuse, is_seen_when_the_only_block_of_a_size_is_freed_again)
{
    for (size_t size = 1; size <= 8192; size += size / 3 + 1) {
        make_heap();
        void *payload = mymalloc(size);
        cr_assert(payload != NULL);
        myfree(payload);
        check_free_caught(payload, "a double free");
        free_all();
    }
}

Test(misuse, is_seen_when_a_large_block_is_freed_twice)
{
    make_heap();
    for (size_t size = 8193; size < 4 * MIB; size *= 2) {
        void *payload = mymalloc(size);
        myfree(payload);
        check_caught(payload, "a double free of a large block");
    }
}

Test(misuse, is_seen_inside_of_a_large_block)
{
    make_heap();
    for (size_t size = 8193; size < 5 * MIB; size *= 3) {
        unsigned char *payload = mymalloc(size);
        memset(payload, 0xA5, size);
        check_caught(payload + 16, "a pointer into the first page");
        check_caught(payload + 4096, "a pointer to the second page");
        check_caught(payload + 4096 + 16, "a pointer into the second page");
        check_caught(payload + (size - 1) / 16 * 16, "a pointer to the end");
        myfree(payload);
        check_heap();
    }
}

Test(misuse, is_seen_when_the_pointer_comes_from_elsewhere)
{
    static long variable;
    long local;
    make_heap();
    void *of_libc = malloc(100), *large_of_libc = malloc(4 << 20);
    check_caught(&variable, "a variable");
    check_caught(&local, "a local variable");
    check_caught(of_libc, "libc's block");
    check_caught(large_of_libc, "libc's mapping");
    check_caught((void *)(uintptr_t)48, "a small number");
    check_caught((void *)UINTPTR_MAX, "the last address");
    check_caught((void *)(uintptr_t)&make_heap, "a function");
    free(of_libc);
    free(large_of_libc);
}

Test(misuse, is_seen_at_the_borders_of_a_region)
{
    make_heap();
    for (size_t n = 0; n < memory.regions; n++) {
        char *start = memory.region[n].start;
        char *end = start + memory.region[n].size;
        check_caught(start, "the region itself");
        check_caught(start - 16, "in front of a region");
        check_caught(start + 64, "the region's tables");
        check_caught(end - 16, "pages that were never used");
        check_caught(end, "behind a region");
    }
}

Test(misuse, is_seen_in_a_region_that_was_given_back)
{
    begin_heap(MIB);
    mymalloc_misuse = listen;
    new_block(100); /* where those of listen are */
    void *payload[20];
    for (size_t n = 0; n < 20; n++)
        payload[n] = mymalloc(900 * KIB);
    for (size_t n = 0; n < 20; n++)
        myfree(payload[n]);
    cr_assert(memory.given_back > 0);
    for (size_t n = 0; n < 20; n++)
        check_caught(payload[n], "a block of a region that is gone");
}

Test(misuse, is_seen_before_the_first_call)
{
    static long variable;
    cpu_hint_fake = believe;
    mymalloc_misuse = listen;
    check_caught(&variable, "a variable");
    make_heap();
    check_heap();
}

Test(misuse, of_NULL_is_none)
{
    make_heap();
    myfree(NULL);
    myfree(myrealloc(NULL, 10));
    cr_assert(reports == 0);
    check_heap();
}

/* Without a hosted layer the program stops at the instruction. */
static long static_long;

Test(misuse, stops_the_program_where_nobody_listens)
{
    begin_heap(SIZE_MAX);
    cr_assert(mymalloc_misuse == mymalloc_trap);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGILL, SIG_DFL);
        signal(SIGTRAP, SIG_DFL);
        myfree(&static_long);
        _exit(0);
    }
    int status;
    cr_assert(child > 0 && waitpid(child, &status, 0) == child);
    cr_assert(WIFSIGNALED(status), "the program went on");
}
