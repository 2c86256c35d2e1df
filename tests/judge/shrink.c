/* The command `shrink`: the fewest calls that show a promise which a heap
   breaks.

       judge shrink HEAP [in=FUNCTION] [RULE...]

   Tries random scripts of calls, short and simple ones first, each in a process
   of its own, under the eyes of the oracle. Of the first that breaks a promise
   it drops calls and lowers numbers as long as a promise of the same function
   is broken (Zeller and Hildebrandt call that delta debugging). Prints what is
   left with the values that the heap returned (offsets from its start), the
   promise, and the heap at that moment.

   in=FUNCTION  only what malloc, free, realloc, calloc, init or check breaks
   zero         malloc(0) must return NULL
   reuse        with no block live, a request that was freed just before must
                not extend the heap
   corrupt      below a payload stand the size of its block and, next to it, the
                offset of the next block: check must see what can't be right
   grow=BYTES   malloc may extend the heap by no more than this and the request
   max=BYTES    the largest request that the heap serves
   call=PREFIX  what stands before the names of the functions, my_ for example

   Exit 2 if a promise is broken. The same heap always gives the same calls. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "judge.h"
#include "oracle.h"
#include "picture.h"

enum {
    CALLS = 128,       /* the longest script */
    TRIES = 60,        /* scripts of each length at each stage */
    PATIENCE = 250000, /* microseconds of CPU time for a script */
    LARGE = 1 << 20,   /* bytes; no request that must be served is larger */
    PLENTY = 2 << 20,  /* bytes that a script asks for at most */
    DIRTY = 64 << 10,  /* bytes that are not zero when a script begins */
    BEYOND = 4 << 10,  /* bytes behind the heap that are looked at */
    DIRT = 0xA5,
    ENDED = 20, /* scripts that may end the process unlooked for */
    PALETTE = 4 /* sizes that recur in a script */
};
static const size_t plus_16 = (size_t)77 << 40;  /* OVERWRITE: adds 16 */
static const size_t too_large = (size_t)1 << 46; /* bytes: no heap has them */

/* What a script does, one call each; the functions of the heap come first. */
enum function {
    IN_MALLOC,
    IN_FREE,
    IN_REALLOC,
    IN_CALLOC,
    IN_INIT,
    IN_SBRK,
    IN_FAIL_AT,
    IN_OVERWRITE,
    IN_CHECK,
    IN_WALK /* in no script: what else a promise can be broken in */
};
static const char *const functions[] = {
    "malloc",   "free",        "realloc", "calloc", "init",
    "mem_sbrk", "mem_fail_at", "",        "check",  "walk"};

struct call {
    enum function kind;
    int32_t id;  /* of a block; ID_NONE: of NULL */
    size_t size; /* bytes; IN_OVERWRITE: the value */
    size_t
        count; /* IN_CALLOC: elements; IN_OVERWRITE: words below the payload */
};
enum { ID_NONE = -1 };

struct script {
    size_t count;
    struct call calls[CALLS];
};

/* What is found in the child; the parent reads it. */
struct verdict {
    size_t script;       /* of those that the child plays, from 0 */
    size_t call;         /* under way or the last, from 0 */
    enum function doing; /* what it is in */
    bool is_over;        /* nothing crashed */
    bool is_broken;      /* a promise is, and `message` says which */
    char message[MESSAGE_SIZE];
};
static struct verdict *verdict;

/* What the words after the command ask for, and what the heap offers. */
static struct {
    const struct allocator *heap;
    void *(*mem_sbrk)(size_t increment); /* NULL: not offered */
    void (*mem_fail_at)(unsigned k);     /* NULL: not offered */
    bool is_zero_null, is_reusing, is_checking;
    size_t max, grow;
    const char *prefix;
    int only; /* the kind that may break a promise; -1: any */
} rules = {.max = LARGE, .grow = SIZE_MAX, .prefix = "", .only = -1};

/* How far a search has come: each stage allows more. */
static const struct stage {
    unsigned kinds;   /* a bit for each that scripts may have */
    bool is_agreeing; /* check and walk are asked after every call */
} stages[] = {
    {1 << IN_MALLOC, false},
    {1 << IN_MALLOC | 1 << IN_FREE | 1 << IN_CALLOC, false},
    {1 << IN_MALLOC | 1 << IN_FREE | 1 << IN_REALLOC, false},
    {0xff & ~(1 << IN_OVERWRITE), false},
    {1 << IN_MALLOC | 1 << IN_FREE, true},
    {1 << IN_MALLOC | 1 << IN_FREE | 1 << IN_REALLOC, true},
    {0xff & ~(1 << IN_OVERWRITE), true},
    {1 << IN_MALLOC | 1 << IN_FREE | 1 << IN_OVERWRITE, true},
};
enum { STAGES = sizeof stages / sizeof stages[0] };

