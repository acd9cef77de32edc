/*
 * detail: ranks processes or threads by how long they waited, and reads the files of the worst:
 * names, states, context switches, page faults, cgroups. From the throttling of those cgroups
 * follows which part of a wait was for quota.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/map.h"
#include "proc/mountinfo.h"
#include "tools/tasks/tasks.h"

/* STATUS: files of threads that a row may read, and the first row, for which nobody knows yet what
 * will be shown. DETAILS: units that are read at least, and at most in the first row. Twice as many
 * as a row shows are read, as the next row shows some of the others. PLACES: threads whose cgroup a row may read. */
enum {
	STATUS_MOST = 256,
	STATUS_AT_FIRST = 1024,
	DETAILS_LEAST = 16,
	DETAILS_AT_FIRST = 1000,
	PLACES_MOST = 256
};

struct reader {
	struct watch *w;
	struct arena *arena;
	struct tasks_snapshot *s;
	int left; /* files of threads that may still be read */
	int places_left;
	/* names of cgroups, by the numbers in rows; NULL: unknown */
	struct map by_id;
	const char **cgroups;
	size_t ncgroups, cgroupscap;
};

static struct reader
reader_of(struct watch *w, struct arena *a, struct tasks_snapshot *s)
{
	return (struct reader){ .w = w,
		.arena = a,
		.s = s,
		.left = s->before ? STATUS_MOST : STATUS_AT_FIRST,
		.places_left = PLACES_MOST };
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
	for (int i = 0; i < 2; i++)
		if (t->has_switches && (t->born || (before && before->has_switches && t->counted)))
			t->switched[i] = growth(t->born ? 0 : before->switches[i], t->switches[i]);
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
	double ns = t->read ? t->grown[WAIT_NS] : t->rate[WAIT_NS] * 1e9;
	return (isnan(ns) ? 0 : ns) + (t->stuck ? 1e15 : 0);
}

