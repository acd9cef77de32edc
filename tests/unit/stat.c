/* /proc/stat */
#include "proc/machine.h"

#include "unit.h"

static const char real[] = "cpu  24 0 228 710 5 0 7 0 0 0\n"
			   "cpu0 8 1 76 159 5 2 3 4 6 7\n"
			   "cpu2 2 0 63 176 0 0 1 0 0 0\n"
			   "intr 2826 84 9 0 22\n"
			   "ctxt 2018\n"
			   "btime 1795332015\n"
			   "processes 163\n"
			   "procs_running 3\n"
			   "procs_blocked 9\n"
			   "softirq 1873 0 221\n";

static void
of_a_kernel(void)
{
	static const uint64_t cpu0[STAT_FIELDS] = { 8, 1, 76, 159, 5, 2, 3, 4, 6, 7 };
	struct arena a = { 0 };
	struct stat_file f;

	CHECK_INT(stat_parse(TN(real, sizeof real - 1), &a, &f), 0);
	if (CHECK_INT(f.ncpus, 2)) {
		CHECK_INT(f.cpus[0].cpu, 0);
		CHECK_INT(f.cpus[1].cpu, 2);
		CHECK(memcmp(f.cpus[0].ticks, cpu0, sizeof cpu0) == 0);
		CHECK_U64(f.cpus[1].ticks[STAT_SYSTEM], 63);
	}
	CHECK(f.has_blocked);
	CHECK_U64(f.blocked, 9);
	arena_free(&a);
}

static void
finds(void)
{
	struct arena a = { 0 };
	struct stat_file f;

	stat_parse(TN(real, sizeof real - 1), &a, &f);
	for (size_t hint = 0; hint < 5; hint++) {
		CHECK(stat_find(&f, 2, hint) == &f.cpus[1]);
		CHECK(stat_find(&f, 0, hint) == &f.cpus[0]);
		CHECK(!stat_find(&f, 1, hint));
	}
	f.ncpus = 0;
	CHECK(!stat_find(&f, 0, 0));
	arena_free(&a);
}

static void
old_kernels(void)
{
	struct arena a = { 0 };
	struct stat_file f;

	CHECK_INT(stat_parse(T("cpu  1 2 3 4\ncpu0 1 2 3 4\n"), &a, &f), 0);
	if (CHECK_INT(f.ncpus, 1)) {
		CHECK_U64(f.cpus[0].ticks[STAT_IDLE], 4);
		CHECK_U64(f.cpus[0].ticks[STAT_STEAL], 0);
	}
	CHECK(!f.has_blocked);
	arena_free(&a);
}

static void
new_kernels(void)
{
	struct arena a = { 0 };
	struct stat_file f;

	CHECK_INT(
	    stat_parse(T("cpu0 1 2 3 4 5 6 7 8 9 10 11 12\nnews 1\nprocs_blocked 0\n"), &a, &f), 0);
	CHECK_INT(f.ncpus, 1);
	CHECK_U64(f.cpus[0].ticks[STAT_GUEST_NICE], 10);
	CHECK(f.has_blocked);
	arena_free(&a);
}

static void
damaged_lines(void)
{
	struct arena a = { 0 };
	struct stat_file f;

	CHECK_INT(
	    stat_parse(
		T("cpu0 1 2 3\ncpu1 1 2 x 4\ncpu2 1 2 3 18446744073709551616\ncpux 1 2 3 4\ncpu4 "
		  "-1 2 3 4\n"
		  "cpu99999999999 1 2 3 4\ncpufreq\ncpu\ncpu5 1 2 3 18446744073709551615\ncpu6"),
		&a, &f),
	    0);
	if (CHECK_INT(f.ncpus, 1)) {
		CHECK_INT(f.cpus[0].cpu, 5);
		CHECK_U64(f.cpus[0].ticks[STAT_IDLE], UINT64_MAX);
	}
	arena_free(&a);
}

static void
nothing(void)
{
	struct arena a = { 0 };
	struct stat_file f = { .ncpus = 7, .has_blocked = true };

	CHECK(stat_parse(T(""), &a, &f) < 0);
	CHECK(f.ncpus == 0 && !f.has_blocked);
	CHECK(stat_parse(T("\0\xff\x80\n\n\0cpu0 1 2 3 4\n"), &a, &f) < 0);
	CHECK(stat_parse(T("cpu  1 2 3 4\nprocs_blocked x\n"), &a, &f) < 0);
	CHECK(stat_parse(T("procs_blocked 18446744073709551616\n"), &a, &f) < 0);
	CHECK(stat_parse(T("procs_blocked 1"), &a, &f) < 0);
	CHECK(stat_parse(T("procs_blocked 1\n"), &a, &f) == 0);
	arena_free(&a);
}

static void
forks(void)
{
	uint64_t n = 0;

	CHECK_INT(
	    stat_parse_forks(T("cpu  1 2 3 4\nctxt 5\nprocesses 4711\nprocs_running 1\n"), &n), 0);
	CHECK_U64(n, 4711);
	CHECK(stat_parse_forks(T("processes 0\n"), &n) < 0); /* gVisor */
	CHECK(stat_parse_forks(T("processes x\n"), &n) < 0);
	CHECK(stat_parse_forks(T("processes 47"), &n) < 0);
	CHECK(stat_parse_forks(T(""), &n) < 0);
}

static void
truncated(void)
{
	for (size_t n = 0; n < sizeof real; n++) {
		struct arena a = { 0 };
		struct stat_file f;
		if (stat_parse(TN(real, n), &a, &f) == 0) {
			CHECK(f.ncpus <= 2);
			CHECK(f.cpus[0].ticks[STAT_USER] == 8);
		}
		CHECK(!f.has_blocked || n > (size_t)(strstr(real, "procs_blocked") - real));
		arena_free(&a);
	}
}

static void
thousands(void)
{
	enum { N = 8192 };
	char *s = malloc(N * 40), *to = s;
	struct arena a = { 0 };
	struct stat_file f;

	for (int i = 0; s && i < N; i++)
		to += sprintf(to, "cpu%d %d 0 0 1\n", i, i);
	CHECK_INT(stat_parse(TN(s, (size_t)(to - s)), &a, &f), 0);
	CHECK_INT(f.ncpus, N);
	CHECK(stat_find(&f, N - 1, 0)->ticks[STAT_USER] == N - 1);
	free(s);
	arena_free(&a);
}

static void
only_blocked(void)
{
	uint64_t v = 7;

	CHECK_INT(stat_parse_blocked(TN(real, sizeof real - 1), &v), 0);
	CHECK_U64(v, 9);
	CHECK(stat_parse_blocked(T("cpu0 1 2 3 4\n"), &v) < 0);
	CHECK(stat_parse_blocked(T(""), &v) < 0);
	CHECK(stat_parse_blocked(T("procs_blocked "), &v) < 0);
	CHECK(stat_parse_blocked(T("xprocs_blocked 1\nprocs_blocked_x 1\n"), &v) < 0);
	CHECK_U64(v, 9);
}

int
main(void)
{
	unit_test("the fields of a real text", of_a_kernel);
	unit_test("a CPU is found by its number, whatever the hint", finds);
	unit_test("fields that old kernels lack are 0", old_kernels);
	unit_test("fields and lines of kernels to come are skipped", new_kernels);
	unit_test("damaged lines are left out", damaged_lines);
	unit_test("neither a CPU nor procs_blocked is an error", nothing);
	unit_test("tasks made since boot", forks);
	unit_test("truncated anywhere", truncated);
	unit_test("8192 CPUs", thousands);
	unit_test("procs_blocked alone", only_blocked);
	return unit_done();
}
