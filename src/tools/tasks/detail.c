/*
 * detail: ranks processes or threads by how long they waited, and reads the files of the worst:
 * names, states, context switches, page faults, cgroups.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/map.h"
#include "cgroup/process.h"
#include "tools/tasks/tasks.h"

/* STATUS: files of threads that a row may read, and the first row, for which nobody knows yet what
 * will be shown. DETAILS: units that are read at least, and at most in the first row. Twice as many
 * as a row shows are read, as the next row shows some of the others. */
enum { STATUS_MOST = 256, STATUS_AT_FIRST = 1024, DETAILS_LEAST = 16, DETAILS_AT_FIRST = 1000 };

struct reader {
	struct watch *w;
	struct arena *arena;
	struct tasks_snapshot *s;
	int left; /* files of threads that may still be read */
	/* names of cgroups, by the numbers in rows; NULL: unknown */
	struct map by_id;
	const char **cgroups;
	size_t ncgroups, cgroupscap;
};

static struct reader
reader_of(struct watch *w, struct arena *a, struct tasks_snapshot *s)
{
	return (struct reader){
		.w = w, .arena = a, .s = s, .left = s->before ? STATUS_MOST : STATUS_AT_FIRST
	};
}

/* As host_read, of a file of a thread that the limit allows to read. */
static bool
read_limited(struct reader *r, uint32_t pid, uint32_t tid, const char *file, struct text *text)
{
	char path[64];

	return r->left-- > 0 && host_read(r->w->host, task_path(path, pid, tid, file), text) == 0;
}

static double
growth(uint64_t from, uint64_t to)
{
	return to >= from ? (double)(to - from) : NAN;
}

/* State and context switches. */
static void
read_status(struct reader *r, uint32_t pid, struct task *t)
{
	const struct task *before = t->before;
	struct task_status status;
	struct text text;

	if (t->by_row || !read_limited(r, pid, t->tid, "/status", &text) ||
	    task_status_parse(text, &status) < 0)
		return;
	t->state = status.state;
	if (status.state == 'S' && t->read)
		t->asleep_ns = t->read_ns;
	t->has_switches = status.voluntary.known && status.involuntary.known;
	t->switches[0] = status.voluntary.v;
	t->switches[1] = status.involuntary.v;
	if (!t->has_switches || !(t->born || (before && before->has_switches && t->counted)))
		return;
	for (int i = 0; i < 2; i++)
		growth_to_set(r->arena, t)->switched[i] =
		    growth(t->born ? 0 : before->switches[i], t->switches[i]);
}

/* ---- Ranking */

/* A thread that did not run may be waiting for a CPU: its counters do not tell before it gets one.
 * Only threads that ran or waited in the previous interval are examined. */
static void
find_stuck(struct reader *r, uint32_t pid, struct task *t)
{
	const struct task *before = t->before;

	if (!t->read || t->moved || !before ||
	    !(before->moved || before->stuck || before->state == 'R'))
		return;
	read_status(r, pid, t);
	t->stuck = t->state == 'R';
}

/* What a thread is ranked by: its wait, and stuck threads before all others. */
static double
wait_key(const struct tasks_snapshot *s, const struct task *t)
{
	if (!s->before)
		return (double)t->now[WAIT_NS];
	double ns = t->read ? growth_of(t)->grown[WAIT_NS] : growth_of(t)->rate[WAIT_NS] * 1e9;
	return (isnan(ns) ? 0 : ns) + (t->stuck ? 1e15 : 0);
}

static bool
is_active(const struct tasks_snapshot *s, const struct task *t)
{
	return !s->before || t->moved || t->stuck || (!t->read && growth_of(t)->rate[SLICES] > 0);
}

/* The longest wait first; equal ones in the order of their numbers. */
static int
by_wait(const void *a, const void *b)
{
	const struct tasks_unit *x = a, *y = b;

	if (x->key != y->key)
		return x->key > y->key ? -1 : 1;
	if (x->p->pid != y->p->pid)
		return x->p->pid < y->p->pid ? -1 : 1;
	return x->t->tid < y->t->tid ? -1 : 1;
}

/* Room for that many units. If only `most` of them are wanted, there is room for twice as many. */
struct ranking {
	size_t room, most;
};

static struct ranking
begin_ranking(struct reader *r, size_t n, size_t most)
{
	struct ranking k = { most < n / 2 ? 2 * most : n, most };

	r->s->units = arena_alloc(r->arena, k.room * sizeof *r->s->units);
	return k;
}

