/* The hooks of builds for tests: see hooks.h. One lock guards all of it; a
   thread that waits sleeps on one condition. No hook allocates memory. */
#define _GNU_SOURCE /* pthread_cond_clockwait, gettid */
#include "hooks.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    THREADS = 32,
    NAME = 16, /* bytes */
    PLANS = 32,
    STEPS = 1000,
    CHANGES = 10000,
    PARTS = 2000,
    REGIONS = 64,
    DEADLINE = 20, /* seconds; longer than any wait of a test that works */
    LOOKS = 2,     /* at a thread that sleeps in the same place */
    SPIN = 200,    /* milliseconds of a CPU; more than a fork takes */
    PAUSE = 15000  /* milliseconds; for a lock that sleeps between its tries */
};

struct thread {
    char name[NAME]; /* "": this entry and those behind it are unused */
    int cpu;
    bool is_alive, is_parked;
    pid_t id;
    clockid_t clock; /* the CPU time that it has used */
};

struct plan {
    const struct thread *thread; /* NULL: this entry is unused */
    const char *event;           /* NULL: any */
    unsigned visits;             /* arrivals until it is due */
    void (*call)(void *context);
    void *context;
};

struct picture {
    size_t count;
    struct heap_part parts[PARTS];
};

struct change {
    bool is_new;
    struct heap_part part;
};

struct step {
    const struct thread *thread;
    const char *event;
    int cpu;
    const void *object;
    size_t changes_end; /* its changes begin where those of the last step end */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t something_happened = PTHREAD_COND_INITIALIZER;
static pthread_key_t at_end; /* set in named threads: they end in leave */
static struct thread threads[THREADS];
static struct plan plans[PLANS];
static _Thread_local struct thread *self;
static _Thread_local bool is_walking; /* hooks inside the walk are none */

static struct {
    void (*walk)(heap_visit *visit, void *context); /* NULL: none is made */
    size_t steps, changes;
    struct step step[STEPS];
    struct change change[CHANGES];
    struct picture before, now;
} record;

_Noreturn static void die(const char *who, const char *what)
{
    fprintf(stderr, "hooks: %s: %s\n", who, what);
    abort();
}

/* The entry of a name, made on first use. */
static struct thread *find_thread(const char *name)
{
    struct thread *thread = threads;
    while (thread->name[0] != '\0' && strcmp(thread->name, name) != 0)
        if (++thread == threads + THREADS)
            die(name, "is one thread too many");
    if (strlen(name) >= NAME)
        die(name, "is too long for a name");
    strcpy(thread->name, name);
    return thread;
}

static struct timespec deadline(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    now.tv_sec += DEADLINE;
    return now;
}

/* Releases the lock until something happens. */
static void wait_until(const struct timespec *end, const char *who,
                       const char *what)
{
    int error = pthread_cond_clockwait(&something_happened, &lock,
                                       CLOCK_MONOTONIC, end);
    if (error == ETIMEDOUT)
        die(who, what);
}

/* Plans end with their thread: one with plans that is not alive will come. */
static bool has_plan(const struct thread *thread)
{
    for (const struct plan *plan = plans; plan < plans + PLANS; plan++)
        if (plan->thread == thread)
            return true;
    return false;
}

static void leave(void *thread)
{
    pthread_mutex_lock(&lock);
    self->is_alive = false;
    for (struct plan *plan = plans; plan < plans + PLANS; plan++)
        if (plan->thread == self)
            plan->thread = NULL;
    self = NULL;
    pthread_cond_broadcast(&something_happened);
    pthread_mutex_unlock(&lock);
    (void)thread;
}

static void note_identity(void)
{
    self->id = gettid();
    pthread_getcpuclockid(pthread_self(), &self->clock);
}

/* Fork: the lock is the last to be taken and the first to be released, so that
   the handlers of the book may have hooks of their own. */
static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&lock);
}