/* --- Playing a script, in the child --- */

static struct {
    struct oracle oracle;
    struct layout fresh; /* the walk of the heap before the first call */
    bool is_agreeing, is_printing;
    unsigned char *dirt; /* DIRTY bytes, those behind the heap untouched */
    bool may_fail;       /* a failure is planned, and has not been seen */
    bool must_fail;      /* it was planned by the last call */
    size_t just_freed;   /* bytes of the request that the last call freed */
    void *touched;       /* where the last call's block is or was */
    size_t touched_size;
    struct {
        unsigned char *start;
        size_t size;
    } foreign[CALLS];
    size_t foreigners;
} run;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    va_list arguments;
    if (!run.is_printing)
        return;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    fflush(stdout);
}

static bool breaks(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
static bool breaks(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(verdict->message, MESSAGE_SIZE, format, arguments);
    va_end(arguments);
    return false;
}

/* A number as a person would write it. */
static const char *number(size_t value)
{
    static char texts[4][40];
    static int turn;
    char *text = texts[turn++ % 4];
    size_t top = SIZE_MAX, half = PTRDIFF_MAX;
    if (value > top - 10000)
        snprintf(text, 40, value == top ? "SIZE_MAX" : "SIZE_MAX - %zu",
                 top - value);
    else if (value <= half && value > half - 10000)
        snprintf(text, 40, value == half ? "PTRDIFF_MAX" : "PTRDIFF_MAX - %zu",
                 half - value);
    else if (value > half && value < half + 10000)
        snprintf(text, 40, "PTRDIFF_MAX + %zu", value - half);
    else
        snprintf(text, 40, "%zu", value);
    return text;
}

static const char *name_of(int32_t id)
{
    static char texts[2][16];
    static int turn;
    char *text = texts[turn++ % 2];
    snprintf(text, 16, id == ID_NONE ? "NULL" : "p%d", id);
    return text;
}

/* The call as C. */
static void call_text(const struct call *call, char *text, size_t size)
{
    const char *prefix = rules.prefix, *block = name_of(call->id);
    switch (call->kind) {
    case IN_MALLOC:
        snprintf(text, size, "%s = %smalloc(%s)", block, prefix,
                 number(call->size));
        break;
    case IN_CALLOC:
        snprintf(text, size, "%s = %scalloc(%s, %s)", block, prefix,
                 number(call->count), number(call->size));
        break;
    case IN_FREE:
        snprintf(text, size, "%sfree(%s)", prefix, block);
        break;
    case IN_REALLOC:
        snprintf(text, size, "%s = %srealloc(%s, %s)", block, prefix,
                 run.oracle.blocks[call->id].born == 0 ? "NULL" : block,
                 number(call->size));
        break;
    case IN_INIT:
        snprintf(text, size, "%sinit()", prefix);
        break;
    case IN_SBRK:
        snprintf(text, size, "mem_sbrk(%s), by somebody else",
                 number(call->size));
        break;
    case IN_FAIL_AT:
        snprintf(text, size, "mem_fail_at(1)");
        break;
    default:
        snprintf(text, size, "((uint64_t *)%s)[-%zu] %s %s", block, call->count,
                 call->size == plus_16 ? "+=" : "=",
                 call->size == plus_16 ? "16" : number(call->size));
    }
}

/* Says what a call returned: an offset from the start of its region. */
static void say_place(const void *payload)
{
    if (!run.is_printing)
        return;
    if (payload == NULL) {
        say("NULL");
        return;
    }
    struct layout layout = {.count = 0};
    if (rules.heap->walk != NULL)
        layout = heap_layout(rules.heap);
    for (size_t i = 0; i < layout.count; i++) {
        const struct heap_part *part = &layout.parts[i];
        size_t offset = (uintptr_t)payload - (uintptr_t)part->start;
        if (part->kind == PART_REGION && offset < part->size) {
            say("%zu", offset);
            return;
        }
    }
    say("an address outside of the heap");
}

static bool foreign_bytes_hold(void)
{
    for (size_t i = 0; i < run.foreigners; i++)
        for (size_t k = 0; k < run.foreign[i].size; k++)
            if (run.foreign[i].start[k] != (unsigned char)(0x80 + i))
                return breaks("the heap must not touch the bytes that somebody "
                              "else got from mem_sbrk, byte %zu of %zu changed",
                              k, run.foreign[i].size);
    return true;
}

static bool is_same_layout(const struct layout *a, const struct layout *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct heap_part *one = &a->parts[i], *other = &b->parts[i];
        if (one->kind != other->kind || one->size != other->size ||
            one->start != other->start || one->next != other->next)
            return false;
    }
    return true;
}

