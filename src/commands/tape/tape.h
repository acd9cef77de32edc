/* tapework: what can be done with a tape that is there: pq tape info, verify, cut, pack, unpack,
 * save. */
#ifndef PQ_TAPE_TAPE_H
#define PQ_TAPE_TAPE_H

#include "cli/args.h"
#include "tape/reader.h"

/* Opens the tape for reading; ends the program when that is none. */
void tapework_open(struct tape_reader *r, const char *path);

/* The window that was asked for; ends the program when it cannot be told. */
struct span tapework_window(struct tape_reader *r, const struct options *o);

/* Says what was lost of it, if anything was; returns the exit status. */
enum exit_status tapework_end(struct tape_reader *r, const char *path);

enum exit_status tape_unpack(const struct options *o, const char *path, const char *to);
enum exit_status tape_pack(const struct options *o, const char *from, const char *to);

#endif