static void
add_unit(struct tasks_snapshot *s, const struct ranking *k, const struct tasks_unit *u)
{
	if (s->nunits == k->room) {
		qsort(s->units, s->nunits, sizeof *s->units, by_wait);
		s->nunits = k->most;
	}
	s->units[s->nunits] = *u;
	s->units[s->nunits].majflt = s->units[s->nunits].quota_ns = NAN;
	s->nunits++;
}

/* Adds a process, and finds out who of its threads is stuck. */
static void
rank_process(struct reader *r, struct tasks_process *p, const struct ranking *k, bool all)
{
	struct tasks_unit u = { .p = p, .t = tasks_of(r->s, p), .n = p->n };
	struct task *t;

	for (size_t i = 0; (t = tasks_next(r->s, p, &i));) {
		find_stuck(r, p->pid, t);
		all |= is_active(r->s, t);
		u.key += wait_key(r->s, t);
	}
	if (all)
		add_unit(r->s, k, &u);
}

/* The same, of its threads. */
static void
rank_threads(struct reader *r, struct tasks_process *p, const struct ranking *k, bool all)
{
	struct task *t;

	for (size_t i = 0; (t = tasks_next(r->s, p, &i));) {
		find_stuck(r, p->pid, t);
		if (!all && is_active(r->s, t))
			add_unit(r->s, k,
			    &(struct tasks_unit){
				.p = p, .t = t, .n = 1, .key = wait_key(r->s, t) });
	}
	t = tasks_of(r->s, p);
	for (const struct task *end = t + p->n; all && t < end; t++)
		add_unit(r->s, k,
		    &(struct tasks_unit){ .p = p, .t = t, .n = 1, .key = wait_key(r->s, t) });
}

/* Fills s->units with the `most` that waited longest, and perhaps others: of what was active, or of
 * everything. */
static void
rank(struct reader *r, bool threads, bool all, size_t most)
{
	struct tasks_snapshot *s = r->s;
	size_t n = s->ntasks + (all || !s->before ? s->nkept : s->nactive);
	struct ranking k = begin_ranking(r, threads ? n : s->n, most);

	for (size_t i = 0; i < s->n; i++)
		(threads ? rank_threads : rank_process)(r, &s->v[i], &k, all);
	qsort(s->units, s->nunits, sizeof *s->units, by_wait);
}

/* The first snapshot has no growth that tells who is stuck. It reads the states instead, from which
 * the next one can tell. */
unsigned
tasks_find_stuck(struct watch *w, struct arena *a, struct tasks_snapshot *s)
{
	struct reader r = reader_of(w, a, s);
	unsigned stuck = 0;
	struct task *t;

	rank(&r, false, w->ask->target.pid, SIZE_MAX);
	for (size_t i = 0; !s->before && i < s->nunits; i++) {
		const struct tasks_unit *u = &s->units[i];
		for (t = u->t; t < u->t + u->n && r.left > 0; t++)
			read_status(&r, u->p->pid, t);
	}
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; (t = tasks_next(s, &s->v[i], &k));)
			stuck += t->stuck;
	return stuck;
}

/* ---- Details of the worst */

/* The kernel adds a wait for block I/O when it ends, and then the thread runs. */
static void
read_blkio(struct reader *r, uint32_t pid, struct task *t)
{
	struct task_stat stat;
	struct text text;

	if (!read_limited(r, pid, t->tid, "/stat", &text) || task_stat_parse(text, &stat) < 0)
		return;
	t->has_blkio = stat.blkio_ticks.known;
	t->blkio_v = stat.blkio_ticks.v;
	if (t->before && t->before->by_row) /* in other units */
		return;
	struct keyed from = t->born ? keyed_of(0) : task_blkio(t->before ? t->before : t);
	int64_t since_ns = t->before ? t->before->since_ns : r->s->boot_ns;
	double ticks_per_s = (double)r->w->host->facts.ticks_per_s;
	if (t->born || (t->before && from.known))
		growth_to_set(r->arena, t)->blocked_ticks = ticks_per_s *
		    tasks_growth(r->w, TASKS_BLKIO, from, task_blkio(t), 1 / ticks_per_s,
			t->read_ns - since_ns, 0);
}

