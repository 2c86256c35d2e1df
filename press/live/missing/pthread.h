/* Threads in a page: there is one, and every lock is free. */
#ifndef PTHREAD_H
#define PTHREAD_H
#include <sys/types.h>  /* pthread_t, pthread_mutex_t, pthread_once_t */
#define PTHREAD_MUTEX_INITIALIZER {0}
#define PTHREAD_ONCE_INIT 0
static inline int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes) { (void)mutex; (void)attributes; return 0; }
static inline int pthread_mutex_destroy(pthread_mutex_t *mutex) { (void)mutex; return 0; }
static inline int pthread_mutex_lock(pthread_mutex_t *mutex) { (void)mutex; return 0; }
static inline int pthread_mutex_trylock(pthread_mutex_t *mutex) { (void)mutex; return 0; }
static inline int pthread_mutex_unlock(pthread_mutex_t *mutex) { (void)mutex; return 0; }
static inline int pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void)) { (void)prepare; (void)parent; (void)child; return 0; }
static inline pthread_t pthread_self(void) { return 0; }
static inline int pthread_once(pthread_once_t *is_done, void (*work)(void))
{
    if (!*is_done)
        work();
    *is_done = 1;
    return 0;
}
#endif
