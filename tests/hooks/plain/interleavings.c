/* Two threads take three steps each. Forces every order in which they can, and
   checks that it is the order in which they did: 20 orders, 50 times each. */
#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "hooks.h"

enum { STEPS = 3 };

static char order[2 * STEPS + 1]; /* names of the threads, as they come by */

static void *take_steps(void *name)
{
    hook_thread(name, 0);
    for (int i = 0; i < STEPS; i++) {
        hook("interleavings: before a step", NULL);
        strcat(order, name);
    }
    return NULL;
}

static void force(const char *wanted)
{
    pthread_t a, b;
    order[0] = '\0';
    hook_park("A", NULL, 1);
    hook_park("B", NULL, 1);
    pthread_create(&a, NULL, take_steps, "A");
    pthread_create(&b, NULL, take_steps, "B");
    int steps_of_a = 0, steps_of_b = 0;
    assert(hook_await_parked("A") && hook_await_parked("B"));
    for (const char *next = wanted; *next != '\0'; next++) {
        const char *name = *next == 'A' ? "A" : "B";
        int *steps = *next == 'A' ? &steps_of_a : &steps_of_b;
        hook_park(name, NULL, 1);
        hook_release(name);
        assert(hook_await_parked(name) == (++*steps < STEPS));
    }
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    assert(strcmp(order, wanted) == 0);
}

/* Forces all orders that begin with `wanted` and go on with a As and b Bs. */
static int force_all(char *wanted, int a, int b)
{
    if (a + b == 0) {
        force(wanted);
        return 1;
    }
    int count = 0;
    size_t length = strlen(wanted);
    if (a > 0) {
        strcpy(wanted + length, "A");
        count += force_all(wanted, a - 1, b);
    }
    if (b > 0) {
        strcpy(wanted + length, "B");
        count += force_all(wanted, a, b - 1);
    }
    wanted[length] = '\0';
    return count;
}

int main(void)
{
    for (int i = 0; i < 50; i++) {
        char wanted[2 * STEPS + 1] = "";
        assert(force_all(wanted, STEPS, STEPS) == 20);
    }
}
