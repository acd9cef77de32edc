/* abridge: leaves out of a recording the lines of big files that no tool of pq reads, and that would
 * be most of its bytes. pq-tape(5) lists them. */
#ifndef PQ_TAPE_ABRIDGE_H
#define PQ_TAPE_ABRIDGE_H

#include "base/buf.h"
#include "base/text.h"

/* The text of the file at `path` (proc/stat) as a recording keeps it: in `room` if it is abridged,
 * else as it is. */
struct text abridge(const char *path, struct text text, struct buf *room);

#endif