/* A call that must change nothing: what the walk shows before and after. */
static struct layout layout_now(void)
{
    return run.is_agreeing && rules.heap->walk != NULL ? heap_layout(rules.heap)
                                                       : (struct layout){0};
}

static bool unchanged(const struct layout *before, const char *what)
{
    struct layout after = layout_now();
    return is_same_layout(before, &after) ||
           breaks("%s must change nothing, the walk shows another heap", what);
}

/* NULL was returned for `request` bytes: may it be? Else a block was: must it
   be NULL? */
static bool answers(const void *payload, size_t request, const char *function)
{
    if (payload == NULL) {
        if (request == 0 || request > rules.max)
            return true;
        bool was_expected = run.may_fail;
        run.may_fail = false;
        return was_expected ||
               breaks("%s%s must return a block while there is memory, it "
                      "returned NULL",
                      rules.prefix, function);
    }
    if (request == 0 && rules.is_zero_null)
        return breaks("%s%s must return NULL for a request of 0 bytes, it "
                      "returned a block",
                      rules.prefix, function);
    return request < too_large ||
           breaks("%s%s must return NULL for more bytes than there can be, it "
                  "returned a block",
                  rules.prefix, function);
}

static void touch(const struct block *block)
{
    if (block->payload == NULL)
        return;
    run.touched = block->payload;
    run.touched_size = block->request;
}

/* A new block must not cost more than the chapter says: a header and what
   rounding adds; others may have left the break odd. */
static bool costs_little(size_t before, size_t after, size_t request)
{
    size_t allowed = request + rules.grow + (run.foreigners > 0 ? 15 : 0);
    return rules.grow == SIZE_MAX || after - before <= allowed ||
           breaks(
               "a block of %zu bytes must extend the heap by %zu at most, it "
               "did by %zu",
               request, allowed, after - before);
}

static bool do_malloc(const struct call *call)
{
    struct layout before = layout_now();
    size_t size = layout_size(&before);
    size_t request = call->size;
    bool must_reuse = rules.is_reusing && request > 0 &&
                      request == run.just_freed && run.oracle.live == NULL &&
                      before.count > 0;
    void *payload = NULL;
    if (call->kind == IN_MALLOC) {
        payload = rules.heap->malloc(request);
    } else {
        payload = rules.heap->calloc(call->count, request);
        if (request != 0 && call->count > SIZE_MAX / request)
            request = SIZE_MAX;
        else
            request *= call->count;
    }
    say("   returns ");
    say_place(payload);
    if (!answers(payload, request, functions[call->kind]))
        return false;
    if (payload == NULL)
        return request == 0 || unchanged(&before, "a call that returns NULL");
    if (call->kind == IN_CALLOC)
        for (size_t i = 0; i < request; i++)
            if (((unsigned char *)payload)[i] != 0)
                return breaks("every byte of %scalloc must be 0, byte %zu is "
                              "not",
                              rules.prefix, i);
    if (!oracle_allocated(&run.oracle, call->id, payload, request))
        return false;
    struct layout after = layout_now();
    if (run.is_agreeing && rules.heap->walk != NULL &&
        !costs_little(size, layout_size(&after), request))
        return false;
    return !must_reuse || layout_size(&after) == size ||
           breaks("%smalloc must reuse what was freed for such a request, it "
                  "extended the heap",
                  rules.prefix);
}

static bool do_free(const struct call *call)
{
    void *payload = NULL;
    struct layout before = layout_now();
    if (call->id != ID_NONE) {
        struct block *block = &run.oracle.blocks[call->id];
        payload = block->payload;
        run.just_freed = block->request;
        oracle_freed(&run.oracle, call->id);
    }
    rules.heap->free(payload);
    return payload != NULL || unchanged(&before, "free(NULL)");
}

