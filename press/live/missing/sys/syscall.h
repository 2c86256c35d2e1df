/* A page has no kernel. */
#ifndef SYS_SYSCALL_H
#define SYS_SYSCALL_H
enum { SYS_futex = 1 };
static inline long syscall(long number, ...) { (void)number; return 0; }
#endif
