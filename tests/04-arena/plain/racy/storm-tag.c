/* A storm on a version of the arena: see storm.h. */
#include "04-arena/steps/7-tag.c"

#include "storm.h"
