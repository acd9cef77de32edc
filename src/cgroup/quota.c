/* Files of the controllers cpu, cpuset and pids. */
#include "cgroup/quota.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "cgroup/pressure.h"

static int
invalid(void)
{
	errno = EINVAL;
	return -1;
}

static int
set_quota(struct cpu_quota *out, bool limited, int64_t quota_us, uint64_t period_us)
{
	if (limited && (period_us == 0 || quota_us <= 0))
		return invalid();
	*out = (struct cpu_quota){ true, limited,
		limited ? (double)quota_us / (double)period_us : 0, limited ? period_us : 0 };
	return 0;
}

/* A quota written as 0.9999 of a CPU counts as a whole one. */
double
quota_threads(double cpus)
{
	return cpus < 1 ? 1 : floor(cpus + 0.01);
}

int
cpu_max_parse(struct text t, struct cpu_quota *out)
{
	struct text line, quota;
	uint64_t quota_us = 0, period_us = 100000;

	*out = (struct cpu_quota){ 0 };
	if (!text_line(&t, &line) || !text_word(&line, &quota))
		return invalid();
	bool limited = !text_eq(quota, "max");
	if (limited && (text_u64(quota, &quota_us) < 0 || quota_us > INT64_MAX))
		return invalid();
	if (line.n > 0 && text_next_u64(&line, &period_us) < 0)
		return invalid();
	if (text_word(&line, &quota)) /* a later kernel may mean something by it */
		return invalid();
	return set_quota(out, limited, (int64_t)quota_us, period_us);
}

int
cfs_quota_parse(struct text quota, struct text period, struct cpu_quota *out)
{
	struct text word;
	int64_t quota_us;
	uint64_t period_us;

	*out = (struct cpu_quota){ 0 };
	if (!text_line(&quota, &word) || text_s64(word, &quota_us) < 0)
		return invalid();
	if (!text_line(&period, &word) || text_u64(word, &period_us) < 0)
		return invalid();
	return set_quota(out, quota_us > 0, quota_us, period_us);
}

/* A counter that v1 has in nanoseconds and v2 in microseconds. */
static struct keyed
nanoseconds(struct keyed ns, struct keyed us)
{
	if (ns.known || !us.known || us.v > UINT64_MAX / 1000)
		return ns;
	return keyed_of(us.v * 1000);
}

enum { USAGE, PERIODS, THROTTLED, THROTTLED_US, THROTTLED_NS, BURSTS, STAT_KEYS };

static const char *const stat_keys[STAT_KEYS] = { "usage_usec", "nr_periods", "nr_throttled",
	"throttled_usec", "throttled_time", "nr_bursts" };

static void
set_stat(const struct keyed *v, struct group_cpu *out)
{
	out->usage_ns = nanoseconds((struct keyed){ 0 }, v[USAGE]);
	out->periods = v[PERIODS];
	out->throttled = v[THROTTLED];
	out->throttled_ns = nanoseconds(v[THROTTLED_NS], v[THROTTLED_US]);
	out->bursts = v[BURSTS];
}

int
cpu_stat_parse(struct text t, struct group_cpu *out)
{
	struct keyed v[STAT_KEYS];

	if (keyed_parse(t, stat_keys, STAT_KEYS, v) == 0)
		return invalid();
	set_stat(v, out);
	return 0;
}

int
cpu_stat_local_parse(struct text t, struct group_cpu *out)
{
	static const char *const keys[] = { "throttled_usec", "throttled_time" };
	struct keyed v[2];

	if (keyed_parse(t, keys, 2, v) == 0)
		return invalid();
	out->local_ns = nanoseconds(v[1], v[0]);
	return 0;
}

static int
read_cfs_quota(
    struct host *h, const struct groups *all, const struct group *g, struct cpu_quota *out)
{
	struct text text;
	char quota[32];

	if (group_read(h, all, g, FAMILY_CPU, "cpu.cfs_quota_us", &text) < 0)
		return -1;
	/* a copy, as the next read overwrites the text */
	size_t n = text.n < sizeof quota ? text.n : sizeof quota;
	if (n > 0)
		memcpy(quota, text.s, n);
	if (n > 0 && quota[0] == '-')
		return set_quota(out, false, 0, 0);
	if (group_read(h, all, g, FAMILY_CPU, "cpu.cfs_period_us", &text) < 0) {
		if (errno == ENOENT) /* there is a quota, of an unknown period */
			errno = ENODATA;
		return -1;
	}
	return cfs_quota_parse((struct text){ quota, n }, text, out);
}

