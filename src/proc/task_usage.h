/* task_usage: of /proc/PID/stat (the whole process) and /proc/PID/task/TID/stat (a thread): name, state and usage. */
#ifndef PQ_TASK_USAGE_H
#define PQ_TASK_USAGE_H

#include "../base/keyed.h"

struct task_usage {
	struct text name;          /* points into the text that was parsed */
	char state;                /* field 3; of a process: its first thread's */
	uint64_t majflt;           /* field 12: of a process all its threads', those that ended included */
	uint64_t threads;          /* field 20 */
	uint64_t start_ticks;      /* field 22: after boot, in ticks_per_s */
	struct keyed blkio_ticks;  /* field 42: waited for block I/O; of a process its first thread's; 0 where delay accounting is off */
};

/* The name may have blanks and parentheses in it: it ends at the last ')'. 0, or -1 with EINVAL. */
int task_usage_parse(struct text t, struct task_usage *out);

#endif
