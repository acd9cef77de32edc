/* hist: a log-linear histogram: every power of two is cut into 64 equal steps, so a value read back
 * is at most 1 % off. Its memory follows the spread of the values, not their number. */
#ifndef PQ_BASE_HIST_H
#define PQ_BASE_HIST_H

#include <stdint.h>

/* Powers of two that are told apart: 2^-14 (below: counted as 0) to 2^50 (above: counted in the
 * last step). */
enum { HIST_OCTAVES = 64, HIST_STEPS = 64, HIST_LOWEST = -14 };

/* Zero-initialise to start. */
struct hist {
	uint32_t *octave[HIST_OCTAVES]; /* HIST_STEPS counts each, made on first use */
	uint64_t zeros;                 /* values too small to have a step */
	uint64_t n;
	double max; /* exact */
};

/* Counts a value; negative ones count as 0, NaN is not counted. */
void hist_add(struct hist *h, double value);

/* The value below which a share q (0 to 1) of the values lies: the middle of its step, never above
 * the largest value seen. NaN when nothing was counted. */
double hist_quantile(const struct hist *h, double q);

void hist_free(struct hist *h);

#endif
