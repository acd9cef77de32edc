/* task: the files of /proc/PID and /proc/PID/task/TID that tell about one task. */
#ifndef PQ_PROC_TASK_H
#define PQ_PROC_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/keyed.h"
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

#endif
