/* Copies of strings. */
#include "model.h"

TestSuite(mystrdup, .init = watchdog);

/* Whatever is allocated next was written to before. */
static void make_dirty(void)
{
    for (int n = 0; n < 2; n++)
        memset(new_block(THRESHOLD)->start, 0xA5, THRESHOLD);
    while (model.count > 0)
        myfree(model.block[--model.count].start);
}

Test(mystrdup, copies_all_of_a_string)
{
    begin_heap();
    make_dirty();
    static char text[3000];
    for (size_t length = 0; length < 2000; length += length / 7 + 1) {
        memset(text, 'x', length);
        text[length] = '\0';
        char *copy = mystrdup(text);
        cr_assert(copy != NULL && copy != text);
        check_place((unsigned char *)copy, length + 1);
        cr_assert(strcmp(copy, text) == 0, "%zu characters differ", length);
        add_block(copy, length + 1);
    }
    check_memory();
    free_all();
    check_heap();
}

Test(mystrdup, copies_no_more_than_it_may)
{
    begin_heap();
    make_dirty();
    for (size_t most = 0; most < 12; most++) {
        char *copy = mystrndup("seven77", most);
        size_t length = most < 7 ? most : 7;
        cr_assert(copy != NULL && strlen(copy) == length,
                  "mystrndup(\"seven77\", %zu) has %zu characters", most,
                  copy != NULL ? strlen(copy) : 0);
        cr_assert(memcmp(copy, "seven77", length) == 0);
        add_block(copy, length + 1);
    }
    static const char unfinished[4] = {'a', 'b', 'c', 'd'};
    char *copy = mystrndup(unfinished, sizeof unfinished);
    cr_assert(copy != NULL && strcmp(copy, "abcd") == 0);
    add_block(copy, 5);
    check_memory();
}

Test(mystrdup, returns_NULL_when_memory_is_short)
{
    begin_heap();
    static char text[THRESHOLD + 100];
    memset(text, 'x', sizeof text - 1);
    machine.maps_left = machine.extends_left = 0;
    errno = 0;
    cr_assert(mystrdup(text) == NULL && errno == ENOMEM);
    cr_assert(mystrndup(text, sizeof text) == NULL);
    machine.maps_left = machine.extends_left = UINT_MAX;
    check_memory();
}