static bool do_realloc(const struct call *call)
{
    struct block *block = &run.oracle.blocks[call->id];
    void *old = block->payload;
    size_t was = block->request;
    struct layout before = layout_now();
    void *payload = rules.heap->realloc(old, call->size);
    say("   returns ");
    say_place(payload);
    if (old != NULL && call->size == 0) {
        run.just_freed = was;
        oracle_freed(&run.oracle, call->id);
        return payload == NULL ||
               breaks("%srealloc to 0 bytes must free the block and return "
                      "NULL, it returned a block",
                      rules.prefix);
    }
    if (!answers(payload, call->size, "realloc"))
        return false;
    if (payload == NULL)
        return call->size == 0 ||
               unchanged(&before, "a call that returns NULL");
    if (old == NULL)
        return oracle_allocated(&run.oracle, call->id, payload, call->size);
    return oracle_reallocated(&run.oracle, call->id, payload, call->size);
}

static bool do_init(void)
{
    run.oracle = oracle_new(CALLS, verdict->message);
    run.foreigners = 0;
    run.may_fail = false;
    run.dirt = NULL;
    if (rules.heap->init() != 0)
        return breaks("init must return 0, it did not");
    struct layout now = layout_now();
    return !run.is_agreeing || rules.heap->walk == NULL ||
           is_same_layout(&now, &run.fresh) ||
           breaks("after init the heap must be as it was at first, the walk "
                  "shows another");
}

static bool do_foreign(const struct call *call)
{
    bool must_fail = run.must_fail || call->size > too_large;
    errno = 0;
    unsigned char *start = rules.mem_sbrk(call->size);
    if (start == (void *)-1) {
        bool was_expected = must_fail || run.may_fail;
        run.may_fail = run.may_fail && call->size > too_large;
        return (was_expected && errno == ENOMEM) ||
               breaks("mem_sbrk must %s, it failed with errno %d",
                      was_expected ? "fail with ENOMEM" : "give memory", errno);
    }
    if (must_fail)
        return breaks("mem_sbrk must fail here, it returned memory");
    size_t i = run.foreigners++;
    run.foreign[i].start = start;
    run.foreign[i].size = call->size;
    memset(start, (int)(0x80 + i), call->size);
    return true;
}

/* check() must say that a heap is broken, and leave it as it is. */
static bool do_overwrite(const struct call *call)
{
    uint64_t *word = (void *)run.oracle.blocks[call->id].payload;
    if (word == NULL)
        return true;
    word -= call->count;
    uint64_t value = call->size == plus_16 ? *word + 16 : call->size;
    if (*word == value)
        return true;
    *word = value;
    verdict->doing = IN_CHECK;
    say("\n    %scheck()", rules.prefix);
    int first = rules.heap->check(), second = rules.heap->check();
    say("   returns %d", first);
    if (first != -1 || second != -1)
        return breaks("%scheck must return -1 for a heap whose records are "
                      "overwritten, it returned %d",
                      rules.prefix, first != -1 ? first : second);
    return *word == value ||
           breaks("%scheck must not change a heap, it mended the word",
                  rules.prefix);
}

static bool do_call(const struct call *call)
{
    switch (call->kind) {
    case IN_MALLOC:
    case IN_CALLOC:
        return do_malloc(call);
    case IN_FREE:
        return do_free(call);
    case IN_REALLOC:
        return do_realloc(call);
    case IN_INIT:
        return do_init();
    case IN_SBRK:
        return do_foreign(call);
    case IN_FAIL_AT:
        rules.mem_fail_at(1);
        run.may_fail = run.must_fail = true;
        return true;
    default:
        return do_overwrite(call);
    }
}

/* What others took must be no part of ours, and what lies behind the heap must
   be as it was. */
static bool keeps_off(const struct layout *layout)
{
    for (size_t i = 0; i < layout->count; i++) {
        const struct heap_part *part = &layout->parts[i];
        const unsigned char *start = part->start, *end = start + part->size;
        bool is_ours = part->kind != PART_REGION && part->kind != PART_FOREIGN;
        for (size_t k = 0; is_ours && k < run.foreigners; k++)
            if (start < run.foreign[k].start + run.foreign[k].size &&
                run.foreign[k].start < end)
                return breaks("the walk must show as foreign what others took, "
                              "it shows the heap's own");
        if (part->kind != PART_REGION || run.dirt == NULL || run.dirt < start ||
            run.dirt > end)
            continue;
        const unsigned char *limit = run.dirt + DIRTY;
        for (int k = 0; k < BEYOND && end < limit; k++, end++)
            if (*end != DIRT)
                return breaks("the heap must not write behind its end, byte %d "
                              "there changed",
                              k);
    }
    return true;
}

