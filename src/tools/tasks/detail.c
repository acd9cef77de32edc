/* The order of rows: who waited most. */
#include "tools/tasks/detail.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "proc/mountinfo.h"
#include "proc/task.h"

/* Whether one that stands still waits for a CPU: its counters do not tell before it gets one. Asked
 * of those that ran in the interval before, or waited then. */
static void
look_whether_stuck(struct tasks_reader *r, struct tasks_process *p, struct task *t)
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
wait_of(const struct tasks_snapshot *s, const struct task *t)
{
	if (s->first)
		return (double)t->now[WAIT_NS];
	return (t->read ? t->grown[WAIT_NS] : t->rate[WAIT_NS] * 1e9) + (t->stuck ? 1e15 : 0);
}

static bool
is_active(const struct tasks_snapshot *s, const struct task *t)
{
	return s->first || t->moved || t->stuck || (!t->read && t->rate[SLICES] > 0);
}

/* The worst first, those that waited alike by their numbers. */
static int
tasks_worse(const void *a, const void *b)
{
	const struct tasks_entry *x = a, *y = b;

	if (x->key != y->key)
		return x->key > y->key ? -1 : 1;
	if (x->p->pid != y->p->pid)
		return x->p->pid < y->p->pid ? -1 : 1;
	return x->t && y->t ? (x->t->tid < y->t->tid ? -1 : 1) : 0;
}

static void
add_unit(struct tasks_snapshot *s, struct tasks_process *p, struct task *t, double key)
{
	s->units[s->nunits++] = (struct tasks_entry){ p, t, key };
}

void
tasks_rank(struct tasks_reader *r)
{
	const struct request *ask = r->w->ask;
	const struct tasks_options *o = tasks_options(r->w);
	struct tasks_snapshot *s = r->s;

	s->units = arena_alloc(r->arena, (o->threads ? s->ntasks : s->n) * sizeof *s->units);
	for (size_t i = 0; i < s->n; i++) {
		struct tasks_process *p = &s->v[i];
		for (size_t k = p->first; k < p->first + p->n; k++) {
			struct task *t = &s->tasks[k];
			look_whether_stuck(r, p, t);
			bool active = is_active(s, t);
			p->active |= active;
			p->wait_ns += wait_of(s, t);
			if (o->threads && (active || ask->target.pid))
				add_unit(s, p, t, wait_of(s, t));
		}
		if (!o->threads && (p->active || ask->target.pid))
			add_unit(s, p, NULL, p->wait_ns);
	}
	qsort(s->units, s->nunits, sizeof *s->units, tasks_worse);
}

/* The worst, and what is read of them alone. */

/* So many rows' worth is read even if fewer are shown, as what is worst next is likely among them;
 * and so many files of threads, more at the first moment, of which nobody knows yet what will be
 * shown. */
enum { DETAILS_LEAST = 48, STATUS_MOST = 256, STATUS_AT_FIRST = 1024, NAMES_AT_FIRST = 1000 };

static int
by_pid(const void *key, const void *one)
{
	uint32_t a = *(const uint32_t *)key, b = ((const struct tasks_process *)one)->pid;

	return a < b ? -1 : a > b;
}

struct tasks_process *
tasks_find(const struct tasks_snapshot *s, uint32_t pid)
{
	return s && s->n ? bsearch(&pid, s->v, s->n, sizeof *s->v, by_pid) : NULL;
}

static double
growth(uint64_t from, uint64_t to)
{
	return to >= from ? (double)(to - from) : NAN;
}

static void
take_switches(struct task *t, const struct task_status *status)
{
	const struct task *before = t->before;

	t->has_switches = status->voluntary.known && status->involuntary.known;
	t->switches[0] = status->voluntary.v;
	t->switches[1] = status->involuntary.v;
	for (int i = 0; i < 2; i++)
		if (t->has_switches && (t->born || (before && before->has_switches && t->counted)))
			t->switched[i] = growth(t->born ? 0 : before->switches[i], t->switches[i]);
}

void
tasks_read_status(struct tasks_reader *r, const struct tasks_process *p, struct task *t)
{
	struct task_status status;
	struct text text;
	char path[64];

	if (r->left-- <= 0 ||
	    host_read(r->w->host, task_path(path, p->pid, t->tid, "/status"), &text) < 0 ||
	    task_status_parse(text, &status) < 0)
		return;
	t->state = status.state;
	take_switches(t, &status);
}

/* The wait for a disk is added when it ends, and then the thread runs. */
static void
read_blkio(struct tasks_reader *r, const struct tasks_process *p, struct task *t)
{
	struct task_stat stat;
	struct text text;
	char path[64];

	if (r->left-- <= 0 ||
	    host_read(r->w->host, task_path(path, p->pid, t->tid, "/stat"), &text) < 0 ||
	    task_stat_parse(text, &stat) < 0)
		return;
	t->blkio = stat.blkio_ticks;
	if (t->born)
		t->blocked_ticks = t->blkio.known ? (double)t->blkio.v : NAN;
	else if (t->before && t->before->blkio.known)
		t->blocked_ticks = keyed_delta(t->before->blkio, t->blkio);
}