static void
set_still(struct task *t)
{
	t->still = true;
	if (t->growth)
		t->growth->switched[0] = t->growth->switched[1] = t->growth->blocked_ticks = 0;
}

static void
read_task(struct reader *r, uint32_t pid, struct task *t)
{
	const struct tasks_state *state = r->w->state;

	if (t->counted && !t->moved)
		set_still(t);
	else if (isnan(growth_of(t)->switched[0]) && (t->moved || (!t->state && !t->has_switches)))
		read_status(r, pid, t);
	if (state->delayacct && !t->has_blkio)
		read_blkio(r, pid, t);
}

/* Threads that ran come first, as the limit may not allow to read all. Rows have all of it. */
static void
read_tasks(struct reader *r, const struct tasks_unit *u)
{
	if (u->p->by_row)
		return;
	for (int pass = 0; pass < 2; pass++)
		for (struct task *t = u->t; t < u->t + u->n; t++)
			if (t->read && t->moved == (pass == 0))
				read_task(r, u->p->pid, t);
}

/* The number of the cgroup in r->cgroups, by what its row says of it; -1: unknown. A row that lacks the cgroup of the
 * cpu controller does not tell: on v1 all tasks may be in one cgroup of the v2 hierarchy. */
static int
cgroup_of(struct reader *r, const struct tasks_process *p)
{
	struct task_row room;
	const struct task_row *row = p->by_row ? tasks_row(r->w, tasks_of(r->s, p), &room) : NULL;

	if (!row || !row->cgroup[0] || !row->cgroup[1])
		return -1;
	uint32_t i =
	    map_put(&r->by_id, (struct text){ (const char *)row->cgroup, sizeof row->cgroup });
	if (i >= r->ncgroups) {
		r->cgroups = arena_grow(
		    r->arena, r->cgroups, r->ncgroups, &r->cgroupscap, sizeof *r->cgroups);
		r->cgroups[r->ncgroups++] = NULL;
	}
	return (int)i;
}

/* One process of each cgroup tells its name, if rows tell which are in the same. */
static void
read_cgroup(struct reader *r, struct tasks_process *p)
{
	struct tasks_state *state = r->w->state;
	struct text cgroup;
	int known = p->cgroup ? -1 : cgroup_of(r, p);

	if (known >= 0 && r->cgroups[known])
		p->cgroup = r->cgroups[known];
	if (!p->cgroup && process_cpu_cgroup(r->w->host, p->pid, &cgroup))
		p->cgroup = arena_copy(r->arena, cgroup);
	if (known >= 0)
		r->cgroups[known] = p->cgroup;
	if (p->cgroup && !p->names)
		p->names = names_of(&state->names, r->w->host, p->cgroup);
}

/* NaN: it has no rows. */
static double
majflt_of(const struct tasks_process *p)
{
	return p->by_row ? (double)(p->gone_majflt + p->majflt) : NAN;
}

static double
majflt_grown(const struct reader *r, const struct tasks_unit *u, bool thread)
{
	const struct tasks_process *p = tasks_find(r->s->before, u->p->pid);
	const struct task *t = u->t;
	double to = thread ? (double)t->majflt : majflt_of(u->p), from = NAN;

	if (thread && t->quiet)
		from = to;
	else if (thread && t->before)
		from = t->before->by_row ? (double)t->before->majflt : NAN;
	else if (!thread && p)
		from = majflt_of(p);
	else if (thread ? t->born : u->p->born > 0)
		from = 0;
	return to >= from ? to - from : NAN;
}

/* Whether /proc may have a longer name of a kernel thread than its row: that of a worker says what it works
 * on, and others are cut. */
static bool
has_longer_name(const struct task_row *row)
{
	return row->kernel &&
	    (strnlen(row->comm, TASK_COMM) >= TASK_COMM - 1 ||
		strncmp(row->comm, "kworker/", strlen("kworker/")) == 0);
}

/* The same as read_stat from rows. */
static void
take_stat(struct reader *r, struct tasks_unit *u, bool thread)
{
	struct task_row room;
	const struct task_row *row = tasks_row(r->w, u->t, &room);
	struct text text, name = { row->comm, strnlen(row->comm, TASK_COMM) };
	struct task_stat stat;
	char path[64];

	u->majflt = majflt_grown(r, u, thread);
	if (has_longer_name(row)) {
		if (host_read(r->w->host,
			task_path(path, u->p->pid, thread ? u->t->tid : 0, "/stat"), &text) < 0 ||
		    task_stat_parse(text, &stat) < 0)
			return;
		name = stat.comm;
	}
	struct detail *d = arena_alloc(r->arena, sizeof *d);
	d->name = arena_copy(r->arena, name);
	u->detail = d;
}

