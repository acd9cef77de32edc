/* cut: copies the moments of a window from a tape to another. */
#ifndef PQ_CUT_H
#define PQ_CUT_H

#include "../host/tape_file.h"
#include "../host/tape_reader.h"

/* Copies all moments from from_ns to to_ns (CLOCK_REALTIME). Returns how many, or -1 with errno. */
int64_t cut_copy(struct tape_reader *r, int64_t from_ns, int64_t to_ns, struct tape_file *to);

/* The same into a new file at `path`, which is there only when it is complete. What was lost on the way is in r->lost. */
int64_t cut_save(struct tape_reader *r, int64_t from_ns, int64_t to_ns, const char *path);

#endif
