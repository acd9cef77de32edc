/*
 * program: the programs of runqlat. A task that wakes, or is preempted, begins to wait; one that is
 * switched to ends it:
 *
 *  sched_wakeup, sched_wakeup_new   slot[pid] = now
 *  sched_switch                     slot[prev] = preempted ? now : none; count now - slot[next];
 *  slot[next] = none
 *
 * The slots are a plain array, at pid modulo its size: a hash map costs three times as much per
 * event. Two tasks whose pids meet there are told apart by the pid in it, and the one that waited
 * is counted as lost.
 */
#ifndef PQ_BPF_PROGRAM_H
#define PQ_BPF_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/asm.h"
#include "bpf/btf.h"
#include "bpf/wait_counter.h"
#include "proc/wait_counts.h"

enum runqlat_event { ON_SWITCH, ON_WAKEUP, ON_NEW, RUNQLAT_EVENTS };

/* The value of the map of slots, and of the map of counts, which has one per CPU. waits is left for
 * the reader. */
struct runqlat_slot {
	uint32_t pid, unused;
	uint64_t since_ns; /* 0: it does not wait */
};

struct runqlat_map_counts {
	uint64_t switches, sum_ns, negative, lost;
	uint64_t bucket[RUNQLAT_BUCKETS];
};

/* What the programs are made for. */
struct runqlat_plan {
	enum runqlat_mode mode;          /* not RUNQLAT_ANY */
	uint32_t btf_id[RUNQLAT_EVENTS]; /* RUNQLAT_BTF: of the tracepoints */
	/* RUNQLAT_BTF and RUNQLAT_RAW: members of a task, and whether its state is an argument
	 * (since Linux 5.18) */
	struct btf_member pid, tgid_member, state;
	bool state_argument;
	bool old_probe_read; /* RUNQLAT_RAW: before Linux 5.5 */
	/* RUNQLAT_TP: ids and fields of the tracepoints; of a wakeup, next_pid is the task that
	 * wakes */
	uint32_t event_id[RUNQLAT_EVENTS];
	struct format_field prev_pid, prev_state, next_pid[RUNQLAT_EVENTS];
	int slots, counts; /* descriptors of the maps */
	int32_t slot_mask; /* the number of slots, a power of two, less 1 */
	uint32_t tgid;     /* 0: all */
	int cgroup;        /* descriptor of the map that holds it, -1: all */
};

/* Reads the plan's part that the kernel decides, for its mode: 0, or -1 with errno (ENOENT: there
 * is no BTF, no tracefs). */
int runqlat_layout(struct runqlat_plan *p);

/* The program for an event. code->bad is set when the plan asks for more than instructions can
 * do. */
void runqlat_program(const struct runqlat_plan *p, enum runqlat_event e, struct code *code);

/* "sched_switch", … */
const char *runqlat_event_name(enum runqlat_event e);

/*
 * parts: what the programs of runqlat have in common. While they run, R6 has the context until it
 * is not needed any more; R0 to R5 are lost in a part that calls a helper: all but part_argument
 * and part_count_one, and part_task_member of RUNQLAT_BTF.
 */

/* Where things are on the stack, below R10: the key of a look-up, and the time, or before it is
 * taken what is read of a task. */
enum { KEY = -4, NOW = -16 };

enum {
	SLOT_PID = offsetof(struct runqlat_slot, pid),
	SLOT_SINCE = offsetof(struct runqlat_slot, since_ns)
};

/* Of struct bpf_raw_tracepoint_args: sched_switch(bool preempt, prev, next, unsigned int
 * prev_state), sched_wakeup(task). */
enum { ARG_PREEMPT, ARG_PREV, ARG_NEXT, ARG_STATE, ARG_WOKEN = 0 };

#endif
