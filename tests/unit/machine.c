/* The files of the whole machine: /proc/loadavg, meminfo, vmstat, pressure, schedstat and stat. */
#include "proc/machine.h"

#include "unit.h"

/* ---- /proc/loadavg */

static void
loadavg_of_a_kernel(void)
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
loadavg_damaged(void)
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
loadavg_truncated(void)
{
	static const char s[] = "0.51 0.62 0.71 2/112 4242\n";
	struct loadavg l;

	for (size_t n = 0; n < sizeof s; n++)
		CHECK((loadavg_parse(TN(s, n), &l) == 0) == (n > strlen("0.51 0.62 0.71 2/")));
}

/* ---- /proc/meminfo and /proc/vmstat */

static const char meminfo_real[] = "MemTotal:         972484 kB\n"
				   "MemFree:          880124 kB\n"
				   "MemAvailable:     868228 kB\n"
				   "Buffers:             256 kB\n"
				   "Cached:            45064 kB\n"
				   "SwapCached:            0 kB\n"
				   "Active:             5640 kB\n"
				   "Inactive:          43600 kB\n"
				   "Active(anon):       1336 kB\n"
				   "Inactive(anon):    38392 kB\n"
				   "Active(file):       4304 kB\n"
				   "Inactive(file):     5208 kB\n"
				   "SwapTotal:           100 kB\n"
				   "SwapFree:             60 kB\n"
				   "AnonPages:          3944 kB\n"
				   "Shmem:             35828 kB\n"
				   "KReclaimable:       6660 kB\n"
				   "Slab:              25344 kB\n"
				   "SReclaimable:       6661 kB\n"
				   "SUnreclaim:        18684 kB\n"
				   "KernelStack:        1920 kB\n"
				   "PageTables:          504 kB\n"
				   "Percpu:             1264 kB\n"
				   "HugePages_Total:       0\n";

static void
meminfo_of_a_kernel(void)
{
	static const uint64_t kb[MEMINFO_KEYS] = {
		[MEMINFO_TOTAL] = 972484,
		[MEMINFO_FREE] = 880124,
		[MEMINFO_BUFFERS] = 256,
		[MEMINFO_CACHED] = 45064,
		[MEMINFO_ANON] = 3944,
		[MEMINFO_SHMEM] = 35828,
		[MEMINFO_ACTIVE_FILE] = 4304,
		[MEMINFO_INACTIVE_FILE] = 5208,
		[MEMINFO_SLAB] = 25344,
		[MEMINFO_SRECLAIMABLE] = 6661,
		[MEMINFO_KERNEL_STACK] = 1920,
		[MEMINFO_PAGE_TABLES] = 504,
		[MEMINFO_PERCPU] = 1264,
		[MEMINFO_SWAP_TOTAL] = 100,
		[MEMINFO_SWAP_FREE] = 60,
	};
	struct meminfo m;

	CHECK_INT(meminfo_parse(TN(meminfo_real, sizeof meminfo_real - 1), &m), 0);
	for (int i = 0; i < MEMINFO_KEYS; i++) {
		CHECK(m.v[i].known);
		CHECK_U64(m.v[i].v, kb[i] * 1024);
	}
}

static void
missing_keys(void)
{
	struct meminfo m;

	CHECK_INT(meminfo_parse(T("MemTotal: 1 kB\nSwapFree: 0 kB\n"), &m), 0);
	CHECK(m.v[MEMINFO_TOTAL].known && m.v[MEMINFO_SWAP_FREE].known);
	CHECK(!m.v[MEMINFO_PERCPU].known && !m.v[MEMINFO_FREE].known);
	CHECK_U64(m.v[MEMINFO_SWAP_FREE].v, 0);
}

static void
enormous(void)
{
	struct meminfo m;

	CHECK_INT(meminfo_parse(T("MemTotal: 18014398509481983 kB\nMemFree: 18014398509481984 "
				  "kB\nSlab: 18446744073709551615 kB\n"
				  "Cached: 99999999999999999999 kB\n"),
		      &m),
	    0);
	CHECK_U64(m.v[MEMINFO_TOTAL].v, UINT64_MAX - 1023);
	CHECK(!m.v[MEMINFO_FREE].known && !m.v[MEMINFO_SLAB].known && !m.v[MEMINFO_CACHED].known);
}

