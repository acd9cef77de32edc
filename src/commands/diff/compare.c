#include "commands/diff/compare.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

/* ---- Ranks */

/* Blocks in the order of their values: each is the bits of its value, which are ordered as values are, and below them
 * its place, in a and then in b. */
enum { PLACE_BITS = 32 };

/* Means of equal values may differ in their last bits. */
static uint64_t
key_of(double x, size_t place)
{
	float value = (float)fmax(-FLT_MAX, fmin(x, FLT_MAX)) + 0.0F; /* -0 is 0 */
	uint32_t bits;

	memcpy(&bits, &value, sizeof bits);
	bits = bits >> 31 ? ~bits : bits | UINT32_C(1) << 31;
	return (uint64_t)bits << PLACE_BITS | place;
}

static uint32_t
value_of(uint64_t key)
{
	return (uint32_t)(key >> PLACE_BITS);
}

static size_t
place_of(uint64_t key)
{
	return (size_t)(key & UINT32_MAX);
}

/* Sorts by values, byte by byte from the lowest one, each time keeping the order of those that are equal. */
static void
sort_keys(uint64_t v[2 * BLOCKS_MOST], size_t n)
{
	uint64_t out[2 * BLOCKS_MOST] = { 0 };

	for (int shift = PLACE_BITS; shift < 64; shift += 8) {
		size_t at[257] = { 0 };
		for (size_t i = 0; i < n; i++)
			at[(v[i] >> shift & 255) + 1]++;
		for (size_t c = 0; c < 256; c++)
			at[c + 1] += at[c];
		for (size_t i = 0; i < n; i++)
			out[at[v[i] >> shift & 255]++] = v[i];
		memcpy(v, out, n * sizeof *v);
	}
}

/* Sets the rank of each block among all of them; equal ones share the mean of theirs. Returns the sum
 * of t^3 - t over groups of t equal ones. */
static double
set_ranks(uint64_t *v, size_t n, double *rank)
{
	double ties = 0;

	sort_keys(v, n);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && value_of(v[end]) == value_of(v[i]); end++)
			;
		double t = (double)(end - i);
		ties += t * t * t - t;
		for (size_t j = i; j < end; j++)
			rank[place_of(v[j])] = (double)(i + 1 + end) / 2;
	}
	return ties;
}

static double
mean_of(const double *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i];
	return sum / (double)n;
}

/* The sum of the products of deviations from the mean that are `lag` blocks apart. */
static double
products(const double *v, size_t n, size_t lag)
{
	double mean = mean_of(v, n), sum = 0;

	for (size_t i = lag; i < n; i++)
		sum += (v[i] - mean) * (v[i - lag] - mean);
	return sum;
}

/* Deviations from a mean of the same blocks correlate by -1/n on average, which is added back. */
static double
stretch_of(const double *rank, size_t na, size_t nb)
{
	size_t least = na < nb ? na : nb;
	double all = products(rank, na, 0) + products(rank + na, nb, 0), stretch = 1;
	double bias = 2 / (double)(na + nb);

	for (size_t lag = 1; all > 0 && lag <= least / 2; lag++) {
		double r = (products(rank, na, lag) + products(rank + na, nb, lag)) / all + bias;
		if (r <= 0)
			break;
		stretch += 2 * r;
	}
	return stretch;
}

/* ---- The test */

struct range {
	double low, high;
};

static struct range
range_of(const double *v, size_t n)
{
	struct range r = { v[0], v[0] };

	for (size_t i = 1; i < n; i++) {
		r.low = fmin(r.low, v[i]);
		r.high = fmax(r.high, v[i]);
	}
	return r;
}

static bool
far_apart(struct range a, struct range b)
{
	double gap = fmax(b.low - a.high, a.low - b.high);

	return gap > 0 && gap > 3 * (a.high - a.low + b.high - b.low);
}

/* A step of the continued fraction below, with the method of Lentz. */
static double
fraction_step(double term, double *c, double *d)
{
	*d = 1 + term * *d;
	*d = 1 / (fabs(*d) < DBL_MIN ? DBL_MIN : *d);
	*c = 1 + term / *c;
	*c = fabs(*c) < DBL_MIN ? DBL_MIN : *c;
	return *c * *d;
}

