/* libc's allocator, with the table that the judge asks for. */
#include <malloc.h>
#include <stdlib.h>

#include "01-bump/allocator.h"

/* Nobody can make libc forget its blocks; but what the judge has freed before
   goes back to the system, so that pages are as new to libc as to any heap. */
static int init(void)
{
    malloc_trim(0);
    return 0;
}

const struct allocator allocator = {
    .name = "libc",
    .init = init,
    .malloc = malloc,
    .free = free,
    .realloc = realloc,
    .calloc = calloc,
    .is_thread_safe = true,
};
