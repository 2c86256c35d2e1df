/* What the recorder writes and `judge record` reads: a file for each process,
   all calls of the malloc family in order. It is a shared mapping, so whatever
   ends the process, the first `count` events are in the file, whole. Addresses
   are those of the process; `judge record` turns them into ids. */
#ifndef RECORDING_H
#define RECORDING_H

#include <stdatomic.h>
#include <stdint.h>

/* The environment variable that names the folder of the recordings. Without it
   the recorder records nothing. The files are called NAME.PID.recording, where
   NAME is that of the program; where PID ran it before,
   NAME.PID-2.recording. */
#define RECORD_FOLDER "RECORD_FOLDER"
#define RECORD_SUFFIX ".recording"

enum { RECORD_NAME_SIZE = 240, RECORD_EVENTS_MAX = 1 << 25 };

enum event_kind {
    EVENT_MALLOC,  /* malloc or calloc: `block` of `size` bytes */
    EVENT_ALIGNED, /* the same from memalign and its kin */
    EVENT_REALLOC, /* realloc: `old` became `block` of `size` bytes */
    EVENT_FREE     /* free: `old` */
};

struct event {
    uint64_t kind;  /* an enum event_kind */
    uint64_t size;  /* bytes, as requested */
    uint64_t old;   /* address, or 0 for NULL */
    uint64_t block; /* address, or 0 for NULL */
};

struct recording {
    _Atomic uint64_t count;        /* of events */
    uint64_t parent_count;         /* events of the parent before the fork */
    char parent[RECORD_NAME_SIZE]; /* file that the fork left; "": an exec */
    struct event events[];
};

/* Bytes of the file, most of which are a hole. */
enum {
    RECORD_SIZE =
        sizeof(struct recording) + RECORD_EVENTS_MAX * sizeof(struct event)
};

#endif