/* check and walk must agree with what the oracle knows. */
static bool agrees(void)
{
    size_t size = 0;
    int result = 0;
    enum function called = verdict->doing;
    if (rules.heap->check != NULL) {
        verdict->doing = IN_CHECK;
        say("\n    %scheck()", rules.prefix);
        result = rules.heap->check();
        say("   returns %d", result);
    }
    if (result != 0)
        return breaks("%scheck must return 0 for a heap that is used well, it "
                      "returned %d",
                      rules.prefix, result);
    verdict->doing = IN_WALK;
    if (!oracle_agrees(&run.oracle, rules.heap, &size))
        return false;
    struct layout layout = layout_now();
    verdict->doing = called;
    return keeps_off(&layout);
}

/* Plays one call; returns whether all promises hold after it. */
static bool play_call(const struct call *call)
{
    char text[120];
    size_t freed = run.just_freed;
    verdict->doing = call->kind;
    run.oracle.operation = verdict->call + 1;
    run.touched = NULL;
    if (call->id != ID_NONE)
        touch(&run.oracle.blocks[call->id]);
    call_text(call, text, sizeof text);
    say("    %s", text);
    bool is_kept = do_call(call);
    if (call->id != ID_NONE)
        touch(&run.oracle.blocks[call->id]);
    if (run.just_freed == freed && call->kind != IN_FAIL_AT)
        run.just_freed = 0;
    if (call->kind != IN_FAIL_AT)
        run.must_fail = false;
    is_kept =
        is_kept && (call->kind == IN_OVERWRITE ||
                    (oracle_all_hold(&run.oracle) && foreign_bytes_hold()));
    say("\n");
    return is_kept;
}

/* An empty heap, in memory that is not zero where that can be had. */
static bool begin(void)
{
    verdict->doing = IN_INIT;
    run.oracle = oracle_new(CALLS, verdict->message);
    if (rules.heap->init != NULL && rules.heap->init() != 0) {
        say("    %sinit()   fails\n", rules.prefix);
        return breaks("init must return 0, it did not");
    }
    if (rules.mem_sbrk != NULL) {
        run.dirt = rules.mem_sbrk(DIRTY);
        if (run.dirt == (void *)-1)
            run.dirt = NULL;
        else
            memset(run.dirt, DIRT, DIRTY);
        if (rules.heap->init() != 0) {
            say("    %sinit()\n    %sinit()   fails\n", rules.prefix,
                rules.prefix);
            return breaks("init must return 0 again, it did not");
        }
    }
    run.fresh = layout_now();
    return true;
}

static bool play(const struct script *script)
{
    bool is_kept = begin();
    for (; is_kept && verdict->call < script->count; verdict->call++) {
        bool is_last = verdict->call + 1 == script->count;
        is_kept = play_call(&script->calls[verdict->call]);
        bool is_printing = run.is_printing;
        run.is_printing = is_printing && is_last;
        if (is_kept && run.is_agreeing &&
            script->calls[verdict->call].kind != IN_OVERWRITE)
            is_kept = agrees();
        run.is_printing = is_printing;
        if (!is_kept)
            break;
    }
    return is_kept;
}

/* Draws the heap, if its walk makes sense. */
static void draw(const struct call *last)
{
    char text[120], found[MESSAGE_SIZE];
    if (rules.heap->walk == NULL)
        return;
    struct layout layout = heap_layout(rules.heap);
    if (layout.count == 0 || !layout_is_sound(&layout, found, sizeof found))
        return;
    call_text(last, text, sizeof text);
    printf("\nThe heap then: ");
    map_print(rules.heap, &run.oracle, run.touched, run.touched_size, text);
}

/* --- Playing it apart --- */

enum output { SILENT, PICTURE, CALLS_AND_PICTURE };

/* Plays scripts, one after the other, until one breaks a promise. */
static void play_all(const struct script *scripts, size_t count,
                     const struct stage *stage, enum output output)
{
    const struct itimerval limit = {.it_value.tv_usec = PATIENCE};
    for (size_t i = 0; i < count && !verdict->is_broken; i++) {
        setitimer(ITIMER_PROF, &limit, NULL);
        alarm(20);
        memset(&run, 0, sizeof run);
        run.is_agreeing = stage->is_agreeing;
        run.is_printing = output == CALLS_AND_PICTURE;
        verdict->script = i;
        verdict->call = 0;
        verdict->is_broken = !play(&scripts[i]);
    }
}

/* Plays scripts in a child; returns whether one breaks a promise, and leaves in
   `verdict` which. */