static void after_fork_in_child(void)
{
    /* Nobody waits here, though the copy of the condition says so. */
    something_happened = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    for (struct thread *thread = threads; thread < threads + THREADS; thread++)
        if (thread != self)
            thread->is_alive = thread->is_parked = false;
    memset(plans, 0, sizeof plans);
    record.walk = NULL;
    if (self != NULL)
        note_identity();
    pthread_mutex_unlock(&lock);
}

/* 101: before any constructor of the book, which may register handlers too. */
__attribute__((constructor(101))) static void begin(void)
{
    if (pthread_key_create(&at_end, leave) != 0 ||
        pthread_atfork(before_fork, after_fork_in_parent,
                       after_fork_in_child) != 0)
        die("the system", "has no room for them");
}

void hook_thread(const char *name, int cpu)
{
    pthread_mutex_lock(&lock);
    struct thread *thread = find_thread(name);
    if (thread != self && (thread->is_alive || self != NULL))
        die(name, "is the name of another thread, or a second name");
    self = thread;
    self->cpu = cpu;
    self->is_alive = true;
    note_identity();
    pthread_setspecific(at_end, self);
    pthread_mutex_unlock(&lock);
}

void hook_call(const char *thread, const char *event, unsigned visit,
               void (*call)(void *context), void *context)
{
    pthread_mutex_lock(&lock);
    struct plan *plan = plans;
    while (plan->thread != NULL)
        if (++plan == plans + PLANS)
            die(thread, "has one plan too many");
    *plan = (struct plan){find_thread(thread), event, visit, call, context};
    pthread_mutex_unlock(&lock);
}

static void stop(void *context)
{
    (void)context;
    struct timespec end = deadline();
    pthread_mutex_lock(&lock);
    self->is_parked = true;
    pthread_cond_broadcast(&something_happened);
    while (self->is_parked)
        wait_until(&end, self->name, "has stopped and was never released");
    pthread_mutex_unlock(&lock);
}

void hook_park(const char *thread, const char *event, unsigned visit)
{
    hook_call(thread, event, visit, stop, NULL);
}

bool hook_await_parked(const char *thread)
{
    struct timespec end = deadline();
    pthread_mutex_lock(&lock);
    const struct thread *awaited = find_thread(thread);
    while (!awaited->is_parked && (awaited->is_alive || has_plan(awaited)))
        wait_until(&end, thread, "has not arrived where it is to stop");
    bool is_parked = awaited->is_parked;
    pthread_mutex_unlock(&lock);
    return is_parked;
}

/* The address of the futex, not of the hooks', where a thread of this process
   sleeps; 0: it does not. */
static unsigned long sleeping_place(pid_t id)
{
    char path[100];
    snprintf(path, sizeof path, "/proc/self/task/%d/syscall", (int)id);
    FILE *file = fopen(path, "r");
    unsigned long call, place = 0;
    if (file == NULL || fscanf(file, "%lu %lx", &call, &place) != 2 ||
        call != SYS_futex || place - (unsigned long)&lock < sizeof lock)
        place = 0;
    if (file != NULL)
        fclose(file);
    return place;
}

