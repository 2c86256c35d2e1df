/* What happens to a caller who frees what is no live block: where the heap can
   see it, it reports it through my_misuse, and the call has no effect. If
   nobody listens, the program ends with one line. */
#include "model.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "02-first-fit/misuse.h"

TestSuite(misuse, .init = watchdog);

enum { SMALL = 40, MEDIUM = 5000, LARGE = 300 << 10 }; /* bytes */

static struct picture before;
static const char *what_said;
static const void *payload_said;
static int reports;

static void listen(const char *what, const void *payload)
{
    what_said = what;
    payload_said = payload;
    reports++;
}

enum { COUNT = 10 };
static unsigned char *small[COUNT], *medium[COUNT], *large[2];

/* A heap with live blocks of all kinds. */
static void make_heap(void)
{
    begin_heap(APART);
    for (int n = 0; n < COUNT; n++) {
        small[n] = new_block(SMALL)->start;
        medium[n] = new_block(MEDIUM)->start;
    }
    large[0] = new_block(LARGE)->start;
    large[1] = new_block(9 * LARGE)->start;
    my_misuse = listen;
    reports = 0;
    take_picture(&before);
}

static void check_report(const void *payload, const char *what)
{
    cr_assert(reports == 1, "%s: %d reports", what, reports);
    cr_assert(payload_said == payload, "%s: another payload", what);
    cr_assert(what_said != NULL && strlen(what_said) > 5, "%s: no words", what);
    check_unchanged(&before, what);
    cr_assert(allocator.check() == 0, "%s: the heap is broken", what);
    reports = 0;
}

static void check_caught(void *payload, const char *what)
{
    MyFree(payload);
    check_report(payload, what);
    static const size_t requests[] = {10,     SMALL, 3000,
                                      MEDIUM, LARGE, 9 * LARGE};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        cr_assert(MyRealloc(payload, requests[i]) == NULL,
                  "%s: MyRealloc went on", what);
        check_report(payload, what);
    }
    cr_assert(MyRealloc(payload, 0) == NULL);
    check_report(payload, what);
}

/* Frees a block, as it should be, and looks at the heap anew. */
static void free_and_look(unsigned char *payload)
{
    free_block(block_at(payload));
    take_picture(&before);
}

Test(misuse, is_seen_when_a_small_block_is_freed_twice)
{
    make_heap();
    for (int n = 0; n < COUNT; n++) {
        free_and_look(small[n * 7 % COUNT]);
        for (int k = 0; k <= n; k++)
            check_caught(small[k * 7 % COUNT], "a double free");
    }
}

Test(misuse, is_seen_when_a_medium_block_is_freed_twice)
{
    make_heap();
    for (int n = 0; n < COUNT; n += 2) {
        free_and_look(medium[n]);
        check_caught(medium[n], "a double free");
    }
    for (int n = 1; n < COUNT; n += 2) {
        free_and_look(medium[n]); /* and now it is part of a larger hole */
        for (int k = 0; k <= n; k++)
            check_caught(medium[k], "a double free");
    }
}

/* One is kept for the next, the other is unmapped. */
Test(misuse, is_seen_when_a_large_block_is_freed_twice)
{
    make_heap();
    for (int n = 0; n < 2; n++) {
        free_and_look(large[n]);
        for (int k = 0; k <= n; k++)
            check_caught(large[k], "a double free");
    }
}

/* Segments that were given back, or kept empty. */
Test(misuse, is_seen_when_all_is_freed_twice)
{
    make_heap();
    for (int n = 0; n < 700; n++)
        new_block(MEDIUM);
    static unsigned char *start[1000];
    size_t count = model.count;
    for (size_t n = 0; n < count; n++)
        start[n] = model.block[n].start;
    while (model.count > 0)
        free_block(model.block);
    take_picture(&before);
    for (size_t n = 0; n < count; n += 11)
        check_caught(start[n], "a double free");
    for (size_t n = 0; n < COUNT; n++) {
        check_caught(small[n], "a double free");
        check_caught(medium[n], "a double free");
    }
}

