/* task_sched: /proc/PID/task/TID/schedstat, "4120934 81733 96": what a task had of CPUs, and how
 * long it waited for them. */
#ifndef PQ_PROC_TASK_SCHED_H
#define PQ_PROC_TASK_SCHED_H

#include <stdint.h>

#include "base/text.h"

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

#endif
