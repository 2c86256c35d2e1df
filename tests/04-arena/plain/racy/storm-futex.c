/* A storm on a version of the arena: see storm.h. */
#include "04-arena/steps/5-futex.c"

#include "storm.h"
