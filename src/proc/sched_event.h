/*
 * sched_event: what the scheduler did at one moment. src/bpf records these in rings, src/trace keeps
 * them in files. Times are of CLOCK_BOOTTIME, in ns; threads have their numbers in the pid namespace
 * of the host (task_struct.pid), 0 is the idle task of a CPU.
 */
#ifndef PQ_PROC_SCHED_EVENT_H
#define PQ_PROC_SCHED_EVENT_H

#include <stdint.h>

enum sched_kind {
	SCHED_SWITCH = 1, /* sched_switch: `cpu` stops tid and runs other */
	SCHED_WAKING,     /* sched_waking: other wakes tid up; `cpu` is where the waker runs */
	SCHED_NEW,        /* task_newtask: other creates tid */
	SCHED_EXEC,       /* sched_process_exec: tid runs another program; before, it was other */
	SCHED_EXIT,       /* sched_process_exit: tid ends */
	SCHED_MIGRATE,    /* sched_migrate_task: tid moves to the queue of the CPU `to` */
	SCHED_KINDS
};

/* Of a switch: the state in which tid stopped, as in /proc/PID/stat. A runnable thread that had to
 * stop is SCHED_PREEMPTED if it ran in the kernel. It is 'R' if it was about to return to the program,
 * or yielded: the kernel does not tell these two apart. The last switch of a thread has 'X'. */
enum { SCHED_PREEMPTED = 'P' };

/* Perf events tell only what threads of one process do: not who runs before or after them, and not in
 * which state a thread stops, unless it is runnable. */
#define SCHED_TID_UNKNOWN UINT32_MAX
enum { SCHED_STATE_UNKNOWN = '?' };

/* Of SCHED_NEW: whether tid is of the process of `other`, or the first thread of a new one. Saved traces
 * do not have it: their list of threads tells. */
enum { SCHED_KIN_UNKNOWN, SCHED_PROCESS, SCHED_THREAD };

/* Some kernels do not tell whether an interrupt wakes a thread, or where it ran last. */
enum { SCHED_IRQ_UNKNOWN = 2 };
#define SCHED_CPU_UNKNOWN UINT32_MAX

struct sched_event {
	uint64_t at_ns;
	uint32_t cpu;
	uint32_t tid, other;
	uint32_t to;    /* of SCHED_MIGRATE, and of SCHED_WAKING the CPU where tid ran last */
	uint8_t kind;   /* enum sched_kind */
	char state;     /* of SCHED_SWITCH */
	uint8_t in_irq; /* of SCHED_WAKING: 1: an interrupt did it, and `other` was only there */
	uint8_t kin;    /* of SCHED_NEW */
};

#endif
