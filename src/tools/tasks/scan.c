/* What a scan may cost, what it passed over, and what it could not see. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "proc/machine.h"
#include "proc/task.h"
#include "tools/tasks/tasks.h"

/* How many threads a row may look at follows from what the row before cost; the first ones open all
 * files, and do not count. */
static void
tasks_set_quota(struct watch *w, int64_t budget_ns)
{
	struct tasks_state *state = w->state;
	size_t n = state->last ? state->last->ntasks : 0, least = n / 16 + 1;
	uint64_t before = state->spent_ns;
	struct task_sched own;
	struct text text;

	if (state->quota < n)
		state->from = (state->from + state->quota) % n;
	state->quota = SIZE_MAX;
	state->spent_ns = 0;
	if (host_read(w->host, "proc/self/schedstat", &text) < 0 ||
	    task_sched_parse(text, &own) < 0)
		return;
	state->spent_ns = own.run_ns;
	if (state->scans < 2 || before == 0 || own.run_ns <= before)
		return;
	double most = (double)state->looked * (double)budget_ns / (double)(own.run_ns - before);
	if (most < (double)n)
		state->quota = most > (double)least ? (size_t)most : least;
}

/* After one: says how many threads were passed over, when these become more. */
static void
tasks_tell_passed(struct watch *w, const struct tasks_snapshot *s)
{
	struct tasks_state *state = w->state;
	double share = s->ntasks ? (double)s->passed / (double)s->ntasks : 0;

	if (s->passed == 0 || share < 1.5 * state->told_share)
		return;
	state->told_share = share;
	watch_note(w,
	    "--budget: %zu of %zu threads were not looked at in this row: their figures are of the "
	    "last row in which they were",
	    s->passed, s->ntasks);
}

/* The machine counts the tasks that it makes; those that were not seen came and went. In a
 * container most are others'. */
static double
tasks_unseen(struct watch *w, const struct tasks_snapshot *s)
{
	struct tasks_state *state = w->state;
	struct text text;
	uint64_t forks;

	if (!state->whole || host_read(w->host, "proc/stat", &text) < 0 ||
	    stat_parse_forks(text, &forks) < 0)
		return NAN;
	if (!state->forks.known || forks < state->forks.v) {
		state->forks = keyed_of(forks);
		state->born = state->unseen = 0;
		return NAN;
	}
	for (size_t i = 0; i < s->n; i++)
		state->born += s->v[i].born;
	uint64_t told = state->unseen, seen = state->born + told, all = forks - state->forks.v;
	state->unseen += all > seen ? all - seen : 0;
	return (double)(state->unseen - told);
}

/* The scan of all threads: one small file each. */

struct scan {
	struct watch *w;
	struct arena *arena;
	struct tasks_snapshot *s;
	const struct tasks_snapshot *last;
	size_t denied;
	int error; /* of the last schedstat that could not be read */
};

/* The budget has all threads looked at in turn, so many of them in a moment. */
static bool
in_turn(const struct scan *c, const struct task *before)
{
	const struct tasks_state *state = c->w->state;
	size_t n = c->last->ntasks, at = (size_t)(before - c->last->tasks);

	return state->quota >= n || (at + n - state->from % n) % n < state->quota;
}

static struct task *
add_task(struct scan *c, uint32_t tid)
{
	struct tasks_state *state = c->w->state;
	struct tasks_snapshot *s = c->s;
	size_t *cap = &state->roomcap[state->scans % 2];

	if (s->ntasks == *cap) {
		*cap = *cap ? *cap * 2 : 256;
		state->room[state->scans % 2] = xrealloc(s->tasks, *cap * sizeof *s->tasks);
		s->tasks = state->room[state->scans % 2];
	}
	struct task *t = &s->tasks[s->ntasks++];
	*t = (struct task){ .tid = tid, .read = true, .switched = { NAN, NAN } };
	t->blocked_ticks = t->was_majflt = t->quota_ns = NAN;
	return t;
}

/* What grew since the thread was looked at before. A counter that ran backwards is another thread's
 * of the same number. */
