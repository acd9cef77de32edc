/* series: figures over time, in as many buckets as there are pixels. A bucket keeps the least and the
 * largest value, and of the mean the part of the bucket that is known. */
#include "commands/report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double
axis_width_ns(const struct axis *a)
{
	return (double)(a->to_ns - a->from_ns) / a->n;
}

unsigned
axis_bucket(const struct axis *a, int64_t real_ns)
{
	if (real_ns <= a->from_ns)
		return 0;
	double i = (double)(real_ns - a->from_ns) / axis_width_ns(a);
	return i < a->n ? (unsigned)i : a->n - 1;
}

static struct bucket *
bucket_to_fill(struct series *s, unsigned i)
{
	struct bucket **chunk = &s->chunk[i / BUCKETS_CHUNK];

	if (!*chunk)
		*chunk = memset(
		    xmalloc(BUCKETS_CHUNK * sizeof **chunk), 0, BUCKETS_CHUNK * sizeof **chunk);
	return *chunk + i % BUCKETS_CHUNK;
}

static void
add_part(struct bucket *b, double value, double seconds)
{
	float v = (float)value;

	b->min = b->n == 0 || v < b->min ? v : b->min;
	b->max = b->n == 0 || v > b->max ? v : b->max;
	b->sum += value * seconds;
	b->known_s += (float)seconds;
	b->n++;
}

/* The seconds of [from, to] within bucket i. */
static double
overlap_s(const struct axis *a, unsigned i, int64_t from_ns, int64_t to_ns)
{
	double width = axis_width_ns(a), start = width * i, end = start + width,
	       from = (double)(from_ns - a->from_ns), to = (double)(to_ns - a->from_ns);

	return (fmin(end, to) - fmax(start, from)) * 1e-9;
}

/* Cuts the span to the axis; false if nothing is left. */
static bool
cut(const struct axis *a, int64_t *from_ns, int64_t *to_ns)
{
	*from_ns = *from_ns > a->from_ns ? *from_ns : a->from_ns;
	*to_ns = *to_ns < a->to_ns ? *to_ns : a->to_ns;
	return *from_ns < *to_ns;
}

void
series_add(struct series *s, const struct axis *a, int64_t from_ns, int64_t to_ns, double value)
{
	if (isnan(value) || !cut(a, &from_ns, &to_ns))
		return;
	unsigned last = axis_bucket(a, to_ns - 1);
	for (unsigned i = axis_bucket(a, from_ns); i <= last; i++) {
		double seconds = overlap_s(a, i, from_ns, to_ns);
		if (seconds > 0)
			add_part(bucket_to_fill(s, i), value, seconds);
	}
	double seconds = (double)(to_ns - from_ns) * 1e-9;
	if (s->known_s == 0 || value > s->max) {
		s->max = value;
		s->max_ns = to_ns;
	}
	s->min = s->known_s == 0 || value < s->min ? value : s->min;
	s->sum += value * seconds;
	s->known_s += seconds;
}

const struct bucket *
series_at(const struct series *s, unsigned bucket)
{
	const struct bucket *chunk = s->chunk[bucket / BUCKETS_CHUNK];

	return chunk && chunk[bucket % BUCKETS_CHUNK].n ? &chunk[bucket % BUCKETS_CHUNK] : NULL;
}

double
series_mean(const struct series *s)
{
	return s->known_s > 0 ? s->sum / s->known_s : NAN;
}

double
bucket_mean(const struct bucket *b)
{
	return b ? b->sum / (double)b->known_s : NAN;
}

void
series_zeros(struct series *s, const struct series *known)
{
	series_free(s);
	for (unsigned i = 0; i < CHUNKS; i++)
		if (known->chunk[i]) {
			s->chunk[i] = xmalloc(BUCKETS_CHUNK * sizeof *s->chunk[i]);
			memcpy(s->chunk[i], known->chunk[i], BUCKETS_CHUNK * sizeof *s->chunk[i]);
		}
	s->known_s = known->known_s;
	s->max_ns = known->max_ns;
}

void
series_free(struct series *s)
{
	for (unsigned i = 0; i < CHUNKS; i++)
		free(s->chunk[i]);
	*s = (struct series){ .sum = 0 };
}

void
bins_add(struct bins *b, const struct axis *a, int64_t from_ns, int64_t to_ns, unsigned bin,
    double weight)
{
	if (!(weight > 0) || bin >= BINS_MOST || !cut(a, &from_ns, &to_ns))
		return;
	if (!b->v)
		b->v = memset(xmalloc(BUCKETS_MOST * sizeof *b->v), 0, BUCKETS_MOST * sizeof *b->v);
	double all_s = (double)(to_ns - from_ns) * 1e-9;
	unsigned last = axis_bucket(a, to_ns - 1);
	for (unsigned i = axis_bucket(a, from_ns); i <= last; i++) {
		double seconds = overlap_s(a, i, from_ns, to_ns);
		b->v[i][bin] += seconds > 0 ? (float)(weight * seconds / all_s) : 0;
	}
	b->total[bin] += weight;
	b->all += weight;
}

void
bins_free(struct bins *b)
{
	free(b->v);
	*b = (struct bins){ .v = NULL };
}