static void
meminfo_nothing(void)
{
	struct meminfo m;

	CHECK(meminfo_parse(T(""), &m) < 0);
	CHECK(meminfo_parse(T("MemFree: 1 kB\n"), &m) < 0);
	CHECK(meminfo_parse(T("MemTotal:\n"), &m) < 0);
	CHECK(meminfo_parse(T("MemTotal 1 kB\n"), &m) < 0);
	CHECK(meminfo_parse(T("MemTotal: x kB\n"), &m) < 0);
	CHECK(meminfo_parse(T("MemTotal: 18446744073709551615 kB\n"), &m) < 0);
	CHECK(meminfo_parse(T("\0\xff\x80\n\x01"), &m) < 0);
}

static void
meminfo_truncated(void)
{
	struct meminfo m;

	for (size_t n = 0; n < sizeof meminfo_real; n++)
		CHECK((meminfo_parse(TN(meminfo_real, n), &m) == 0) ==
		    (n > (size_t)(strchr(meminfo_real, '\n') - meminfo_real)));
}

static void
vmstat(void)
{
	struct vmstat v;

	CHECK_INT(vmstat_parse(T("nr_free_pages 1\nworkingset_refault_anon "
				 "2\nworkingset_refault_file 3\npgmajfault 4\noom_kill 5\n"),
		      &v),
	    0);
	CHECK(!v.v[VM_REFAULT].known);
	CHECK_U64(v.v[VM_REFAULT_ANON].v, 2);
	CHECK_U64(v.v[VM_REFAULT_FILE].v, 3);
	CHECK_U64(v.v[VM_MAJFAULT].v, 4);
	CHECK_U64(v.v[VM_OOM_KILL].v, 5);
	CHECK_INT(vmstat_parse(T("workingset_refault 7\n"), &v), 0);
	CHECK_U64(v.v[VM_REFAULT].v, 7);
	CHECK(!v.v[VM_REFAULT_FILE].known && !v.v[VM_OOM_KILL].known);
}

static void
no_vmstat(void)
{
	struct vmstat v;

	CHECK(vmstat_parse(T(""), &v) < 0);
	CHECK(vmstat_parse(T("nr_free_pages 1\npgfault 2\noom_kill x"), &v) < 0);
	CHECK(vmstat_parse(T("\0\xff"), &v) < 0);
	CHECK(!v.v[VM_OOM_KILL].known);
}

/* ---- /proc/pressure, and a cgroup's */

static const char both[] = "some avg10=55.78 avg60=14.49 avg300=3.23 total=10566264\n"
			   "full avg10=1.00 avg60=0.49 avg300=0.23 total=266264\n";

static void
psi_of_a_kernel(void)
{
	struct psi p;

	CHECK_INT(psi_parse(TN(both, sizeof both - 1), &p), 0);
	CHECK(p.some.total_us.known && p.full.total_us.known);
	CHECK_NEAR(p.some.avg[0], 55.78, 1e-9);
	CHECK_NEAR(p.some.avg[1], 14.49, 1e-9);
	CHECK_NEAR(p.some.avg[2], 3.23, 1e-9);
	CHECK_U64(p.some.total_us.v, 10566264);
	CHECK_U64(p.full.total_us.v, 266264);
}

static void
one_line(void)
{
	struct psi p;

	CHECK_INT(psi_parse(T("some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"), &p), 0);
	CHECK(p.some.total_us.known && !p.full.total_us.known);
	CHECK_INT(psi_parse(T("full avg10=0.00 avg60=0.00 avg300=0.00 total=5"), &p), 0);
	CHECK(!p.some.total_us.known && p.full.total_us.known);
	CHECK_U64(p.full.total_us.v, 5);
}

static void
unknown_lines(void)
{
	struct psi p;

	CHECK_INT(psi_parse(T("most avg10=0.00 avg60=0.00 avg300=0.00 total=1\n\nsome avg10=0.00 "
			      "avg60=0.00 avg300=0.00 total=2 new=3\n"),
		      &p),
	    0);
	CHECK_U64(p.some.total_us.v, 2);
	CHECK(!p.full.total_us.known);
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
	CHECK_U64(p.some.total_us.v, UINT64_MAX);
	CHECK(!p.full.total_us.known);
}

