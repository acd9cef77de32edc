/* tasks_detail: what ranking and reading of the worst share. */
#ifndef PQ_TASKS_DETAIL_H
#define PQ_TASKS_DETAIL_H

#include "tools/tasks/tasks.h"

struct tasks_reader {
	struct watch *w;
	struct arena *arena;
	struct tasks_snapshot *s;
	int left; /* files of threads that may still be read */
};

/* Fills s->units: what did something, the worst first; before that it finds out who is stuck. */
void tasks_rank(struct tasks_reader *r);

/* State and switches of a thread, as long as r->left allows it. */
void tasks_read_status(struct tasks_reader *r, const struct tasks_process *p, struct task *t);

#endif
