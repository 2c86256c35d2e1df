/* A signal handler that changes the stack under its thread. */
#include "04-arena/steps/7-tag.c"

static const char event[] = "stack: pop has read the link";
static const bool hangs = false;

#include "handler.h"
