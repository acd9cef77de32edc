/* stat: /proc/stat, the CPU time counters. */
#ifndef PQ_PROC_STAT_H
#define PQ_PROC_STAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* The fields of a line "cpu0 14 0 102 1294 0 0 3 0 0 0", in the kernel's order. */
enum cpu_field {
	CPU_USER,
	CPU_NICE,
	CPU_SYSTEM,
	CPU_IDLE,
	CPU_IOWAIT,
	CPU_IRQ,
	CPU_SOFTIRQ,
	CPU_STEAL,
	CPU_GUEST,
	CPU_GUEST_NICE,
	CPU_FIELDS
};

/* Clock ticks (USER_HZ) since boot. guest is also in user, guest_nice also in nice. */
struct cpu_time {
	unsigned cpu;
	int fields; /* how many of them this kernel has; the others are 0 here, and unknown */
	uint64_t ticks[CPU_FIELDS];
};

struct stat_file {
	struct cpu_time *cpus; /* one per line cpuN: those online, in the kernel's order */
	size_t ncpus;
	bool has_blocked;
	uint64_t blocked; /* procs_blocked: tasks that wait for I/O */
};

/* Fills *out, its array from the arena. A damaged or torn line is left out, lines that are not
 * known are skipped. 0, or -1 with EINVAL when there is neither a CPU nor procs_blocked. */
int stat_parse(struct text t, struct arena *a, struct stat_file *out);

/* Only procs_blocked, for who needs no CPUs: 0, or -1 with EINVAL when there is none. */
int stat_parse_blocked(struct text t, uint64_t *blocked);

/* Only "processes N", the tasks (threads too) made since boot: 0, or -1 with EINVAL when there is
 * no such line, or it tells 0. */
int stat_parse_forks(struct text t, uint64_t *forks);

/* The line of that CPU, looked for first at place `hint`; NULL when it is not there. */
const struct cpu_time *stat_find(const struct stat_file *f, unsigned cpu, size_t hint);

#endif