static bool
is_active(const struct tasks_snapshot *s, const struct task *t)
{
	return !s->before || t->moved || t->stuck || (!t->read && t->rate[SLICES] > 0);
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

static void
add_unit(struct tasks_snapshot *s, struct tasks_process *p, struct task *t, size_t n, double key)
{
	s->units[s->nunits++] = (struct tasks_unit){
		.p = p, .t = t, .n = n, .key = key, .majflt = NAN, .quota_ns = NAN
	};
}

/* Fills s->units with what was active, or with everything. */
static void
rank(struct reader *r, bool threads, bool all)
{
	struct tasks_snapshot *s = r->s;

	s->units = arena_alloc(r->arena, (threads ? s->ntasks : s->n) * sizeof *s->units);
	for (size_t i = 0; i < s->n; i++) {
		struct tasks_process *p = &s->v[i];
		struct task *first = &s->tasks[p->first];
		bool some = all;
		double key = 0;
		for (struct task *t = first; t < first + p->n; t++) {
			find_stuck(r, p->pid, t);
			some |= is_active(s, t);
			key += wait_key(s, t);
			if (threads && (all || is_active(s, t)))
				add_unit(s, p, t, 1, wait_key(s, t));
		}
		if (!threads && some)
			add_unit(s, p, first, p->n, key);
	}
	qsort(s->units, s->nunits, sizeof *s->units, by_wait);
}

/* The first snapshot has no growth that tells who is stuck. It reads the states instead, from which
 * the next one can tell. */
unsigned
tasks_find_stuck(struct watch *w, struct arena *a, struct tasks_snapshot *s)
{
	struct reader r = reader_of(w, a, s);
	unsigned stuck = 0;

	rank(&r, false, w->ask->target.pid);
	for (size_t i = 0; !s->before && i < s->nunits; i++) {
		const struct tasks_unit *u = &s->units[i];
		for (struct task *t = u->t; t < u->t + u->n && r.left > 0; t++)
			read_status(&r, u->p->pid, t);
	}
	for (size_t i = 0; i < s->ntasks; i++)
		stuck += s->tasks[i].stuck;
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
	t->blkio = stat.blkio_ticks;
	if (t->before && t->before->by_row) /* in other units */
		return;
	struct keyed from = t->born ? keyed_of(0) : t->before ? t->before->blkio : t->blkio;
	int64_t since_ns = t->before ? t->before->since_ns : r->s->boot_ns;
	double ticks_per_s = (double)r->w->host->facts.ticks_per_s;
	if (t->born || (t->before && from.known))
		t->blocked_ticks = ticks_per_s *
		    tasks_growth(r->w, TASKS_BLKIO, from, t->blkio, 1 / ticks_per_s,
			t->read_ns - since_ns, 0);
}

static void
read_task(struct reader *r, uint32_t pid, struct task *t)
{
	const struct tasks_state *state = r->w->state;

	if (t->by_row)
		return;
	if (t->counted && !t->moved)
		t->switched[0] = t->switched[1] = t->blocked_ticks = 0;
	else if (isnan(t->switched[0]) && (t->moved || (!t->state && !t->has_switches)))
		read_status(r, pid, t);
	if (state->delayacct && !t->blkio.known)
		read_blkio(r, pid, t);
}

/* Threads that ran come first, as the limit may not allow to read all. */
static void
read_tasks(struct reader *r, const struct tasks_unit *u)
{
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
	const struct task_row *row = r->s->tasks[p->first].row;

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
	struct text text, cgroup;
	char path[64];
	int known = p->cgroup ? -1 : cgroup_of(r, p);

	if (known >= 0 && r->cgroups[known])
		p->cgroup = r->cgroups[known];
	if (!p->cgroup &&
	    host_read(r->w->host, task_path(path, p->pid, 0, "/cgroup"), &text) == 0 &&
	    pidcgroup_find(text, "cpu", &cgroup))
		p->cgroup = arena_copy(r->arena, cgroup);
	if (known >= 0)
		r->cgroups[known] = p->cgroup;
	if (p->cgroup && !p->names)
		p->names = names_of(&state->names, r->w->host, p->cgroup);
}

/* NaN: it has no rows. */
static double
majflt_of(const struct tasks_snapshot *s, const struct tasks_process *p)
{
	uint64_t sum = p->gone_majflt;

	for (size_t i = p->first; i < p->first + p->n; i++) {
		if (!s->tasks[i].by_row) /* it was read from files */
			return NAN;
		sum += s->tasks[i].majflt;
	}
	return (double)sum;
}

/* The same as read_stat from rows. The name of a kernel thread may be longer than its row says. */
static bool
take_stat(struct reader *r, struct tasks_unit *u, bool thread)
{
	const struct task_row *row = u->t->row;
	const struct tasks_process *before = tasks_find(r->s->before, u->p->pid);
	double from, to;

	if (!row || row->kernel)
		return false;
	to = thread ? (double)row->majflt : majflt_of(r->s, u->p);
	from = thread && u->t->before ? u->t->before->by_row ? (double)u->t->before->majflt : NAN :
	    !thread && before         ? majflt_of(r->s->before, before) :
	    (thread ? u->t->born : u->p->born > 0) ? 0 :
						     NAN;
	if (to >= from)
		u->majflt = to - from;
	struct detail *d = arena_alloc(r->arena, sizeof *d);
	*d = (struct detail){ .name = arena_copy(r->arena,
				  (struct text){ row->comm, strnlen(row->comm, TASK_COMM) }),
		.majflt = keyed_of((uint64_t)to) };
	u->detail = d;
	*(thread ? &u->t->detail : &u->p->detail) = d;
	return true;
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

	if (take_stat(r, u, thread) ||
	    host_read(r->w->host, task_path(path, u->p->pid, thread ? u->t->tid : 0, "/stat"),
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

/* Reads the details in the order of the ranking, and drops units whose command is not wanted. Those
 * that are left may be shown. */
static void
read_units(struct reader *r)
{
	const struct tasks_options *o = tasks_options(r->w);
	struct tasks_snapshot *s = r->s;
	size_t kept = 0, most = 2 * (size_t)o->rows;

	most = most > DETAILS_LEAST ? most : DETAILS_LEAST;

	/* any may be the first by another column */
	if (o->by_cgroup || r->w->ask->sort || (o->rows == 0 && s->before))
		most = SIZE_MAX;
	else if (!s->before)
		most = DETAILS_AT_FIRST;
	for (size_t i = 0; i < s->nunits && kept < most; i++) {
		struct tasks_unit u = s->units[i];
		read_stat(r, &u, o->threads);
		if (!is_wanted(o, &u))
			continue;
		u.pid = arena_printf(r->arena, "%u", u.p->pid);
		u.tid = o->threads ? arena_printf(r->arena, "%u", u.t->tid) : NULL;
		read_cgroup(r, u.p);
		if (r->left > 0)
			read_tasks(r, &u);
		s->units[kept++] = u;
	}
	s->nunits = kept;
}

/* ---- Quota or contention
 *
 * The kernel counts how long a cgroup was throttled, summed over CPUs, and how long a task waited
 * for any reason. If one thread of the cgroup wants to run, the throttled time of the cgroup is
 * the wait of this thread for quota. If several do, the throttled time counts once per CPU, however
 * many of them wait there: it is a lower bound of their wait, and the split is unknown. */

static struct throttling *
find_throttling(const struct tasks_snapshot *s, const char *cgroup)
{
	for (size_t i = 0; s && i < s->nthrottling; i++)
		if (strcmp(s->throttling[i].cgroup, cgroup) == 0)
			return &s->throttling[i];
	return NULL;
}

static void
free_located(struct tasks_state *state)
{
	for (size_t i = 0; i < state->nlocated; i++) {
		groups_free(&state->located[i].groups);
		free(state->located[i].name);
	}
	free(state->located);
	state->located = NULL;
	state->nlocated = 0;
}

/* A cgroup is located once. When there are too many, all are located again. */
static struct groups_watch *
locate(struct tasks_state *state, const char *cgroup)
{
	for (size_t i = 0; i < state->nlocated; i++)
		if (strcmp(state->located[i].name, cgroup) == 0)
			return &state->located[i].groups;
	if (state->nlocated == 2 * CGROUPS_MOST)
		free_located(state);
	if (!state->located)
		state->located = xmalloc(2 * CGROUPS_MOST * sizeof *state->located);
	struct located *new = &state->located[state->nlocated++];
	*new = (struct located){ .name = xstrdup(cgroup), .groups = { .family = FAMILY_CPU } };
	new->groups.target.cgroup = new->name;
	return &new->groups;
}

/* In a "domain", all threads of its processes are in it. In a "domain threaded", and on v1, each
 * thread may be in a cgroup of its own. */
static bool
keeps_threads(struct host *h, const struct groups *groups)
{
	const char *rel = groups->v[groups->n - 1].rel[FAMILY_CPU];
	struct text text, line;

	return rel && place_read(h, &groups->top[FAMILY_CPU], rel, "cgroup.type", &text) == 0 &&
	    text_line(&text, &line) && text_eq(line, "domain");
}

static void
read_throttling(struct reader *r, struct throttling *h)
{
	struct host *host = r->w->host;

	if (groups_read(locate(r->w->state, h->cgroup), host, r->arena, &h->groups) < 0)
		return;
	h->keeps_threads = keeps_threads(host, &h->groups);
	h->cpu = arena_alloc(r->arena, h->groups.n * sizeof *h->cpu);
	h->known = true;
	for (size_t i = 0; i < h->groups.n; i++) {
		struct group *g = &h->groups.v[i];
		bool last = i + 1 == h->groups.n;
		g->rel[FAMILY_PRESSURE] = g->rel[FAMILY_CPUACCT] = NULL; /* not needed here */
		group_read_quota(host, &h->groups, g, &h->cpu[i].quota);
		if (!h->cpu[i].quota.known)
			h->known = false;
		if (h->cpu[i].quota.limited || last)
			group_read_cpu(host, &h->groups, g, last, &h->cpu[i]);
	}
}

static void
add_throttling(struct reader *r, const char *cgroup)
{
	struct tasks_snapshot *s = r->s;

	if (find_throttling(s, cgroup) || s->nthrottling == CGROUPS_MOST)
		return;
	s->throttling = arena_grow(
	    r->arena, s->throttling, s->nthrottling, &s->throttlingcap, sizeof *s->throttling);
	struct throttling *h = &s->throttling[s->nthrottling++];
	*h = (struct throttling){ .cgroup = cgroup };
	read_throttling(r, h);
}

/* How long the cgroup was throttled between two snapshots, in ns, and by which level. NaN if that
 * is unknown, or if several levels throttled it, perhaps at the same time. cpu.stat.local, where
 * it exists, has all levels at once. */
static double
throttled_ns(const struct throttling *from, const struct throttling *to, size_t *level)
{
	size_t last = to->groups.n - 1;
	double local = keyed_delta(from->cpu[from->groups.n - 1].local_ns, to->cpu[last].local_ns),
	       sum = 0;

	*level = last;
	if (!isnan(local))
		return local;
	if (!to->groups.from_root || from->groups.n != to->groups.n)
		return NAN;
	for (size_t i = 0; i <= last; i++) {
		if (!to->cpu[i].quota.limited && !from->cpu[i].quota.limited)
			continue;
		double grown = keyed_delta(from->cpu[i].throttled_ns, to->cpu[i].throttled_ns);
		if (isnan(grown) || (grown > 0 && sum > 0))
			return NAN;
		sum += grown;
		*level = grown > 0 ? i : *level;
	}
	return sum;
}

/* Whether only one thread in the cgroup at that level, or below it, wanted to run. All processes
 * there must have been read. */
static bool
is_alone(const struct reader *r, const struct throttling *h, size_t level)
{
	const struct place *top = &h->groups.top[FAMILY_CPU];
	const char *rel = h->groups.v[level].rel[FAMILY_CPU];
	uint32_t *pids;
	size_t n, active = 0;

	if (!rel || targets_of_cgroup(r->w->host, r->arena, top, rel, &pids, &n) < 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct tasks_process *p = tasks_find(r->s, pids[i]);
		if (!p || p->skipped || p->ended)
			return false;
		for (size_t k = p->first; k < p->first + p->n; k++)
			active += r->s->tasks[k].moved || r->s->tasks[k].stuck;
	}
	return active == 1;
}

/* Whether the threads that ran or waited are in the cgroup of their process. */
static bool
is_in_one_cgroup(struct reader *r, const struct tasks_unit *u)
{
	const struct task_row *first = r->s->tasks[u->p->first].row;
	struct text text, cgroup;
	char path[64];

	for (const struct task *t = u->t; t < u->t + u->n; t++) {
		if (t->tid == u->p->pid || !(t->moved || t->stuck))
			continue;
		if (first && first->cgroup[0] &&
		    memcmp(t->row->cgroup, first->cgroup, sizeof first->cgroup) == 0)
			continue;
		if (r->places_left-- <= 0 ||
		    host_read(r->w->host, task_path(path, u->p->pid, t->tid, "/cgroup"), &text) <
			0 ||
		    !pidcgroup_find(text, "cpu", &cgroup) || !text_eq(cgroup, u->p->cgroup))
			return false;
	}
	return true;
}

static double
quota_ns(struct reader *r, const struct tasks_unit *u)
{
	const struct throttling *to = find_throttling(r->s, u->p->cgroup);
	const struct throttling *from = to ? find_throttling(r->s->before, to->cgroup) : NULL;
	double wait_ns = 0;
	size_t level;

	if (u->p->skipped || !from || !from->known || !to->known)
		return NAN;
	double throttled = throttled_ns(from, to, &level);
	if (isnan(throttled) || (throttled > 0 && !is_alone(r, to, level)) ||
	    !(to->keeps_threads || is_in_one_cgroup(r, u)))
		return NAN;
	for (const struct task *t = u->t; t < u->t + u->n; t++)
		wait_ns += t->grown[WAIT_NS];
	return isnan(wait_ns) ? NAN : fmin(throttled, wait_ns);
}

static void
split_waits(struct reader *r)
{
	for (size_t i = 0; i < r->s->nunits; i++)
		if (r->s->units[i].p->cgroup)
			add_throttling(r, r->s->units[i].p->cgroup);
	for (size_t i = 0; i < r->s->nunits && r->s->before; i++)
		if (r->s->units[i].p->cgroup)
			r->s->units[i].quota_ns = quota_ns(r, &r->s->units[i]);
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
	rank(&r, o->threads, w->ask->target.pid);
	read_units(&r);
	split_waits(&r);
	if (o->by_cgroup)
		qsort(s->units, s->nunits, sizeof *s->units, by_cgroup);
	map_free(&r.by_id);
}

void
tasks_free(struct watch *w, struct tasks_state *state)
{
	for (int i = 0; i < 2; i++)
		free(state->room[i]);
	task_source_end(&state->source, w);
	free_located(state);
	targets_free(&state->targets);
	names_free(&state->names);
}
