/*
 * baseline: the figures of a recording as a small text file, which can stand for it in a comparison.
 *
 *  pq-baseline 1
 *  path before.tape
 *  time FROM_NS TO_NS SAMPLES BLOCK_NS
 *  fact KEY VALUE
 *  losses TEXT
 *  left-out VALUES
 *  note TOOL TEXT
 *  tool NAME SAMPLES SPAN_S
 *  row NAME SEEN
 *  figure KEY N SUM WEIGHT MIN MAX FIRST LAST
 *  blocks I SUM WEIGHT ...
 *  counts ZEROS OCTAVE.STEP=COUNT ...
 *  end
 *
 * A row belongs to the tool above it, and a figure to the row. In names, bytes other than visible ASCII,
 * and '%', are %XX. An empty name is '%'.
 */
#ifndef PQ_COMMANDS_DIFF_BASELINE_H
#define PQ_COMMANDS_DIFF_BASELINE_H

#include "commands/diff/samples.h"

/* Whether a file with these first bytes is a baseline, of whatever version. */
bool baseline_begins(struct text t);

void baseline_print(const struct side *s, struct buf *out);

/* Reads a baseline into *s, which it begins. Tools and columns that this pq does not have are left out.
 * Returns 0, or -1 with errno: EINVAL not a whole baseline, ENOTSUP of a later version; *line is the
 * number of the wrong line. */
int baseline_parse(struct text t, struct side *s, size_t *line);

#endif
