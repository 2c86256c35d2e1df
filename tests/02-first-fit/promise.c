/* The promises of chapter 1's interface, kept by this chapter's heap too: the
   same tests. tests/build.mk links them with each step of the chapter as well. */
#include "01-bump/my_malloc.c"
#include "01-bump/my_realloc.c"
#include "01-bump/my_init.c"
#include "01-bump/my_walk.c"
