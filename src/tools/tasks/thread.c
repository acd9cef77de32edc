/* thread: what has grown of a thread since the snapshot before. */
#include <math.h>
#include <string.h>

#include "tools/tasks/scan.h"

const struct task thread_unknown = { .read = true };

static const struct task_growth unknown_growth = { .switched = { NAN, NAN }, .blocked_ticks = NAN };

const struct task_growth *
growth_of(const struct task *t)
{
	static const struct task_growth none = { .age_s = 0 };

	return t->growth ? t->growth : t->still ? &none : &unknown_growth;
}

struct task_growth *
growth_to_set(struct arena *a, struct task *t)
{
	if (!t->growth) {
		struct task_growth *g = arena_alloc(a, sizeof *g);
		*g = *growth_of(t);
		t->growth = g;
	}
	return t->growth;
}

struct task *
tasks_next(const struct tasks_snapshot *s, const struct tasks_process *p, size_t *i)
{
	struct task *v = tasks_of(s, p);
	size_t at = (*i)++;

	if (!p->by_row || !s->before)
		return at < p->n ? &v[at] : NULL;
	return at < p->nactive ? &s->kept[s->active[p->active + at]] : NULL;
}

const struct task *
tasks_unit_next(const struct tasks_snapshot *s, const struct tasks_unit *u, size_t *i)
{
	if (u->n > 1)
		return tasks_next(s, u->p, i);
	return (*i)++ == 0 ? u->t : NULL;
}

const struct task_row *
tasks_row(const struct watch *w, const struct task *t, struct task_row *room)
{
	const struct tasks_state *state = w->state;

	return task_source_row(&state->source, t->row, room);
}

double
tasks_growth(struct watch *w, int column, struct keyed from, struct keyed to, double scale,
    int64_t span_ns, double late_s)
{
	struct tasks_state *state = w->state;
	struct interval t = {
		.columns = tool_tasks.columns, .span_s = (double)span_ns * 1e-9, .late_s = late_s
	};

	t.cpus = CPULIST_MOST;
	double grown = interval_growth(&t, column, from, to, scale);
	state->jumped |= t.jumped;
	return grown;
}

/* Without the tick of the scheduler (nohz_full), the kernel updates run_ns once per second. */
static const double TICKLESS_S = 1;

static void
set_growth(const struct scan *c, struct task *t, const struct task *before)
{
	static const int columns[] = { TASKS_CPU, TASKS_WAIT, TASKS_WAITS };
	struct task_growth *g = growth_to_set(c->arena, t);

	for (int i = 0; i < FIGURES; i++) {
		double late_s = i == WAIT_NS ? (double)(before->read_ns - before->since_ns) * 1e-9 :
		    before->moved            ? 0 :
					       TICKLESS_S;
		g->grown[i] =
		    tasks_growth(c->w, columns[i], keyed_of(before->now[i]), keyed_of(t->now[i]),
			i == SLICES ? 1 : 1e-9, t->read_ns - before->read_ns, late_s);
		g->grown[i] = i == SLICES ? g->grown[i] : round(g->grown[i] * 1e9);
	}
}

/* Sets what has grown since the thread was last read. The kernel adds a wait when it ends, and it may
 * have begun when the thread last ran. */
static void
compare(const struct scan *c, struct task *t, const struct task *before)
{
	double age_s = growth_of(before)->age_s;

	t->before = before;
	t->counted = true;
	t->moved = t->now[RUN_NS] != before->now[RUN_NS] || t->now[SLICES] != before->now[SLICES];
	t->ran = t->moved || before->ran;
	if (age_s > 0)
		growth_to_set(c->arena, t)->age_s = age_s;
	/* status is read after schedstat: a wait may have ended between them */
	t->since_ns = t->moved                   ? before->read_ns :
	    before->asleep_ns > before->since_ns ? before->asleep_ns :
						   before->since_ns;
	/* most threads have not run: their counters need no checks */
	if (memcmp(t->now, before->now, sizeof t->now) != 0)
		set_growth(c, t, before);
	if (t->moved)
		return;
	/* these cannot change while a thread does not run */
	t->state = before->state;
	t->has_switches = before->has_switches;
	if (!before->by_row) { /* else it has other units */
		t->has_blkio = before->has_blkio;
		t->blkio_v = before->blkio_v;
	}
	memcpy(t->switches, before->switches, sizeof t->switches);
}

void
thread_set(struct scan *c, struct task *t, const struct task_sched *sched,
    const struct task *before, bool born)
{
	t->now[RUN_NS] = sched->run_ns;
	t->now[WAIT_NS] = sched->wait_ns;
	t->now[SLICES] = sched->slices;
	t->read_ns = c->s->at_ns;
	t->since_ns = c->s->boot_ns;
	if (before) {
		compare(c, t, before);
	} else if (born) {
		int64_t since_ns = c->last ? c->last->at_ns : c->s->boot_ns;
		compare(c, t,
		    &(struct task){ .tid = t->tid, .read_ns = since_ns, .since_ns = since_ns });
		t->before = NULL;
		t->born = t->moved = true;
	}
}
