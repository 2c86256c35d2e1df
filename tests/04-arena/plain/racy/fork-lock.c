/* Forks inside an arena that has a lock and does nothing about forks: the child
   hangs, wherever the other thread stands. */
#include "04-arena/steps/2-lock.c"

static const bool waits = false;
static const size_t expected[] = {0, 11, 0};

#include "fork_at.h"