static void
read_cgroup(struct tasks_reader *r, struct tasks_process *p)
{
	struct text text, path;
	char name[64];

	if (!p->cgroup &&
	    host_read(r->w->host, task_path(name, p->pid, 0, "/cgroup"), &text) == 0 &&
	    pidcgroup_find(text, "cpu", &path))
		p->cgroup = arena_copy(r->arena, path);
}

static const struct detail *
detail_before(const struct tasks_reader *r, const struct tasks_entry *u)
{
	const struct tasks_state *state = r->w->state;
	const struct tasks_process *p = tasks_find(state->last, u->p->pid);

	return u->t ? (u->t->before ? u->t->before->detail : NULL) : p ? p->detail : NULL;
}

/* The threads of a process that was not there before were all born with it. */
static bool
is_born(const struct tasks_reader *r, const struct tasks_entry *u)
{
	const struct tasks_state *state = r->w->state;

	return u->t ? u->t->born : u->p->born > 0 && !tasks_find(state->last, u->p->pid);
}

static void
read_stat(struct tasks_reader *r, const struct tasks_entry *u)
{
	const struct detail *before = detail_before(r, u);
	struct detail *d = arena_alloc(r->arena, sizeof *d);
	struct text text;
	char path[64];

	if (host_read(r->w->host, task_path(path, u->p->pid, u->t ? u->t->tid : 0, "/stat"),
		&text) < 0 ||
	    task_stat_parse(text, &d->stat) < 0)
		return;
	double grown = is_born(r, u) ? keyed_delta(keyed_of(0), d->stat.majflt) :
	    before                   ? keyed_delta(before->stat.majflt, d->stat.majflt) :
				       NAN;
	d->name = arena_copy(r->arena, d->stat.comm);
	d->stat.comm = text_of(d->name);
	if (u->t) {
		u->t->detail = d;
		u->t->was_majflt = grown;
	} else {
		u->p->detail = d;
		u->p->was_majflt = grown;
	}
}

static void
read_task(struct tasks_reader *r, struct tasks_process *p, struct task *t, bool others_too)
{
	bool asked = !isnan(t->switched[0]) || (t->state && !t->moved);

	if (!t->read)
		return;
	if (!asked && (t->moved || !t->has_switches))
		if (t->moved != others_too)
			tasks_read_status(r, p, t);
	if (t->counted && !t->moved)
		t->switched[0] = t->switched[1] = t->blocked_ticks = 0;
	const struct tasks_state *state = r->w->state;
	if (state->delayacct && (t->moved != others_too) && !t->blkio.known)
		read_blkio(r, p, t);
}

/* Switches and states: of the threads that ran first, then of those that are not known yet. */
static void
read_tasks(struct tasks_reader *r, const struct tasks_entry *u)
{
	for (int others_too = 0; others_too < 2; others_too++) {
		if (u->t)
			read_task(r, u->p, u->t, others_too);
		for (size_t i = u->p->first; !u->t && i < u->p->first + u->p->n; i++)
			read_task(r, u->p, &r->s->tasks[i], others_too);
	}
}

static void
name(struct tasks_reader *r, const struct tasks_entry *u)
{
	if (!u->p->label)
		u->p->label = arena_printf(r->arena, "%u", u->p->pid);
	if (u->t)
		u->t->label = arena_printf(r->arena, "%u", u->t->tid);
}

static bool
is_wanted(const struct watch *w, const struct tasks_entry *u)
{
	const struct detail *d = u->t ? u->t->detail : u->p->detail;
	const char *comm = tasks_options(w)->comm;

	return !comm || (d && text_find(text_of(d->name), comm));
}

/* Reads in the order of the ranking; units whose command is not wanted are dropped. Returns how
 * many may be shown. */
static size_t
read_units(struct tasks_reader *r)
{
	const struct tasks_options *o = tasks_options(r->w);
	struct tasks_snapshot *s = r->s;
	size_t most = o->rows == 0 || o->by_cgroup ? SIZE_MAX :
	    o->rows > DETAILS_LEAST                ? o->rows :
						     DETAILS_LEAST,
	       kept = 0;

	if (s->first && !o->by_cgroup)
		most = NAMES_AT_FIRST;
	for (size_t i = 0; i < s->nunits && kept < most; i++) {
		struct tasks_entry *u = &s->units[i];
		read_stat(r, u);
		if (!is_wanted(r->w, u))
			continue;
		name(r, u);
		read_cgroup(r, u->p);
		if (r->left > 0)
			read_tasks(r, u);
		s->units[kept++] = *u;
	}
	s->nunits = kept;
	return kept;
}

static int
by_cgroup(const void *a, const void *b)
{
	const char *x = ((const struct tasks_entry *)a)->p->cgroup,
		   *y = ((const struct tasks_entry *)b)->p->cgroup;
	int order = x && y ? strcmp(x, y) : (y != NULL) - (x != NULL);

	return order ? order : tasks_worse(a, b);
}

void
tasks_detail(struct watch *w, struct arena *a, struct tasks_snapshot *s)
{
	struct tasks_reader r = {
		.w = w, .arena = a, .s = s, .left = s->first ? STATUS_AT_FIRST : STATUS_MOST
	};

	tasks_rank(&r);
	tasks_split(w, a, s, read_units(&r));
	if (tasks_options(w)->by_cgroup)
		qsort(s->units, s->nunits, sizeof *s->units, by_cgroup);
}
