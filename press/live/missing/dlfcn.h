/* What tests/judge/heap.c names and a page never calls. */
enum { RTLD_NOW, RTLD_LOCAL };
void *dlopen(const char *file, int mode);
void *dlsym(void *handle, const char *name);
char *dlerror(void);
