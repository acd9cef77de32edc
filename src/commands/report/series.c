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

struct stretch
axis_stretch(const struct axis *a, int64_t from_ns, int64_t to_ns)
{
	struct stretch t = { .axis = a };

	t.from_ns = from_ns > a->from_ns ? from_ns : a->from_ns;
	t.to_ns = to_ns < a->to_ns ? to_ns : a->to_ns;
	if (t.from_ns >= t.to_ns)
		return t;
	t.first = axis_bucket(a, t.from_ns);
	t.end = axis_bucket(a, t.to_ns - 1) + 1;
	return t;
}

static double
length_s(const struct stretch *t)
{
	return (double)(t->to_ns - t->from_ns) * 1e-9;
}

/* Its seconds within bucket i. Most are within one. */
static double
seconds_in(const struct stretch *t, unsigned i)
{
	if (t->end - t->first == 1)
		return length_s(t);
	double width = axis_width_ns(t->axis), start = width * i, end = start + width,
	       from = (double)(t->from_ns - t->axis->from_ns),
	       to = (double)(t->to_ns - t->axis->from_ns);
	return (fmin(end, to) - fmax(start, from)) * 1e-9;
}

void
series_add(struct series *s, const struct stretch *t, double value)
{
	if (isnan(value) || t->first == t->end)
		return;
	for (unsigned i = t->first; i < t->end; i++) {
		double seconds = seconds_in(t, i);
		if (seconds > 0)
			add_part(bucket_to_fill(s, i), value, seconds);
	}
	double seconds = length_s(t);
	if (s->known_s == 0 || value > s->max) {
		s->max = value;
		s->max_ns = t->to_ns;
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
bins_add(struct bins *b, const struct stretch *t, unsigned bin, double weight)
{
	if (!(weight > 0) || bin >= BINS_MOST || t->first == t->end)
		return;
	if (!b->v)
		b->v = memset(xmalloc(BUCKETS_MOST * sizeof *b->v), 0, BUCKETS_MOST * sizeof *b->v);
	for (unsigned i = t->first; i < t->end; i++) {
		double seconds = seconds_in(t, i);
		b->v[i][bin] += seconds > 0 ? (float)(weight * seconds / length_s(t)) : 0;
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
