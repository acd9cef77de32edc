/* compare: statistics that compare two recordings: a rank test for blocks of samples, a correction for
 * many tests at once, and how large a change is. Pure functions. */
#ifndef PQ_COMMANDS_DIFF_COMPARE_H
#define PQ_COMMANDS_DIFF_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

#include "table/table.h"

/* A recording has at most this many blocks of a figure, and a test needs at least so many of each. */
enum { BLOCKS_MOST = 128, BLOCKS_LEAST = 8 };

struct rank_test {
	double p;     /* of two sides: how likely such a difference is without a change */
	double shift; /* how much more often a block of b is larger than one of a: -1 to 1 */
	double
	    stretch; /* how many blocks count as one, as neighbours resemble each other: 1 or more */
	bool apart;  /* the two are far apart, so that no drift within either explains it */
};

/*
 * The test of Wilcoxon, Mann and Whitney for the means of blocks, in the order of time, corrected for ties
 * and for continuity. Neighbouring blocks resemble each other, so the variance is multiplied by
 * `stretch`: 1 + twice the sum of the autocorrelations of the ranks within each side, up to the
 * first that is not positive. As that is an estimate, the distribution is Student's, with (na + nb) /
 * stretch - 2 degrees of freedom. Where the gap between the two is larger than three times the
 * ranges of both, the blocks count as independent. False if there are too few blocks.
 */
bool rank_test(const double *a, size_t na, const double *b, size_t nb, struct rank_test *out);

/* How likely it is that a value of Student's distribution is at least as far from 0 as t. */
double student_tails(double t, double degrees_of_freedom);

/* The smallest p that the test can give for so many blocks. */
double rank_test_least(size_t na, size_t nb);

/* Holm's correction: sets significant[i] for those of the n tests that are so if the chance of even one
 * wrong one among them is to be at most `level`. A p of NaN is no test. Returns the number of tests. */
size_t holm(const double *p, size_t n, double level, bool *significant);

/* How large a change is, to rank those of different units: the logarithm of the ratio, after both got
 * an amount of the unit below which differences do not matter. Negative where b is smaller. */
double change_size(enum unit unit, double a, double b);

#endif
