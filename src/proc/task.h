/* task: the files of /proc/PID and /proc/PID/task/TID that tell about one task. */
#ifndef PQ_TASK_H
#define PQ_TASK_H

#include <stdint.h>

#include "cpulist.h"

/* Of /proc/PID/stat: "160 (labtool) R 119 …". */
struct task_stat {
	uint64_t pid;
	char state;   /* R runs or waits for a CPU, S sleeps, D sleeps and cannot be interrupted, … */
	unsigned cpu; /* the one it was on last (field 39) */
};

/* The command's name may have blanks and parentheses in it: it ends at the last ')'. 0, or -1 with EINVAL. */
int task_stat_parse(struct text t, struct task_stat *out);

/* The line "Cpus_allowed_list:	0-3" of /proc/PID/status: 0, or -1 with EINVAL or ERANGE. */
int task_allowed_parse(struct text t, struct cpulist *out);

#endif
