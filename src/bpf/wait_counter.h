/*
 * wait_counter: counts how long tasks wait for a CPU, by BPF programs that run in the kernel at each
 * wake-up and each context switch. No compiler, headers or libraries are needed. The programs are
 * bound to descriptors of this process: they are gone when it ends, however it ends.
 */
#ifndef PQ_BPF_WAIT_COUNTER_H
#define PQ_BPF_WAIT_COUNTER_H

#include "bpf/bpf.h"
#include "proc/cpulist.h"
#include "proc/wait_counts.h"

/* Which waits are counted, by the task that waits, not the one that wakes it. All conditions must
 * hold. */
struct wait_filter {
	uint32_t tgid;      /* a process, by its pid in the first pid namespace; 0: all */
	const char *cgroup; /* directory of a v2 cgroup, which includes those below it; NULL: all */
	const struct cpulist *cpus; /* those on which the wait ended; NULL: all */
};

/* One line: why BPF is not available, and what would help. */
struct bpf_why {
	char text[480];
};

struct wait_counter;

/* Loads and attaches the programs, in that mode or the first that works. `possible` are the CPUs in
 * /sys/devices/system/cpu/possible. 0; or -1 with errno and *why. */
int wait_counter_open(struct wait_counter **out, enum bpf_mode mode,
    const struct wait_filter *filter, const struct cpulist *possible, struct bpf_why *why);

/* What was counted since then, and the time that the programs took if it is measured. 0, or -1 with
 * errno. */
int wait_counter_read(struct wait_counter *c, struct wait_counts *out);

/* "bpf-btf", "bpf-raw" or "bpf-tp" */
const char *wait_counter_mode(const struct wait_counter *c);

/* From now on the kernel measures the time of the programs (Linux 5.8), which costs about 30 ns per
 * event. 0, or -1 with errno. */
int wait_counter_measure_cost(struct wait_counter *c);

/* Whether this process is in the first pid namespace, whose pids the programs see. */
bool wait_counter_knows_pids(void);

/* Detaches the programs. Does nothing for NULL. */
void wait_counter_close(struct wait_counter *c);

/* ---- unavailable.c */

enum bpf_step { STEP_NONE, STEP_CGROUP, STEP_MAP, STEP_LAYOUT, STEP_LOAD, STEP_ATTACH, STEP_RUN };

/* The step at which a mode failed. */
struct bpf_failure {
	enum bpf_mode mode;
	enum bpf_step step;
	int error;
};

/* What this process may do, as far as it can find out. */
struct bpf_rights {
	int nonsense;          /* errno of bpf_nonsense */
	bool seccomp;          /* there is a seccomp filter */
	bool lockdown;         /* the kernel runs with lockdown=confidentiality */
	bool namespaced;       /* in a user namespace: capabilities hold only there */
	uint64_t capabilities; /* the effective ones */
};

void bpf_rights_read(struct bpf_rights *r);

/* One line from the failures of the modes that were tried, in their order. */
void bpf_explain(
    const struct bpf_failure *f, size_t n, const struct bpf_rights *r, struct bpf_why *why);

#endif
