/* Two threads change a toy heap of two regions under a forced schedule. The
   record is the expected one, to the byte, each time. */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hooks.h"

static const char points[] =
    "toy: begin\ttake a \"page\"\tchapters/00-toy.nw\t7\n"
    "toy: end\tmark \\ it used\tchapters/00-toy.nw\t17\n";

static const char expected[] =
    "[\n"
    "{\"step\":1,\"thread\":\"A\",\"cpu\":0,\"event\":\"toy: begin\","
    "\"chunk\":\"take a \\\"page\\\"\","
    "\"object\":[0,0],\"gone\":[],\"new\":[]},\n"
    "{\"step\":2,\"thread\":\"B\",\"cpu\":3,\"event\":\"toy: begin\","
    "\"chunk\":\"take a \\\"page\\\"\","
    "\"object\":[1,16],\"gone\":[],\"new\":[]},\n"
    "{\"step\":3,\"thread\":\"B\",\"cpu\":3,\"event\":\"toy: end\","
    "\"chunk\":\"mark \\\\ it used\",\"object\":null,\"gone\":[],\"new\":["
    "{\"kind\":\"region\",\"at\":[0,0],\"size\":64},"
    "{\"kind\":\"used\",\"at\":[0,0],\"size\":64}]},\n"
    "{\"step\":4,\"thread\":\"A\",\"cpu\":1,\"event\":\"toy: end\","
    "\"chunk\":\"mark \\\\ it used\",\"object\":[0,64],\"gone\":["
    "{\"kind\":\"used\",\"at\":[0,0],\"size\":64}],\"new\":["
    "{\"kind\":\"free\",\"at\":[0,0],\"size\":64,\"list\":2,\"next\":[1,0]},"
    "{\"kind\":\"region\",\"at\":[1,0],\"size\":32},"
    "{\"kind\":\"free\",\"at\":[1,0],\"size\":32,\"list\":2,\"next\":null}]},\n"
    "{\"step\":5,\"thread\":\"A\",\"cpu\":1,\"event\":\"a test's own\","
    "\"chunk\":null,\"object\":null,\"gone\":[],\"new\":[]}\n"
    "]\n";

static char first[64], gap[16], second[32];
static int state; /* how many regions there are; with two all is free */

static void walk(heap_visit *visit, void *context)
{
    struct heap_part region = {PART_REGION, -1, first, sizeof first, NULL, 0};
    struct heap_part part = {PART_USED, -1, first, sizeof first, NULL, 0};
    if (state == 2)
        part = (struct heap_part){PART_FREE, 2, first, sizeof first, second, 0};
    hook("inside a walk hooks are nothing", NULL);
    if (state > 0) {
        visit(&region, context);
        visit(&part, context);
    }
    if (state > 1) {
        region.start = part.start = second;
        region.size = part.size = sizeof second;
        part.next = NULL;
        visit(&region, context);
        visit(&part, context);
    }
}

static void *run_a(void *unused)
{
    hook_thread("A", 0);
    hook("toy: begin", first);
    state = 2;
    hook_thread("A", 1); /* moves to another CPU */
    hook("toy: end", first + sizeof first);
    hook("a test's own", gap + 8);
    return unused;
}

static void *run_b(void *unused)
{
    hook_thread("B", 3);
    hook("toy: begin", second + 16);
    state = 1;
    hook("toy: end", NULL);
    return unused;
}

static void make_record(void)
{
    pthread_t a, b;
    state = 0;
    hook_record(walk);
    hook_park("A", "toy: begin", 1);
    pthread_create(&a, NULL, run_a, NULL);
    assert(hook_await_parked("A"));
    pthread_create(&b, NULL, run_b, NULL);
    pthread_join(b, NULL);
    hook_release("A");
    pthread_join(a, NULL);
    hook_write("toy");
}

int main(void)
{
    char folder[] = "/tmp/record-XXXXXX";
    assert(mkdtemp(folder) != NULL && chdir(folder) == 0);
    mkdir("build", 0777);
    mkdir("build/lines", 0777);
    FILE *file = fopen("build/lines/hook-points.tsv", "w");
    assert(file != NULL && fputs(points, file) >= 0 && fclose(file) == 0);

    for (int i = 0; i < 20; i++) {
        char got[sizeof expected + 1] = "";
        make_record();
        file = fopen("build/schedules/toy.json", "r");
        assert(file != NULL);
        fread(got, 1, sizeof got - 1, file);
        fclose(file);
        if (strcmp(got, expected) != 0)
            printf("%s", got);
        assert(strcmp(got, expected) == 0);
    }

    hook_record(walk);
    hook_write("toy");
    file = fopen("build/schedules/toy.json", "r");
    assert(file != NULL && fgetc(file) == '[' && fgetc(file) == ']');
    fclose(file);

    remove("build/schedules/toy.json");
    remove("build/lines/hook-points.tsv");
    rmdir("build/schedules");
    rmdir("build/lines");
    rmdir("build");
    assert(rmdir(folder) == 0);
}
