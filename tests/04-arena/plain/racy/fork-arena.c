/* Forks inside the arena of the chapter: the child is sound everywhere. */
#include "04-arena/arena.c"

static const bool waits = true;
static const size_t expected[] = {11, 0, 0};

#include "fork_at.h"