static void
compare(struct task *t, const struct task *before)
{
	t->before = before;
	t->counted = true;
	for (int i = 0; i < FIGURES; i++) {
		t->counted &= t->now[i] >= before->now[i];
		t->grown[i] = (double)t->now[i] - (double)before->now[i];
	}
	t->moved = t->now[RUN_NS] != before->now[RUN_NS] || t->now[SLICES] != before->now[SLICES];
	t->age_s = before->age_s;
	if (!t->counted)
		memset(t->grown, 0, sizeof t->grown);
	if (t->moved)
		return;
	t->state = before->state; /* for one that did not run these hold on */
	t->has_switches = before->has_switches;
	t->blkio = before->blkio;
	memcpy(t->switches, before->switches, sizeof t->switches);
}

static void
pass_over(struct scan *c, const struct task *before)
{
	struct task *t = add_task(c, before->tid);

	memcpy(t->now, before->now, sizeof t->now);
	memcpy(t->rate, before->rate, sizeof t->rate);
	t->before = before;
	t->read = false;
	t->age_s = before->age_s;
	c->s->passed++;
}

/* False when the thread is gone. */
static bool
look(struct scan *c, uint32_t pid, uint32_t tid, const struct task *before, bool born)
{
	struct task_sched sched;
	struct text text;
	char path[64];

	if (before && !in_turn(c, before)) {
		pass_over(c, before);
		return true;
	}
	if (host_read(c->w->host, task_path(path, pid, tid, "/schedstat"), &text) < 0 ||
	    task_sched_parse(text, &sched) < 0) {
		c->error = errno;
		return false;
	}
	struct task *t = add_task(c, tid);
	t->now[RUN_NS] = sched.run_ns;
	t->now[WAIT_NS] = sched.wait_ns;
	t->now[SLICES] = sched.slices;
	c->s->looked++;
	if (before) {
		compare(t, before);
	} else if (born) {
		compare(t, &(struct task){ .tid = tid });
		t->before = NULL;
		t->born = t->moved = true;
	}
	return true;
}

