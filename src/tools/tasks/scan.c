/*
 * scan: reads schedstat of every thread, within a budget of CPU time, unless there are rows of BPF.
 *
 * Live, most of these files need not be read: a process has a CPU clock. It is the sum of the run times of
 * its threads and of those that have ended. As long as the clock equals the sum of the known figures, no
 * other thread has run: a run time never decreases.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "proc/machine.h"
#include "tools/hidden.h"
#include "tools/tasks/scan.h"

/* ---- The budget */

/* Sets how many threads this scan may read, from what the previous one cost. The first two scans
 * open files that later ones find open, and say nothing about the cost. */
static void
set_quota(struct scan *c, int64_t budget_ns)
{
	struct tasks_state *state = c->state;
	size_t n = c->last ? c->last->ntasks : 0, least = n / 16 + 1;
	uint64_t before = state->spent_ns;
	struct task_sched own;
	struct text text;

	if (state->quota < n)
		state->from = (state->from + state->quota) % n;
	state->quota = SIZE_MAX;
	state->spent_ns = 0;
	if (host_read(c->w->host, "proc/self/schedstat", &text) < 0 ||
	    task_sched_parse(text, &own) < 0)
		return;
	state->spent_ns = own.run_ns;
	if (state->scans < 2 || before == 0 || own.run_ns <= before)
		return;
	double most = (double)state->nread * (double)budget_ns / (double)(own.run_ns - before);
	if (most < (double)n)
		state->quota = most > (double)least ? (size_t)most : least;
}

/* Threads take turns when the budget does not allow to read all of them. */
static bool
has_turn(const struct scan *c, const struct task *before)
{
	size_t n = c->last->ntasks, at = (size_t)(before - c->last->tasks);

	return c->state->quota >= n || (at + n - c->state->from % n) % n < c->state->quota;
}

/* Says how many threads were skipped, again each time that their share has grown by half. */
static void
tell_skipped(const struct scan *c)
{
	const struct tasks_snapshot *s = c->s;
	double share = s->ntasks ? (double)s->nskipped / (double)s->ntasks : 0;

	if (s->nskipped == 0 || share < 1.5 * c->state->told_share)
		return;
	c->state->told_share = share;
	const char *missing = c->state->source.missing;
	watch_note(c->w,
	    "--budget: %zu of %zu threads were not read for this row; they keep the figures of "
	    "their last reading%s%s%s",
	    s->nskipped, s->ntasks, missing ? " (BPF would read all, and is not available: " : "",
	    missing ? missing : "", missing ? ")" : "");
}

/* ---- Threads */

static struct task *
add_task(struct scan *c, uint32_t tid)
{
	struct tasks_snapshot *s = c->s;
	struct task **room = &c->state->room[c->state->scans % 2];
	size_t *cap = &c->state->roomcap[c->state->scans % 2];

	if (s->ntasks == *cap) {
		*cap = *cap ? *cap * 2 : 256;
		s->tasks = *room = xrealloc(*room, *cap * sizeof **room);
	}
	struct task *t = &s->tasks[s->ntasks++];
	*t = thread_unknown;
	t->tid = tid;
	return t;
}

static void
skip(struct scan *c, const struct task *before)
{
	struct task *t = add_task(c, before->tid);
	struct task_growth *g = growth_to_set(c->arena, t);

	memcpy(t->now, before->now, sizeof t->now);
	memcpy(g->rate, growth_of(before)->rate, sizeof g->rate);
	g->age_s = growth_of(before)->age_s;
	t->before = before;
	t->moved = before->moved;
	t->ran = before->ran;
	t->read_ns = before->read_ns;
	t->since_ns = before->since_ns;
	t->asleep_ns = before->asleep_ns;
	t->read = false;
	c->s->nskipped++;
}

/* False when the thread has ended. */
static bool
read_sched(struct scan *c, uint32_t pid, uint32_t tid, struct task_sched *out)
{
	struct text text;
	char path[64];

	if (host_read(c->w->host, task_path(path, pid, tid, "/schedstat"), &text) == 0 &&
	    task_sched_parse(text, out) == 0)
		return true;
	c->error = errno;
	return false;
}

/* False when the thread has ended. */
static bool
read_task(struct scan *c, uint32_t pid, uint32_t tid, const struct task *before, bool born)
{
	struct task_sched sched;

	if (before && !has_turn(c, before)) {
		skip(c, before);
		return true;
	}
	if (!read_sched(c, pid, tid, &sched))
		return false;
	thread_set(c, add_task(c, tid), &sched, before, born);
	return true;
}

