/* ABA on the stack that has no tag: the link that A read is stale, and its
 * exchange succeeds. */
#include "04-arena/steps/6-stack.c"

static const bool same = true;

#include "aba.h"
