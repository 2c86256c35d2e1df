/* What the allocators of the book ask of a kernel, on the memory of a WebAssembly
   module: a break and mappings. Behind the module's variables the break has
   BREAK bytes; pages for mappings follow. All of it is forgotten before a play,
   when the page puts the variables back. */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    PAGE = 4096,                /* bytes; the machine's of the book */
    WASM_PAGE = 64 << 10,       /* bytes */
    BREAK = 16 << 20,           /* bytes */
    PAGES = 32768               /* for mappings: 128 MiB */
};

extern char __heap_base;

static uint8_t mapped[PAGES / 8];   /* a bit for each page */
static size_t brk_size;         /* bytes */

/* At a multiple of 64 KiB, and of 2 MiB, as large mappings of Linux are. */
static char *bottom(void)
{
    return (char *)(((uintptr_t)&__heap_base + WASM_PAGE - 1) & -WASM_PAGE);
}

static char *mappings(void)
{
    return (char *)(((uintptr_t)bottom() + BREAK + (2 << 20) - 1) & -(2 << 20));
}

/* Makes the memory up to `end` exist. */
static bool reach(const char *end)
{
    size_t pages = ((uintptr_t)end + WASM_PAGE - 1) / WASM_PAGE;
    size_t now = __builtin_wasm_memory_size(0);
    return pages <= now ||
           __builtin_wasm_memory_grow(0, pages - now) != SIZE_MAX;
}

void *sbrk(intptr_t increment)
{
    char *old = bottom() + brk_size;
    if (increment > (intptr_t)(BREAK - brk_size) ||
        increment < -(intptr_t)brk_size || !reach(old + increment)) {
        errno = ENOMEM;
        return (void *)-1;
    }
    if (increment > 0)
        __builtin_memset(old, 0, (size_t)increment);
    brk_size += (size_t)increment;
    return old;
}

static bool is_mapped(size_t page) { return mapped[page / 8] >> page % 8 & 1; }

static void set_mapped(size_t first, size_t count, bool is)
{
    for (size_t i = first; i < first + count; i++)
        mapped[i / 8] =
            (uint8_t)((mapped[i / 8] & ~(1u << i % 8)) | (unsigned)is << i % 8);
}

/* The first of `count` pages that are free, the lowest such; or PAGES. */
static size_t find(size_t count)
{
    size_t run = 0;
    for (size_t i = 0; i < PAGES; i++) {
        run = is_mapped(i) ? 0 : run + 1;
        if (run == count)
            return i + 1 - count;
    }
    return PAGES;
}

/* Memory is zero when it is mapped, but for a mapping with MAP_NORESERVE: who
   asks for more than it will touch asks for bytes that nobody reads. */
void *mmap(void *address, size_t length, int rights, int flags, int file,
           off_t offset)
{
    (void)address;
    (void)rights;
    (void)file;
    (void)offset;
    size_t count = length / PAGE + (length % PAGE != 0);
    size_t first = count == 0 ? PAGES : find(count);
    char *start = mappings() + first * PAGE;
    if (first == PAGES || !reach(start + count * PAGE)) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    set_mapped(first, count, true);
    if (!(flags & MAP_NORESERVE))
        __builtin_memset(start, 0, count * PAGE);
    return start;
}

int munmap(void *start, size_t length)
{
    size_t first = (size_t)((char *)start - mappings()) / PAGE;
    size_t count = length / PAGE + (length % PAGE != 0);
    if ((char *)start < mappings() || first >= PAGES || count > PAGES - first) {
        errno = EINVAL;
        return -1;
    }
    set_mapped(first, count, false);
    return 0;
}

/* With MREMAP_FIXED to a mapping that is there; what it leaves stays as it was. */
void *mremap(void *start, size_t length, size_t new_length, int flags, ...)
{
    if (flags & MREMAP_FIXED) {
        va_list arguments;
        va_start(arguments, flags);
        void *to = va_arg(arguments, void *);
        va_end(arguments);
        return __builtin_memcpy(to, start, new_length);
    }
    if (new_length <= length) {
        munmap((char *)start + new_length, length - new_length);
        return start;
    }
    void *moved = mmap(NULL, new_length, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (moved == MAP_FAILED)
        return MAP_FAILED;
    __builtin_memcpy(moved, start, length);
    munmap(start, length);
    return moved;
}

/* Of one page. */
int mincore(void *start, size_t length, unsigned char *is_resident)
{
    size_t page = (size_t)((char *)start - mappings()) / PAGE;
    bool is_there = (char *)start < bottom() + brk_size ||
                    ((char *)start >= mappings() && page < PAGES &&
                     is_mapped(page));
    (void)length;
    *is_resident = is_there;
    if (!is_there)
        errno = ENOMEM;
    return is_there ? 0 : -1;
}

int madvise(void *start, size_t length, int advice)
{
    if (advice == MADV_DONTNEED)
        __builtin_memset(start, 0, length);
    return 0;
}

int mprotect(void *start, size_t length, int rights)
{
    (void)start;
    (void)length;
    (void)rights;
    return 0;
}

long sysconf(int name)
{
    return name == _SC_PAGESIZE ? PAGE : 1;
}
