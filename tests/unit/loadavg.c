/* /proc/loadavg */
#include "proc/machine.h"

#include "unit.h"

static void
of_a_kernel(void)
{
	struct loadavg l;

	CHECK_INT(loadavg_parse(T("0.51 10.02 171.00 2/112 4242\n"), &l), 0);
	CHECK_NEAR(l.load[0], 0.51, 1e-12);
	CHECK_NEAR(l.load[1], 10.02, 1e-12);
	CHECK_NEAR(l.load[2], 171, 1e-12);
	CHECK_U64(l.running, 2);
	CHECK_U64(l.threads, 112);
}

static void
without_newline(void)
{
	struct loadavg l;

	CHECK_INT(loadavg_parse(T("0.00 0.00 0.00 1/1"), &l), 0);
	CHECK_U64(l.running, 1);
	CHECK_U64(l.threads, 1);
}

static void
damaged(void)
{
	static const char *const bad[] = { "", "\n", "0.51", "0.51 0.62 0.71", "0.51 0.62 0.71 2",
		"0.51 0.62 0.71 2/", "0.51 0.62 0.71 /2", "0.51 0.62 2/112 4242",
		"x 0.62 0.71 2/112 1", "-0.51 0.62 0.71 2/112 1",
		"0.51 0.62 0.71 2/18446744073709551616 1", "0.51 0.62 0.71 -1/112 1",
		"0.51 0.62 0.71 2/1x 1", "0.51\n0.62 0.71 2/112",
		"99999999999999999999999 0.62 0.71 2/112" };
	struct loadavg l;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (!CHECK(loadavg_parse(TN(bad[i], strlen(bad[i])), &l) < 0))
			printf("# for '%s'\n", bad[i]);
	CHECK(loadavg_parse(T("0.51 0.62 0.71\0 2/112"), &l) < 0);
}

static void
truncated(void)
{
	static const char s[] = "0.51 0.62 0.71 2/112 4242\n";
	struct loadavg l;

	for (size_t n = 0; n < sizeof s; n++)
		CHECK((loadavg_parse(TN(s, n), &l) == 0) == (n > strlen("0.51 0.62 0.71 2/")));
}

int
main(void)
{
	unit_test("the fields of a real text", of_a_kernel);
	unit_test("without a newline, and without the last pid", without_newline);
	unit_test("a damaged text is an error", damaged);
	unit_test("truncated anywhere", truncated);
	return unit_done();
}
