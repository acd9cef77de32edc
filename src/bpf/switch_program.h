/*
 * switch_program: the programs that put what the scheduler does into the slots of switch_ring, assembled
 * for the running kernel:
 *
 *  slot = ring of this CPU [events modulo slots]; *slot = { now, what }; events++
 *
 * Interrupts are off at a switch, a waking and a migration, so nothing comes in between. They are on at
 * the others, which are rare: these take their number first, and look whether an interrupt took one, too.
 * A thread that wakes itself up is left out: it has not stopped, and interrupts may be on.
 */
#ifndef PQ_BPF_SWITCH_PROGRAM_H
#define PQ_BPF_SWITCH_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/bpf.h"
#include "bpf/btf.h"
#include "proc/sched_event.h"

/* Where the kernel counts which interrupts it serves: preempt_count. */
enum irq_source {
	IRQ_UNKNOWN,
	IRQ_VARIABLE, /* a variable of each CPU, by its name (x86) */
	/* the same, but the kernel does not tell programs where it is: it does without
	 * CONFIG_KALLSYMS_ALL */
	IRQ_ADDRESS,
	IRQ_TASK, /* a member of the task (arm64, riscv) */
};

/* The variables of a CPU that IRQ_ADDRESS needs. The run queue of a task leads to one, and from there it
 * is as far to the others as in their section. */
struct irq_path {
	struct btf_member cfs_rq, rq; /* of a task, of that */
	int32_t to_count, to_current; /* from the run queue */
};

/* What the programs depend on. */
struct switch_plan {
	enum bpf_mode mode; /* not MODE_ANY */
	int heads, slots;   /* descriptors of the maps */
	bool old_clock;     /* before Linux 5.8: times are of CLOCK_MONOTONIC */
	uint32_t tgid;      /* only events of this process; 0: all. MODE_TP cannot tell. */
	/* tell waits that are longer; 0: none. Descriptors of the maps for that, and how many threads the
	 * first has, a power of two, minus 1. */
	uint64_t wait_over_ns;
	int waits, alarms;
	int32_t wait_mask;
	/* MODE_BTF: of the tracepoints */
	uint32_t btf_id[SCHED_KINDS];
	/* MODE_BTF, MODE_RAW: members of a task, and whether sched_switch has the state as an argument
	 * (since Linux 5.18). Size 0: there is no such member. */
	struct btf_member pid, tgid_member, state, cpu;
	bool state_argument;
	enum irq_source irq;
	uint32_t irq_id;             /* of the variable */
	uint32_t irq_mask;           /* the bits of the count that tell */
	struct irq_path irq_path;    /* to_count 0: unknown */
	struct btf_member irq_count; /* in the variable, or the task */
	/* MODE_TP: ids and fields of the tracepoints. `other` and `more` have size 0 where there is no
	 * such field. */
	uint32_t event_id[SCHED_KINDS];
	struct format_field tid[SCHED_KINDS], other[SCHED_KINDS], more[SCHED_KINDS];
};

/* Sets the parts of the plan that depend on the kernel, for its mode. 0, or -1 with errno (ENOENT:
 * there is no BTF, or no tracefs). */
int switch_program_layout(struct switch_plan *p);

/* Assembles the program for a kind of event. code->bad is set if instructions cannot do it. */
void switch_program_build(const struct switch_plan *p, enum sched_kind kind, struct code *code);

/* "sched_switch", … */
const char *switch_program_event(enum sched_kind kind);

#endif
