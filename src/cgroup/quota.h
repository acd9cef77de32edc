/*
 * quota: what the controllers cpu, cpuset and pids tell about a cgroup, v1 and v2 side by side.
 *
 * v2  cpu.max "20000 100000" (µs of each period, or "max"), cpu.max.burst, cpu.weight, cpu.idle;
 *     cpu.stat in µs; cpu.stat.local (Linux 6.6); cpuset.cpus.effective; pids.max, pids.current
 * v1  cpu.cfs_quota_us (-1: none), cpu.cfs_period_us, cpu.cfs_burst_us, cpu.shares, cpu.idle;
 *     cpu.stat with throttled_time in ns; cpu.stat.local (Linux 6.6); cpuacct.usage in ns;
 *     cpuset.effective_cpus; pids.max, pids.current
 */
#ifndef PQ_CGROUP_QUOTA_H
#define PQ_CGROUP_QUOTA_H

#include "base/text.h"
#include "cgroup/groups.h"
#include "proc/cpulist.h"

/* ---- CPU quota and counters */

/* How many threads may run at once and never be throttled by this limit in CPUs: what pq advises
 * to set, 1 at least; NaN if it is unknown. */
double quota_threads(double cpus);

/* Unknown, no limit, or a limit in CPUs. */
struct cpu_quota {
	bool known, limited;
	double cpus;
	uint64_t period_us; /* length of the period, if limited */
};

struct group_cpu {
	struct cpu_quota quota; /* of this level alone */
	struct keyed usage_ns;  /* CPU time used, child cgroups included */
	/* periods in which the cgroup was active, and periods in which it was throttled */
	struct keyed periods, throttled;
	/* throttled by this cgroup's own quota, summed over CPUs, added at the end of each period */
	struct keyed throttled_ns;
	struct keyed
	    local_ns;        /* throttled by its own quota or that of any parent: cpu.stat.local */
	struct keyed bursts; /* periods that used quota saved earlier */
	struct keyed some_us, full_us; /* CPU pressure since the cgroup was created */
};

/* The text of cpu.max: "20000 100000", "max 100000", "max" or "20000" (the period is 100000 then).
 * 0, or -1 with EINVAL; a period of 0 is invalid too. */
int cpu_max_parse(struct text t, struct cpu_quota *out);

/* The same from the two files of v1; a negative quota is no limit. */
int cfs_quota_parse(struct text quota_us, struct text period_us, struct cpu_quota *out);

/* The text of cpu.stat of either version. Missing keys are unknown: v2 has nr_… only where the
 * controller is enabled. 0, or -1 with EINVAL if no key is known. */
int cpu_stat_parse(struct text t, struct group_cpu *out);

/* The text of cpu.stat.local, into out->local_ns. 0, or -1 with EINVAL. */
int cpu_stat_local_parse(struct text t, struct group_cpu *out);

/* Reads the quota of this level. A missing file means no limit: the controller is disabled here, or
 * this is the root. 0, or -1 with errno if the quota is unknown: EINVAL the text is invalid, ENODATA
 * v1 has a quota but no period. */
int group_read_quota(
    struct host *h, const struct groups *all, const struct group *g, struct cpu_quota *out);

/* Reads the counters; leaves quota alone, and local_ns unless with_local. 0, or -1 with errno if
 * cpu.stat cannot be read: the cgroup was removed. */
int group_read_cpu(struct host *h, const struct groups *all, const struct group *g, bool with_local,
    struct group_cpu *out);

/* ---- All bounds of one level, for pq limits */

struct cpu_bounds {
	struct cpu_quota quota;
	struct keyed burst_us; /* unused quota that a later period may use (Linux 5.14) */
	/* v2: 1 to 10000, default 100; v1: shares, 2 to 262144, default 1024 */
	struct keyed weight;
	bool idle; /* cpu.idle: runs only when nothing else wants the CPU (Linux 5.15) */
};

struct pids_bounds {
	struct keyed max, current; /* tasks: processes and threads */
	bool unreadable;           /* there may be a max */
};

void group_read_cpu_bounds(
    struct host *h, const struct groups *all, const struct group *g, struct cpu_bounds *out);
void group_read_pids_bounds(
    struct host *h, const struct groups *all, const struct group *g, struct pids_bounds *out);

/* The CPUs that the cgroup may use, within those of its parents. 0, or -1 with errno: ENOENT the
 * controller is disabled here, and the list of the parent applies. */
int group_read_cpuset(
    struct host *h, const struct groups *all, const struct group *g, struct cpulist *out);

#endif
