/* A signal handler that needs the lock which its thread has. */
#include "04-arena/arena.c"

static const char event[] = "arena: pop: the list is read";
static const bool hangs = true;

#include "handler.h"
