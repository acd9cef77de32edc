/* slurp: a whole file, or the directories in a directory, into a buffer: what the hosts that read a file tree share. */
#ifndef PQ_SLURP_H
#define PQ_SLURP_H

#include <stdbool.h>

#include "../base/buf.h"

/* A kernel text larger than this is not one that pq reads: EFBIG. */
enum { SLURP_MOST = 64 << 20 };

/* The text of an open file from its start into b. Returns 0, or -1 with errno.
 *
 * The kernel's seq_file hands over what it has in a buffer of at least one page, so a read of less than half a page is
 * the whole text; a longer one may be a piece (schedstat, mountinfo: piece by piece of about a page), and is read on
 * until nothing comes. */
int slurp_file(int fd, struct buf *b);

/* The sub-directories of an open directory, as host_list gives them. */
int slurp_directories(int fd, struct buf *b);

#endif
