/*
 * parts: what the programs of runqlat have in common. While they run, R6 has the context until it
 * is not needed any more; R0 to R5 are lost in a part that calls a helper: all but part_argument
 * and part_count_one, and part_task_member of RUNQLAT_BTF.
 */
#ifndef PQ_BPF_PARTS_H
#define PQ_BPF_PARTS_H

#include "bpf/program.h"

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

/* dst = an argument; a member of the task that is an argument. The context is in R6. */
void part_argument(struct code *c, unsigned dst, int arg);
void part_task_member(
    struct code *c, const struct runqlat_plan *p, unsigned dst, int arg, struct btf_member m);

/* R0 = this CPU's counts; the slot of the pid in a register from R6 on. Goes to `none` if there is
 * none. */
void part_find_counts(struct code *c, const struct runqlat_plan *p, struct label *none);
void part_find_slot(struct code *c, const struct runqlat_plan *p, unsigned pid, struct label *none);

/* Adds 1 to *(at + off), by way of R1: each CPU has counts of its own, and no interrupt comes
 * within a switch or a wakeup. */
void part_count_one(struct code *c, unsigned at, size_t off);

/* Goes to `no` when the current task is not of the process, or not of the cgroup or one below
 * it. */
void part_current_is_of(
    struct code *c, const struct runqlat_plan *p, bool process, bool cgroup, struct label *no);

/* Counts the wait of R2 ns in the counts in R6; both are lost. */
void part_count_wait(struct code *c);

#endif