/* Name and page faults of a process or thread. A process that was not in the previous snapshot, and
 * has a new thread, is itself new. */
static void
read_stat(struct reader *r, struct tasks_unit *u, bool thread)
{
	const struct tasks_process *before = thread ? NULL : tasks_find(r->s->before, u->p->pid);
	const struct detail *last = before ? before->detail :
	    thread && u->t->before         ? u->t->before->detail :
					     NULL;
	bool born = thread ? u->t->born : u->p->born > 0 && !before;
	struct detail *d = arena_alloc(r->arena, sizeof *d);
	struct task_stat stat;
	struct text text;
	char path[64];

	if (host_read(r->w->host, task_path(path, u->p->pid, thread ? u->t->tid : 0, "/stat"),
		&text) < 0 ||
	    task_stat_parse(text, &stat) < 0)
		return;
	if (born || last)
		u->majflt = tasks_growth(r->w, TASKS_MAJFLT, born ? keyed_of(0) : last->majflt,
		    stat.majflt, 1, r->w->now_ns, 0);
	d->name = arena_copy(r->arena, stat.comm);
	d->majflt = stat.majflt;
	u->detail = d;
	*(thread ? &u->t->detail : &u->p->detail) = d;
}

static bool
is_wanted(const struct tasks_options *o, const struct tasks_unit *u)
{
	return !o->comm || (u->detail && text_find(text_of(u->detail->name), o->comm));
}

/* How many units are read. */
static size_t
most_units(const struct reader *r)
{
	const struct tasks_options *o = tasks_options(r->w);
	size_t most = 2 * (size_t)o->rows;

	/* any may be the first by another column */
	if (o->by_cgroup || r->w->ask->sort || (o->rows == 0 && r->s->before))
		return SIZE_MAX;
	if (!r->s->before)
		return DETAILS_AT_FIRST;
	return most > DETAILS_LEAST ? most : DETAILS_LEAST;
}

/* Reads the details in the order of the ranking, and drops units whose command is not wanted. Those
 * that are left may be shown. */
static void
read_units(struct reader *r, size_t most)
{
	const struct tasks_options *o = tasks_options(r->w);
	struct tasks_snapshot *s = r->s;
	size_t kept = 0;

	for (size_t i = 0; i < s->nunits && kept < most; i++) {
		struct tasks_unit u = s->units[i];
		(u.p->by_row ? take_stat : read_stat)(r, &u, o->threads);
		if (!is_wanted(o, &u))
			continue;
		u.pid = arena_u64(r->arena, u.p->pid);
		u.tid = o->threads ? arena_u64(r->arena, u.t->tid) : NULL;
		read_cgroup(r, u.p);
		if (r->left > 0)
			read_tasks(r, &u);
		s->units[kept++] = u;
	}
	s->nunits = kept;
}

static int
by_cgroup(const void *a, const void *b)
{
	const char *x = ((const struct tasks_unit *)a)->p->cgroup,
		   *y = ((const struct tasks_unit *)b)->p->cgroup;
	int order = x && y ? strcmp(x, y) : (y != NULL) - (x != NULL);

	return order ? order : by_wait(a, b);
}

void
tasks_read_details(struct watch *w, struct arena *a, struct tasks_snapshot *s)
{
	const struct tasks_options *o = tasks_options(w);
	struct reader r = reader_of(w, a, s);

	names_row(&((struct tasks_state *)w->state)->names, w->host);
	/* with -C, it takes the details to know which are wanted */
	rank(&r, o->threads, w->ask->target.pid, o->comm ? SIZE_MAX : most_units(&r));
	read_units(&r, most_units(&r));
	tasks_split_waits(w, a, s);
	if (o->by_cgroup)
		qsort(s->units, s->nunits, sizeof *s->units, by_cgroup);
	map_free(&r.by_id);
}

void
tasks_free(struct watch *w, struct tasks_state *state)
{
	for (int i = 0; i < 2; i++)
		free(state->room[i]);
	free(state->kept);
	task_source_end(&state->source, w);
	tasks_end_split(w, state);
	targets_free(&state->targets);
	names_free(&state->names);
}
