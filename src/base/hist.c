#include "base/hist.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

/* The step of a positive value and its *octave, read from the bits of the number; -1 if the value
 * is below the first step. */
static int
step_of(double value, int *octave)
{
	enum { MANTISSA_BITS = 52, BIAS = 1023, STEP_BITS = 6 };
	_Static_assert(HIST_STEPS == 1 << STEP_BITS, "a step is the highest bits");
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	*octave = (int)(bits >> MANTISSA_BITS) - BIAS - HIST_LOWEST;
	if (*octave < 0)
		return -1;
	if (*octave >= HIST_OCTAVES) {
		*octave = HIST_OCTAVES - 1;
		return HIST_STEPS - 1;
	}
	return (int)(bits >> (MANTISSA_BITS - STEP_BITS)) % HIST_STEPS;
}

void
hist_add_times(struct hist *h, double value, uint32_t times)
{
	int octave, step;

	if (isnan(value))
		return;
	h->n += times;
	if (value > h->max)
		h->max = value;
	step = value > 0 ? step_of(value, &octave) : -1;
	if (step < 0) {
		h->zeros += times;
		return;
	}
	if (!h->octave[octave]) {
		size_t size = HIST_STEPS * sizeof *h->octave[0];
		h->octave[octave] = memset(xmalloc(size), 0, size);
	}
	h->octave[octave][step] += times;
}

void
hist_add(struct hist *h, double value)
{
	hist_add_times(h, value, 1);
}

static double
middle(const struct hist *h, int octave, int step)
{
	double value = ldexp(1 + (step + 0.5) / HIST_STEPS, octave + HIST_LOWEST);

	return value < h->max ? value : h->max;
}

double
hist_quantile(const struct hist *h, double q)
{
	if (h->n == 0)
		return NAN;
	uint64_t rank = (uint64_t)ceil(q * (double)h->n);
	uint64_t seen = h->zeros;

	if (rank < 1)
		rank = 1;
	if (rank >= h->n)
		return h->max;
	if (seen >= rank)
		return 0;
	for (int o = 0; o < HIST_OCTAVES; o++) {
		for (int s = 0; h->octave[o] && s < HIST_STEPS; s++) {
			seen += h->octave[o][s];
			if (seen >= rank)
				return middle(h, o, s);
		}
	}
	return h->max;
}

void
hist_free(struct hist *h)
{
	for (int o = 0; o < HIST_OCTAVES; o++)
		free(h->octave[o]);
	*h = (struct hist){ 0 };
}
