/* Replays inputs of a fuzzed program without the fuzzer: runs it on each file that is
   named, or on all of its corpus. Aborts at the first broken promise; the last line
   of output names the file. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const char fuzz_corpus[]; /* the folder of its inputs */
static int count;

static void replay(const char *path)
{
    static uint8_t data[1 << 20];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    fprintf(stderr, "\r%s", path);
    LLVMFuzzerTestOneInput(data, size);
    count++;
}

static void replay_corpus(void)
{
    DIR *folder = opendir(fuzz_corpus);
    if (folder == NULL) {
        perror(fuzz_corpus);
        exit(1);
    }
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        char path[1000];
        snprintf(path, sizeof path, "%s/%s", fuzz_corpus, entry->d_name);
        if (entry->d_name[0] != '.')
            replay(path);
    }
    closedir(folder);
}

int main(int argc, char **argv)
{
    for (int n = 1; n < argc; n++)
        replay(argv[n]);
    if (argc == 1)
        replay_corpus();
    fprintf(stderr, "\n%d inputs replayed\n", count);
    return count > 0 ? 0 : 1;
}
