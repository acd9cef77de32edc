/*
 * program: the programs that measure waits, assembled for the running kernel. A task that wakes up,
 * or is preempted, starts to wait. The wait ends when a CPU switches to the task:
 *
 *  sched_wakeup, sched_wakeup_new   slot[pid] = now
 *  sched_switch                     slot[prev] = preempted ? now : none
 *                                   count now - slot[next]; slot[next] = none
 *
 * The slots are a plain array, indexed by pid modulo its size, because a hash map costs three times
 * as much per event. A slot also holds the pid, which tells apart two tasks that share it. If both
 * wait, one wait is counted as lost.
 */
#ifndef PQ_BPF_PROGRAM_H
#define PQ_BPF_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/bpf.h"
#include "bpf/btf.h"
#include "proc/wait_counts.h"

enum wait_event { ON_SWITCH, ON_WAKEUP, ON_NEW, WAIT_EVENTS };

/* The value of the map of slots. */
struct wait_slot {
	uint32_t pid, unused;
	uint64_t since_ns; /* 0: it does not wait */
};

/* The value of the map of counts, which has one per CPU. See struct wait_counts. */
struct cpu_counts {
	uint64_t switches, sum_ns, negative, lost;
	uint64_t bucket[WAIT_BUCKETS];
};

/* What the programs depend on. */
struct program_plan {
	enum bpf_mode mode; /* not MODE_ANY */
	/* MODE_BTF: of the tracepoints */
	uint32_t btf_id[WAIT_EVENTS];
	/* MODE_BTF, MODE_RAW: members of a task, and whether the tracepoint has its state as an
	 * argument (since Linux 5.18) */
	struct btf_member pid, tgid_member, state;
	bool state_argument;
	/* MODE_RAW: before Linux 5.5 */
	bool old_probe_read;
	/* MODE_TP: ids and fields of the tracepoints. next_pid of a wake-up is the task that wakes
	 * up. */
	uint32_t event_id[WAIT_EVENTS];
	struct format_field prev_pid, prev_state, next_pid[WAIT_EVENTS];
	int slots, counts; /* descriptors of the maps */
	int32_t slot_mask; /* number of slots, a power of two, minus 1 */
	uint32_t tgid;     /* count only this process; 0: all */
	int cgroup;        /* descriptor of the map with the cgroup to count; -1: all */
};

/* Sets the parts of the plan that depend on the kernel, for its mode. 0, or -1 with errno (ENOENT:
 * there is no BTF, or no tracefs). */
int program_layout(struct program_plan *p);

/* Assembles the program for an event. code->bad is set if instructions cannot do what the plan
 * asks for. */
void program_build(const struct program_plan *p, enum wait_event e, struct code *code);

/* ---- Parts of other programs at tracepoints, which have their context in R6 */

/* The offset from R10 of 8 bytes that a probe overwrites. */
enum { PROGRAM_SCRATCH = -16 };

/* dst = an argument of the tracepoint. */
void program_load_argument(struct code *c, unsigned dst, int arg);

/* dst = a member of the structure that an argument points to. probe: the helper that reads it, which
 * overwrites R0 to R5; BPF_NO_HELPER: the program itself, which MODE_BTF permits, and overwrites R1. */
void program_load_member(
    struct code *c, enum bpf_helper probe, unsigned dst, int arg, struct btf_member m);

/* "sched_switch", … */
const char *wait_event_name(enum wait_event e);

#endif
