/* loadavg: /proc/loadavg, "0.51 0.62 0.71 2/112 4242". */
#ifndef PQ_PROC_MACHINE_H
#define PQ_PROC_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"

struct loadavg {
	/* mean number of tasks running or in uninterruptible sleep, over 1, 5 and 15 minutes */
	double load[3];
	/* tasks that run or wait for a CPU now: the reader is one of them, throttled ones are
	 * not */
	uint64_t running;
	uint64_t threads; /* all tasks of the machine, kernel threads too */
};

/* 0, or -1 with EINVAL. */
int loadavg_parse(struct text t, struct loadavg *out);

/* meminfo: /proc/meminfo, the machine's memory, and what /proc/vmstat adds to it. */

enum meminfo_key {
	MEMINFO_TOTAL,
	MEMINFO_FREE,
	MEMINFO_BUFFERS,
	MEMINFO_CACHED,
	MEMINFO_ANON,
	MEMINFO_SHMEM,
	MEMINFO_ACTIVE_FILE,
	MEMINFO_INACTIVE_FILE,
	MEMINFO_SLAB,
	MEMINFO_SRECLAIMABLE,
	MEMINFO_KERNEL_STACK,
	MEMINFO_PAGE_TABLES,
	MEMINFO_PERCPU,
	MEMINFO_SWAP_TOTAL,
	MEMINFO_SWAP_FREE,
	MEMINFO_KEYS
};

/* Bytes; a key that this kernel has not is unknown (Percpu came with 4.20). */
struct meminfo {
	struct keyed v[MEMINFO_KEYS];
};

/* 0, or -1 with EINVAL when MemTotal is not there. */
int meminfo_parse(struct text t, struct meminfo *out);

enum vmstat_key { VM_REFAULT, VM_REFAULT_ANON, VM_REFAULT_FILE, VM_MAJFAULT, VM_OOM_KILL, VM_KEYS };

/* Events since boot. workingset_refault was one counter before 5.9, then _anon and _file; oom_kill
 * came with 4.13. */
struct vmstat {
	struct keyed v[VM_KEYS];
};

/* 0, or -1 with EINVAL when none of them is there. */
int vmstat_parse(struct text t, struct vmstat *out);

/* psi: pressure stall information: /proc/pressure/{cpu,memory,io,irq} and a cgroup's X.pressure. */

/* A line "some avg10=55.78 avg60=14.49 avg300=3.23 total=10566264". */
struct psi_line {
	bool known;        /* cpu has no line "full" before Linux 5.13, irq has none "some" */
	double avg[3];     /* % of the last 10, 60 and 300 s, renewed every 2 s */
	uint64_t total_us; /* stalled since boot, or since the cgroup was made */
};

struct psi {
	struct psi_line some, full;
};

/* 0, or -1 with EINVAL when neither line is there whole. (With CONFIG_PSI_DEFAULT_DISABLED reading
 * fails: EOPNOTSUPP.) */
int psi_parse(struct text t, struct psi *out);

/* schedstat: /proc/schedstat, what the scheduler counts per CPU (CONFIG_SCHEDSTATS). */

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

/* stat: /proc/stat, the CPU time counters. */

/* The fields of a line "cpu0 14 0 102 1294 0 0 3 0 0 0", in the kernel's order. */
enum cpu_field {
	STAT_USER,
	STAT_NICE,
	STAT_SYSTEM,
	STAT_IDLE,
	STAT_IOWAIT,
	STAT_IRQ,
	STAT_SOFTIRQ,
	STAT_STEAL,
	STAT_GUEST,
	STAT_GUEST_NICE,
	STAT_FIELDS
};

/* Clock ticks (USER_HZ) since boot. guest is also in user, guest_nice also in nice. */
struct cpu_time {
	unsigned cpu;
	int fields; /* how many of them this kernel has; the others are 0 here, and unknown */
	uint64_t ticks[STAT_FIELDS];
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