/* The incomplete beta function with b = 1/2, by its continued fraction, for x < (a + 1) / (a + 2.5). */
static double
beta_part(double a, double b, double x)
{
	double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a;
	double c = 1, d = 1 / fmax(1 - (a + b) * x / (a + 1), DBL_MIN), value = d;

	for (double m = 1, last = 0; m < 300 && fabs(last - 1) > 1e-14; m++) {
		value *= fraction_step(m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), &c, &d);
		last = fraction_step(
		    -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), &c, &d);
		value *= last;
	}
	return front * value;
}

double
student_tails(double t, double freedom)
{
	double x = freedom / (freedom + t * t), a = freedom / 2;

	if (!(t > 0))
		return 1;
	return x < (a + 1) / (a + 2.5) ? beta_part(a, 0.5, x) : 1 - beta_part(0.5, a, 1 - x);
}

/* The probability of a sum of ranks that is as far from its mean. So many blocks count as one, which is
 * an estimate: hence Student's distribution. */
static double
probability(double distance, double na, double nb, double ties, double stretch)
{
	double n = na + nb, variance = na * nb / 12 * (n + 1 - ties / (n * (n - 1)));

	if (variance <= 0)
		return 1;
	return student_tails(
	    fmax(0, distance - 0.5) / sqrt(variance * stretch), fmax(1, n / stretch - 2));
}

double
rank_test_least(size_t na, size_t nb)
{
	double a = (double)na, b = (double)nb;

	return probability(a * b / 2, a, b, 0, 1);
}

bool
rank_test(const double *a, size_t na, const double *b, size_t nb, struct rank_test *out)
{
	uint64_t v[2 * BLOCKS_MOST];
	double rank[2 * BLOCKS_MOST], n = (double)na, m = (double)nb;

	if (na < BLOCKS_LEAST || nb < BLOCKS_LEAST || na > BLOCKS_MOST || nb > BLOCKS_MOST)
		return false;
	for (size_t i = 0; i < na + nb; i++)
		v[i] = key_of(i < na ? a[i] : b[i - na], i);
	double ties = set_ranks(v, na + nb, rank);
	double u = mean_of(rank + na, nb) * m - m * (m + 1) / 2; /* pairs where b is larger */
	out->shift = 2 * u / (n * m) - 1;
	out->apart = far_apart(range_of(a, na), range_of(b, nb));
	out->stretch = out->apart ? 1 : stretch_of(rank, na, nb);
	out->p = probability(fabs(u - n * m / 2), n, m, ties, out->stretch);
	return true;
}

/* ---- Many tests at once */

struct tested {
	double p;
	size_t place;
};

static int
by_p(const void *a, const void *b)
{
	const struct tested *x = a, *y = b;

	return x->p < y->p ? -1 : x->p > y->p;
}

size_t
holm(const double *p, size_t n, double level, bool *significant)
{
	struct tested *v = xmalloc((n + 1) * sizeof *v);
	size_t tests = 0;

	for (size_t i = 0; i < n; i++) {
		significant[i] = false;
		if (!isnan(p[i]))
			v[tests++] = (struct tested){ p[i], i };
	}
	qsort(v, tests, sizeof *v, by_p);
	for (size_t i = 0; i < tests && v[i].p <= level / (double)(tests - i); i++)
		significant[v[i].place] = true;
	free(v);
	return tests;
}

/* ---- The size of a change */

double
change_size(enum unit unit, double a, double b)
{
	static const double little[] = {
		[NO_UNIT] = 0.5,
		[CPUS] = 0.05,
		[PERCENT] = 1,
		[BYTES] = 4 << 20,
		[MILLISECONDS] = 1,
		[PER_SECOND] = 10,
		[MICROSECONDS] = 50,
	};

	return log((fmax(b, 0) + little[unit]) / (fmax(a, 0) + little[unit]));
}
