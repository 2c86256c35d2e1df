/* The threads of threads.h on the heap of the chapter. With an argument: so
   many operations of each; `make soak` has them do a million. */
#include "03-segments/threads.h"

#include <stdlib.h>

#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
enum { OPERATIONS = 20000 };
#else
enum { OPERATIONS = 250000 };
#endif

int main(int argc, char **argv)
{
    run_threads(argc > 1 ? atol(argv[1]) : OPERATIONS);
    return 0;
}
