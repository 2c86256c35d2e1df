/* The heap as releases have it, without hooks and with locks that know whether
   there is one thread: first alone, then with the threads of threads.h. */
#undef TEST_HOOKS
#include "03-segments/MyMalloc.c"
#include "03-segments/heap.c"
#include "03-segments/table.c"
#include "03-segments/threads.h"

int main(void)
{
    static void *payload[2000];
    for (size_t i = 0; i < 40000; i++) {
        size_t n = i * 7919 % 2000;
        MyFree(payload[n]);
        payload[n] = MyMalloc(i * 31 % (i % 50 == 0 ? 300000 : 3000) + 1);
        assert(payload[n] != NULL);
    }
    assert(allocator.check() == 0);
    for (size_t n = 0; n < 2000; n++)
        MyFree(payload[n]);
    run_threads(20000);
    return 0;
}