static long milliseconds(clockid_t clock)
{
    struct timespec now = {0};
    clock_gettime(clock, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool hook_await_blocked(const char *name)
{
    const struct timespec tick = {.tv_nsec = 100000};
    pthread_mutex_lock(&lock);
    struct thread *thread = find_thread(name);
    long spin_end = milliseconds(thread->clock) + SPIN;
    long end = milliseconds(CLOCK_MONOTONIC) + PAUSE;
    unsigned long place = 0;
    bool is_blocked = false;
    for (int looks = 0; thread->is_alive && !thread->is_parked && !is_blocked;) {
        unsigned long last = place;
        place = sleeping_place(thread->id);
        looks = place != 0 && place == last ? looks + 1 : 0;
        is_blocked = looks == LOOKS || milliseconds(thread->clock) > spin_end ||
                     milliseconds(CLOCK_MONOTONIC) > end;
        pthread_mutex_unlock(&lock);
        clock_nanosleep(CLOCK_MONOTONIC, 0, &tick, NULL);
        pthread_mutex_lock(&lock);
    }
    is_blocked = is_blocked && thread->is_alive && !thread->is_parked;
    pthread_mutex_unlock(&lock);
    return is_blocked;
}

void hook_release(const char *thread)
{
    pthread_mutex_lock(&lock);
    struct thread *released = find_thread(thread);
    if (!released->is_parked)
        die(thread, "is to be released and has not stopped");
    released->is_parked = false;
    pthread_cond_broadcast(&something_happened);
    pthread_mutex_unlock(&lock);
}

/* Recording */

static void add_part(const struct heap_part *part, void *picture)
{
    struct picture *now = picture;
    if (now->count == PARTS)
        die("the walk", "does not end");
    now->parts[now->count++] = *part;
}

static bool is_in(const struct heap_part *part, const struct picture *picture)
{
    const struct heap_part *end = picture->parts + picture->count;
    for (const struct heap_part *other = picture->parts; other < end; other++)
        if (other->start == part->start && other->kind == part->kind &&
            other->size == part->size && other->list == part->list &&
            other->next == part->next)
            return true;
    return false;
}

/* Records the parts of `some` that `others` lacks. */
static void add_changes(const struct picture *some,
                        const struct picture *others, bool is_new)
{
    const struct heap_part *end = some->parts + some->count;
    for (const struct heap_part *part = some->parts; part < end; part++) {
        if (is_in(part, others))
            continue;
        if (record.changes == CHANGES)
            die("the record", "has one change too many");
        record.change[record.changes++] = (struct change){is_new, *part};
    }
}

static void add_step(const char *event, const void *object)
{
    if (record.steps == STEPS)
        die("the record", "has one step too many");
    record.before = record.now;
    record.now.count = 0;
    is_walking = true;
    record.walk(add_part, &record.now);
    is_walking = false;
    add_changes(&record.before, &record.now, false);
    add_changes(&record.now, &record.before, true);
    record.step[record.steps++] =
        (struct step){self, event, self->cpu, object, record.changes};
}

void hook(const char *event, const void *object)
{
    if (self == NULL || is_walking)
        return;
    struct plan due[PLANS];
    size_t count = 0;
    pthread_mutex_lock(&lock);
    if (record.walk != NULL)
        add_step(event, object);
    for (struct plan *plan = plans; plan < plans + PLANS; plan++)
        if (plan->thread == self &&
            (plan->event == NULL || strcmp(plan->event, event) == 0) &&
            --plan->visits == 0) {
            due[count++] = *plan;
            plan->thread = NULL;
        }
    pthread_mutex_unlock(&lock);
    for (size_t i = 0; i < count; i++)
        due[i].call(due[i].context);
}

void hook_record(void (*walk)(heap_visit *visit, void *context))
{
    pthread_mutex_lock(&lock);
    record.walk = walk;
    record.steps = record.changes = record.now.count = 0;
    pthread_mutex_unlock(&lock);
}

/* Writing */

struct region {
    const char *start;
    size_t size; /* bytes, the most that it ever had */
};

static size_t find_regions(struct region *regions)
{
    size_t count = 0;
    for (size_t i = 0; i < record.changes; i++) {
        const struct heap_part *part = &record.change[i].part;
        if (part->kind != PART_REGION)
            continue;
        size_t n = 0;
        while (n < count && regions[n].start != part->start)
            n++;
        if (n == REGIONS)
            die("the record", "has one region too many");
        if (n == count)
            regions[count++] = (struct region){part->start, 0};
        if (part->size > regions[n].size)
            regions[n].size = part->size;
    }
    return count;
}

/* A region's end counts as a place in it, unless another begins right there. */
static void write_place(FILE *file, const void *address,
                        const struct region *regions, size_t count)
{
    for (size_t slack = 0; slack < 2; slack++)
        for (size_t n = 0; n < count; n++) {
            size_t offset = (size_t)((const char *)address - regions[n].start);
            if (offset < regions[n].size + slack) {
                fprintf(file, "[%zu,%zu]", n, offset);
                return;
            }
        }
    fputs("null", file);
}

static void write_string(FILE *file, const char *text)
{
    putc('"', file);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            putc('\\', file);
        putc(*text, file);
    }
    putc('"', file);
}

/* The chunk where hook(event) stands, by the table that tangle wrote: event,
   chunk, file and line, with tabs between. */
static void write_chunk(FILE *file, const char *event, FILE *points)
{
    char line[1000];
    rewind(points);
    while (fgets(line, sizeof line, points) != NULL) {
        char *rest = line;
        const char *found = strsep(&rest, "\t");
        const char *chunk = strsep(&rest, "\t");
        if (chunk != NULL && strcmp(found, event) == 0) {
            write_string(file, chunk);
            return;
        }
    }
    fputs("null", file);
}

static void write_changes(FILE *file, size_t from, size_t to, bool is_new,
                          const struct region *regions, size_t count)
{
    static const char *const kinds[] = {
        [PART_REGION] = "region", [PART_META] = "meta",
        [PART_USED] = "used",     [PART_FREE] = "free",
        [PART_FRESH] = "fresh",   [PART_FOREIGN] = "foreign",
    };
    const char *separator = "";
    for (size_t i = from; i < to; i++) {
        const struct heap_part *part = &record.change[i].part;
        if (record.change[i].is_new != is_new)
            continue;
        fprintf(file, "%s{\"kind\":\"%s\",\"at\":", separator,
                kinds[part->kind]);
        write_place(file, part->start, regions, count);
        fprintf(file, ",\"size\":%zu", part->size);
        if (part->kind == PART_FREE) {
            fprintf(file, ",\"list\":%d,\"next\":", part->list);
            write_place(file, part->next, regions, count);
        }
        putc('}', file);
        separator = ",";
    }
}

static FILE *open_file(const char *path, const char *mode)
{
    FILE *file = fopen(path, mode);
    if (file == NULL)
        die(path, strerror(errno));
    return file;
}

static void write_step(FILE *file, size_t n, FILE *points,
                       const struct region *regions, size_t count)
{
    const struct step *step = &record.step[n];
    size_t begin = n == 0 ? 0 : step[-1].changes_end, end = step->changes_end;
    fprintf(file, "{\"step\":%zu,\"thread\":", n + 1);
    write_string(file, step->thread->name);
    fprintf(file, ",\"cpu\":%d,\"event\":", step->cpu);
    write_string(file, step->event);
    fputs(",\"chunk\":", file);
    write_chunk(file, step->event, points);
    fputs(",\"object\":", file);
    write_place(file, step->object, regions, count);
    fputs(",\"gone\":[", file);
    write_changes(file, begin, end, false, regions, count);
    fputs("],\"new\":[", file);
    write_changes(file, begin, end, true, regions, count);
    fputs("]}", file);
}

void hook_write(const char *name)
{
    pthread_mutex_lock(&lock);
    record.walk = NULL;
    pthread_mutex_unlock(&lock);
    struct region regions[REGIONS];
    size_t count = find_regions(regions);
    char path[1000];
    snprintf(path, sizeof path, "build/schedules/%s.json", name);
    mkdir("build/schedules", 0777);
    FILE *points = open_file("build/lines/hook-points.tsv", "r");
    FILE *file = open_file(path, "w");
    for (size_t n = 0; n < record.steps; n++) {
        fputs(n == 0 ? "[\n" : ",\n", file);
        write_step(file, n, points, regions, count);
    }
    fputs(record.steps == 0 ? "[]\n" : "\n]\n", file);
    fclose(points);
    if (fclose(file) != 0)
        die(path, "can't be written");
}

/* Counting: the compiler puts this call into every basic block of a heap.c.
   (Weak, because libFuzzer has one of its own.) */

static unsigned long steps;

void __sanitizer_cov_trace_pc(void);
__attribute__((weak)) void __sanitizer_cov_trace_pc(void)
{
    steps++;
}

unsigned long hook_steps(void)
{
    return steps;
}
