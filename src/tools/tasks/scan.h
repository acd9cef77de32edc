/* scan: what the makers of a snapshot share. */
#ifndef PQ_TASKS_SCAN_H
#define PQ_TASKS_SCAN_H

#include "tools/tasks/tasks.h"

struct scan {
	struct watch *w;
	struct arena *arena;
	struct tasks_state *state;
	struct tasks_snapshot *s;
	const struct tasks_snapshot *last;
	size_t denied;
	int error; /* of the last schedstat that could not be read */
	/* rows.c, in state->kept: where the next thread goes; the first of the last snapshot that has not
	 * been met yet; their end; and by how much these have moved */
	size_t next, old, end, shift;
};

/* ---- thread.c: what has grown of a thread */

/* A thread of which nothing is known. */
extern const struct task thread_unknown;

/* Sets the figures of a thread that was read now. before: NULL, it was not there, or not known. */
void thread_set(struct scan *c, struct task *t, const struct task_sched *sched,
    const struct task *before, bool born);

/* ---- rows.c: the threads of which there are rows */

void rows_begin(struct scan *c);

/* Adds the process of row i. Returns how many rows it has. */
size_t rows_add_process(struct scan *c, size_t i);

void rows_end(struct scan *c);

#endif