static void
psi_damaged(void)
{
	static const char *const bad[] = { "", "\n", "some", "some ", "some avg10=0.00",
		"some avg10=0.00 avg60=0.00 avg300=0.00",
		"some avg10=0.00 avg60=0.00 avg300=0.00 total=",
		"some avg10=0.00 avg60=0.00 avg300=0.00 total=-1",
		"some avg10=x avg60=0.00 avg300=0.00 total=1",
		"some avg60=0.00 avg10=0.00 avg300=0.00 total=1",
		"some avg10=0.5 avg60=0.00 avg300=0.00 total=1",
		"some avg10=0.100 avg60=0.00 avg300=0.00 total=1",
		"something avg10=0.00 avg60=0.00 avg300=0.00 total=1", "total=1" };
	struct psi p;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		memset(&p, 0xff, sizeof p);
		if (!CHECK(psi_parse(TN(bad[i], strlen(bad[i])), &p) < 0))
			printf("# for '%s'\n", bad[i]);
		CHECK(!p.some.total_us.known && !p.full.total_us.known);
	}
	CHECK(psi_parse(T("some\0avg10=0.00 avg60=0.00 avg300=0.00 total=1\n"), &p) < 0);
}

static void
psi_truncated(void)
{
	struct psi p;

	for (size_t n = 0; n < sizeof both; n++) {
		psi_parse(TN(both, n), &p);
		CHECK(p.some.total_us.known == (n > (size_t)(strstr(both, "1056") - both)));
		CHECK(p.full.total_us.known == (n > (size_t)(strstr(both, "266264\n") - both)));
	}
}

/* ---- /proc/schedstat, versions 15 to 17 */

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
schedstat_damaged_lines(void)
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
schedstat_nothing(void)
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
schedstat_truncated(void)
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
schedstat_finds(void)
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

/* ---- /proc/stat */

static const char stat_real[] = "cpu  24 0 228 710 5 0 7 0 0 0\n"
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
stat_of_a_kernel(void)
{
	static const uint64_t cpu0[STAT_FIELDS] = { 8, 1, 76, 159, 5, 2, 3, 4, 6, 7 };
	struct arena a = { 0 };
	struct stat_file f;

	CHECK_INT(stat_parse(TN(stat_real, sizeof stat_real - 1), &a, &f), 0);
	if (CHECK_INT(f.ncpus, 2)) {
		CHECK_INT(f.cpus[0].cpu, 0);
		CHECK_INT(f.cpus[1].cpu, 2);
		CHECK(memcmp(f.cpus[0].ticks, cpu0, sizeof cpu0) == 0);
		CHECK_U64(f.cpus[1].ticks[STAT_SYSTEM], 63);
	}
	arena_free(&a);
}

static void
stat_finds(void)
{
	struct arena a = { 0 };
	struct stat_file f;

	stat_parse(TN(stat_real, sizeof stat_real - 1), &a, &f);
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
	arena_free(&a);
}

