/* hist: a log-linear histogram. It divides every power of two into 64 equal steps, so that a
 * quantile is at most 1 % off. Its memory depends on the range of the values, not on their
 * number. */
#ifndef PQ_BASE_HIST_H
#define PQ_BASE_HIST_H

#include <stdint.h>

/* Values from 2^-14 to 2^50 have steps. Smaller ones count as 0, larger ones in the last step. */
enum { HIST_OCTAVES = 64, HIST_STEPS = 64, HIST_LOWEST = -14 };

/* Zero-initialise to start. */
struct hist {
	uint64_t n;
	uint64_t zeros;                 /* values below the first step */
	double max;                     /* exact */
	uint32_t *octave[HIST_OCTAVES]; /* HIST_STEPS counts each; NULL: none yet */
};

/* Counts a value. Negative values count as 0, and NaN is ignored. */
void hist_add(struct hist *h, double value);

/* Counts it so many times. */
void hist_add_times(struct hist *h, double value, uint32_t times);

/* The value below which the share q (0 to 1) of the values lies: the middle of its step, but at
 * most the largest value. NaN if nothing was counted. */
double hist_quantile(const struct hist *h, double q);

void hist_free(struct hist *h);

#endif
