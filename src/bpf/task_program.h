/*
 * task_program: the program that walks over the tasks of the machine and writes a row for each into
 * a map, assembled for the running kernel.
 */
#ifndef PQ_BPF_TASK_PROGRAM_H
#define PQ_BPF_TASK_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/bpf.h"
#include "bpf/btf.h"
#include "proc/task_rows.h"

/* What the program writes of a task: two lines of the CPU caches. The first is all that is read of a task
 * that has not run since. */
struct kernel_row {
	uint32_t pid, tid;
	uint32_t written; /* the run that wrote all of it */
	uint16_t state, exit_state;
	uint32_t flags;
	uint32_t call; /* the task_call_hash of one that does not run; 0: unknown */
	uint64_t run_ns, slices, gone_majflt, cgroup[2];
	uint64_t wait_ns, switches[2], majflt;
	uint64_t blkio_ns; /* UINT64_MAX: unknown */
	uint64_t start_ns;
	char comm[TASK_COMM];
};
_Static_assert(sizeof(struct kernel_row) == 128, "two lines of the CPU caches");

/* The first entry of the map, before those of the tasks. */
struct task_head {
	uint64_t found; /* tasks, those without room included */
	uint32_t gone;  /* 1: there is no such process */
	uint32_t run;   /* its number; the first is 1 */
	/* for reading some of the threads of a process again */
	uint32_t wanted;  /* how many; their entries are listed after those of the tasks */
	uint32_t last;    /* the thread that was found last */
	uint32_t changed; /* 1: these are not the threads of the process any more */
};

/* How many numbers of entries fit into an entry of the list. */
enum { LISTED = sizeof(struct kernel_row) / sizeof(uint32_t) };

enum { CALL_PARTS = 9 };
enum { KERNEL_THREAD = 0x00200000 }; /* PF_KTHREAD, one of the flags */

/* Where the running kernel keeps what the program reads. Sizes are 0 for what it does not have. */
struct task_layout {
	struct btf_member pid, tid, flags, exit_state, state, run, wait, slices, switches[2],
	    majflt, start, comm, signal, gone_majflt, delays, blkio, swapin, cgroups, v2_cgroup,
	    subsys, css_cgroup, node, id, threads, thread_list, thread_node;
	/* of pt_regs, on x86-64: the parts of a task_call in its order */
	struct btf_member call[CALL_PARTS];
	/* the numbers of a task in each pid namespace that it is in */
	struct btf_member thread_pid, process_pids, level, numbers, nr, ns;
	/* functions, by id */
	uint32_t lock, unlock, from_pid, release, new, next, destroy, iterator;
	/* 0: this kernel has none */
	uint32_t count_new, count_next, count_destroy;
	int32_t cpu; /* the controller's place in subsys; -1: none */
};

/* What the program depends on. */
struct task_plan {
	/* it walks over them itself (Linux 6.7); else the kernel calls it for each (5.8) */
	bool loop;
	uint32_t pid; /* only this process; 0: all */
	bool nested;  /* with the numbers of the pid namespace of this process */
	bool calls;   /* with what tells the call in which a thread sleeps from others */
	struct task_layout at;
	int map;       /* its descriptor */
	uint32_t room; /* tasks in it */
};

/* Sets p->at for the running kernel. 0, or -1 with errno: EINVAL this kernel lacks something that the
 * plan needs. */
int task_plan_layout(struct task_plan *p);

/* The program then does not tell calls from others, which some kernels refuse. False if it did not
 * anyway. */
bool task_plan_forget_calls(struct task_plan *p);

/* Assembles the program. One with a loop runs once for each reading. */
void task_plan_build(const struct task_plan *p, struct code *c);

/* Assembles a program that reads only the threads that the map lists. False if this kernel lacks something for
 * it, or if the plan is not a loop over one process. */
bool task_plan_build_again(const struct task_plan *p, struct code *c);

#endif
