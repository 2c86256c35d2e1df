/* Usage: bench WORKLOAD      runs pair-16-1, say, once
          bench trace FILE    plays a trace
          bench list          prints the workloads
   Runs on whatever malloc the process was started with, and prints one line:
   malloc=FILE, where that comes from, and KEY=VALUE for what was measured
   (see struct result). Exit 1: wrong words, or the machine lacks something;
   2: a block did not hold what was written; 3: malloc returned NULL; each with
   one line on standard error. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench.h"

enum { WORDS_MAX = 2 };

static const struct workload {
    const char *name;
    size_t words[WORDS_MAX]; /* those of its variant */
    void (*run)(const size_t *words);
} workloads[] = {
    {"pair-16-1", {16, 1}, run_pair},
    {"pair-64-1", {64, 1}, run_pair},
    {"pair-1024-1", {1024, 1}, run_pair},
    {"pair-16-2", {16, 2}, run_pair},
    {"pair-64-2", {64, 2}, run_pair},
    {"pair-1024-2", {1024, 2}, run_pair},
    {"batch-1000", {1000}, run_batch},
    {"batch-20000", {20000}, run_batch},
    {"churn-10000-1", {10000, 1}, run_churn},
    {"churn-10000-2", {10000, 2}, run_churn},
    {"churn-500000-1", {500000, 1}, run_churn},
    {"churn-500000-2", {500000, 2}, run_churn},
    {"handoff-64", {64}, run_handoff},
    {"handoff-1024", {1024}, run_handoff},
    {"exchange-2", {2}, run_exchange},
    {"exchange-8", {8}, run_exchange},
    {"larson-2", {2}, run_larson},
    {"larson-8", {8}, run_larson},
    {"bursts", {0}, run_bursts},
    {"crowd-turns", {0}, run_crowd_turns},
    {"crowd-once", {0}, run_crowd_once},
    {"space-all", {0}, run_space_all},
    {"space-some", {0}, run_space_some},
    {"space-grow", {0}, run_space_grow},
    {"space-128", {128}, run_space_large},
    {"space-1024", {1024}, run_space_large},
    {"space-4096", {4096}, run_space_large},
};
enum { WORKLOADS = sizeof workloads / sizeof workloads[0] };

struct result result;

static size_t faults_now(void)
{
    struct rusage own, children;
    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &children);
    return (size_t)(own.ru_minflt + children.ru_minflt);
}

static const char *malloc_file(void)
{
    Dl_info info;
    void *function = dlsym(RTLD_DEFAULT, "malloc");
    if (function == NULL || dladdr(function, &info) == 0)
        die(STATUS_BAD_INPUT, "bench: nobody knows where malloc is");
    return info.dli_fname;
}

static void print_result(void)
{
    printf("malloc=%s seconds=%.6f start_kib=%zu peak_kib=%zu faults=%zu",
           malloc_file(), result.seconds, result.start_kib, result.peak_kib,
           result.faults);
    if (result.has_idle)
        printf(" idle_kib=%zu", result.idle_kib);
    if (result.has_left)
        printf(" left_kib=%zu", result.left_kib);
    if (result.has_calls)
        printf(" p50=%.0f p999=%.0f longest=%.0f", result.p50, result.p999,
               result.longest);
    printf("\n");
}

static const struct workload *find(const char *name)
{
    for (size_t i = 0; i < WORKLOADS; i++)
        if (strcmp(workloads[i].name, name) == 0)
            return &workloads[i];
    die(STATUS_BAD_INPUT, "bench: no workload is called %s; see bench list",
        name);
}

int main(int count, char **words)
{
    if (count == 2 && strcmp(words[1], "list") == 0) {
        for (size_t i = 0; i < WORKLOADS; i++)
            puts(workloads[i].name);
        return 0;
    }
    bool is_trace = count == 3 && strcmp(words[1], "trace") == 0;
    if (count != 2 && !is_trace)
        die(STATUS_BAD_INPUT, "usage: bench WORKLOAD | trace FILE | list");
    const struct workload *workload = is_trace ? NULL : find(words[1]);
    pin(UINT32_MAX);
    result.start_kib = anonymous_kib();
    result.peak_kib = result.start_kib;
    size_t faults = faults_now();
    if (is_trace) {
        run_trace(words[2]);
    } else {
        workload->run(workload->words);
        result.faults = faults_now() - faults;
    }
    print_result();
    return 0;
}
