/* A page has one thread. */
#ifndef SYS_SINGLE_THREADED_H
#define SYS_SINGLE_THREADED_H
static const char __libc_single_threaded = 1;
#endif
