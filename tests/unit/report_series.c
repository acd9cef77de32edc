/* What buckets of a report keep: extremes, means of what is known, and holes. */
#include <math.h>

#include "commands/report/report.h"
#include "unit.h"

static const int64_t second = 1000000000;
static const struct axis ten = { 0, INT64_C(10000000000), 10 };

static void
add(struct series *s, int64_t from_ns, int64_t to_ns, double value)
{
	struct stretch t = axis_stretch(&ten, from_ns, to_ns);

	series_add(s, &t, value);
}

static void
add_bin(struct bins *b, int64_t from_ns, int64_t to_ns, unsigned bin, double weight)
{
	struct stretch t = axis_stretch(&ten, from_ns, to_ns);

	bins_add(b, &t, bin, weight);
}

static void
means(void)
{
	struct series s = { .sum = 0 };

	add(&s, 0, second / 4, 8);
	add(&s, second / 4, second, 0);
	const struct bucket *b = series_at(&s, 0);
	if (!CHECK(b))
		return;
	CHECK(fabs(bucket_mean(b) - 2) < 1e-6);
	CHECK(b->max == 8 && b->min == 0 && b->n == 2);
	CHECK(s.max == 8 && s.max_ns == second / 4);
	series_free(&s);
}

/* One sample of a hundred is as visible as it is in the recording. */
static void
extremes(void)
{
	struct series s = { .sum = 0 };

	for (int i = 0; i < 1000; i++)
		add(&s, i * (second / 100), (i + 1) * (second / 100), i == 555 ? 70 : 1);
	for (unsigned i = 0; i < 10; i++) {
		const struct bucket *b = series_at(&s, i);
		CHECK(b && b->max == (i == 5 ? 70 : 1) && b->min == 1);
	}
	CHECK(fabs(bucket_mean(series_at(&s, 5)) - 1.69) < 1e-4);
	series_free(&s);
}

static void
holes(void)
{
	struct series s = { .sum = 0 };

	add(&s, 0, 2 * second, 1);
	add(&s, 2 * second, 5 * second, NAN);
	add(&s, 5 * second + second / 2, 6 * second, 3);
	CHECK(series_at(&s, 1) != NULL);
	for (unsigned i = 2; i < 5; i++)
		CHECK(series_at(&s, i) == NULL);
	/* half of it is known */
	CHECK(fabs(bucket_mean(series_at(&s, 5)) - 3) < 1e-6);
	CHECK(fabs((double)series_at(&s, 5)->known_s - 0.5) < 1e-6);
	CHECK(series_at(&s, 6) == NULL);
	CHECK(isnan(bucket_mean(series_at(&s, 6))));
	series_free(&s);
}

/* A value that held for long is in all its buckets, and what is outside of the axis is cut. */
static void
spans(void)
{
	struct series s = { .sum = 0 };

	add(&s, -5 * second, 3 * second, 4);
	add(&s, 9 * second, 99 * second, 6);
	add(&s, 20 * second, 30 * second, 9);
	for (unsigned i = 0; i < 3; i++)
		CHECK(series_at(&s, i) && series_at(&s, i)->max == 4);
	CHECK(!series_at(&s, 3) && !series_at(&s, 8));
	CHECK(series_at(&s, 9) && series_at(&s, 9)->max == 6);
	CHECK(s.max == 6);
	CHECK(fabs(s.known_s - 4) < 1e-9);
	series_free(&s);
}

static void
distributions(void)
{
	struct bins b = { .v = NULL };

	add_bin(&b, 0, second, 3, 2);
	add_bin(&b, second / 2, second + second / 2, 4, 1);
	add_bin(&b, 0, second, BINS_MOST, 1);
	CHECK(b.v[0][3] == 2 && b.v[0][4] == 0.5f && b.v[1][4] == 0.5f);
	CHECK(b.all == 3);
	bins_free(&b);
}

static void
scales(void)
{
	CHECK(scale_top(0) == 1);
	CHECK(fabs(scale_top(0.42) - 0.5) < 1e-12);
	CHECK(fabs(scale_top(100) - 100) < 1e-9);
	CHECK(fabs(scale_top(1.01e6) - 1.5e6) < 1);
	CHECK(heat_level(0) == 0);
	CHECK(heat_level(1e-9) == 1);
	CHECK(heat_level(1) == HEAT_LEVELS && heat_level(7) == HEAT_LEVELS);
	CHECK(heat_level((double)NAN) == 0);
}

int
main(void)
{
	unit_test("a mean weighs values by the time for which they held", means);
	unit_test("the largest and the least value of a bucket are kept", extremes);
	unit_test("what is unknown is a hole", holes);
	unit_test("a value is in each bucket in which it held", spans);
	unit_test("a distribution is spread over time", distributions);
	unit_test("scales have round figures", scales);
	return unit_done();
}
