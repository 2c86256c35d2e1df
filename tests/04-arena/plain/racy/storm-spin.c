/* A storm on a version of the arena: see storm.h. */
#include "04-arena/steps/4-spin.c"

#include "storm.h"
