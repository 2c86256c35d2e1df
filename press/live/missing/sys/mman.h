/* Memory from press/live/system.c. */
#ifndef SYS_MMAN_H
#define SYS_MMAN_H
#include <stddef.h>
#include <sys/types.h>
enum { PROT_NONE = 0, PROT_READ = 1, PROT_WRITE = 2 };
enum { MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_FIXED = 16, MAP_ANONYMOUS = 32, MAP_NORESERVE = 0x4000, MAP_POPULATE = 0x8000,
       MAP_FIXED_NOREPLACE = 0x100000 };
enum { MREMAP_MAYMOVE = 1, MREMAP_FIXED = 2, MREMAP_DONTUNMAP = 4 };
enum { MADV_DONTNEED = 4, MADV_FREE = 8 };
#define MAP_FAILED ((void *)-1)
void *mmap(void *address, size_t length, int rights, int flags, int file, off_t offset);
int munmap(void *start, size_t length);
void *mremap(void *start, size_t length, size_t new_length, int flags, ...);
int mincore(void *start, size_t length, unsigned char *is_resident);
int madvise(void *start, size_t length, int advice);
int mprotect(void *start, size_t length, int rights);
#endif
