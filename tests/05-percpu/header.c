/* A program that knows nothing of mymalloc, read behind the header: every name
   leads to mymalloc, and to nothing of libc. */
#include "05-percpu/malloc.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void *ask_malloc(size_t size) { return malloc(size); }
static void *ask_calloc(size_t count, size_t size) { return calloc(count, size); }
static void *ask_realloc(void *p, size_t size) { return realloc(p, size); }
static void (*give)(void *) = free;
static char *ask_strdup(const char *s) { return strdup(s); }
static char *ask_strndup(const char *s, size_t n) { return strndup(s, n); }

struct object {
    void (*free)(void *);
    int malloc;
};
static struct object object = {.free = free, .malloc = 3};
static bool has_ours(void) { return object.free == give && object.malloc == 3; }
static void give_to_object(void *payload) { object.free(payload); }

#undef malloc
#undef calloc
#undef realloc
#undef free
#undef strdup
#undef strndup
#include "model.h"

TestSuite(header, .init = watchdog);

static void check_ours(void *payload, size_t size)
{
    cr_assert(payload != NULL, "NULL");
    check_place(payload, size);
    give(payload);
    check_heap();
}

Test(header, maps_the_functions_of_stdlib)
{
    begin_heap();
    check_ours(ask_malloc(100), 100);
    check_ours(ask_calloc(10, 10), 100);
    check_ours(ask_realloc(NULL, 100), 100);
    void *payload = ask_realloc(ask_malloc(10), 5000);
    check_ours(payload, 5000);
    check_ours(ask_malloc(THRESHOLD + 1), THRESHOLD + 1);
    check_all_free();
}

Test(header, maps_the_functions_of_string)
{
    begin_heap();
    check_ours(ask_strdup("a string"), 9);
    check_ours(ask_strndup("a string", 3), 4);
}

Test(header, maps_pointers_to_functions)
{
    begin_heap();
    cr_assert(give == myfree && has_ours());
    give_to_object(mymalloc(100));
    check_all_free();
}
