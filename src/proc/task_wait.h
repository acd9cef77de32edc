/* task_wait: the files of /proc/PID/task/TID that tell where a thread sleeps. */
#ifndef PQ_PROC_TASK_WAIT_H
#define PQ_PROC_TASK_WAIT_H

#include <stdint.h>

#include "base/text.h"

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

#endif
