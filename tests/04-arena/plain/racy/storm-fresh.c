/* A storm on a version of the arena: see storm.h. */
#include "04-arena/steps/8-fresh.c"

#include "storm.h"
