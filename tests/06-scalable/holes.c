/* What wrong heaps got away with. */
#include "model.h"

TestSuite(holes, .init = watchdog);

Test(holes, an_alignment_that_is_no_power_of_two_gets_nothing)
{
    begin_heap(SIZE_MAX);
    for (size_t alignment = 0; alignment < 20000; alignment++) {
        bool is_power = alignment != 0 && (alignment & (alignment - 1)) == 0;
        void *payload = mymemalign(alignment, 100);
        cr_assert((payload != NULL) == is_power,
                  "mymemalign(%zu, 100) is %sNULL", alignment,
                  payload != NULL ? "not " : "");
        myfree(payload);
    }
    check_heap();
}