static bool
has_task(const struct tasks_snapshot *s, size_t first, size_t n, uint32_t tid)
{
	for (size_t lo = first, hi = first + n; lo < hi;) {
		size_t mid = lo + (hi - lo) / 2;
		if (s->tasks[mid].tid == tid)
			return true;
		if (s->tasks[mid].tid < tid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

static int
by_tid(const void *a, const void *b)
{
	const struct task *x = a, *y = b;

	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

/* Threads that are not known yet. */
static void
look_for_new(struct scan *c, struct tasks_process *p, bool born)
{
	struct text names;
	size_t known = c->s->ntasks - p->first, n;
	char path[64];

	p->unlisted = host_list(c->w->host, task_path(path, p->pid, 0, "/task"), &names) < 0;
	if (p->unlisted) {
		c->denied += errno == EACCES || errno == EPERM;
		return;
	}
	uint32_t *tids = targets_parse_pids(c->arena, names, &n);
	for (size_t i = 0; i < n; i++)
		if (!has_task(c->s, p->first, known, tids[i]))
			p->born += look(c, p->pid, tids[i], NULL, born) && born;
	size_t all = c->s->ntasks - p->first;
	if (known == 0 || all == known)
		return;
	struct task *own = &c->s->tasks[p->first];
	if (own[known - 1].tid > own[known].tid)
		qsort(own, all, sizeof *own, by_tid);
}

/* A process that was not seen before has begun since then, or was not among those that were asked
 * for. */
static bool
is_born(const struct scan *c, uint32_t pid)
{
	struct task_stat stat;
	struct text text;
	char path[64];

	if (!c->last || isnan(c->last->uptime_s) ||
	    host_read(c->w->host, task_path(path, pid, 0, "/stat"), &text) < 0 ||
	    task_stat_parse(text, &stat) < 0 || !stat.start_ticks.known)
		return false;
	return (double)stat.start_ticks.v / (double)c->w->host->facts.ticks_per_s >=
	    c->last->uptime_s - 0.015;
}

/* Only a thread of the process itself makes others. So the list is read again only when one of
 * those known has run: of some thousand processes most sleep. */
static void
look_at_process(struct scan *c, uint32_t pid)
{
	struct tasks_snapshot *s = c->s;
	const struct tasks_process *before = tasks_find(c->last, pid);
	bool list = !before || before->unlisted,
	     born = before ? !before->unlisted : is_born(c, pid);

	s->v = arena_grow(c->arena, s->v, s->n, &s->cap, sizeof *s->v);
	struct tasks_process *p = &s->v[s->n];
	*p = (struct tasks_process){
		.pid = pid, .first = s->ntasks, .was_majflt = NAN, .quota_ns = NAN
	};
	for (size_t i = 0; before && i < before->n; i++) {
		const struct task *one = &c->last->tasks[before->first + i];
		bool there = look(c, pid, one->tid, one, false);
		p->ended += !there;
		list |= !there || s->tasks[s->ntasks - 1].moved;
		p->skipped |= there && !s->tasks[s->ntasks - 1].read;
	}
	if (list)
		look_for_new(c, p, born);
	p->n = s->ntasks - p->first;
	s->n += p->n > 0;
}

static double
read_uptime(struct watch *w)
{
	struct text text, word;
	double uptime;

	if (host_read(w->host, "proc/uptime", &text) < 0 || !text_word(&text, &word) ||
	    text_decimal(word, &uptime) < 0)
		return NAN;
	return uptime;
}

/* Of the kernel's own threads the first is number 2: where it is to be seen, all are. */
static void
begin(struct watch *w)
{
	struct tasks_state *state = w->state;
	const struct target *t = &w->ask->target;
	struct task_stat stat;
	struct text text, line;

	state->whole = !t->pid && !t->cgroup && host_read(w->host, "proc/2/stat", &text) == 0 &&
	    task_stat_parse(text, &stat) == 0 && text_eq(stat.comm, "kthreadd");
	state->delayacct = host_read(w->host, "proc/sys/kernel/task_delayacct", &text) == 0 &&
	    text_line(&text, &line) && text_eq(line, "1");
}

struct tasks_snapshot *
tasks_scan(struct watch *w, struct arena *a, int64_t budget_ns)
{
	struct tasks_state *state = w->state;
	struct scan c = {
		.w = w, .arena = a, .s = arena_alloc(a, sizeof *c.s), .last = state->last
	};
	uint32_t *pids;
	size_t n;

	state->last = NULL; /* should there be none now, the one before is not to be used later */
	if (targets_pids(&state->targets, w, a, &pids, &n) < 0 && !targets_explain(&state->targets, w, errno))
		return NULL;
	if (state->scans == 0)
		begin(w);
	state->last = c.last;
	tasks_set_quota(w, budget_ns);
	c.s->first = !c.last;
	c.s->tasks = state->room[state->scans % 2];
	c.s->uptime_s = read_uptime(w);
	for (size_t i = 0; i < n; i++)
		look_at_process(&c, pids[i]);
	if (c.s->ntasks == 0 && c.error && state->scans == 0 && !w->ask->target.cgroup)
		return watch_fail(w, EXIT_UNSUPPORTED,
		    "/proc/PID/task/TID/schedstat: %s; the kernel has it with CONFIG_SCHED_INFO",
		    strerror(c.error));
	if (c.s->n == 0 && n > 0 && state->scans == 0 && w->ask->target.cgroup)
		return watch_fail(w, EXIT_UNSUPPORTED,
		    "no process of cgroup %s is to be seen in /proc: is it mounted with hidepid?",
		    w->ask->target.cgroup);
	c.s->unseen = tasks_unseen(w, c.s);
	state->looked = c.s->looked;
	state->scans++;
	if (c.denied)
		watch_note(w,
		    "processes whose threads may not be seen are left out (/proc is mounted with "
		    "hidepid)");
	tasks_tell_passed(w, c.s);
	return c.s;
}
