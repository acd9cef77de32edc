/*
 * cpu: what the CPU controller tells of a cgroup, v1 and v2 side by side.
 *
 * v2  cpu.max "20000 100000" (µs of each period, or "max"); cpu.stat in µs; cpu.stat.local (6.6)
 * v1  cpu.cfs_quota_us (-1: none), cpu.cfs_period_us; cpu.stat with throttled_time in ns;
 *     cpuacct.usage in ns; cpu.stat.local (6.6)
 */
#ifndef PQ_CGROUP_QUOTA_H
#define PQ_CGROUP_QUOTA_H

#include "base/text.h"
#include "proc/machine.h"
#include "cgroup/groups.h"

/* A limit in CPUs: unknown, none, or so many. */
struct cpu_quota {
	bool known, limited;
	double cpus;
	uint64_t period_us; /* of a limit: so long is a period */
};

struct group_cpu {
	struct cpu_quota quota; /* of this level alone */
	struct keyed usage_ns;  /* CPU time used, the cgroups below included */
	/* of those in which the group was active; and those in which it was held back */
	struct keyed periods, throttled;
	/* by this group's own quota, summed over CPUs, added at the end of each period */
	struct keyed throttled_ns;
	struct keyed local_ns; /* by its own or any level's above: cpu.stat.local */
	/* periods in which saved time was used beyond the quota */
	struct keyed bursts;
	struct keyed some_us, full_us; /* CPU pressure: stalled since the group was made */
};

/* Quota of a text of cpu.max: "20000 100000", "max 100000", "max", "20000" (the period is 100000
 * then). 0, or -1 with EINVAL; a period of 0 is no quota that could hold: EINVAL. */
int cpu_max_parse(struct text t, struct cpu_quota *out);

/* The same from v1's two files; a negative quota is none. */
int cfs_quota_parse(struct text quota_us, struct text period_us, struct cpu_quota *out);

/* cpu.stat of either version into out's counters; keys that are missing are unknown: v2 has nr_…
 * only where the controller is on. 0, or -1 with EINVAL when no key is known. */
int cpu_stat_parse(struct text t, struct group_cpu *out);

/* cpu.stat.local into out->local_ns. 0, or -1 with EINVAL. */
int cpu_stat_local_parse(struct text t, struct group_cpu *out);

/* This level's quota. A file that is not there is no quota (the controller is off here, or it is
 * the root). 0, or -1 with errno: EINVAL what stands there makes no sense, which is taken for none;
 * else it cannot be read, and is unknown. */
int group_read_quota(
    struct host *h, const struct groups *all, const struct group *g, struct cpu_quota *out);

/* The group's counters; quota is left alone, and local_ns is unknown unless it is asked for. 0, or
 * -1 with errno when even cpu.stat cannot be read: the group is gone. */
int group_read_cpu(struct host *h, const struct groups *all, const struct group *g, bool with_local,
    struct group_cpu *out);

#endif
