/* The commands of the judge. Each takes the words after its name, prints on
   standard output and returns the exit status. */
#ifndef JUDGE_H
#define JUDGE_H

/* Exit statuses: the worst that happened, where 2 is worse than 3. */
enum {
    STATUS_OK = 0,        /* every trace valid and played to its end */
    STATUS_BAD_INPUT = 1, /* wrong words, no such heap, a malformed trace */
    STATUS_INVALID = 2,   /* the heap broke a promise, crashed or hung */
    STATUS_UNFINISHED = 3 /* the heap could not serve an operation */
};

int command_replay(int count, char **words);
int command_map(int count, char **words);
int command_picture(int count, char **words);
int command_steps(int count, char **words);
int command_dump(int count, char **words);
int command_curve(int count, char **words);
int command_time(int count, char **words);
int command_shrink(int count, char **words);
int command_classes(int count, char **words);
int command_calls(int count, char **words);
int command_threads(int count, char **words);
int command_memory(int count, char **words);
int command_cut(int count, char **words);
int command_record(int count, char **words);

/* Ends the process with one line on standard error and STATUS_BAD_INPUT. */
_Noreturn void die(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

#endif
