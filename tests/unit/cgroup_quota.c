/* The files of the CPU controller, as texts. */
#include "cgroup/quota.h"

#include <errno.h>

#include "unit.h"

static void
no_limit(void)
{
	static const char *const none[] = { "max", "max\n", "max 100000\n", "max 100000",
		"max 1000000\n" };
	struct cpu_quota q;

	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		if (!CHECK_INT(cpu_max_parse(TN(none[i], strlen(none[i])), &q), 0))
			printf("# for '%s'\n", none[i]);
		CHECK(q.known && !q.limited);
	}
}

static void
limits(void)
{
	static const struct {
		const char *text;
		double cpus;
	} good[] = { { "20000 100000\n", 0.2 }, { "20000 100000", 0.2 }, { "200000", 2 },
		{ "200000\n", 2 }, { "1000 1000000\n", 0.001 }, { "6400000 100000\n", 64 },
		{ "17592186044416 100000\n", 175921860.44416 } };
	struct cpu_quota q;

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		CHECK_INT(cpu_max_parse(TN(good[i].text, strlen(good[i].text)), &q), 0);
		CHECK(q.known && q.limited);
		CHECK_NEAR(q.cpus, good[i].cpus, good[i].cpus * 1e-12);
	}
}

static void
damaged_limits(void)
{
	static const char *const bad[] = { "", "\n", " ", "20000 0\n", "0 100000\n", "-1 100000\n",
		"20000 -100000\n", "maximum 100000\n", "MAX", "x", "20000 x", "20000,100000",
		"1e5 100000", "18446744073709551616 100000", "20000 18446744073709551616",
		"18446744073709551615 100000", "\nmax", "max x\n", "20000 100000 more\n",
		"max 100000 100000\n", "20000 100000x\n" };
	struct cpu_quota q;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		memset(&q, 0xff, sizeof q);
		if (!CHECK(cpu_max_parse(TN(bad[i], strlen(bad[i])), &q) < 0 && errno == EINVAL))
			printf("# for '%s'\n", bad[i]);
		CHECK(!q.known && !q.limited);
	}
	CHECK(cpu_max_parse(T("max\0"), &q) < 0);
	CHECK(cpu_max_parse(T("\x80\xff 100000"), &q) < 0);
}

static void
quotas_of_v1(void)
{
	struct cpu_quota q;

	CHECK_INT(cfs_quota_parse(T("20000\n"), T("100000\n"), &q), 0);
	CHECK(q.known && q.limited);
	CHECK_NEAR(q.cpus, 0.2, 1e-15);
	CHECK_INT(cfs_quota_parse(T("250000"), T("100000"), &q), 0);
	CHECK_NEAR(q.cpus, 2.5, 1e-15);
	CHECK_INT(cfs_quota_parse(T("-1\n"), T("100000\n"), &q), 0);
	CHECK(q.known && !q.limited);
	CHECK_INT(cfs_quota_parse(T("-9223372036854775807\n"), T("100000\n"), &q), 0);
	CHECK(q.known && !q.limited);
	CHECK_INT(cfs_quota_parse(T("-1\n"), T("0\n"), &q), 0);
	CHECK(q.known && !q.limited);
}

static void
damaged_quotas_of_v1(void)
{
	static const struct {
		const char *quota, *period;
	} bad[] = { { "", "100000" }, { "20000", "" }, { "20000", "0\n" }, { "x", "100000" },
		{ "20000", "x" }, { "20000", "-1" }, { "max", "100000" },
		{ "9223372036854775808", "100000" }, { "20000", "18446744073709551616" },
		{ "20000 100000", "100000" }, { "-", "100000" } };
	struct cpu_quota q;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		memset(&q, 0xff, sizeof q);
		if (!CHECK(cfs_quota_parse(TN(bad[i].quota, strlen(bad[i].quota)),
			       TN(bad[i].period, strlen(bad[i].period)), &q) < 0 &&
			errno == EINVAL))
			printf("# for '%s' and '%s'\n", bad[i].quota, bad[i].period);
		CHECK(!q.known && !q.limited);
	}
}

