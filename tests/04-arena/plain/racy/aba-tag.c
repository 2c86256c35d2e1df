/* ABA on the stack that has a tag: the exchange of A fails, and A reads again.
 */
#include "04-arena/steps/7-tag.c"

static const bool same = false;

#include "aba.h"
