/* tape: what pq tape's works share. Each opens a recording, its input, and closes it again. */
#ifndef PQ_TAPE_TAPE_H
#define PQ_TAPE_TAPE_H

#include "cli/args.h"
#include "tape/reader.h"

/* Opens the recording, or ends the program. */
void input_open(struct tape_reader *r, const char *path);

/* The window of --from and --to. Ends the program if it is wrong. */
struct span input_window(struct tape_reader *r, const struct options *o);

/* Ends the program because the window has no samples. */
_Noreturn void input_empty(const struct options *o, const char *path);

/* Warns if parts of the recording were lost; EXIT_FAILED then. */
enum exit_status input_close(struct tape_reader *r, const char *path);

enum exit_status tape_unpack(const struct options *o, const char *path, const char *to);
enum exit_status tape_pack(const struct options *o, const char *from, const char *to);

#endif
