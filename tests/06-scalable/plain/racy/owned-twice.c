/* The negative control of plain/owners.c: the heap with slots that nobody locks.
   A stops between reading the first object of its chain and unlinking it, B
   allocates from beginning to end, A goes on: both have the same object. That is
   forced 100 times, and the stamps must see it each time. */
#include "../owners.h"

#include "hooks.h"

/* slot_pop, with a stop in the middle. */
static inline void *slot_pop_in_two(struct slot *slot, unsigned class)
{
    chain_word loaded = slot->of[class].loaded;
    void *object = first_of(loaded);
    hook("owned-twice: read the first object", object);
    if (object != NULL)
        slot->of[class].loaded = chain_rest(loaded);
    return object;
}

static inline struct slot *slot_for_all(void)
{
    return &scalable.slots[0];
}

/* Instead of the library's: nobody asks whether the slot is held. */
#define slot_try slot_for_all
#define slot_pop slot_pop_in_two
#include "06-scalable/mymalloc.c"

enum { RUNS = 100, SIZE = 100 };

struct caller {
    const char *name;
    uint32_t number;
};

static void *take(void *context)
{
    const struct caller *caller = context;
    hook_thread(caller->name, 0);
    void *block = mymalloc(SIZE);
    if (block == NULL)
        abort();
    stamp(block, SIZE, 0, caller->number);
    return NULL;
}

int main(void)
{
    static struct caller a = {"A", 1}, b = {"B", 2};
    unsigned seen = 0;
    begin_owners();
    for (unsigned run = 0; run < RUNS; run++) {
        pthread_t thread[2];
        unsigned long before = owners.wrong;
        /* Two objects are at hand. */
        void *block[] = {mymalloc(SIZE), mymalloc(SIZE), mymalloc(SIZE)};
        for (int n = 0; n < 3; n++)
            myfree(block[n]);
        hook_park("A", "owned-twice: read the first object", 1);
        if (pthread_create(&thread[0], NULL, take, &a) != 0 ||
            !hook_await_parked("A") ||
            pthread_create(&thread[1], NULL, take, &b) != 0)
            abort();
        pthread_join(thread[1], NULL);
        hook_release("A");
        pthread_join(thread[0], NULL);
        seen += owners.wrong > before;
    }
    printf("an object of two owners was seen in %u of %u runs\n", seen, RUNS);
    return seen == RUNS ? 0 : 1;
}
