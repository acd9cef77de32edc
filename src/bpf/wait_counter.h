/*
 * runqlat: how long tasks wait for a CPU, counted in the kernel by BPF programs at each wakeup and
 * each switch. They are put together here and handed to bpf(2); neither a compiler nor headers nor
 * libraries are needed. Everything hangs on descriptors of this process: whatever way it ends,
 * nothing stays.
 *
 * The kernel's files are read by this floor itself: they say how the running kernel is to be asked,
 * and are no data.
 */
#ifndef PQ_BPF_WAIT_COUNTER_H
#define PQ_BPF_WAIT_COUNTER_H

#include "proc/cpulist.h"
#include "proc/wait_counts.h"

/* BTF: Linux 5.5 with /sys/kernel/btf/vmlinux; RAW: 4.17, the same; TP: 4.7 with tracefs, and
 * perf_event_open(2). */
enum runqlat_mode { RUNQLAT_ANY, RUNQLAT_BTF, RUNQLAT_RAW, RUNQLAT_TP };

/* Whose waits are counted. What is waited for is the task that wakes or is preempted, not the one
 * that wakes it. All that is set must hold. */
struct runqlat_filter {
	/* a process, by the pid that it has outside of all containers; 0: all */
	uint32_t tgid;
	/* directory of a cgroup of version 2: tasks in it and below it; NULL: all */
	const char *cgroup;
	const struct cpulist *cpus; /* those on which the wait ended; NULL: all */
};

/* One line about why it cannot be had, and what would help. */
struct runqlat_why {
	char text[240];
};

struct runqlat;

/* Loads and attaches: in that mode, or in the first that works. `possible` has the CPUs of
 * /sys/devices/system/cpu/possible. 0; or -1 with errno and *why. */
int runqlat_open(struct runqlat **out, enum runqlat_mode mode, const struct runqlat_filter *filter,
    const struct cpulist *possible, struct runqlat_why *why);

/* What was counted since it was opened, and the programs' own time if that is measured. 0, or -1
 * with errno. */
int runqlat_read(struct runqlat *r, struct runqlat_counts *out);

/* "bpf-btf", "bpf-raw" or "bpf-tp" */
const char *runqlat_mode_name(const struct runqlat *r);

/* From now on the kernel times the programs (Linux 5.8), which costs some 30 ns at each event;
 * runqlat_read gives it. 0, or -1 with errno. */
int runqlat_time(struct runqlat *r);

/* Whether pids here are those that the programs see: those of the machine, not of a pid
 * namespace. */
bool runqlat_knows_pids(void);

/* Detaches; NULL is nothing. */
void runqlat_close(struct runqlat *r);

/* why: what it means that BPF programs could not be loaded or attached, for people. */

enum runqlat_step { STEP_NONE, STEP_CGROUP, STEP_MAP, STEP_LAYOUT, STEP_LOAD, STEP_ATTACH };

/* How far a mode came, and the errno there. */
struct runqlat_failure {
	enum runqlat_mode mode;
	enum runqlat_step step;
	int error;
};

/* What this process may do, as far as it can tell. */
struct runqlat_rights {
	int nonsense;          /* errno of a bpf(2) call that no kernel knows */
	bool seccomp;          /* a filter looks at our calls */
	bool lockdown;         /* the kernel keeps itself to itself: lockdown=confidentiality */
	bool namespaced;       /* in a user namespace: capabilities hold only there */
	uint64_t capabilities; /* the effective ones */
};

void runqlat_rights(struct runqlat_rights *r);

/* One line from the failures of the modes that were tried, in their order. */
void runqlat_explain(const struct runqlat_failure *f, size_t n, const struct runqlat_rights *r,
    struct runqlat_why *why);

#endif
