/* schedstat: /proc/schedstat, what the scheduler counts per CPU (CONFIG_SCHEDSTATS). */
#ifndef PQ_PROC_SCHEDSTAT_H
#define PQ_PROC_SCHEDSTAT_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* A line "cpu0 0 0 0 0 0 0 1404592766 1839662010 643"; its last three fields are the same in
 * versions 14 to 17. */
struct cpu_sched {
	unsigned cpu;
	uint64_t run_ns; /* time that tasks ran */
	/* time that tasks waited, added when each gets the CPU; throttled time is in it */
	uint64_t delay_ns;
	uint64_t runs; /* times that a task got the CPU */
};

struct schedstat {
	struct cpu_sched *cpus; /* those online */
	size_t ncpus;
};

/* Fills *out, its array from the arena; damaged lines are left out. 0, or -1 with EINVAL when no
 * CPU is left. */
int schedstat_parse(struct text t, struct arena *a, struct schedstat *out);

/* The line of that CPU, looked for first at place `hint`; NULL when it is not there. */
const struct cpu_sched *schedstat_find(const struct schedstat *s, unsigned cpu, size_t hint);

#endif
