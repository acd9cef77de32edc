/* The files of the memory controller, as texts. */
#include "cgroup/memory.h"

#include <errno.h>

#include "unit.h"

static void
limits(void)
{
	struct keyed v;

	CHECK_INT(limit_parse(T("67108864\n"), &v), 0);
	CHECK(v.known);
	CHECK_U64(v.v, 67108864);
	CHECK_INT(limit_parse(T("0"), &v), 0);
	CHECK(v.known && v.v == 0);
}

static void
no_limit(void)
{
	struct keyed v = keyed_of(7);

	CHECK_INT(limit_parse(T("max\n"), &v), 0);
	CHECK(!v.known);
	v = keyed_of(7);
	CHECK_INT(limit_parse(T("max"), &v), 0);
	CHECK(!v.known);
	v = keyed_of(7);
	CHECK_INT(limit_parse(T("9223372036854771712\n"), &v), 0);
	CHECK(!v.known);
	v = keyed_of(7);
	CHECK_INT(limit_parse(T("18446744073709551615\n"), &v), 0);
	CHECK(!v.known);
}

static void
damaged_limits(void)
{
	static const char *const bad[] = { "", "\n", "-1\n", "x", "maximum", "max 1", "64M", "1.5",
		"18446744073709551616", "\n67108864\n" };
	struct keyed v;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		v = keyed_of(7);
		if (!CHECK(limit_parse(TN(bad[i], strlen(bad[i])), &v) < 0 && errno == EINVAL))
			printf("# for '%s'\n", bad[i]);
		CHECK(!v.known);
	}
	CHECK(limit_parse(T("1\0"), &v) < 0);
}

static void
stat_v2(void)
{
	struct memory_stat s;

	CHECK_INT(memory_stat_parse(T("anon 1\nfile 2\nkernel 3\nkernel_stack 4\npagetables "
				      "5\nsec_pagetables 0\npercpu 6\nsock 7\nvmalloc 0\n"
				      "shmem 8\nfile_mapped 0\ninactive_anon 9\nactive_anon "
				      "10\ninactive_file 11\nactive_file 12\nunevictable 0\n"
				      "slab_reclaimable 13\nslab_unreclaimable 14\nslab "
				      "27\nworkingset_refault_anon 15\n"
				      "workingset_refault_file 16\npgfault 17\npgmajfault 18\n"),
		      2, &s),
	    0);
	CHECK_U64(s.anon.v, 1);
	CHECK_U64(s.file.v, 2);
	CHECK_U64(s.kernel.v, 3);
	CHECK_U64(s.sock.v, 7);
	CHECK_U64(s.shmem.v, 8);
	CHECK_U64(s.inactive_file.v, 11);
	CHECK_U64(s.active_file.v, 12);
	CHECK_U64(s.slab_reclaimable.v, 13);
	CHECK_U64(s.refaults.v, 31);
	CHECK_U64(s.majfaults.v, 18);
	CHECK(s.anon.known && s.kernel.known && s.refaults.known && s.majfaults.known);
	CHECK(!s.swap.known && !s.hierarchical_limit.known);
}

/* Before 5.18 no `kernel`, before 5.9 one kind of refaults. */
static void
stat_v2_old(void)
{
	struct memory_stat s;

	CHECK_INT(memory_stat_parse(T("anon 1\nkernel_stack 4\npagetables 5\npercpu 6\nslab "
				      "27\nworkingset_refault 15\n"),
		      2, &s),
	    0);
	CHECK(s.kernel.known && s.refaults.known);
	CHECK_U64(s.kernel.v, 42);
	CHECK_U64(s.refaults.v, 15);
	CHECK_INT(memory_stat_parse(T("anon 1\nslab 27\n"), 2, &s), 0);
	CHECK_U64(s.kernel.v, 27);
	CHECK(!s.refaults.known && !s.file.known);
	CHECK_INT(memory_stat_parse(T("anon 1\n"), 2, &s), 0);
	CHECK(!s.kernel.known);
}

/* The keys with total_ have the groups below in them, those without have not. */
static void
stat_v1(void)
{
	struct memory_stat s;

	CHECK_INT(memory_stat_parse(T("cache 100\nrss 200\nswap 300\ninactive_file "
				      "400\nhierarchical_memory_limit 67108864\n"
				      "hierarchical_memsw_limit 9223372036854771712\ntotal_cache "
				      "1\ntotal_rss 2\ntotal_rss_huge 0\ntotal_shmem 3\n"
				      "total_swap 4\ntotal_workingset_refault_anon "
				      "5\ntotal_workingset_refault_file 6\ntotal_pgmajfault 7\n"
				      "total_inactive_file 8\ntotal_active_file 9\n"),
		      1, &s),
	    0);
	CHECK_U64(s.file.v, 1);
	CHECK_U64(s.anon.v, 2);
	CHECK_U64(s.shmem.v, 3);
	CHECK_U64(s.swap.v, 4);
	CHECK_U64(s.refaults.v, 11);
	CHECK_U64(s.majfaults.v, 7);
	CHECK_U64(s.inactive_file.v, 8);
	CHECK_U64(s.active_file.v, 9);
	CHECK_U64(s.hierarchical_limit.v, 67108864);
	CHECK(!s.kernel.known && !s.sock.known && !s.slab_reclaimable.known);
}

