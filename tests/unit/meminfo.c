/* /proc/meminfo and /proc/vmstat */
#include "proc/machine.h"

#include "unit.h"

static const char real[] = "MemTotal:         972484 kB\n"
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
of_a_kernel(void)
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

	CHECK_INT(meminfo_parse(TN(real, sizeof real - 1), &m), 0);
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
nothing(void)
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
truncated(void)
{
	struct meminfo m;

	for (size_t n = 0; n < sizeof real; n++)
		CHECK((meminfo_parse(TN(real, n), &m) == 0) ==
		    (n > (size_t)(strchr(real, '\n') - real)));
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

int
main(void)
{
	unit_test("a real text, in bytes", of_a_kernel);
	unit_test("keys that are not there are unknown", missing_keys);
	unit_test("more bytes than fit are unknown", enormous);
	unit_test("no MemTotal is an error", nothing);
	unit_test("truncated anywhere", truncated);
	unit_test("vmstat before and after refaults were split", vmstat);
	unit_test("no known key in vmstat is an error", no_vmstat);
	return unit_done();
}
