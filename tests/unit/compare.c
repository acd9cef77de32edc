/* The statistics of pq diff. The expected values come from the formulas by another program: U by
 * counting all pairs, the variance with ties, and the autocorrelations of the ranks. */
#include "commands/diff/compare.h"

#include "unit.h"

#define N(v) (sizeof(v) / sizeof(v)[0])

static void
known_values(void)
{
	const double a[] = { 1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30 };
	const double b[] = { 0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29 };
	struct rank_test t;

	CHECK(rank_test(a, N(a), b, N(b), &t));
	CHECK_NEAR(t.stretch, 1, 0);
	CHECK_NEAR(t.p, 0.15239884815588, 1e-8);
	CHECK_NEAR(t.shift, -0.4320987654320988, 1e-12);
	CHECK(!t.apart);
}

static void
ties(void)
{
	const double a[] = { 0, 0, 0, 1, 0, 2, 0, 0, 3, 0 };
	const double b[] = { 0, 1, 1, 2, 0, 3, 4, 0, 5, 1, 2, 2 };
	struct rank_test t;

	CHECK(rank_test(a, N(a), b, N(b), &t));
	CHECK_NEAR(t.p, 0.06967091904392, 1e-8);
	CHECK_NEAR(t.shift, 0.46666666666666656, 1e-12);
	CHECK(rank_test(b, N(b), a, N(a), &t));
	CHECK_NEAR(t.p, 0.06967091904392, 1e-8);
	CHECK_NEAR(t.shift, -0.46666666666666656, 1e-12);
}

/* Two slow waves. */
static void
neighbours_that_resemble_each_other(void)
{
	const double a[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 9, 8, 7, 6, 5, 4 };
	const double b[] = { 3, 3, 4, 5, 5, 6, 7, 8, 9, 11, 12, 11, 9, 8, 7, 6 };
	struct rank_test t;

	CHECK(rank_test(a, N(a), b, N(b), &t));
	CHECK_NEAR(t.stretch, 5.079324721646503, 1e-12);
	CHECK_NEAR(t.p, 0.65515678658015, 1e-8);
}

static void
few_blocks(void)
{
	const double a[] = { 1, 2, 3, 4, 5, 6, 7, 8 }, b[] = { 9, 10, 11, 12, 13, 14, 15, 16 };
	struct rank_test t;

	CHECK(!rank_test(a, 7, b, 8, &t));
	CHECK(!rank_test(a, 8, b, 7, &t));
	CHECK(!rank_test(a, 0, b, 0, &t));
	CHECK(rank_test(a, 8, b, 8, &t));
	CHECK_NEAR(rank_test_least(8, 8), 0.00517751883886, 1e-8);
}

static void
all_equal(void)
{
	double v[BLOCKS_MOST];
	struct rank_test t;

	for (int i = 0; i < BLOCKS_MOST; i++)
		v[i] = 5;
	CHECK(rank_test(v, BLOCKS_MOST, v, BLOCKS_MOST, &t));
	CHECK_NEAR(t.p, 1, 0);
	CHECK_NEAR(t.shift, 0, 0);
}

/* Sums of the same values in other orders differ in their last bits. */
static void
last_bits(void)
{
	double a[8], b[8];
	struct rank_test t;

	for (int i = 0; i < 8; i++) {
		a[i] = 0.1 + 0.2;
		b[i] = 0.3;
	}
	CHECK(a[0] != b[0]);
	CHECK(rank_test(a, 8, b, 8, &t));
	CHECK_NEAR(t.p, 1, 0);
}

static void
extreme_values(void)
{
	double a[8], b[8];
	struct rank_test t;

	for (int i = 0; i < 8; i++) {
		a[i] = i % 2 ? 1e308 : -1e308;
		b[i] = i % 2 ? INFINITY : 0;
	}
	CHECK(rank_test(a, 8, b, 8, &t));
	CHECK(t.p >= 0 && t.p <= 1);
}

/* Memory grows within each, but one has half as much again: no drift explains that. */
static void
far_apart(void)
{
	double a[16], b[16];
	struct rank_test t;

	for (int i = 0; i < 16; i++) {
		a[i] = 100 + i * 0.1;
		b[i] = 150 + i * 0.1;
	}
	CHECK(rank_test(a, 16, b, 16, &t));
	CHECK(t.apart);
	CHECK_NEAR(t.stretch, 1, 0);
	CHECK(t.p < 1e-4);
	for (int i = 0; i < 16; i++)
		b[i] = 101.6 + i * 0.1; /* it only went on growing */
	CHECK(rank_test(a, 16, b, 16, &t));
	CHECK(!t.apart);
	CHECK(t.p > 0.001);
}

