/* What tests/judge/trace.c names and a page never calls. */
typedef int posix_spawn_file_actions_t;
int pipe2(int ends[2], int flags);
int posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions);
int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int from, int to);
int posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *actions, int file, const char *path, int flags, int mode);
int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *actions);
int posix_spawnp(int *child, const char *file, const posix_spawn_file_actions_t *actions, const void *attributes, char *const arguments[], char *const environment[]);