static bool try(const struct script *scripts, size_t count,
                const struct stage *stage, enum output output)
{
    int status = 0;
    *verdict = (struct verdict){.doing = IN_INIT};
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        play_all(scripts, count, stage, output);
        verdict->is_over = true;
        if (output == CALLS_AND_PICTURE)
            printf("\n  %s\n", verdict->message);
        if (output != SILENT)
            draw(&scripts->calls[verdict->call < scripts->count
                                     ? verdict->call
                                     : scripts->count - 1]);
        fflush(stdout);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        die("cannot start a process for a script");
    if (verdict->is_over)
        return verdict->is_broken;
    const char *function = functions[verdict->doing];
    if (WIFSIGNALED(status) &&
        (WTERMSIG(status) == SIGPROF || WTERMSIG(status) == SIGALRM))
        breaks("%s%s must return, it ran for a quarter of a second",
               rules.prefix, function);
    else if (WIFSIGNALED(status))
        breaks("%s%s must keep to its own memory, it ended with signal %d, %s",
               rules.prefix, function, WTERMSIG(status),
               strsignal(WTERMSIG(status)));
    else
        breaks("%s%s must return, it ended the process with status %d",
               rules.prefix, function, WEXITSTATUS(status));
    return true;
}

/* --- Scripts --- */

static uint64_t state = 1;

static size_t below(size_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state >> 16) % limit;
}

static size_t some_size(void)
{
    static const size_t edges[] = {
        0,  1,  8,   15,  16,  17,  23,  24,   25,   31,   32,   33,  48,
        64, 96, 112, 128, 256, 512, 513, 1000, 2048, 4080, 4096, 4097};
    static const size_t huge[] = {SIZE_MAX, PTRDIFF_MAX,
                                  (size_t)PTRDIFF_MAX + 64, SIZE_MAX / 4 * 3};
    switch (below(16)) {
    case 0:
        return huge[below(4)] - below(64);
    case 1:
        return below(below(8) == 0 ? LARGE : 20000);
    case 2:
    case 3:
        return below(5000);
    case 4:
    case 5:
    case 6:
    case 7:
        return edges[below(sizeof edges / sizeof edges[0])];
    case 8:
        return rules.mem_sbrk == NULL ? 40 : ((size_t)1 << 32 | below(100));
    default:
        return below(400);
    }
}

static bool is_offered(enum function kind)
{
    const struct allocator *heap = rules.heap;
    switch (kind) {
    case IN_FREE:
        return heap->free != NULL;
    case IN_REALLOC:
        return heap->realloc != NULL;
    case IN_CALLOC:
        return heap->calloc != NULL;
    case IN_INIT:
        return heap->init != NULL;
    case IN_SBRK:
        return rules.mem_sbrk != NULL;
    case IN_FAIL_AT:
        return rules.mem_fail_at != NULL;
    case IN_OVERWRITE:
        return rules.is_checking && heap->check != NULL;
    default:
        return true;
    }
}

static enum function some_kind(unsigned kinds)
{
    static const enum function often[] = {
        IN_MALLOC,  IN_MALLOC, IN_MALLOC, IN_FREE, IN_FREE,    IN_REALLOC,
        IN_REALLOC, IN_CALLOC, IN_INIT,   IN_SBRK, IN_FAIL_AT, IN_OVERWRITE};
    enum function kind = IN_MALLOC;
    do
        kind = often[below(sizeof often / sizeof often[0])];
    while ((kinds >> kind & 1) == 0 || !is_offered(kind));
    return kind;
}

/* A value that no sound heap has in that word below a payload, unless the word
   has it already: 1 is the offset of the next block, 2 the size. */
static size_t some_value(size_t word)
{
    static const size_t values[] = {0,        1,
                                    8,        16,
                                    SIZE_MAX, SIZE_MAX - 15,
                                    7777,     (size_t)1 << 40,
                                    plus_16,  plus_16,
                                    32,       48};
    return values[below(word == 1 ? 12 : 10)];
}

/* A script of that many calls, which may need fixing. */
static struct script some_script(size_t count, unsigned kinds)
{
    struct script script = {.count = count};
    size_t palette[PALETTE];
    for (size_t i = 0; i < PALETTE; i++)
        palette[i] = some_size();
    for (size_t i = 0; i < count; i++) {
        struct call *call = &script.calls[i];
        call->kind = some_kind(kinds);
        call->size = below(4) == 0 ? some_size() : palette[below(PALETTE)];
        call->count = call->kind == IN_OVERWRITE ? 1 + below(2) : below(9);
        call->id = (int32_t)below(i + 1);
        if (call->kind == IN_MALLOC || call->kind == IN_CALLOC)
            call->id = (int32_t)i;
        if (call->kind == IN_FREE && below(16) == 0)
            call->id = ID_NONE;
        if (call->kind == IN_SBRK)
            call->size = below(8) == 0 ? SIZE_MAX - below(100) : 1 + below(100);
        if (call->kind == IN_OVERWRITE)
            call->size = some_value(call->count);
    }
    return script;
}

