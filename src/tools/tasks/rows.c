/*
 * rows: the threads that BPF read. What is known of them is kept in one array, in the order of their
 * numbers, which each snapshot changes: of most threads nothing has changed, and of the others the snapshot
 * has a copy of what was known before. So 50,000 threads need little memory, and little of it is touched.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "tools/tasks/scan.h"

/* ---- The array */

/* Old threads begin this much later, and some more, when there is no room before them. */
enum { GAP = 256 };

void
rows_begin(struct scan *c)
{
	c->next = c->old = c->shift = 0;
	c->end = c->last ? c->last->nkept : 0;
}

static void
make_room(struct tasks_state *state, size_t n)
{
	if (n <= state->keptcap)
		return;
	state->keptcap = n + n / 8;
	state->kept = xrealloc(state->kept, state->keptcap * sizeof *state->kept);
}

/* Where the next thread goes. */
static struct task *
next_place(struct scan *c)
{
	struct tasks_state *state = c->state;
	size_t left = c->end - c->old, gap = GAP + left / 32;

	if (c->next == c->old && left > 0) {
		make_room(state, c->end + gap);
		memmove(
		    &state->kept[c->old + gap], &state->kept[c->old], left * sizeof *state->kept);
		c->old += gap;
		c->end += gap;
		c->shift += gap;
	}
	make_room(state, c->next + 1);
	if (left == 0)
		c->old = c->end = c->next + 1;
	return &state->kept[c->next++];
}

void
rows_end(struct scan *c)
{
	struct tasks_state *state = c->state;

	c->s->kept = state->kept;
	c->s->nkept = c->next;
	state->was_ns[1] = state->was_ns[0];
	state->was_ns[0] = c->s->at_ns;
}

/* ---- What was known of a process */

struct old_threads {
	const struct task *files; /* NULL: it had rows, and they begin at c->old */
	size_t n;
};

static struct old_threads
find_old(struct scan *c, const struct tasks_process *before)
{
	if (before && !before->by_row)
		return (struct old_threads){ tasks_of(c->last, before), before->n };
	if (before)
		c->old = before->first + c->shift;
	return (struct old_threads){ NULL, before ? before->n : 0 };
}

static const struct task *
first_old(const struct scan *c, const struct old_threads *o)
{
	return o->n == 0 ? NULL : o->files ? o->files : &c->state->kept[c->old];
}

static void
pass_old(struct scan *c, struct old_threads *o)
{
	o->n--;
	if (o->files)
		o->files++;
	else
		c->old++;
}

/* ---- Threads that have not run */

/* Whether there is nothing to tell of a thread but that it is still there, if it has not run since. */
static bool
may_be_quiet(const struct task *t)
{
	return t->by_row && !t->moved && !t->stuck && !t->born && t->state != 'R';
}

static void
add_quiet(struct scan *c, struct tasks_process *p, const struct task *old,
    struct old_threads *threads, size_t row)
{
	struct task was;

	p->knows_blkio &= old->has_blkio;
	p->blocked += old->state == 'D';
	p->asleep += old->state == 'S' || old->state == 'I';
	if (old->quiet && c->next == c->old) { /* it stays where it is */
		c->state->kept[c->next++].row = (uint32_t)row;
		pass_old(c, threads);
		return;
	}
	was = *old;
	pass_old(c, threads);
	was.row = (uint32_t)row;
	was.before = NULL;
	was.growth = NULL;
	was.counted = was.quiet = true;
	was.still = was.has_blkio;
	*next_place(c) = was;
}

/* A copy of what was known of a thread. What changes of a quiet one in each snapshot follows from the times
 * of these. */
static struct task *
copy_old(struct scan *c, const struct task *old)
{
	struct task *t = arena_alloc(c->arena, sizeof *t);

	*t = *old;
	if (!t->quiet)
		return t;
	t->read_ns = c->state->was_ns[0];
	if (t->state == 'S') {
		t->asleep_ns = c->state->was_ns[0];
		t->since_ns = c->state->was_ns[1];
	}
	return t;
}

/* Whether a row that was written again says the same as before. */
static bool
says_same(const struct task *t, const struct task_row *row)
{
	return may_be_quiet(t) && t->state == row->state && t->start_ns == row->start_ns &&
	    t->now[RUN_NS] == row->run_ns && t->now[WAIT_NS] == row->wait_ns &&
	    t->now[SLICES] == row->slices && t->switches[0] == row->switches[0] &&
	    t->switches[1] == row->switches[1] && t->majflt == row->majflt &&
	    (!t->has_blkio || (row->blkio_ns.known && t->blkio_v == row->blkio_ns.v));
}

/* ---- The others */