/* ---- Processes */

static int
by_tid(const void *a, const void *b)
{
	const struct task *x = a, *y = b;

	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

/* Adds the threads of the process that are not known yet. */
static void
read_new(struct scan *c, struct tasks_process *p, bool born)
{
	struct tasks_snapshot *s = c->s;
	struct task key = { .tid = 0 };
	struct text names;
	size_t known = s->ntasks - p->first, n;
	char path[64];

	p->unlisted = host_list(c->w->host, task_path(path, p->pid, 0, "/task"), &names) < 0;
	if (p->unlisted) {
		c->denied += errno == EACCES || errno == EPERM;
		return;
	}
	uint32_t *tids = targets_parse_pids(c->arena, names, &n);
	for (size_t i = 0; i < n; i++) {
		key.tid = tids[i];
		if (!known || !bsearch(&key, s->tasks + p->first, known, sizeof key, by_tid))
			p->born += read_task(c, p->pid, tids[i], NULL, born) && born;
	}
	size_t all = s->ntasks - p->first;
	if (known == 0 || all == known)
		return;
	struct task *own = &s->tasks[p->first];
	if (own[known - 1].tid > own[known].tid)
		qsort(own, all, sizeof *own, by_tid);
}

/* Whether a process that is not in the previous snapshot was created since then. It may also have
 * been there, and not been part of the target. */
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

static uint64_t
count_links(const struct scan *c, uint32_t pid)
{
	uint64_t links;
	char path[64];

	return host_links(c->w->host, task_path(path, pid, 0, "/task"), &links) < 0 ? 0 : links;
}

/* Sets what later scans compare the CPU clock with, if no thread has run since the clock was clock_ns,
 * before they were read. */
static void
set_exact(struct scan *c, struct tasks_process *p, uint64_t clock_ns)
{
	uint64_t now_ns, run_ns = 0;

	for (size_t i = p->first; i < p->first + p->n; i++)
		run_ns += c->s->tasks[i].now[RUN_NS];
	p->links = count_links(c, p->pid);
	p->exact = p->links && !p->skipped && clock_ns >= run_ns &&
	    host_clock(c->w->host, p->pid, &now_ns) == 0 && now_ns == clock_ns;
	p->ended_ns = clock_ns - run_ns;
}

/* Only a thread of the process itself creates others. The threads are therefore listed again only
 * if a known one has run, which most of some thousand processes have not. */
static void
read_all(struct scan *c, struct tasks_process *p, const struct tasks_process *before)
{
	struct tasks_snapshot *s = c->s;
	bool list = !before || before->unlisted,
	     born = before ? !before->unlisted : is_born(c, p->pid);
	uint64_t clock_ns;
	bool clock = host_clock(c->w->host, p->pid, &clock_ns) == 0;

	for (size_t i = 0; before && i < before->n; i++) {
		const struct task *one = &c->last->tasks[before->first + i];
		bool there = read_task(c, p->pid, one->tid, one, false);
		p->ended += !there;
		list |= !there || s->tasks[s->ntasks - 1].moved;
		p->skipped |= there && !s->tasks[s->ntasks - 1].read;
	}
	if (list)
		read_new(c, p, born);
	p->n = s->ntasks - p->first;
	if (clock && !p->unlisted)
		set_exact(c, p, clock_ns);
}

/* ---- Only the threads that have run */

/* In which pass a thread is read. PASS_ACTIVE: it may be on a CPU or wait for one, and is always read.
 * PASS_RAN and PASS_OTHERS are read only until the clock tells that the rest has not run. If it runs
 * meanwhile, PASS_REST reads all. */
enum { PASS_ACTIVE, PASS_RAN, PASS_OTHERS, PASS_REST, PASSES };

static int
pass_of(const struct task *before)
{
	if (before->moved || before->stuck || before->state == 'R')
		return PASS_ACTIVE;
	return before->ran ? PASS_RAN : PASS_OTHERS;
}

/* Adds the threads of a process with the figures that they had. Returns the sum of their run times. */
static uint64_t
keep_threads(struct scan *c, struct tasks_process *p, const struct tasks_process *before)
{
	uint64_t run_ns = 0;

	for (size_t i = before->first; i < before->first + before->n; i++) {
		const struct task *one = &c->last->tasks[i];
		const struct task_sched same = { one->now[RUN_NS], one->now[WAIT_NS],
			one->now[SLICES] };
		struct task *t = add_task(c, one->tid);
		thread_set(c, t, &same, one, false);
		t->read = false;
		run_ns += same.run_ns;
	}
	p->n = before->n;
	p->exact = true;
	p->ended_ns = before->ended_ns;
	p->links = before->links;
	return run_ns;
}

/* Reads the threads of one pass. Those that have ended get the number 0. */
static void
read_pass(struct scan *c, struct tasks_process *p, int pass, uint64_t *run_ns, uint64_t clock_ns)
{
	bool all = pass == PASS_ACTIVE || pass == PASS_REST;
	struct task_sched sched;

	for (size_t i = p->first; i < p->first + p->n; i++) {
		struct task *t = &c->s->tasks[i];
		const struct task *before = t->before;
		if (t->read || t->tid == 0 || pass_of(before) > pass)
			continue;
		if (!all && p->ended == 0 && p->ended_ns + *run_ns >= clock_ns)
			return;
		if (!read_sched(c, p->pid, t->tid, &sched)) {
			t->tid = 0;
			p->ended++;
			continue;
		}
		*run_ns += sched.run_ns - before->now[RUN_NS];
		*t = thread_unknown;
		t->tid = before->tid;
		thread_set(c, t, &sched, before, false);
	}
}

/* Whether no thread has run since its figures were read, and none was created or has ended. A process with
 * one thread ends with it, and has to run to create another. */
static bool
is_up_to_date(
    struct scan *c, const struct tasks_process *p, uint64_t run_ns, uint64_t *clock_ns, bool moved)
{
	return p->ended == 0 && host_clock(c->w->host, p->pid, clock_ns) == 0 &&
	    *clock_ns == p->ended_ns + run_ns &&
	    ((p->n == 1 && !moved) || count_links(c, p->pid) == p->links);
}

/* All known threads were read. Drops those that have ended, and adds new ones. */
static void
renew_threads(struct scan *c, struct tasks_process *p)
{
	struct tasks_snapshot *s = c->s;
	size_t end = s->ntasks;

	s->ntasks = p->first;
	for (size_t i = p->first; i < end; i++)
		if (s->tasks[i].tid)
			s->tasks[s->ntasks++] = s->tasks[i];
	read_new(c, p, true);
	p->n = s->ntasks - p->first;
	p->exact = !p->unlisted && !p->born && !p->ended && count_links(c, p->pid) == p->links;
}

/* Reads the threads until the others are known not to have run. False if there is no clock to tell this
 * by, or the budget does not allow to read all. */
static bool
read_some(struct scan *c, struct tasks_process *p, const struct tasks_process *before)
{
	if (!before || !before->exact || c->state->quota < c->last->ntasks)
		return false;
	uint64_t run_ns = keep_threads(c, p, before), was_ns = run_ns, clock_ns = 0;
	bool done = false;
	for (int pass = 0; pass < PASSES && !done; pass++) {
		read_pass(c, p, pass, &run_ns, clock_ns);
		done = is_up_to_date(c, p, run_ns, &clock_ns, run_ns != was_ns);
	}
	if (!done)
		renew_threads(c, p);
	for (size_t i = p->first; i < c->s->ntasks; i++)
		c->s->tasks[i].read = true;
	return true;
}

static void
read_process(struct scan *c, uint32_t pid)
{
	struct tasks_snapshot *s = c->s;
	const struct tasks_process *before = tasks_find(c->last, pid);

	if (before && before->by_row) /* it had rows: how much its counters have grown is unknown */
		before = NULL;
	s->v = arena_grow(c->arena, s->v, s->n, &s->cap, sizeof *s->v);
	struct tasks_process *p = &s->v[s->n];
	*p = (struct tasks_process){ .pid = pid, .first = s->ntasks };
	if (!read_some(c, p, before))
		read_all(c, p, before);
	s->n += p->n > 0;
}

/* The rows of the processes of -p or -g, or of all. Processes that have none are read from files:
 * some kernels hide processes from BPF, and others began since. */
static void
add_processes(struct scan *c, const uint32_t *pids, size_t npids, bool all)
{
	const struct task_source *source = &c->state->source;
	size_t n = source->now->n, k = 0;

	for (size_t i = 0; i < n;) {
		uint32_t pid = task_source_mark(source, i).pid;
		for (; k < npids && pids[k] < pid; k++)
			read_process(c, pids[k]);
		bool wanted = k < npids && pids[k] == pid;
		k += wanted;
		i += all || wanted ? rows_add_process(c, i) : 1;
	}
	for (; k < npids; k++)
		read_process(c, pids[k]);
	rows_end(c);
}

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

/* ---- The whole scan */

/* The host counts the tasks that it creates. Those that were in no snapshot came and went. Unknown
 * in a container, where most of them are not visible. */
static double
count_unseen(const struct scan *c)
{
	struct tasks_state *state = c->state;
	struct text text;
	uint64_t forks;

	if (!state->all_visible || host_read(c->w->host, "proc/stat", &text) < 0 ||
	    stat_parse_forks(text, &forks) < 0)
		return NAN;
	if (!state->forks.known || forks < state->forks.v) {
		state->forks = keyed_of(forks);
		state->born = state->unseen = 0;
		return NAN;
	}
	for (size_t i = 0; i < c->s->n; i++)
		state->born += c->s->v[i].born;
	uint64_t told = state->unseen, seen = state->born + told, all = forks - state->forks.v;
	state->unseen += all > seen ? all - seen : 0;
	return (double)(state->unseen - told);
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

/* Linux 5.14 made delay accounting a switch that is off at first. Before, it was on unless it was
 * disabled at boot; then it is known to be on if process 1 was ever delayed. */
static bool
delays_are_counted(struct host *h, bool *told)
{
	struct task_stat stat;
	struct text text, line;

	*told = host_read(h, "proc/sys/kernel/task_delayacct", &text) == 0;
	if (*told)
		return text_line(&text, &line) && text_eq(line, "1");
	return host_read(h, "proc/1/stat", &text) == 0 && task_stat_parse(text, &stat) == 0 &&
	    stat.blkio_ticks.known && stat.blkio_ticks.v > 0;
}

/* When the machine was booted, on the clock of the samples, or earlier: that clock may have been set
 * by a time namespace. Without /proc/uptime: ten years ago. */
static int64_t
booted_ns(const struct watch *w, double uptime_s)
{
	double ago_s = isnan(uptime_s) ? 3e8 : fmin(uptime_s, 3e9);
	int64_t at_ns = w->now_ns - (int64_t)(ago_s * 1e9);

	return at_ns < 0 ? at_ns : 0;
}

/* The first kernel thread has number 2. Where it is visible, all tasks are. */
static void
begin(struct watch *w)
{
	struct tasks_state *state = w->state;
	const struct target *t = &w->ask->target;
	struct task_stat stat;
	struct text text;

	state->all_visible = !t->pid && !t->cgroup &&
	    host_read(w->host, "proc/2/stat", &text) == 0 && task_stat_parse(text, &stat) == 0 &&
	    text_eq(stat.comm, "kthreadd");
	if (!t->pid && !t->cgroup && !state->all_visible)
		hidden_tell(w);
	state->delayacct = delays_are_counted(w->host, &state->delayacct_told);
}

/* False after watch_fail: there are processes, but nothing of them can be read. */
static bool
check_first(const struct scan *c, size_t npids)
{
	const char *cgroup = c->w->ask->target.cgroup;

	if (c->s->n == 0 && c->error && !cgroup)
		watch_fail(c->w, EXIT_UNSUPPORTED,
		    "/proc/PID/task/TID/schedstat: %s (it needs CONFIG_SCHED_INFO)",
		    strerror(c->error));
	else if (c->s->n == 0 && npids > 0 && cgroup)
		watch_fail(c->w, EXIT_UNSUPPORTED,
		    "no process of cgroup %s is visible in /proc (%s)", cgroup, hidden_why(c->w));
	else
		return true;
	return false;
}

/* The first row of that process or of a later one. */
static size_t
find_row(const struct task_source *source, uint32_t pid)
{
	size_t low = 0, high = source->now->n;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (task_source_mark(source, middle).pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
has_row(const struct task_source *source, uint32_t pid)
{
	size_t i = find_row(source, pid);

	return i < source->now->n && task_source_mark(source, i).pid == pid;
}

/* The processes of the last snapshot that had no rows, and have none now. Returns how many threads they
 * had. */
static size_t
have_no_rows(const struct scan *c, uint32_t **pids, size_t *n)
{
	const struct tasks_snapshot *last = c->last;
	size_t threads = 0, cap = 0;

	for (size_t i = 0; last && i < last->n; i++) {
		if (last->v[i].by_row || has_row(&c->state->source, last->v[i].pid))
			continue;
		*pids = arena_grow(c->arena, *pids, *n, &cap, sizeof **pids);
		(*pids)[(*n)++] = last->v[i].pid;
		threads += last->v[i].n;
	}
	return threads;
}

/* Whether rows, and the processes that are known to have none, are all tasks that the kernel
 * counts. Some of those may have ended meanwhile. If others without rows began, they are found in the next
 * snapshot. */
static bool
rows_have_all(const struct scan *c, uint32_t **pids, size_t *n)
{
	const struct task_rows *rows = c->state->source.now;
	const struct target *t = &c->w->ask->target;

	return !t->pid && !t->cgroup && rows->hidden.known &&
	    have_no_rows(c, pids, n) >= rows->hidden.v;
}

/* Whether there are rows of the process of -p. */
static bool
rows_have_target(struct scan *c, uint32_t **pids, size_t *n)
{
	if (!c->w->ask->target.pid)
		return false;
	*pids = targets_parse_pids(c->arena, text_of(c->w->ask->target.pid), n);
	if (*n != 1 || !has_row(&c->state->source, **pids))
		return false;
	return c->state->targets.seen = true;
}

/* Lists the processes of the target, as targets_pids, unless rows tell. */
static int
list_targets(struct scan *c, uint32_t **pids, size_t *n)
{
	if (*c->state->source.file && (rows_have_all(c, pids, n) || rows_have_target(c, pids, n)))
		return 0;
	return targets_pids(&c->state->targets, c->w, c->arena, pids, n);
}

static void
tell_denied(struct watch *w)
{
	w->hidden = arena_printf(
	    &w->arena, "processes whose threads are not visible are omitted (%s)", hidden_why(w));
	watch_note(w, "%s", w->hidden);
}

struct tasks_snapshot *
tasks_scan(struct watch *w, struct arena *a, int64_t budget_ns)
{
	struct tasks_state *state = w->state;
	struct scan c = { .w = w,
		.arena = a,
		.state = state,
		.s = arena_alloc(a, sizeof *c.s),
		.last = state->last };
	bool by_rows = *state->source.file;
	uint32_t *pids = NULL;
	size_t n = 0;

	state->last = NULL; /* without a snapshot now, the next one is a first one */
	if (by_rows && task_source_scan(&state->source, w) < 0 && errno != ESRCH)
		return watch_fail(
		    w, EXIT_FAILED, "cannot read the tasks by BPF: %s", strerror(errno));
	if (list_targets(&c, &pids, &n) < 0 && !targets_explain(&state->targets, w, errno))
		return NULL;
	if (state->scans == 0)
		begin(w);
	state->quota = by_rows ? SIZE_MAX : state->quota;
	if (!by_rows)
		set_quota(&c, budget_ns);
	c.s->before = c.last;
	c.s->tasks = state->room[state->scans % 2];
	c.s->uptime_s = read_uptime(w);
	c.s->at_ns = w->now_ns;
	c.s->boot_ns = booted_ns(w, c.s->uptime_s);
	c.s->source = by_rows ? arena_copy(a, text_of(state->source.now->source)) : "proc";
	rows_begin(&c);
	if (by_rows)
		add_processes(&c, pids, n, !w->ask->target.pid && !w->ask->target.cgroup);
	for (size_t i = 0; !by_rows && i < n; i++)
		read_process(&c, pids[i]);
	if (state->scans == 0 && !check_first(&c, n))
		return NULL;
	if (state->scans == 0 && w->ask->target.cgroup && c.s->n < n)
		hidden_tell(w);
	c.s->unseen = count_unseen(&c);
	state->nread = c.s->ntasks - c.s->nskipped;
	state->scans++;
	if (c.denied && !w->hidden)
		tell_denied(w);
	tell_skipped(&c);
	struct interval told = { .columns = tool_tasks.columns, .jumped = state->jumped };
	watch_tell_counters(w, &told, false);
	state->last = c.s;
	return c.s;
}

void
tasks_set_rates(const struct tasks_snapshot *s, double span_s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct task *t;
		for (size_t k = 0; (t = tasks_next(s, &s->v[i], &k));) {
			struct task_growth *g = t->growth;
			if (!g)
				continue;
			double since_s = span_s + g->age_s;
			g->age_s = t->read ? 0 : since_s;
			for (int f = 0; f < FIGURES && t->read; f++)
				g->rate[f] = t->counted ? g->grown[f] / since_s : 0;
		}
	}
}