Test(misuse, is_seen_when_the_address_is_inside_a_block)
{
    make_heap();
    for (size_t by = 1; by < SMALL; by++)
        check_caught(small[3] + by, "inside a small block");
    for (size_t by = 1; by < 200; by++)
        if (by % 16 != 0)
            check_caught(medium[3] + by, "inside a block, not aligned");
    for (size_t by = 1; by < LARGE; by += by < 100 ? 1 : 9973)
        check_caught(large[0] + by, "inside a large block");
    for (size_t by = 1; by < 9 * LARGE; by += by < 100 ? 1 : 199999)
        check_caught(large[1] + by, "inside a large block");
}

/* Where a block could begin, in another 2 MiB of the mapping. */
Test(misuse, is_seen_behind_the_first_2_MiB_of_a_large_block)
{
    make_heap();
    uintptr_t second =
        ((uintptr_t)large[1] / ALIGNED_BYTES + 1) * ALIGNED_BYTES;
    unsigned char *start = (unsigned char *)second;
    for (size_t by = 0; by < 1024; by += 8)
        check_caught(start + by, "inside a large block");
}

/* Where contents don't look like a header. */
Test(misuse, is_seen_when_the_address_is_inside_a_block_and_aligned)
{
    make_heap();
    struct block *block = block_at(medium[3]);
    block->size = 0; /* nobody looks at its contents */
    for (size_t by = 16; by < MEDIUM - 16; by += 112) {
        memset(medium[3], 0, MEDIUM);
        check_caught(medium[3] + by, "inside a block of zeros");
        memset(medium[3], 0xff, MEDIUM);
        check_caught(medium[3] + by, "inside a block of ones");
    }
}

/* A program's words look like the headers of blocks of 32 bytes. */
static void forge_headers(uint32_t below)
{
    uint32_t *word = (uint32_t *)(void *)medium[3];
    block_at(medium[3])->size = 0;
    for (size_t n = 0; n < MEDIUM / 4; n += 2) {
        word[n] = below;
        word[n + 1] = 32 | 1;
    }
}

Test(misuse, is_seen_when_contents_look_like_a_header)
{
    make_heap();
    forge_headers(32);
    for (size_t by = 1; by < 300; by++)
        if (by % 16 != 0)
            check_caught(medium[3] + by, "inside a block, not aligned");
    forge_headers(48); /* they do not agree */
    for (size_t by = 16; by < 300; by += 16)
        check_caught(medium[3] + by, "inside a block, aligned");
}

Test(misuse, is_seen_when_the_address_was_never_handed_out)
{
    static char outside[64];
    char local[64];
    make_heap();
    for (size_t by = 0; by < 32; by++) {
        check_caught(outside + by, "a static variable");
        check_caught(local + by, "a local variable");
        check_caught((char *)1 + by, "next to NULL");
        check_caught((char *)UINTPTR_MAX - by, "the end of all memory");
        check_caught((char *)((uintptr_t)1 << 47) + by, "no user's memory");
        check_caught((char *)((uintptr_t)1 << 48) + by, "no user's memory");
    }
    uintptr_t segment = (uintptr_t)small[0] / ALIGNED_BYTES * ALIGNED_BYTES;
    for (size_t by = 0; by < 64; by += 8)
        check_caught((char *)segment + by, "the start of a segment");
    check_caught((char *)segment - 16, "below a segment");
    check_caught((char *)segment + ALIGNED_BYTES, "above a segment");
    check_caught((char *)segment + ALIGNED_BYTES - 16, "the end of a segment");
    check_caught(large[0] - 16, "the header of a mapping");
}

