/* After fork each process has a heap of its own: chapter 1's test, of this heap. */
#include "01-bump/plain/fork.c"
