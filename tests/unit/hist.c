/* The histogram: values are read back with a small error. */
#include "base/hist.h"

#include "unit.h"

static void
small_error(void)
{
	for (double x = 1e-4; x < 1e15; x *= 1.0137) {
		struct hist h = { 0 };

		hist_add(&h, x);
		hist_add(&h, x * 1000); /* so that the largest does not help */
		if (!CHECK_NEAR(hist_quantile(&h, 0.5), x, x * 0.01))
			printf("# for %g\n", x);
		hist_free(&h);
	}
}

static void
at_the_powers_of_two(void)
{
	for (int power = -13; power < 50; power++) {
		const double x[] = { ldexp(1, power), nextafter(ldexp(1, power), 0),
			nextafter(ldexp(1, power), INFINITY) };
		for (int i = 0; i < 3; i++) {
			struct hist h = { 0 };
			hist_add(&h, x[i]);
			hist_add(&h, 1e300);
			CHECK_NEAR(hist_quantile(&h, 0.5), x[i], x[i] * 0.01);
			hist_free(&h);
		}
	}
}

static void
uniform(void)
{
	struct hist h = { 0 };

	for (int i = 1; i <= 10000; i++)
		hist_add(&h, i);
	CHECK_U64(h.n, 10000);
	CHECK_NEAR(hist_quantile(&h, 0), 1, 0.01);
	CHECK_NEAR(hist_quantile(&h, 0.01), 100, 1);
	CHECK_NEAR(hist_quantile(&h, 0.5), 5000, 50);
	CHECK_NEAR(hist_quantile(&h, 0.9), 9000, 90);
	CHECK_NEAR(hist_quantile(&h, 0.99), 9900, 99);
	CHECK_NEAR(hist_quantile(&h, 1), 10000, 0);
	hist_free(&h);
}

/* Nine quick ones and a slow one: the median must not feel it, p99 must. */
static void
two_humps(void)
{
	struct hist h = { 0 };

	for (int i = 0; i < 1000; i++)
		hist_add(&h, i % 10 == 0 ? 80 : 0.25);
	CHECK_NEAR(hist_quantile(&h, 0.5), 0.25, 0.0025);
	CHECK_NEAR(hist_quantile(&h, 0.9), 0.25, 0.0025);
	CHECK_NEAR(hist_quantile(&h, 0.91), 80, 0.8);
	CHECK_NEAR(hist_quantile(&h, 0.99), 80, 0.8);
	hist_free(&h);
}

static void
never_above_the_largest(void)
{
	struct hist h = { 0 };

	for (int i = 0; i < 100; i++)
		hist_add(&h, 100.0);
	hist_add(&h, 100.0001);
	CHECK_NEAR(h.max, 100.0001, 0);
	CHECK(hist_quantile(&h, 0.5) <= h.max);
	CHECK_NEAR(hist_quantile(&h, 1), 100.0001, 0);
	hist_free(&h);
}

static void
nothing(void)
{
	struct hist h = { 0 };

	CHECK_NEAR(hist_quantile(&h, 0.5), NAN, 0);
	hist_add(&h, NAN);
	CHECK_U64(h.n, 0);
	CHECK_NEAR(hist_quantile(&h, 0.5), NAN, 0);
	hist_free(&h);
}

static void
zeros(void)
{
	struct hist h = { 0 };

	for (int i = 0; i < 9; i++)
		hist_add(&h, 0);
	hist_add(&h, 3);
	CHECK_U64(h.n, 10);
	CHECK_NEAR(hist_quantile(&h, 0.5), 0, 0);
	CHECK_NEAR(hist_quantile(&h, 0.9), 0, 0);
	CHECK_NEAR(hist_quantile(&h, 0.99), 3, 0);
	hist_free(&h);
}

static void
negative(void)
{
	struct hist h = { 0 };

	hist_add(&h, -5);
	hist_add(&h, -1e300);
	CHECK_U64(h.n, 2);
	CHECK_NEAR(hist_quantile(&h, 0.5), 0, 0);
	CHECK_NEAR(hist_quantile(&h, 1), 0, 0);
	hist_free(&h);
}

/* Below the least step is 0; above the largest is the largest. */
static void
out_of_the_steps(void)
{
	struct hist h = { 0 };

	hist_add(&h, 1e-300);
	CHECK_NEAR(hist_quantile(&h, 0.1), 1e-300, 0);
	hist_add(&h, 1e300);
	hist_add(&h, 1e301);
	CHECK_NEAR(hist_quantile(&h, 0.1), 0, 0);
	CHECK(hist_quantile(&h, 0.6) >= ldexp(1, 49));
	CHECK_NEAR(hist_quantile(&h, 1), 1e301, 0);
	hist_free(&h);
}

static void
infinite(void)
{
	struct hist h = { 0 };

	hist_add(&h, INFINITY);
	hist_add(&h, INFINITY);
	hist_add(&h, INFINITY);
	hist_add(&h, -INFINITY);
	CHECK_U64(h.n, 4);
	CHECK_NEAR(hist_quantile(&h, 0.25), 0, 0);
	CHECK(hist_quantile(&h, 0.5) >= ldexp(1, 49));
	hist_free(&h);
}

static void
starts_again(void)
{
	struct hist h = { 0 };

	hist_add(&h, 1e6);
	hist_free(&h);
	CHECK_U64(h.n, 0);
	hist_add(&h, 2);
	CHECK_NEAR(hist_quantile(&h, 1), 2, 0);
	CHECK_NEAR(hist_quantile(&h, 0.5), 2, 0.02);
	hist_free(&h);
}

int
main(void)
{
	unit_test("a value is read back at most 1 % off", small_error);
	unit_test("a power of two is read back at most 1 % off", at_the_powers_of_two);
	unit_test("quantiles of 1 to 10000", uniform);
	unit_test("quantiles of two peaks", two_humps);
	unit_test(
	    "the largest value is exact, and no quantile is above it", never_above_the_largest);
	unit_test("without values, or with NaN alone, there is no quantile", nothing);
	unit_test("zeros are counted", zeros);
	unit_test("negative values count as 0", negative);
	unit_test("the smallest and the largest double", out_of_the_steps);
	unit_test("an infinite value counts as a large one", infinite);
	unit_test("a histogram that was freed starts again", starts_again);
	return unit_done();
}