static void
stat_extremes(void)
{
	struct memory_stat s;

	CHECK_INT(memory_stat_parse(T("anon -307200\nfile 9223372036854775807\nshmem "
				      "18446744073709551615\nsock 18446744073709551616\n"),
		      2, &s),
	    0);
	CHECK(!s.anon.known);
	CHECK_U64(s.file.v, INT64_MAX);
	CHECK(!s.shmem.known && !s.sock.known);
}

/* Parts too large to be added up must not come out as a small sum. */
static void
stat_sums(void)
{
	struct memory_stat s;

	CHECK_INT(
	    memory_stat_parse(
		T("slab 9223372036854775807\nkernel_stack 9223372036854775807\npagetables 17\n"), 2,
		&s),
	    0);
	CHECK(!s.kernel.known || s.kernel.v > INT64_MAX);
	CHECK_INT(memory_stat_parse(T("slab 18446744073709551615\nkernel_stack "
				      "17\nworkingset_refault_anon 18446744073709551615\n"
				      "workingset_refault_file 17\n"),
		      2, &s),
	    0);
	CHECK(!s.kernel.known);
	CHECK(!s.refaults.known);
}

static void
stat_damaged(void)
{
	struct memory_stat s = { .anon = keyed_of(7) };

	CHECK(memory_stat_parse(T(""), 2, &s) < 0 && errno == EINVAL);
	CHECK(!s.anon.known);
	CHECK(memory_stat_parse(T("anon\nfile x\n"), 2, &s) < 0);
	CHECK(memory_stat_parse(T("total_rss 1\n"), 2, &s) < 0);
	CHECK(memory_stat_parse(T("anon 1\n"), 1, &s) < 0);
	CHECK(memory_stat_parse(T("\0\xff\x80\nanon\0 1\n"), 2, &s) < 0);
	CHECK(memory_stat_parse(T("- 5\n"), 2, &s) < 0);
}

static void
events(void)
{
	struct memory_events e;

	CHECK_INT(
	    memory_events_parse(
		T("low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\noom_group_kill 5\nsock_throttled 6\n"),
		&e),
	    0);
	CHECK_U64(e.high.v, 1);
	CHECK_U64(e.max.v, 2);
	CHECK_U64(e.oom.v, 3);
	CHECK_U64(e.oom_kill.v, 4);
	CHECK_INT(memory_events_parse(T("low 0\nmax 2\n"), &e), 0);
	CHECK(e.max.known && !e.high.known && !e.oom.known && !e.oom_kill.known);
}

static void
events_damaged(void)
{
	struct memory_events e = { .max = keyed_of(7) };

	CHECK(memory_events_parse(T(""), &e) < 0 && errno == EINVAL);
	CHECK(!e.max.known);
	CHECK(memory_events_parse(T("low 1\n"), &e) < 0);
	CHECK(memory_events_parse(T("max x\nhigh\n"), &e) < 0);
	CHECK(memory_events_parse(T("\0\xff"), &e) < 0);
}

static void
reclaimable(void)
{
	struct group_memory m = { .stat = { .anon = keyed_of(1000),
				      .inactive_file = keyed_of(10),
				      .active_file = keyed_of(20),
				      .slab_reclaimable = keyed_of(5) } };

	CHECK_NEAR(memory_reclaimable(&m, 0), 35, 0);
	CHECK_NEAR(memory_reclaimable(&m, 100), 135, 0);
	CHECK_NEAR(memory_reclaimable(&m, 5000), 1035, 0);
	CHECK_NEAR(memory_reclaimable(&m, INFINITY), 1035, 0);
}

static void
reclaimable_unknown(void)
{
	struct group_memory m = { .stat = { .anon = keyed_of(1000),
				      .inactive_file = keyed_of(10),
				      .active_file = keyed_of(20) } };

	CHECK_NEAR(memory_reclaimable(&m, 0), 30, 0);
	m.stat.anon.known = false;
	CHECK_NEAR(memory_reclaimable(&m, 100), 30, 0);
	m.stat.active_file.known = false;
	CHECK_NEAR(memory_reclaimable(&m, 0), NAN, 0);
}

int
main(void)
{
	unit_test("a limit in bytes", limits);
	unit_test("no limit", no_limit);
	unit_test("a damaged limit is an error and unknown", damaged_limits);
	unit_test("memory.stat of v2", stat_v2);
	unit_test("memory.stat of old kernels", stat_v2_old);
	unit_test("memory.stat of v1 includes child cgroups", stat_v1);
	unit_test("negative and enormous values in memory.stat", stat_extremes);
	unit_test("the sum of enormous parts does not overflow", stat_sums);
	unit_test("a damaged memory.stat", stat_damaged);
	unit_test("memory.events", events);
	unit_test("a damaged memory.events", events_damaged);
	unit_test("reclaimable memory, with and without swap", reclaimable);
	unit_test("reclaimable memory with missing values", reclaimable_unknown);
	return unit_done();
}