static void
stat_damaged_lines(void)
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
stat_nothing(void)
{
	struct arena a = { 0 };
	struct stat_file f = { .ncpus = 7 };

	CHECK(stat_parse(T(""), &a, &f) < 0);
	CHECK(f.ncpus == 0);
	CHECK(stat_parse(T("\0\xff\x80\n\n\0cpu0 1 2 3 4\n"), &a, &f) < 0);
	CHECK(stat_parse(T("cpu  1 2 3 4\nprocs_blocked 1\n"), &a, &f) < 0);
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
stat_truncated(void)
{
	for (size_t n = 0; n < sizeof stat_real; n++) {
		struct arena a = { 0 };
		struct stat_file f;
		if (stat_parse(TN(stat_real, n), &a, &f) == 0) {
			CHECK(f.ncpus <= 2);
			CHECK(f.cpus[0].ticks[STAT_USER] == 8);
		}
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

	CHECK_INT(stat_parse_blocked(TN(stat_real, sizeof stat_real - 1), &v), 0);
	CHECK_U64(v, 9);
	CHECK(stat_parse_blocked(T("cpu0 1 2 3 4\n"), &v) < 0);
	CHECK(stat_parse_blocked(T(""), &v) < 0);
	CHECK(stat_parse_blocked(T("procs_blocked "), &v) < 0);
	CHECK(stat_parse_blocked(T("procs_blocked x\n"), &v) < 0);
	CHECK(stat_parse_blocked(T("procs_blocked 18446744073709551616\n"), &v) < 0);
	CHECK(stat_parse_blocked(T("procs_blocked 1"), &v) < 0);
	CHECK(stat_parse_blocked(T("xprocs_blocked 1\nprocs_blocked_x 1\n"), &v) < 0);
	CHECK_U64(v, 9);
}

static void
dirty(void)
{
	static const char text[] =
	    "nr_free_pages 9\nnr_dirty 1\nnr_writeback 2\nnr_writeback_temp 8\n"
	    "nr_dirtied 7\nnr_dirty_threshold 3\n"
	    "nr_dirty_background_threshold 4\npgpgin 5\npgpgout 6\n";
	struct dirty_pages d;

	CHECK_INT(dirty_parse(TN(text, sizeof text - 1), &d), 0);
	CHECK_U64(d.dirty.v, 1);
	CHECK_U64(d.writeback.v, 2);
	CHECK_U64(d.threshold.v, 3);
	CHECK_U64(d.background.v, 4);
	CHECK_U64(d.read_kb.v, 5);
	CHECK_U64(d.written_kb.v, 6);
	CHECK_INT(dirty_parse(T("nr_dirty 1\n"), &d), 0);
	CHECK(!d.writeback.known && !d.threshold.known);
	CHECK(dirty_parse(T("nr_writeback 2\n"), &d) < 0);
	CHECK(dirty_parse(T("nr_dirty -2\n"), &d) < 0);
}

int
main(void)
{
	unit_test("loadavg: the fields of a real text", loadavg_of_a_kernel);
	unit_test("loadavg: without a newline, and without the last pid", without_newline);
	unit_test("loadavg: a damaged text is an error", loadavg_damaged);
	unit_test("loadavg: text truncated anywhere is safe", loadavg_truncated);
	unit_test("meminfo: a real text, in bytes", meminfo_of_a_kernel);
	unit_test("meminfo: missing keys are unknown", missing_keys);
	unit_test("meminfo: a size above 64 bits is unknown", enormous);
	unit_test("meminfo: no MemTotal is an error", meminfo_nothing);
	unit_test("meminfo: text truncated anywhere is safe", meminfo_truncated);
	unit_test("meminfo: vmstat before and after refaults were split", vmstat);
	unit_test("meminfo: no known key in vmstat is an error", no_vmstat);
	unit_test("vmstat: dirty pages and what stops writers", dirty);
	unit_test("psi: both lines of a real text", psi_of_a_kernel);
	unit_test("psi: a missing line is unknown", one_line);
	unit_test("psi: unknown lines and fields are skipped", unknown_lines);
	unit_test("psi: a total of 2^64-1 is known, a larger one is not", extremes);
	unit_test("psi: a damaged text is an error", psi_damaged);
	unit_test("psi: text truncated anywhere is safe", psi_truncated);
	unit_test("schedstat: version 15", version_15);
	unit_test("schedstat: version 16", version_16);
	unit_test("schedstat: version 17, whose domains have names", version_17);
	unit_test("schedstat: without domains, and with unknown fields", without_domains);
	unit_test("schedstat: damaged lines are left out", schedstat_damaged_lines);
	unit_test("schedstat: no CPU is an error", schedstat_nothing);
	unit_test("schedstat: text truncated anywhere is safe", schedstat_truncated);
	unit_test("schedstat: a CPU is found by its number, whatever the hint", schedstat_finds);
	unit_test("stat: the fields of a real text", stat_of_a_kernel);
	unit_test("stat: a CPU is found by its number, whatever the hint", stat_finds);
	unit_test("stat: fields that old kernels lack are 0", old_kernels);
	unit_test("stat: unknown fields and lines are skipped", new_kernels);
	unit_test("stat: damaged lines are left out", stat_damaged_lines);
	unit_test("stat: a file without CPUs is an error", stat_nothing);
	unit_test("stat: tasks created since boot", forks);
	unit_test("stat: text truncated anywhere is safe", stat_truncated);
	unit_test("stat: 8192 CPUs", thousands);
	unit_test("stat: procs_blocked alone", only_blocked);
	return unit_done();
}
