/* The order of rows: who waited most. */
#include <stdlib.h>

#include "tools/tasks/tasks_detail.h"

/* Whether one that stands still waits for a CPU: its counters do not tell before it gets one. Asked
 * of those that ran in the interval before, or waited then. */
static void
look_whether_stuck(struct reader *r, struct process *p, struct task *t)
{
	const struct task *before = t->before;

	if (!t->read || t->moved || !before ||
	    !(before->moved || before->stuck || before->state == 'R'))
		return;
	tasks_read_status(r, p, t);
	t->stuck = t->state == 'R';
	p->stuck += t->stuck;
}

static double
wait_of(const struct snapshot *s, const struct task *t)
{
	if (s->first)
		return (double)t->now[WAIT_NS];
	return (t->read ? t->grown[WAIT_NS] : t->rate[WAIT_NS] * 1e9) + (t->stuck ? 1e15 : 0);
}

static bool
is_active(const struct snapshot *s, const struct task *t)
{
	return s->first || t->moved || t->stuck || (!t->read && t->rate[SLICES] > 0);
}

/* The worst first, those that waited alike by their numbers. */
int
tasks_worse(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->key != y->key)
		return x->key > y->key ? -1 : 1;
	if (x->p->pid != y->p->pid)
		return x->p->pid < y->p->pid ? -1 : 1;
	return x->t && y->t ? (x->t->tid < y->t->tid ? -1 : 1) : 0;
}

static void
add_unit(struct snapshot *s, struct process *p, struct task *t, double key)
{
	s->units[s->nunits++] = (struct entry){ p, t, key };
}

void
tasks_rank(struct reader *r)
{
	const struct request *ask = r->w->ask;
	struct snapshot *s = r->s;

	s->units = arena_alloc(r->arena, (ask->threads ? s->ntasks : s->n) * sizeof *s->units);
	for (size_t i = 0; i < s->n; i++) {
		struct process *p = &s->v[i];
		for (size_t k = p->first; k < p->first + p->n; k++) {
			struct task *t = &s->tasks[k];
			look_whether_stuck(r, p, t);
			bool active = is_active(s, t);
			p->active |= active;
			p->wait_ns += wait_of(s, t);
			if (ask->threads && (active || ask->target.pid))
				add_unit(s, p, t, wait_of(s, t));
		}
		if (!ask->threads && (p->active || ask->target.pid))
			add_unit(s, p, NULL, p->wait_ns);
	}
	qsort(s->units, s->nunits, sizeof *s->units, tasks_worse);
}
