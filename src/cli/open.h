/* tapes: what -f names, and the tape that -o writes, opened; a clear line where that cannot be
 * done. */
#ifndef PQ_CLI_OPEN_H
#define PQ_CLI_OPEN_H

#include "cli/args.h"
#include "tape/file.h"

/* The host that was asked for: live, a directory of samples, or a tape and its window. Ends the
 * program when there is none. */
struct host *tapes_open(const struct options *o);

/* A tape's file, or "-" for a pipe, to be read: its descriptor; *pipe says which. Ends the program
 * when it is none of the two. */
int tapes_file(const char *path, bool *pipe);

/* Why a tape cannot be read, by the errno of host_tape and tape_reader_begin. */
const char *tapes_why(int error);

/* A tape to write, or to go on with. Ends the program when it cannot be. */
void tapes_create(struct tape_file *f, const char *path, uint64_t ring);

/* What a tape says of how it was made, as lines "key value": the tools' names, their interval (0:
 * none was given), and whom they were asked about. */
void tapes_about(struct buf *b, const char *names, int64_t interval_ns, const struct target *t);

/* Whom a tape was recorded for, when nobody is asked for: what the tool takes of it. The strings
 * are the host's. */
void tapes_target(const struct host *h, const struct tool *tool, struct target *t);

/* Whether a recording was made for this tool too, or for all: else it may miss something that the
 * tool reads. */
bool tapes_recorded(const struct host *h, const struct tool *tool);

/* The window that --from and --to ask for, on a tape that is as long as `whole`. Ends the program
 * when it is empty. */
struct span tapes_window(const struct options *o, const struct span *whole);

#endif
