/* Nobody waits in a page. */
#ifndef LINUX_FUTEX_H
#define LINUX_FUTEX_H
enum { FUTEX_WAIT, FUTEX_WAKE, FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE };
#endif