/* Drops the calls that their block does not allow, for a program may not free
   what it does not have, and those that ask for more than PLENTY; numbers the
   blocks from 0. */
static void fix(struct script *script)
{
    enum { UNUSED, LIVE, GONE } states[CALLS] = {UNUSED};
    int32_t names[CALLS], name = 0;
    size_t kept = 0, requested = 0;
    for (size_t i = 0; i < script->count; i++) {
        struct call call = script->calls[i];
        bool has_block = call.kind <= IN_CALLOC || call.kind == IN_OVERWRITE;
        if (!has_block)
            call.id = ID_NONE;
        else if (call.kind != IN_OVERWRITE && call.size <= LARGE) {
            requested += call.size * (call.kind == IN_CALLOC ? call.count : 1);
            if (requested > PLENTY)
                continue;
        }
        if (has_block && call.id != ID_NONE) {
            int32_t id = call.id;
            bool is_live = states[id] == LIVE;
            bool is_new = call.kind == IN_MALLOC || call.kind == IN_CALLOC ||
                          (call.kind == IN_REALLOC && states[id] == UNUSED);
            if (is_new ? states[id] != UNUSED : !is_live)
                continue;
            if (is_new)
                names[id] = name++;
            states[id] = LIVE;
            if (call.kind == IN_FREE ||
                (call.kind == IN_REALLOC && !is_new && call.size == 0))
                states[id] = GONE;
            call.id = names[id];
        }
        if (call.kind == IN_INIT)
            for (size_t id = 0; id < CALLS; id++)
                states[id] = states[id] == LIVE ? GONE : states[id];
        script->calls[kept++] = call;
        if (call.kind == IN_OVERWRITE)
            break;
    }
    script->count = kept;
}

/* --- Shrinking --- */

struct search {
    const struct stage *stage;
    enum function doing; /* what breaks the promise */
    int ended; /* scripts that ended the process and were not looked for */
};

/* Blocks that are NULL can't be used: a call on one does nothing to the
   promise. So what was tried is what was played. */
static bool still_breaks(struct script *script, const struct search *search)
{
    fix(script);
    if (script->count == 0 || !try(script, 1, search->stage, SILENT) ||
        verdict->doing != search->doing)
        return false;
    if (verdict->call < script->count)
        script->count = verdict->call + 1;
    return true;
}

/* Drops runs of calls, long ones first, as long as the promise stays broken.
   Returns whether anything was dropped. */
static bool drop_calls(struct script *script, const struct search *search)
{
    size_t before = script->count;
    for (size_t length = script->count; length > 0; length /= 2)
        for (size_t i = 0; i + length <= script->count;) {
            struct script less = *script;
            less.count -= length;
            memmove(less.calls + i, less.calls + i + length,
                    (less.count - i) * sizeof less.calls[0]);
            if (still_breaks(&less, search))
                *script = less;
            else
                i++;
        }
    return script->count < before;
}

static bool try_number(struct script *script, const struct search *search,
                       size_t *number, size_t value)
{
    struct script other = *script;
    size_t place = (size_t)((char *)number - (char *)script);
    memcpy((char *)&other + place, &value, sizeof value);
    if (!still_breaks(&other, search) || other.count != script->count)
        return false;
    *script = other;
    return true;
}

/* The simplest number that still breaks the promise: one of a few, or the
   lowest that halving and subtracting find. */
static void lower(struct script *script, const struct search *search,
                  size_t *number)
{
    static const size_t simple[] = {1,   8,    16,   24,      32,
                                    100, 1000, 4096, SIZE_MAX};
    for (size_t i = 0; i < sizeof simple / sizeof simple[0]; i++)
        if (simple[i] != *number && (*number > 4096 || simple[i] < *number) &&
            try_number(script, search, number, simple[i]))
            return;
    for (size_t step = *number / 2; step > 0 && *number < too_large; step /= 2)
        while (*number > step &&
               try_number(script, search, number, *number - step))
            continue;
}

