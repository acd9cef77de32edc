/* /proc/pressure, and a cgroup's */
#include "proc/machine.h"

#include "unit.h"

static const char both[] = "some avg10=55.78 avg60=14.49 avg300=3.23 total=10566264\n"
			   "full avg10=1.00 avg60=0.49 avg300=0.23 total=266264\n";

static void
of_a_kernel(void)
{
	struct psi p;

	CHECK_INT(psi_parse(TN(both, sizeof both - 1), &p), 0);
	CHECK(p.some.known && p.full.known);
	CHECK_NEAR(p.some.avg[0], 55.78, 1e-9);
	CHECK_NEAR(p.some.avg[1], 14.49, 1e-9);
	CHECK_NEAR(p.some.avg[2], 3.23, 1e-9);
	CHECK_U64(p.some.total_us, 10566264);
	CHECK_U64(p.full.total_us, 266264);
}

static void
one_line(void)
{
	struct psi p;

	CHECK_INT(psi_parse(T("some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"), &p), 0);
	CHECK(p.some.known && !p.full.known);
	CHECK_INT(psi_parse(T("full avg10=0.00 avg60=0.00 avg300=0.00 total=5"), &p), 0);
	CHECK(!p.some.known && p.full.known);
	CHECK_U64(p.full.total_us, 5);
}

static void
unknown_lines(void)
{
	struct psi p;

	CHECK_INT(psi_parse(T("most avg10=0.00 avg60=0.00 avg300=0.00 total=1\n\nsome avg10=0.00 "
			      "avg60=0.00 avg300=0.00 total=2 new=3\n"),
		      &p),
	    0);
	CHECK_U64(p.some.total_us, 2);
	CHECK(!p.full.known);
}

static void
extremes(void)
{
	struct psi p;

	CHECK_INT(
	    psi_parse(
		T("some avg10=100.00 avg60=100.00 avg300=100.00 total=18446744073709551615\n"
		  "full avg10=100.00 avg60=100.00 avg300=100.00 total=18446744073709551616\n"),
		&p),
	    0);
	CHECK_U64(p.some.total_us, UINT64_MAX);
	CHECK(!p.full.known);
}

static void
damaged(void)
{
	static const char *const bad[] = { "", "\n", "some", "some ", "some avg10=0.00",
		"some avg10=0.00 avg60=0.00 avg300=0.00",
		"some avg10=0.00 avg60=0.00 avg300=0.00 total=",
		"some avg10=0.00 avg60=0.00 avg300=0.00 total=-1",
		"some avg10=x avg60=0.00 avg300=0.00 total=1",
		"some avg60=0.00 avg10=0.00 avg300=0.00 total=1",
		"something avg10=0.00 avg60=0.00 avg300=0.00 total=1", "total=1" };
	struct psi p;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		memset(&p, 0xff, sizeof p);
		if (!CHECK(psi_parse(TN(bad[i], strlen(bad[i])), &p) < 0))
			printf("# for '%s'\n", bad[i]);
		CHECK(!p.some.known && !p.full.known);
	}
	CHECK(psi_parse(T("some\0avg10=0.00 avg60=0.00 avg300=0.00 total=1\n"), &p) < 0);
}

static void
truncated(void)
{
	struct psi p;

	for (size_t n = 0; n < sizeof both; n++) {
		psi_parse(TN(both, n), &p);
		CHECK(p.some.known == (n > (size_t)(strstr(both, "1056") - both)));
		CHECK(p.full.known == (n > (size_t)(strstr(both, "266264\n") - both)));
	}
}

int
main(void)
{
	unit_test("both lines of a real text", of_a_kernel);
	unit_test("a line that is not there is unknown", one_line);
	unit_test("lines and fields of kernels to come are skipped", unknown_lines);
	unit_test("a total of 2^64-1 is known, a larger one is not", extremes);
	unit_test("a damaged text is an error", damaged);
	unit_test("truncated anywhere", truncated);
	return unit_done();
}
