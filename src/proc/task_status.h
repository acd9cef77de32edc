/* task_status: /proc/PID/task/TID/status, of which there is wanted: the state, and how often the
 * task left a CPU. */
#ifndef PQ_PROC_TASK_STATUS_H
#define PQ_PROC_TASK_STATUS_H

#include "base/keyed.h"

struct task_status {
	char state; /* R S D T t Z X I … */
	/* switches since the task began: it slept; its CPU was given to another */
	struct keyed voluntary, involuntary;
};

/* 0, or -1 with EINVAL when there is no line "State:". */
int task_status_parse(struct text t, struct task_status *out);

#endif