static void shrink(struct script *script, const struct search *search)
{
    still_breaks(script, search);
    do {
        drop_calls(script, search);
        for (size_t i = 0; i < script->count; i++) {
            enum function kind = script->calls[i].kind;
            if (kind == IN_MALLOC || kind == IN_REALLOC || kind == IN_CALLOC ||
                kind == IN_SBRK)
                lower(script, search, &script->calls[i].size);
            if (kind == IN_CALLOC)
                lower(script, search, &script->calls[i].count);
        }
    } while (drop_calls(script, search));
}

/* --- Searching --- */

static bool is_wanted(void)
{
    return rules.only < 0 || (int)verdict->doing == rules.only;
}

/* Whether a script among these breaks a promise, also when it is played alone:
   it goes to *script. Gives up when too many end the process elsewhere, since
   some of those run until their time is over. */
static bool find_among(const struct script *scripts, size_t count,
                       struct script *script, struct search *search)
{
    for (size_t i = 0; i < count && search->ended < ENDED; i++) {
        if (!try(scripts + i, count - i, search->stage, SILENT))
            return false;
        i += verdict->script;
        search->ended += !verdict->is_over;
        *script = scripts[i];
        if (is_wanted() && try(script, 1, search->stage, SILENT) &&
            is_wanted()) {
            search->doing = verdict->doing;
            return true;
        }
    }
    return false;
}

/* Finds a script that breaks a promise; false if all that were tried keep
   them. */
static bool find(struct script *script, struct search *search, size_t *tried)
{
    static struct script scripts[TRIES];
    for (size_t s = 0; s < STAGES; s++)
        for (size_t length = 1; length <= CALLS; length *= 2) {
            search->stage = &stages[s];
            for (size_t i = 0; i < TRIES; i++) {
                do {
                    scripts[i] = some_script(length, stages[s].kinds);
                    fix(&scripts[i]);
                } while (scripts[i].count == 0);
            }
            *tried += TRIES;
            if (find_among(scripts, TRIES, script, search))
                return true;
        }
    return false;
}

/* Prints a script that breaks a promise, and the heap as far as it is sound. */
static void show(struct script *script, const struct stage *stage)
{
    try(script, 1, stage, CALLS_AND_PICTURE);
    if (verdict->is_over)
        return;
    printf("\n\n  %s\n", verdict->message);
    script->count = verdict->call;
    if (script->count > 0)
        try(script, 1, stage, PICTURE);
}

static void read_words(int count, char **words)
{
    for (int i = 0; i < count; i++) {
        const char *word = words[i];
        const char *value = strchr(word, '=');
        value = value == NULL ? "" : value + 1;
        if (strcmp(word, "zero") == 0)
            rules.is_zero_null = true;
        else if (strcmp(word, "reuse") == 0)
            rules.is_reusing = true;
        else if (strcmp(word, "corrupt") == 0)
            rules.is_checking = true;
        else if (strncmp(word, "call=", 5) == 0)
            rules.prefix = value;
        else if (strncmp(word, "max=", 4) == 0)
            rules.max = strtoul(value, NULL, 10);
        else if (strncmp(word, "grow=", 5) == 0)
            rules.grow = strtoul(value, NULL, 10);
        else if (strncmp(word, "in=", 3) == 0) {
            for (int kind = 0; kind <= IN_WALK; kind++)
                if (strcmp(value, functions[kind]) == 0)
                    rules.only = kind;
            if (rules.only < 0)
                die("shrink knows no function %s", value);
        } else
            die("shrink knows no rule %s", word);
    }
}

/* What moves the break of the heap's own machine, if it has one. */
static void find_machine(void)
{
    Dl_info info;
    if (dladdr(rules.heap, &info) == 0)
        return;
    void *object = dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD);
    if (object == NULL || rules.heap->init == NULL)
        return;
    *(void **)&rules.mem_sbrk = dlsym(object, "mem_sbrk");
    *(void **)&rules.mem_fail_at = dlsym(object, "mem_fail_at");
}

int command_shrink(int count, char **words)
{
    struct script script;
    struct search search;
    size_t tried = 0;
    search.ended = 0;
    if (count < 1)
        die("shrink takes a heap, and perhaps rules");
    rules.heap = heap_load(words[0]);
    read_words(count - 1, words + 1);
    find_machine();
    verdict = mmap(NULL, sizeof *verdict, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (verdict == MAP_FAILED)
        die("no memory to share with a script");
    if (!find(&script, &search, &tried)) {
        printf("%zu scripts of calls break no promise\n", tried);
        return STATUS_OK;
    }
    shrink(&script, &search);
    show(&script, search.stage);
    return STATUS_INVALID;
}
