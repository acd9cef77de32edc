/* /proc/schedstat, versions 15 to 17 */
#include "proc/machine.h"

#include "unit.h"

#define COUNTS " 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"

static void
check_two(struct text t)
{
	struct arena a = { 0 };
	struct schedstat s;

	CHECK_INT(schedstat_parse(t, &a, &s), 0);
	if (CHECK_INT(s.ncpus, 2)) {
		CHECK_INT(s.cpus[0].cpu, 0);
		CHECK_U64(s.cpus[0].run_ns, 950946991);
		CHECK_U64(s.cpus[0].delay_ns, 1100920968);
		CHECK_U64(s.cpus[0].runs, 440);
		CHECK_INT(s.cpus[1].cpu, 3);
		CHECK_U64(s.cpus[1].run_ns, 1357284679);
		CHECK_U64(s.cpus[1].delay_ns, 421107466);
		CHECK_U64(s.cpus[1].runs, 320);
	}
	arena_free(&a);
}

static void
version_15(void)
{
	check_two(T("version 15\ntimestamp 4294893099\n"
		    "cpu0 0 0 0 0 0 0 950946991 1100920968 440\ndomain0 f" COUNTS "\n"
		    "cpu3 0 0 0 0 0 0 1357284679 421107466 320\ndomain0 f" COUNTS
		    "\ndomain1 ff" COUNTS "\n"));
}

static void
version_16(void)
{
	check_two(T(
	    "version 16\ntimestamp 4294893099\n"
	    "cpu0 0 0 0 0 6 7 950946991 1100920968 440\ndomain0 f" COUNTS " 0 0 0 0 0 0 0 0 0\n"
	    "cpu3 1 2 3 4 5 6 1357284679 421107466 320\ndomain0 f" COUNTS " 0 0 0 0 0 0 0 0 0\n"));
}

static void
version_17(void)
{
	check_two(T(
	    "version 17\ntimestamp 4294893099\n"
	    "cpu0 0 0 0 0 0 0 950946991 1100920968 440\ndomain0 MC f" COUNTS " 0 0 0 0 0 0 0 0 0\n"
	    "cpu3 0 0 0 0 0 0 1357284679 421107466 320\ndomain0 SMT 3" COUNTS
	    "\ndomain1 PKG ff" COUNTS "\n"));
}

static void
without_domains(void)
{
	check_two(T("cpu0 0 0 0 0 0 0 950946991 1100920968 440\ncpu3 0 0 0 0 0 0 1357284679 "
		    "421107466 320 1 2 3\n"));
}

static void
damaged_lines(void)
{
	struct arena a = { 0 };
	struct schedstat s;

	CHECK_INT(
	    schedstat_parse(T("cpu0 0 0 0 0 0 0 1 2\ncpu1 0 0 0 0 0 x 1 2 3\ncpu2 0 0 0 0 0 0 1 "
			      "18446744073709551616 3\n"
			      "cpux 0 0 0 0 0 0 1 2 3\ncpu99999999999 0 0 0 0 0 0 1 2 3\ncpu\n"
			      "cpu7 0 0 0 0 0 0 18446744073709551615 2 3\ncpu8"),
		&a, &s),
	    0);
	if (CHECK_INT(s.ncpus, 1)) {
		CHECK_INT(s.cpus[0].cpu, 7);
		CHECK_U64(s.cpus[0].run_ns, UINT64_MAX);
		CHECK_U64(s.cpus[0].runs, 3);
	}
	arena_free(&a);
}

static void
nothing(void)
{
	struct arena a = { 0 };
	struct schedstat s = { .ncpus = 7 };

	CHECK(schedstat_parse(T(""), &a, &s) < 0);
	CHECK_INT(s.ncpus, 0);
	CHECK(schedstat_parse(T("version 15\ntimestamp 1\n"), &a, &s) < 0);
	CHECK(schedstat_parse(T("\0\xff\ncpu0\0 0 0 0 0 0 0 1 2 3\n"), &a, &s) < 0);
	arena_free(&a);
}

static void
truncated(void)
{
	static const char text[] =
	    "version 15\ncpu0 0 0 0 0 0 0 11 22 33\ncpu1 0 0 0 0 0 0 44 55 66\n";

	for (size_t n = 0; n < sizeof text; n++) {
		struct arena a = { 0 };
		struct schedstat s;
		schedstat_parse(TN(text, n), &a, &s);
		CHECK_INT(s.ncpus,
		    (n > (size_t)(strstr(text, "33\n") + 2 - text)) +
			(n > (size_t)(strstr(text, "66\n") + 2 - text)));
		arena_free(&a);
	}
}

static void
finds(void)
{
	struct cpu_sched cpus[] = { { .cpu = 0 }, { .cpu = 2 }, { .cpu = 5 } };
	struct schedstat s = { cpus, 3 }, none = { NULL, 0 };

	for (size_t hint = 0; hint < 7; hint++) {
		CHECK(schedstat_find(&s, 5, hint) == &cpus[2]);
		CHECK(schedstat_find(&s, 0, hint) == &cpus[0]);
		CHECK(!schedstat_find(&s, 1, hint));
	}
	CHECK(!schedstat_find(&none, 0, 0));
}

int
main(void)
{
	unit_test("version 15", version_15);
	unit_test("version 16", version_16);
	unit_test("version 17, whose domains have names", version_17);
	unit_test("without domains, and with fields to come", without_domains);
	unit_test("damaged lines are left out", damaged_lines);
	unit_test("no CPU is an error", nothing);
	unit_test("truncated anywhere", truncated);
	unit_test("a CPU is found by its number, whatever the hint", finds);
	return unit_done();
}