/* Rows have more than schedstat. */
static void
compare_more(const struct scan *c, struct task *t, const struct task *before)
{
	const uint64_t *from = before ? before->switches : (const uint64_t[]){ 0, 0 };
	struct keyed blkio = before ? task_blkio(before) : keyed_of(0);
	double ticks_per_s = (double)c->w->host->facts.ticks_per_s;

	if (before && !before->by_row) /* it was read from files: it has other units, or nothing */
		return;
	struct task_growth *g = growth_to_set(c->arena, t);
	for (int i = 0; i < 2; i++)
		g->switched[i] =
		    t->switches[i] >= from[i] ? (double)(t->switches[i] - from[i]) : NAN;
	g->blocked_ticks = ticks_per_s *
	    tasks_growth(c->w, TASKS_BLKIO, blkio, task_blkio(t), 1e-9,
		t->read_ns - (before ? before->since_ns : c->s->boot_ns), 0);
}

static void
set_row(struct scan *c, struct task *t, const struct task_row *row, const struct task *before,
    bool born)
{
	const struct task_sched sched = { row->run_ns, row->wait_ns, row->slices };

	thread_set(c, t, &sched, before, born);
	t->by_row = true;
	t->written = row->written;
	t->majflt = row->majflt;
	t->start_ns = row->start_ns;
	t->state = row->state;
	if (t->state == 'S')
		t->asleep_ns = t->read_ns;
	t->has_switches = true;
	t->switches[0] = row->switches[0];
	t->switches[1] = row->switches[1];
	t->has_blkio = c->state->delayacct && row->blkio_ns.known;
	t->blkio_v = t->has_blkio ? row->blkio_ns.v : 0;
	if (before || born)
		compare_more(c, t, before);
}

/* Adds a thread that is not quiet. */
static void
add_active(struct scan *c, struct tasks_process *p, const struct task_row *row, size_t i,
    const struct task *before, bool born)
{
	struct tasks_snapshot *s = c->s;
	size_t at = c->next;
	struct task *t = next_place(c);

	*t = thread_unknown;
	t->tid = row->tid;
	t->row = (uint32_t)i;
	set_row(c, t, row, before, born);
	p->born += t->born;
	if (!c->last)
		return;
	s->active = arena_grow(c->arena, s->active, s->nactive, &s->activecap, sizeof *s->active);
	s->active[s->nactive++] = (uint32_t)at;
	p->nactive++;
}

/* ---- A process */

static void
end_old(struct scan *c, struct tasks_process *p, struct old_threads *threads)
{
	p->ended++;
	p->majflt -= first_old(c, threads)->majflt;
	pass_old(c, threads);
}

/* Adds the thread of row i. A thread with the number of one that ended has another start. */
static void
add_thread(struct scan *c, struct tasks_process *p, struct old_threads *threads, size_t i,
    uint32_t tid, uint32_t written, bool born)
{
	const struct task *old = first_old(c, threads), *before = NULL;
	struct task_row room;

	for (; old && old->tid < tid; old = first_old(c, threads))
		end_old(c, p, threads);
	bool met = old && old->tid == tid;
	if (met && old->written == written && may_be_quiet(old)) {
		add_quiet(c, p, old, threads, i);
		return;
	}
	const struct task_row *row = task_source_row(&c->state->source, i, &room);
	if (met && says_same(old, row)) {
		c->state->kept[c->old].written = written;
		add_quiet(c, p, old, threads, i);
		return;
	}
	p->majflt += row->majflt;
	/* what was read from a file does not tell its start */
	if (met && (!old->by_row || old->start_ns == row->start_ns)) {
		before = copy_old(c, old);
		p->majflt -= old->majflt;
		pass_old(c, threads);
	} else if (met) {
		end_old(c, p, threads);
	}
	add_active(c, p, row, i, before, born && !before);
}

/* Whether a process that was not there before has been created since. */
static bool
is_born(const struct scan *c, size_t i)
{
	struct task_row room;

	return c->last &&
	    (double)task_source_row(&c->state->source, i, &room)->start_ns * 1e-9 >=
	    c->last->uptime_s - 0.015;
}

size_t
rows_add_process(struct scan *c, size_t i)
{
	const struct task_source *source = &c->state->source;
	struct tasks_snapshot *s = c->s;
	size_t first = i, n = source->now->n;
	struct task_mark m = task_source_mark(source, i);
	const struct tasks_process *before = tasks_find(c->last, m.pid);
	struct old_threads threads = find_old(c, before);
	bool born = before || is_born(c, i);

	s->v = arena_grow(c->arena, s->v, s->n, &s->cap, sizeof *s->v);
	struct tasks_process *p = &s->v[s->n++];
	*p = (struct tasks_process){ .pid = m.pid,
		.by_row = true,
		.knows_blkio = true,
		.first = c->next,
		.active = s->nactive,
		.majflt = before ? before->majflt : 0,
		.gone_majflt = m.gone_majflt };
	for (uint32_t pid = m.pid; m.pid == pid;) {
		add_thread(c, p, &threads, i, m.tid, m.written, born);
		if (++i == n)
			break;
		m = task_source_mark(source, i);
	}
	while (threads.n > 0)
		end_old(c, p, &threads);
	p->n = c->next - p->first;
	return i - first;
}
