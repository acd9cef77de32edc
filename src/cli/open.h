/* open: opens the host that -f or --root names, and the recording that -o writes. Whatever cannot
 * be opened ends the program with one line that says why. */
#ifndef PQ_CLI_OPEN_H
#define PQ_CLI_OPEN_H

#include "cli/args.h"
#include "tape/file.h"

/* Opens the live host, a captured directory, or a recording and its window. */
struct host *open_host(const struct options *o);

/* Opens a recording to read: a file, or "-" for stdin. Returns the descriptor; *pipe is set when it
 * is not a regular file. */
int open_recording(const char *path, bool *pipe);

/* Why a recording cannot be read, from the errno of host_tape and tape_reader_begin. */
const char *recording_error(int error);

/* Refuses "-" where stdout is a terminal, which cannot show the bytes of a recording or trace. */
void check_binary_output(const char *path);

/* Removes a file that cannot be completed, and ends the program. A reader of stdout that has gone is no error.
 * ECANCELED: a signal stopped it. */
_Noreturn void output_incomplete(const char *path, int error);

/* Opens a recording to write, or to continue. ring: its size in bytes; 0: it grows. */
void open_output(struct tape_file *f, const char *path, uint64_t ring);

/* Creates a recording, which must not exist yet; "-" is stdout. */
void create_output(struct tape_file *f, const char *path);

/* Appends how a recording was made, as lines "key value": the tools' names, the interval (0: not
 * given) and the target. */
void recording_about(struct buf *b, const char *names, int64_t interval_ns, const struct target *t);

/* Sets *t to the target that a recording was made for, as far as the tool takes one, unless *t is
 * set already. A form of a tool that is about all cgroups is about the recorded one. The strings
 * belong to the host. */
void recording_target(const struct host *h, const struct tool *tool, struct target *t);

/* Whether the host was recorded for this tool. If not, files that the tool reads may be missing. */
bool recording_has(const struct host *h, const struct tool *tool);

/* The window of --from and --to, on a recording that spans `whole`. */
struct span recording_window(const struct options *o, const struct span *whole);

#endif
