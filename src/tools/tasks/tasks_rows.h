/* tasks_rows: the columns of pq tasks, and what becomes of two snapshots. */
#ifndef PQ_TASKS_TASKS_ROWS_H
#define PQ_TASKS_TASKS_ROWS_H

#include "tools/tasks/tasks.h"

enum tasks_column {
	T_PID,
	T_TID,
	T_CPU,
	T_WAIT,
	T_WAITS,
	T_WAIT_US,
	T_VCSW,
	T_IVCSW,
	T_THREADS,
	T_STUCK,
	T_RUNNING,
	T_BLOCKED,
	T_SLEEPING,
	T_BORN,
	T_ENDED,
	T_MAJFLT,
	T_BLKIO,
	T_QUOTA,
	T_CONTENTION,
	T_COMM,
	T_CGROUP
};

/* struct tool's rows. */
void tasks_rows(
    struct watch *w, const void *from, const void *to, double span_s, struct table *out);

#endif
