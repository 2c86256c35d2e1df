/* For programs without Criterion: a fault of the arena ends the program. */
#ifndef PLAIN_H
#define PLAIN_H

#include <stdio.h>
#include <stdlib.h>

#include "04-arena/model.h"

_Noreturn static void reject(const char *fault)
{
    fprintf(stderr, "%s\n", fault);
    abort();
}

#endif