static int
parse_cpu_max(struct text t, void *out)
{
	return cpu_max_parse(t, out);
}

static int
read_cpu_max(struct host *h, const struct groups *all, const struct group *g, struct cpu_quota *out)
{
	static const struct parser cpu_max = { sizeof *out, .parse = parse_cpu_max };

	return group_parse(h, all, g, FAMILY_CPU, "cpu.max", &cpu_max, out);
}

int
group_read_quota(
    struct host *h, const struct groups *all, const struct group *g, struct cpu_quota *out)
{
	bool v1 = all->top[FAMILY_CPU].version == 1;

	*out = (struct cpu_quota){ 0 };
	if ((v1 ? read_cfs_quota : read_cpu_max)(h, all, g, out) == 0)
		return 0;
	*out = (struct cpu_quota){ .known = errno == ENOENT };
	return out->known ? 0 : -1;
}

/* On v1 another controller counts the CPU time. */
static void
read_cpuacct(struct host *h, const struct groups *all, const struct group *g, struct keyed *out)
{
	struct text text, line;
	uint64_t v;

	if (all->top[FAMILY_CPUACCT].version == 1 &&
	    group_read(h, all, g, FAMILY_CPUACCT, "cpuacct.usage", &text) == 0 &&
	    text_line(&text, &line) && text_u64(line, &v) == 0)
		*out = keyed_of(v);
}

/* If the file is damaged, all is unknown. */
static int
set_cpu_stat(const struct keyed *v, size_t n, void *out)
{
	struct group_cpu *cpu = out;

	(void)n;
	*cpu = (struct group_cpu){ 0 };
	set_stat(v, cpu);
	return 0;
}

int
group_read_cpu(struct host *h, const struct groups *all, const struct group *g, bool with_local,
    struct group_cpu *out)
{
	static const struct parser cpu_stat = { sizeof *out, .keys = stat_keys, .nkeys = STAT_KEYS,
		.set = set_cpu_stat };
	const struct cpu_quota quota = out->quota;
	struct text text;
	struct psi psi;

	if (group_parse(h, all, g, FAMILY_CPU, "cpu.stat", &cpu_stat, out) < 0)
		return -1;
	out->quota = quota;
	read_cpuacct(h, all, g, &out->usage_ns);
	if (with_local && group_read(h, all, g, FAMILY_CPU, "cpu.stat.local", &text) == 0)
		cpu_stat_local_parse(text, out);
	if (group_parse(h, all, g, FAMILY_PRESSURE, "cpu.pressure", &psi_parser, &psi) == 0) {
		out->some_us = psi.some.total_us;
		out->full_us = psi.full.total_us;
	}
	return 0;
}

void
group_read_cpu_bounds(
    struct host *h, const struct groups *all, const struct group *g, struct cpu_bounds *out)
{
	bool v1 = all->top[FAMILY_CPU].version == 1;
	struct keyed idle;

	*out = (struct cpu_bounds){ 0 };
	group_read_quota(h, all, g, &out->quota);
	group_read_limit(h, all, g, FAMILY_CPU, v1 ? "cpu.shares" : "cpu.weight", &out->weight);
	if (out->quota.limited)
		group_read_limit(h, all, g, FAMILY_CPU, v1 ? "cpu.cfs_burst_us" : "cpu.max.burst",
		    &out->burst_us);
	group_read_limit(h, all, g, FAMILY_CPU, "cpu.idle", &idle);
	out->idle = idle.known && idle.v == 1;
}

void
group_read_pids_bounds(
    struct host *h, const struct groups *all, const struct group *g, struct pids_bounds *out)
{
	*out = (struct pids_bounds){ 0 };
	out->unreadable =
	    group_read_limit(h, all, g, FAMILY_PIDS, "pids.max", &out->max) < 0 && errno != ENOENT;
	group_read_limit(h, all, g, FAMILY_PIDS, "pids.current", &out->current);
}

/* v1 has effective_cpus since Linux 3.17. An empty list was never set. */
int
group_read_cpuset(
    struct host *h, const struct groups *all, const struct group *g, struct cpulist *out)
{
	bool v1 = all->top[FAMILY_CPUSET].version == 1;
	const char *file = v1 ? "cpuset.effective_cpus" : "cpuset.cpus.effective";
	struct text text, line;

	if (group_read(h, all, g, FAMILY_CPUSET, file, &text) < 0 &&
	    (!v1 || group_read(h, all, g, FAMILY_CPUSET, "cpuset.cpus", &text) < 0))
		return -1;
	return text_line(&text, &line) ? cpulist_parse(line, out) : invalid();
}
