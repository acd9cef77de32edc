/* captured: one captured file tree, a moment of `moments`: its files, and its time. */
#ifndef PQ_HOST_CAPTURED_H
#define PQ_HOST_CAPTURED_H

#include "base/buf.h"
#include "host/host.h"

/* Opens what is at the path below a directory, whatever it is; -1 with errno. */
int captured_open(int dir, const char *path);

/* The whole text of an open file; reads what is at the path with such a function. 0, or -1 with
 * errno. */
int captured_text(int fd, struct buf *b);
int captured_slurp(int dir, const char *path, int (*slurp)(int, struct buf *), struct buf *b);

/* Sets the moment's time, and its kind: from the file `clock`, or without one from the machine's
 * own uptime and boot time. 0; -1 with errno. */
int captured_clock(int dir, struct buf *b, struct moment *out);

#endif
