/* read_file: reads a whole file, a directory or a link into a buffer, for the hosts that read a file
 * tree. */
#ifndef PQ_HOST_READ_FILE_H
#define PQ_HOST_READ_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* pq reads no kernel text larger than this: EFBIG. */
enum { SLURP_MOST = 64 << 20 };

/* The text of an open file from its start into b. Returns 0, or -1 with errno.
 *
 * A text can come in pieces: the kernel's seq_file hands over what fits its page, and the next line
 * may be long (mountinfo, schedstat). So reading goes on until nothing comes. One call is saved for
 * short texts: *whole is set when all of the text came at once, and with it set, a text of less
 * than half a page is taken to be complete. */
int slurp_file(int fd, struct buf *b, bool *whole);

/* The sub-directories of an open directory, as host_list gives them. */
int slurp_directories(int fd, struct buf *b);

/* What the symbolic link leads to that is at the path below an open directory: 0, or -1 with errno
 * as readlinkat(2). */
int slurp_link(int dir, const char *path, struct buf *b);

/* How many entries of any kind an open directory has. 0, or -1 with errno. */
int slurp_count(int fd, uint64_t *n);

#endif
