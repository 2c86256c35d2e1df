/* What tests/judge/trace.c names and a page never calls. */
int waitpid(int child, int *status, int options);