/* Every part that is none in use: headers, free and fresh memory. */
Test(misuse, is_seen_wherever_no_block_begins)
{
    make_heap();
    for (int n = 0; n < COUNT; n += 3) {
        free_block(block_at(small[n]));
        free_block(block_at(medium[n]));
    }
    take_picture(&before);
    for (size_t i = 0; i < before.count; i++) {
        const struct heap_part *part = &before.part[i];
        char *start = (char *)(uintptr_t)part->start;
        if (part->kind == PART_USED || part->kind == PART_REGION)
            continue;
        check_caught(start, "a part that is not in use");
        if (part->size >= 16)
            check_caught(start + (part->size - 1) / 16 * 16, "its last bytes");
    }
}

Test(misuse, is_seen_before_there_is_a_heap)
{
    begin_heap(APART);
    my_misuse = listen;
    take_picture(&before);
    check_caught((char *)16, "an empty heap");
    check_caught(&before, "an empty heap");
    MyFree(NULL);
    cr_assert(reports == 0);
    new_block(SMALL);
    check_heap();
}

Test(misuse, is_not_seen_where_there_is_none)
{
    for (enum placing placing = APART; placing <= LINUX; placing++) {
        begin_heap(placing);
        my_misuse = listen;
        for (int i = 0; i < 5000; i++)
            random_call(100);
        free_all_blocks();
        cr_assert(reports == 0, "a call without fault is reported: %s",
                  what_said);
    }
}

/* What the heap writes into free blocks a program may write into live ones. */
Test(misuse, is_not_seen_in_what_a_free_block_left)
{
    unsigned char bytes[SMALL];
    make_heap();
    for (size_t request = SMALL; request <= 5000; request += 16) {
        unsigned char *payload = MyMalloc(request);
        MyFree(payload);
        memcpy(bytes, payload, SMALL);
        payload = MyMalloc(request);
        memcpy(payload, bytes, SMALL);
        unsigned char *other = MyMalloc(request);
        memcpy(other, bytes, SMALL);
        MyFree(other);
        MyFree(payload);
        cr_assert(reports == 0, "a live block of %zu is taken for a free one",
                  request);
    }
    check_heap();
}

/* The one line */

static char said[1000];

/* Runs `call` in a child; returns how it ended, and reads what it said. */
static int end_of_child(void call(void))
{
    int ends[2];
    cr_assert(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGILL, SIG_DFL);
        signal(SIGTRAP, SIG_DFL);
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], 2);
        call();
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t got; length < sizeof said - 1; length += (size_t)got) {
        got = read(ends[0], said + length, sizeof said - 1 - length);
        if (got <= 0)
            break;
    }
    said[length] = '\0';
    close(ends[0]);
    int status = 0;
    cr_assert(waitpid(child, &status, 0) == child);
    return status;
}

static void *given; /* to MyFree, wrongly */

static void free_given(void)
{
    MyFree(given);
}

static void resize_given(void)
{
    MyRealloc(given, 100);
}

static void check_line(void *payload, const char *what)
{
    char address[32];
    given = payload;
    snprintf(address, sizeof address, "%p", payload);
    for (int i = 0; i < 2; i++) {
        int status = end_of_child(i == 0 ? free_given : resize_given);
        cr_assert(WIFSIGNALED(status), "%s went on", what);
        const char *end = strchr(said, '\n');
        cr_assert(end != NULL && end[1] == '\0', "%s: not one line: '%s'", what,
                  said);
        cr_assert(strstr(said, address) != NULL, "%s: no address in '%s'", what,
                  said);
        cr_assert(end - said > (ptrdiff_t)strlen(address) + 5,
                  "%s: no fault in '%s'", what, said);
    }
}

Test(misuse, ends_a_program_with_one_line_if_nobody_listens)
{
    void (*by_default)(const char *, const void *) = my_misuse;
    make_heap();
    my_misuse = by_default;
    free_block(block_at(small[1]));
    free_block(block_at(medium[1]));
    free_block(block_at(large[1]));
    check_line(small[1], "a double free");
    check_line(medium[1], "a double free");
    check_line(large[1], "a double free");
    check_line(small[2] + 16, "a pointer into a block");
    check_line(large[0] + 16, "a pointer into a block");
    check_line(&given, "a wild pointer");
    free_all_blocks();
    check_heap();
}
