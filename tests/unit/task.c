/* /proc/PID/stat and status */
#include "proc/task.h"

#include <errno.h>

#include "unit.h"

/* What stands behind the name, field 3 on; the 39th field is the 7. */
#define FIELDS \
	"119 160 119 0 -1 4194304 88 0 3 0 5 6 0 0 20 0 4 0 4242 2297856 " \
	"200 18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 7 0 0 9 0 0\n"

static void
is(struct keyed k, uint64_t want)
{
	CHECK(k.known);
	CHECK_U64(k.v, want);
}

static void
of_a_kernel(void)
{
	struct task_stat s;

	CHECK_INT(task_stat_parse(T("160 (labtool) R " FIELDS), &s), 0);
	CHECK_U64(s.pid, 160);
	CHECK_TEXT(s.comm, "labtool");
	CHECK_INT(s.state, 'R');
	CHECK(!s.kernel);
	is(s.majflt, 3);
	is(s.threads, 4);
	is(s.start_ticks, 4242);
	is(s.cpu, 7);
	is(s.blkio_ticks, 9);
	CHECK_INT(task_stat_parse(T("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0\n"), &s), 0);
	CHECK(s.kernel && !s.majflt.known && !s.cpu.known && !s.blkio_ticks.known);
}

static void
names(void)
{
	static const char *const name[] = { "", " ", ")", "((", ") R 1 2 (", "a b", "a\nb",
		"a) S 1 1 1 1", "\xff\x80", "(sd-pam)", ")))))" };
	struct task_stat s;
	char line[400];

	for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
		int n = snprintf(line, sizeof line, "1 (%s) D " FIELDS, name[i]);
		if (!CHECK_INT(task_stat_parse(TN(line, (size_t)n), &s), 0))
			printf("# for the name '%s'\n", name[i]);
		CHECK_U64(s.pid, 1);
		CHECK_TEXT(s.comm, name[i]);
		CHECK_INT(s.state, 'D');
		is(s.cpu, 7);
	}
}

static void
damaged(void)
{
	struct task_stat s;

	CHECK(task_stat_parse(T(""), &s) < 0);
	CHECK(task_stat_parse(T("160"), &s) < 0);
	CHECK(task_stat_parse(T("160 labtool R " FIELDS), &s) < 0);
	CHECK(task_stat_parse(T("160 )labtool( R " FIELDS), &s) < 0);
	CHECK(task_stat_parse(T("160 (labtool"), &s) < 0);
	CHECK(task_stat_parse(T("160 (labtool)"), &s) < 0);
	CHECK(task_stat_parse(T("160 (labtool) RR " FIELDS), &s) < 0);
	CHECK(task_stat_parse(T("x (labtool) R " FIELDS), &s) < 0);
	CHECK(task_stat_parse(T("-1 (labtool) R " FIELDS), &s) < 0);
	CHECK(task_stat_parse(T("160 (labtool) R 1 2 3\n"), &s) < 0);
	CHECK(task_stat_parse(T("160 (labtool) R 1 2 3 4 5 -6\n"), &s) < 0);
	CHECK(task_stat_parse(T("\0\xff) \x80"), &s) < 0);
	CHECK(errno == EINVAL);
}

/* As field 39 of a text with 38 fields before it. */
static int
with_processor(const char *processor, struct task_stat *s)
{
	char line[400];
	int n = snprintf(line, sizeof line,
	    "1 (x) S 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 "
	    "31 32 33 34 35 36 37 %s",
	    processor);

	return task_stat_parse(TN(line, (size_t)n), s);
}

static void
processors(void)
{
	struct task_stat s;

	CHECK_INT(with_processor("0 40\n", &s), 0);
	is(s.cpu, 0);
	CHECK_INT(with_processor("8191\n", &s), 0);
	is(s.cpu, 8191);
	CHECK(!s.blkio_ticks.known);
	CHECK(with_processor("8191", &s) < 0);
	CHECK_INT(with_processor("\n", &s), 0);
	CHECK(!s.cpu.known);
	CHECK_INT(with_processor("-1 40\n", &s), 0);
	CHECK(!s.cpu.known);
	CHECK_INT(with_processor("18446744073709551616 40\n", &s), 0);
	CHECK(!s.cpu.known);
}

static void
truncated(void)
{
	static const char line[] = "160 (a) b) R " FIELDS;
	struct task_stat s = { .pid = 5 };

	for (size_t n = 0; n < sizeof line - 1; n++)
		CHECK(task_stat_parse(TN(line, n), &s) < 0);
	CHECK_U64(s.pid, 5);
	CHECK_INT(task_stat_parse(TN(line, sizeof line - 1), &s), 0);
}

static void
allowed(void)
{
	struct cpulist l;

	CHECK_INT(
	    task_allowed_parse(
		T("Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t0-1,4\nMems_allowed:\t1\n"),
		&l),
	    0);
	CHECK(
	    cpulist_has(&l, 0) && cpulist_has(&l, 1) && !cpulist_has(&l, 2) && cpulist_has(&l, 4));
	CHECK_INT(task_allowed_parse(T("Cpus_allowed_list:\t5"), &l), 0);
	CHECK(cpulist_has(&l, 5) && !cpulist_has(&l, 0));
}

static void
not_allowed(void)
{
	struct cpulist l;

	CHECK(task_allowed_parse(T(""), &l) < 0 && errno == EINVAL);
	CHECK(task_allowed_parse(T("Name:\tx\n"), &l) < 0 && errno == EINVAL);
	CHECK(task_allowed_parse(T("Cpus_allowed_list:\n"), &l) < 0 && errno == EINVAL);
	CHECK(task_allowed_parse(T("Cpus_allowed_list:\tx\n"), &l) < 0 && errno == EINVAL);
	CHECK(task_allowed_parse(T("Name:\tCpus_allowed_list:\t1\n"), &l) < 0 && errno == EINVAL);
	CHECK(task_allowed_parse(T("Cpus_allowed_list:\t0-9999\n"), &l) < 0 && errno == ERANGE);
	CHECK(task_allowed_parse(T("Cpus_allowed_list:\t3-\n"), &l) < 0 && errno == EINVAL);
}

int
main(void)
{
	unit_test("pid, state and CPU of a real text", of_a_kernel);
	unit_test("names with parentheses, blanks and newlines", names);
	unit_test("a damaged text is an error", damaged);
	unit_test("the CPU is field 39", processors);
	unit_test("truncated anywhere", truncated);
	unit_test("the CPUs that a task may run on", allowed);
	unit_test("no list of CPUs is an error", not_allowed);
	return unit_done();
}
