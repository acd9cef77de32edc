/* task: the files of /proc/PID and /proc/PID/task/TID that tell about one task. */
#ifndef PQ_PROC_TASK_H
#define PQ_PROC_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "proc/cpulist.h"

/* Of /proc/PID/stat (the whole process) or /proc/PID/task/TID/stat (a thread): "160 (labtool) R 119
 * …". */
struct task_stat {
	uint64_t pid;     /* of a thread: its own number */
	struct text comm; /* field 2; points into the text that was parsed */
	/* field 3: R runs or waits for a CPU, S sleeps, D likewise, uninterruptible, T stopped, Z
	 * ended, I idle … */
	char state;
	bool kernel; /* a thread of the kernel: PF_KTHREAD in field 9 */
	/* field 12: of a process all its threads', those that ended included */
	struct keyed majflt;
	struct keyed threads;     /* field 20 */
	struct keyed start_ticks; /* field 22: after boot, in ticks_per_s */
	struct keyed cpu;         /* field 39: the one it was on last */
	/* field 42: waited for block I/O; of a process its first thread's; 0 where delay accounting
	 * is off */
	struct keyed blkio_ticks;
};

/* The name may have blanks, parentheses and newlines in it: it is between the first '(' and the
 * last ')'. Fields 1, 2, 3 and 9, and the newline, must be there: 0, or -1 with EINVAL. What is
 * missing or no number of the others is unknown. fs/proc/array.c, do_task_stat. */
int task_stat_parse(struct text t, struct task_stat *out);

/* The line "Cpus_allowed_list:	0-3" of /proc/PID/status: 0, or -1 with EINVAL or ERANGE. */
int task_allowed_parse(struct text t, struct cpulist *out);

/* task_sched: /proc/PID/task/TID/schedstat, "4120934 81733 96": what a task had of CPUs, and how
 * long it waited for them. */

struct task_sched {
	uint64_t run_ns; /* on a CPU, since the task began */
	/* runnable and on none; added when it gets one, so that a wait that lasts is not yet in
	 * it */
	uint64_t wait_ns;
	uint64_t slices; /* how often it got one */
};

/* Three numbers and a newline; a kernel has them with CONFIG_SCHED_INFO, and where that is off "0 0
 * 0". 0, or -1 with EINVAL or ERANGE. */
int task_sched_parse(struct text t, struct task_sched *out);

/* task_status: /proc/PID/task/TID/status, of which there is wanted: the state, and how often the
 * task left a CPU. */

struct task_status {
	char state; /* R S D T t Z X I … */
	/* switches since the task began: it slept; its CPU was given to another */
	struct keyed voluntary, involuntary;
};

/* 0, or -1 with EINVAL when there is no line "State:". */
int task_status_parse(struct text t, struct task_status *out);

/* task_wait: the files of /proc/PID/task/TID that tell where a thread sleeps. */

/* Of syscall: "0 0x3 0x7f43b5382000 0x20000 0x7f43b5413b60 0xffffffff 0x0 0x7fff3a3aa978
 * 0x7f43b54fc2ad": the call's number, its arguments, stack pointer and program counter. "-1 0x…
 * 0x…": it sleeps, but in no call. "running": it does not sleep. */
enum call_kind { CALL_RUNNING, CALL_NONE, CALL_SYSTEM };

struct task_call {
	enum call_kind kind;
	uint64_t number; /* these of CALL_SYSTEM alone */
	uint64_t arg[6];
	uint64_t sp, pc;
};

/* 0, or -1 with EINVAL. fs/proc/base.c, proc_pid_syscall. */
int task_call_parse(struct text t, struct task_call *out);

/* Of wchan: the function of the kernel in which the thread sleeps. "0" stands for none, and for
 * what is not permitted: -1 with ENODATA then, and EINVAL when it is no name. 0 otherwise, and the
 * name points into the text. */
int task_wchan_parse(struct text t, struct text *name);

/* Of sched: when the thread was last on a CPU, in ns of a clock of its CPU that runs since boot:
 * "se.exec_start : 7349231.518402", which is ms. 0, or -1 with EINVAL. kernel/sched/debug.c,
 * proc_sched_show_task: with CONFIG_SCHED_DEBUG, and always since 6.15. */
int task_left_parse(struct text t, int64_t *ns);

/* environ: /proc/PID/environ, what a process was started with: "NAME=value", each ended by a NUL
 * byte. There may be secrets in it, so it is asked for one name at a time, and nothing else of it
 * is handed out. */

/* The value of that name, the first if there are several, as getenv(3) has it; false when it is not
 * set. *value points into t. */
bool environ_find(struct text t, const char *name, struct text *value);

/* Of a value that is a list of options, "-Xmx1g -XX:ActiveProcessorCount=2": what stands behind
 * that prefix in the last word that begins with it; false when there is none. */
bool environ_option(struct text value, const char *prefix, struct text *out);

/* rlimits: /proc/PID/limits, of which there is wanted how many files it may open, and how many
 * processes its user may have. */

/* A limit that is known and has no figure is "unlimited". */
struct rlimit_pair {
	bool known;
	struct keyed soft, hard;
};

struct rlimits {
	struct rlimit_pair files, processes;
};

/* Lines "Max open files            1024                 4096                 files"; those that are
 * not there, or make no sense, are unknown. 0, or -1 with EINVAL when both are. */
int rlimits_parse(struct text t, struct rlimits *out);

#endif
