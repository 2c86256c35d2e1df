/* Forks inside an arena whose child begins with a new lock: it goes on with
   what the other thread left half done. */
#include "04-arena/steps/3-new-lock.c"

static const bool waits = false;
static const size_t expected[] = {7, 0, 4};

#include "fork_at.h"
