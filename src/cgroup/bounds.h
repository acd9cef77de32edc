/*
 * bounds: what one level of a cgroup hierarchy sets bounds with, v1 and v2 side by side.
 *
 * v2  cpu.max, cpu.max.burst, cpu.weight, cpu.idle; cpuset.cpus.effective; pids.max, pids.current;
 *     memory.max, .high, .low, .min and memory.swap.max
 * v1  cpu.cfs_quota_us, cpu.cfs_burst_us, cpu.shares, cpu.idle; cpuset.effective_cpus; pids.max,
 *     pids.current; memory.limit_in_bytes, memory.memsw.limit_in_bytes, and of memory.stat
 *     hierarchical_memory_limit, which knows of levels that cannot be seen
 */
#ifndef PQ_CGROUP_BOUNDS_H
#define PQ_CGROUP_BOUNDS_H

#include "proc/cpulist.h"
#include "cgroup/quota.h"

struct cpu_bounds {
	struct cpu_quota quota;
	struct keyed burst_us; /* saved time that a period may use beyond the quota (5.14) */
	/* v2: 1 to 10000, 100 if not set; v1: shares, 2 to 262144, 1024 if not set */
	struct keyed weight;
	bool idle; /* cpu.idle: only when nobody else wants the CPU (5.15) */
};

/* Bytes; what is not known is not set there. */
struct memory_bounds {
	struct keyed max;  /* beyond this it is killed */
	struct keyed high; /* beyond this it is slowed down */
	/* up to this it is spared when others need memory; 0 is not set */
	struct keyed low, min;
	/* so much of it may be swapped out; v1: what the limit of both is above max */
	struct keyed swap;
	bool unreadable; /* there may be a max */
};

struct pids_bounds {
	struct keyed max, current; /* tasks: processes and threads */
	bool unreadable;
};

/* These read what there is of it. 0, or -1 with the errno of the limit itself, when it cannot be
 * read (a file that is not there is no limit) or makes no sense. */
int group_read_cpu_bounds(
    struct host *h, const struct groups *all, const struct group *g, struct cpu_bounds *out);
int group_read_memory_bounds(
    struct host *h, const struct groups *all, const struct group *g, struct memory_bounds *out);
int group_read_pids_bounds(
    struct host *h, const struct groups *all, const struct group *g, struct pids_bounds *out);

/* v1: the least max of this level and of all above, hidden ones too; none when *out is not known.
 * 0, or -1 with errno: ENOTSUP on v2, which does not tell. */
int group_read_memory_all(
    struct host *h, const struct groups *all, const struct group *g, struct keyed *out);

/* The CPUs that the level may use, those of the levels above taken into account. 0, or -1 with
 * errno: ENOENT the controller is not on there, and what holds is the level above's. */
int group_read_cpuset(
    struct host *h, const struct groups *all, const struct group *g, struct cpulist *out);

#endif
