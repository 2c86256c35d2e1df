/* A heap that gives everybody the same block and says that threads may use it. */
#include "01-bump/allocator.h"

static _Alignas(16) unsigned char bytes[1 << 20];

static void *allocate(size_t request)
{
    return request <= sizeof bytes ? bytes : NULL;
}

static void release(void *payload) { (void)payload; }

static void *reallocate(void *payload, size_t request)
{
    (void)payload;
    return allocate(request);
}

const struct allocator allocator = {
    .name = "same",
    .malloc = allocate,
    .free = release,
    .realloc = reallocate,
    .is_thread_safe = true,
};
