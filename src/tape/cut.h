/* cut: copies the moments of a window from a tape to another. */
#ifndef PQ_TAPE_CUT_H
#define PQ_TAPE_CUT_H

#include "tape/tape_file.h"
#include "tape/reader.h"

/* Copies all moments of the window: CLOCK_REALTIME, or with a boot_id CLOCK_MONOTONIC of that boot,
 * which nobody sets. Returns how many, or -1 with errno. */
int64_t cut_copy(
    struct tape_reader *r, struct span w, const unsigned char *boot_id, struct tape_file *to);

/* The same into a new file at `path`, which is there only when it is complete. What was lost on the
 * way is in r->lost. */
int64_t cut_save(
    struct tape_reader *r, struct span w, const unsigned char *boot_id, const char *path);

#endif