static void
student(void)
{
	CHECK_NEAR(student_tails(0, 5), 1, 0);
	CHECK_NEAR(student_tails(1, 1), 0.5, 1e-12);
	CHECK_NEAR(student_tails(2, 10), 0.07338803477074, 1e-9);
	CHECK_NEAR(student_tails(0.5, 3.3), 0.64853507639956, 1e-8);
	CHECK_NEAR(student_tails(8, 50), 1.66329660283e-10, 1e-18);
	CHECK(student_tails(1e300, 200) >= 0 && student_tails(1e300, 200) < 1e-300);
	CHECK_NEAR(student_tails(1.96, 1e7), 0.05, 1e-4);
}

static void
many_tests(void)
{
	const double p[] = { 0.001, NAN, 0.04, 0.0124, 0.5 };
	bool significant[N(p)];

	/* 4 tests: 0.05/4, 0.05/3 = 0.0167, 0.05/2, 0.05 */
	CHECK_U64(holm(p, N(p), 0.05, significant), 4);
	CHECK(significant[0] && significant[3]);
	CHECK(!significant[1] && !significant[2] && !significant[4]);
	/* a large one ends it: 0.02 > 0.0167 although 0.021 < 0.025 */
	const double q[] = { 0.001, 0.021, 0.02, 0.5 };
	CHECK_U64(holm(q, N(q), 0.05, significant), 4);
	CHECK(significant[0] && !significant[1] && !significant[2]);
	CHECK_U64(holm(q, 0, 0.05, significant), 0);
}

static void
sizes(void)
{
	CHECK_NEAR(change_size(NO_UNIT, 3, 3), 0, 0);
	CHECK_NEAR(change_size(CPUS, 0, 1.2), log(1.25 / 0.05), 1e-12);
	CHECK_NEAR(change_size(CPUS, 1.2, 0), -log(1.25 / 0.05), 1e-12);
	CHECK(change_size(PERCENT, 0, 100) > change_size(PERCENT, 50, 100));
	CHECK(change_size(BYTES, 1 << 30, 2e9) > change_size(BYTES, 0, 4096));
	CHECK(isfinite(change_size(PERCENT, -1, 0)));
}

/* ---- How often it is wrong */

static uint64_t state = 88172645463325252;

static double
uniform(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (double)(state >> 11) * 0x1p-53;
}

static double
normal(void)
{
	return sqrt(-2 * log(1 - uniform())) * cos(2 * 3.14159265358979 * uniform());
}

/* A series that keeps the part `memory` of its last deviation. */
static void
fill(double *v, size_t n, double memory, double shift)
{
	double x = normal() / sqrt(1 - memory * memory);

	for (size_t i = 0; i < n; i++) {
		v[i] = x + shift;
		x = memory * x + normal();
	}
}

/* The share of pairs of series that are judged to differ at this level. */
static double
found(double level, size_t n, double memory, double shift)
{
	enum { PAIRS = 4000 };
	double a[BLOCKS_MOST], b[BLOCKS_MOST];
	struct rank_test t;
	int differ = 0;

	for (int i = 0; i < PAIRS; i++) {
		fill(a, n, memory, 0);
		fill(b, n, memory, shift);
		differ += rank_test(a, n, b, n, &t) && t.p <= level;
	}
	printf(
	    "# %zu blocks, memory %g, shift %g: %.4f\n", n, memory, shift, (double)differ / PAIRS);
	return (double)differ / PAIRS;
}

/* The fewer independent blocks there are, the worse is the estimate of how few. */
static void
wrong_alarms(void)
{
	CHECK(found(0.01, 16, 0, 0) <= 0.01);
	CHECK(found(0.01, 64, 0, 0) <= 0.01);
	CHECK(found(0.01, 128, 0.5, 0) <= 0.015);
	CHECK(found(0.01, 32, 0.5, 0) <= 0.02);
	CHECK(found(0.01, 128, 0.9, 0) <= 0.04);
	CHECK(found(0.0001, 128, 0.5, 0) <= 0.001);
	CHECK(found(0.0001, 64, 0.9, 0) <= 0.002);
}

static void
right_alarms(void)
{
	CHECK(found(0.0001, 64, 0, 1) >= 0.8);
	CHECK(found(0.0001, 128, 0.5, 2) >= 0.95);
}

int
main(void)
{
	unit_test("p and shift of two samples", known_values);
	unit_test("equal values share a rank, and correct the variance", ties);
	unit_test("neighbours that resemble each other count as fewer blocks",
	    neighbours_that_resemble_each_other);
	unit_test("too few blocks are no test", few_blocks);
	unit_test("equal series do not differ", all_equal);
	unit_test("the last bits of a mean are no difference", last_bits);
	unit_test("the largest numbers do no harm", extreme_values);
	unit_test("series that are far apart differ, however they drift", far_apart);
	unit_test("Student's distribution", student);
	unit_test("Holm's correction for many tests", many_tests);
	unit_test("sizes of changes in different units", sizes);
	unit_test("series that do not differ are rarely told apart", wrong_alarms);
	unit_test("series that differ are told apart", right_alarms);
	return unit_done();
}
