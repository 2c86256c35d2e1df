/* Threads that take turns: chapter 1's test, of this heap. */
#include "01-bump/plain/turns.c"