static void
stat_v2(void)
{
	struct group_cpu c = { 0 };

	CHECK_INT(cpu_stat_parse(T("usage_usec 626420\nuser_usec 254815\nsystem_usec "
				   "371605\nnice_usec 1\ncore_sched.force_idle_usec 2\n"
				   "nr_periods 13\nnr_throttled 12\nthrottled_usec "
				   "1405710\nnr_bursts 3\nburst_usec 4\n"),
		      &c),
	    0);
	CHECK(c.usage_ns.known && c.periods.known && c.throttled.known && c.throttled_ns.known &&
	    c.bursts.known);
	CHECK_U64(c.usage_ns.v, 626420000);
	CHECK_U64(c.periods.v, 13);
	CHECK_U64(c.throttled.v, 12);
	CHECK_U64(c.throttled_ns.v, 1405710000);
	CHECK_U64(c.bursts.v, 3);
}

static void
stat_v1(void)
{
	struct group_cpu c = { 0 };

	CHECK_INT(
	    cpu_stat_parse(
		T("nr_periods 124\nnr_throttled 122\nthrottled_time 16432957043\nwait_sum 99\n"),
		&c),
	    0);
	CHECK_U64(c.periods.v, 124);
	CHECK_U64(c.throttled.v, 122);
	CHECK_U64(c.throttled_ns.v, 16432957043);
	CHECK(!c.usage_ns.known && !c.bursts.known);
}

/* The controller is off, or it is the root: unknown, which is not 0. */
static void
stat_without_controller(void)
{
	struct group_cpu c = { .periods = keyed_of(7), .throttled_ns = keyed_of(7) };

	CHECK_INT(cpu_stat_parse(T("usage_usec 1\nuser_usec 2\nsystem_usec 3\n"), &c), 0);
	CHECK(c.usage_ns.known);
	CHECK(!c.periods.known && !c.throttled.known && !c.throttled_ns.known && !c.bursts.known);
}

static void
stat_extremes(void)
{
	struct group_cpu c = { 0 };

	CHECK_INT(
	    cpu_stat_parse(
		T("nr_periods 9223372036854775807\nthrottled_time 18446744073709551615\n"), &c),
	    0);
	CHECK_U64(c.periods.v, INT64_MAX);
	CHECK(!c.throttled_ns.known); /* -1, written without a sign */
	CHECK_INT(cpu_stat_parse(T("nr_periods 1\nthrottled_usec 9223372036854775807\nusage_usec "
				   "18446744073709552\n"),
		      &c),
	    0);
	CHECK(!c.throttled_ns.known && !c.usage_ns.known); /* more ns than fit */
	CHECK_INT(cpu_stat_parse(T("throttled_usec 18446744073709551\n"), &c), 0);
	CHECK_U64(c.throttled_ns.v, 18446744073709551000u);
}

static void
stat_damaged(void)
{
	struct group_cpu c = { 0 };

	CHECK(cpu_stat_parse(T(""), &c) < 0 && errno == EINVAL);
	CHECK(cpu_stat_parse(T("nr_periods\nnr_throttled x\n"), &c) < 0);
	CHECK(cpu_stat_parse(T("nr_periodsnr_throttled 1\n"), &c) < 0);
	CHECK(cpu_stat_parse(T("\0\xff nr_periods 1"), &c) < 0);
	CHECK(!c.periods.known);
}

static void
stat_local(void)
{
	struct group_cpu c = { 0 };

	CHECK_INT(cpu_stat_local_parse(T("throttled_usec 8966\n"), &c), 0);
	CHECK_U64(c.local_ns.v, 8966000);
	CHECK_INT(cpu_stat_local_parse(T("throttled_time 8966\n"), &c), 0);
	CHECK_U64(c.local_ns.v, 8966);
	CHECK(cpu_stat_local_parse(T(""), &c) < 0 && errno == EINVAL);
	CHECK(cpu_stat_local_parse(T("throttled_usec x\n"), &c) < 0);
	CHECK(cpu_stat_local_parse(T("nr_throttled 1\n"), &c) < 0);
}

int
main(void)
{
	unit_test("cpu.max without a limit", no_limit);
	unit_test("cpu.max with a limit; the period and the newline are optional", limits);
	unit_test("a damaged cpu.max is unknown, not unlimited", damaged_limits);
	unit_test("v1: quota and period", quotas_of_v1);
	unit_test("v1: a damaged quota or period is unknown", damaged_quotas_of_v1);
	unit_test("cpu.stat of v2, with unknown keys between", stat_v2);
	unit_test("cpu.stat of v1", stat_v1);
	unit_test("cpu.stat where the controller is off", stat_without_controller);
	unit_test("cpu.stat with the largest numbers", stat_extremes);
	unit_test("a damaged cpu.stat", stat_damaged);
	unit_test("cpu.stat.local", stat_local);
	return unit_done();
}
