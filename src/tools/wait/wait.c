/* How long was spent in each place, found by what the place is. */
#include "tools/wait/wait.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table/table.h"
#include "tools/columns.h"
#include "tools/wait/look.h"

/* What tells it from other sums, as a key: numbers, then texts, each with its NUL. */
static struct text
key_of(const struct wait_sum *s, char out[sizeof(struct wait_sum)])
{
	const struct wait_whose *o = &s->whose;
	const struct wait_place *p = &s->place;
	const uint32_t numbers[] = { o->pid, o->tid, (uint32_t)p->state, p->uninterruptible };
	const char *const texts[] = { o->process, o->comm, p->call, p->where, p->wchan };
	char *to = out;

	memcpy(to, numbers, sizeof numbers);
	to += sizeof numbers;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		to = stpcpy(to, texts[i]) + 1;
	return (struct text){ out, (size_t)(to - out) };
}

struct wait_sum *
wait_sums_find(struct wait_sums *s, const struct wait_sum *like)
{
	char key[sizeof(struct wait_sum)];
	uint32_t n = s->keys.n, i = map_put(&s->keys, key_of(like, key));

	if (i < n)
		return &s->v[i];
	if (n == s->room) {
		s->room = s->room ? s->room * 2 : 32;
		s->v = xrealloc(s->v, s->room * sizeof *s->v);
	}
	s->v[i] = *like;
	s->v[i].ns = 0;
	s->v[i].longest_ns = 0;
	return &s->v[i];
}

static void
wait_sums_free(struct wait_sums *s)
{
	free(s->v);
	map_free(&s->keys);
}

/* Which threads pq wait looks at: those of the processes asked for. */

static bool
add_id(struct wait_threads *all, uint32_t pid, uint32_t tid)
{
	if (all->nids == WAIT_THREADS_MOST) {
		all->cut = true;
		return false;
	}
	if (all->nids == all->ids_room) {
		all->ids_room = all->ids_room ? all->ids_room * 2 : 64;
		all->ids = xrealloc(all->ids, all->ids_room * sizeof *all->ids);
	}
	all->ids[all->nids++] = (struct wait_id){ pid, tid };
	return true;
}

/* The threads of a process; one that may not be listed, or has ended, has none. */
static void
list_process(struct watch *w, struct wait_threads *all, uint32_t pid)
{
	struct text names;
	char path[64];
	size_t n;

	if (host_list(w->host, whose_path(path, pid, 0, "/task"), &names) < 0)
		return;
	const uint32_t *tids = whose_numbers(&all->scratch, names, &n);
	for (size_t i = 0; i < n; i++)
		if (!add_id(all, pid, tids[i]))
			return;
}

/* "4242 (pq) R …" */
static void
learn_self(struct watch *w, struct wait_threads *all)
{
	struct task_stat stat;
	struct text text;

	all->begun = true;
	if (!w->ask->target.pid && host_read(w->host, "proc/self/stat", &text) == 0 &&
	    task_stat_parse(text, &stat) == 0)
		all->self = stat.pid;
}

/* pids and tids come in order, and so do the ids. */
static int
list_target(struct watch *w, struct wait_threads *all)
{
	uint32_t *pids;
	size_t n;

	if (!all->begun)
		learn_self(w, all);
	arena_reset(&all->scratch);
	all->nids = 0;
	all->cut = false;
	if (whose_pids(&all->whose, w, &all->scratch, &pids, &n) < 0)
		return -1;
	for (size_t i = 0; i < n && !all->cut; i++)
		if (pids[i] != all->self)
			list_process(w, all, pids[i]);
	return 0;
}

static int
compare(const struct wait_thread *t, uint32_t pid, uint32_t tid)
{
	if (t->pid != pid)
		return t->pid < pid ? -1 : 1;
	return t->tid < tid ? -1 : t->tid > tid;
}

/* Mostly nobody has come or gone. */
static bool
is_same(const struct wait_threads *all)
{
	if (all->n != all->nids)
		return false;
	for (size_t i = 0; i < all->n; i++)
		if (compare(&all->v[i], all->ids[i].pid, all->ids[i].tid) != 0 ||
		    (all->v[i].gone && !all->v[i].ended))
			return false;
	return true;
}

/* Both are in order: those in both are kept, the old ones that are not listed any more are lost. */
static void
merge(struct wait_threads *all, void (*lost)(void *, struct wait_thread *), void *about)
{
	struct wait_thread *v = xmalloc((all->nids ? all->nids : 1) * sizeof *v);
	size_t old = 0;

	for (size_t i = 0; i < all->nids; i++) {
		const struct wait_id *id = &all->ids[i];
		for (; old < all->n && compare(&all->v[old], id->pid, id->tid) < 0; old++)
			lost(about, &all->v[old]);
		struct wait_thread *t =
		    old < all->n && compare(&all->v[old], id->pid, id->tid) == 0 ? &all->v[old++] :
										   NULL;
		v[i] = t && (!t->gone || t->ended) ?
		    *t :
		    (struct wait_thread){ .pid = id->pid, .tid = id->tid };
	}
	for (; old < all->n; old++)
		lost(about, &all->v[old]);
	free(all->v);
	all->v = v;
	all->n = all->nids;
}

int
wait_threads_list(struct watch *w, struct wait_threads *all,
    void (*lost)(void *about, struct wait_thread *t), void *about)
{
	int got = list_target(w, all), error = errno;

	if (!is_same(all))
		merge(all, lost, about);
	errno = error;
	return got;
}

const struct wait_thread *
wait_threads_find(const struct wait_threads *all, uint32_t pid, uint32_t tid)
{
	size_t from = 0, to = all->n;

	while (from < to) {
		size_t at = from + (to - from) / 2;
		int c = compare(&all->v[at], pid, tid);
		if (c == 0)
			return &all->v[at];
		if (c < 0)
			from = at + 1;
		else
			to = at;
	}
	return NULL;
}

static void
wait_threads_free(struct wait_threads *all)
{
	free(all->v);
	free(all->ids);
	arena_free(&all->scratch);
	whose_free(&all->whose);
}

int
wait_thread_read(struct watch *w, const struct wait_thread *t, const char *file, struct text *text)
{
	char path[64];

	return host_read(w->host, whose_path(path, t->pid, t->tid, file), text);
}

/* wait: what threads wait for: a look at each, many times a second, at whether it runs, waits for a
 * CPU, or sleeps, and where. */

static const struct column columns[] = {
	[WAIT_PID] = { "pid", "PID", LABEL, NO_UNIT, 8, 0, .spare = true,
	    .help = "the process, with -t and --slow" },
	[WAIT_TID] = { "tid", "TID", LABEL, NO_UNIT, 8, 0, .help = "the thread" },
	[WAIT_PROCESS] = { "process", "process", LABEL, NO_UNIT, 17, 0,
	    .help = "the process's name" },
	[WAIT_COMM] = { "comm", "thread", LABEL, NO_UNIT, 16, 0,
	    .help = "the thread's name (/proc/PID/task/TID/stat, field 2)" },
	[WAIT_STATE] = { "state", "state", LABEL, NO_UNIT, 10, 0,
	    .help = "running; runnable: waits for a CPU; blocked: sleeps; stopped: by a signal or "
		    "a debugger (stat, field 3)" },
	[WAIT_CALL] = { "call", "call", LABEL, NO_UNIT, 18, 0,
	    .help = "the system call that it waits in (/proc/PID/task/TID/syscall); none: it "
		    "waits, but in none" },
	[WAIT_WHERE] = { "where", "where", LABEL, NO_UNIT, 0, 0, .room = 11,
	    .help = "what the descriptor of the call leads to (/proc/PID/task/TID/fd), else the "
		    "function of the kernel (wchan)" },
	[WAIT_WCHAN] = { "wchan", "wchan", LABEL, NO_UNIT, 24, 0,
	    .help = "the function of the kernel that it sleeps in (/proc/PID/task/TID/wchan)" },
	[WAIT_UNINTERRUPTIBLE] = { "uninterruptible", "D", FLAG, NO_UNIT, 2, 0,
	    .help = "no signal ends the wait (stat, field 3: D)" },
	[WAIT_SHARE] = { "share_pct", "%time", SHARE, PERCENT, 7, 1,
	    .help = "share of the time of all threads; with -t, of this thread's (schedstat, and "
		    "looks at --hz)" },
	[WAIT_THREADS] = { "threads", "threads", GAUGE, NO_UNIT, 9, 2,
	    .help = "how many threads that is, mean" },
	[WAIT_DURATION] = { "duration_ms", "duration", GAUGE, MILLISECONDS, 10, 0,
	    .help = "how long a thread has waited there without running, the longest; with --slow, "
		    "this wait" },
	[WAIT_LASTING] = { "lasting", "+", FLAG, NO_UNIT, 2, 0,
	    .help = "with --slow: the wait was not over yet" },
	[WAIT_SAMPLES] = { "samples", "samples", GAUGE, NO_UNIT, 9, 0,
	    .help = "the same time in looks of --hz: what --folded counts" },
	{ .key = NULL },
};

struct wait_snapshot {
	struct wait_sum *sums;
	size_t nsums;
	struct wait_event *events;
	size_t nevents;
	double all_ns;
};

const struct wait_options wait_usual_options = { .rows = OPTION_ROWS_UNSET, .hz = 20 };

/* A thread that runs may stand still in the kernel's figures for a tick of the scheduler: sampling
 * more often tells nothing. */
static const struct option options[] = {
	{ 't', NULL, NULL, OPTION_FLAG, offsetof(struct wait_options, threads),
	    .help = "a row for each thread", .group = "thread" },
	{ 'n', NULL, "N", OPTION_ROWS, offsetof(struct wait_options, rows),
	    .help = "so many rows, the worst (text: 20, or a screen; else all)",
	    .want = "a number of rows", .most = 1000000 },
	{ 0, "hz", "N", OPTION_NUMBER, offsetof(struct wait_options, hz),
	    .help = "look at the threads so many times a second (20)",
	    .want = "how many times a second to look", .most = 100 },
	{ 0, "slow", "TIME", OPTION_TIME, offsetof(struct wait_options, slow_ns),
	    .help = "a row for each wait that took so long, such as 200ms" },
	{ 0, "idle", NULL, OPTION_FLAG, offsetof(struct wait_options, idle),
	    .help = "with --slow: waits for something to do, too" },
	{ 0, "folded", NULL, OPTION_FLAG, offsetof(struct wait_options, folded),
	    .help = "for flame graphs: process;thread;state;where count", .format = &format_folded,
	    .not_with = "--json --csv --metrics --slow -t -n" },
	{ .type = OPTION_END },
};

/* Rows of --slow are events, and those of --folded add up: none is left out unless -n says so. */
static bool
settle(void *own, char why[200])
{
	struct wait_options *o = own;

	if (o->idle && !o->slow_ns) {
		snprintf(why, 200, "--idle needs --slow: without it, all waits are shown anyway");
		return false;
	}
	if (o->slow_ns && o->slow_ns < 2000000000 / (int64_t)o->hz) {
		snprintf(why, 200,
		    "--slow is too short: threads are sampled %u times a second; want two samples, "
		    "%ums, or more, or a higher --hz",
		    o->hz, 2000 / o->hz);
		return false;
	}
	if ((o->slow_ns || o->folded) && o->rows == OPTION_ROWS_UNSET)
		o->rows = 0;
	return true;
}

static int64_t
tick_ns(const void *own)
{
	return 1000000000 / (int64_t)((const struct wait_options *)own)->hz;
}

/* What a narrow terminal can spare stands on the right. */
static const char *
default_columns(const struct request *ask)
{
	const struct wait_options *o = ask->options;

	if (o->folded)
		return "process,comm,state,where,samples";
	if (o->slow_ns)
		return ask->target.pid ? "tid,comm,call,duration_ms,lasting,state,where" :
					 "pid,tid,comm,call,duration_ms,lasting,state,where";
	if (o->threads)
		return ask->target.pid ? "tid,comm,state,call,share_pct,duration_ms,where" :
					 "pid,tid,comm,state,call,share_pct,duration_ms,where";
	return "state,call,uninterruptible,share_pct,threads,duration_ms,where";
}

/* What was seen up to its end is shown before it ends. */
static bool
may_go_on(struct watch *w)
{
	struct wait_looks *s = w->state;

	if (s->told_end) {
		w->ended = true;
		return false;
	}
	if (s->error && !whose_tell(&s->threads.whose, w, s->error) && w->fail)
		return false;
	s->told_end = w->ended;
	w->ended = false;
	if (!s->sched_seen && s->threads.n > 0)
		watch_fail(w, EXIT_UNSUPPORTED,
		    "/proc/PID/schedstat has no figures (CONFIG_SCHED_INFO): nothing tells who "
		    "runs");
	else if (w->host->replay && !s->placed && s->threads.n > 0)
		watch_fail(w, EXIT_UNSUPPORTED,
		    "this recording has no /proc/PID/task/TID/stat: pq wait is to be named to pq "
		    "record");
	return !w->fail;
}

/* Looks that would cost too much are left out by the sampler; the first ones open all files. */
static void
check_looks(struct watch *w)
{
	struct wait_looks *s = w->state;
	double wanted = (double)(w->now_ns - s->row_ns) * 1e-9 * wait_options(w)->hz;

	if (!w->host->replay && s->threads.n > 500 && s->looks > 1 && s->rows > 2 &&
	    s->looks < 0.7 * wanted)
		watch_note(w,
		    "threads are looked at less often than --hz says: it would take more than %u "
		    "%% of a CPU; -p and -g narrow it down",
		    tool_wait.costly_tick);
	s->looks = 0;
	s->rows++;
	s->row_ns = w->now_ns;
}

static void
print_ids(struct arena *a, struct wait_whose *who)
{
	if (who->tid == 0)
		return;
	who->pid_name = arena_printf(a, "%u", who->pid);
	who->tid_name = arena_printf(a, "%u", who->tid);
}

/* A flame graph counts whole looks; what is left is counted with the next row. */
static void
take_sums(struct watch *w, struct arena *a, struct wait_snapshot *out)
{
	struct wait_looks *s = w->state;
	double look_ns = 1e9 / wait_options(w)->hz;

	out->nsums = s->sums.keys.n;
	out->sums = arena_alloc(a, s->sums.keys.n * sizeof *out->sums);
	for (size_t i = 0; i < s->sums.keys.n; i++) {
		struct wait_sum *sum = &s->sums.v[i], *copy = &out->sums[i];
		*copy = *sum;
		if (wait_options(w)->folded)
			copy->ns = floor(sum->ns / look_ns + 0.001) * look_ns;
		sum->ns -= copy->ns;
		out->all_ns += copy->ns;
		print_ids(a, &copy->whose);
	}
	if (!wait_options(w)->folded)
		map_clear(&s->sums.keys);
}

static void *
read_wait(struct watch *w, struct arena *a)
{
	struct wait_looks *s = w->state;
	struct wait_snapshot *snap = arena_alloc(a, sizeof *snap);

	if (!may_go_on(w))
		return NULL;
	check_looks(w);
	wait_settle(w);
	wait_add_lasting(w);
	take_sums(w, a, snap);
	snap->nevents = s->nevents;
	snap->events = arena_alloc(a, s->nevents * sizeof *snap->events);
	if (s->nevents)
		memcpy(snap->events, s->events, s->nevents * sizeof *snap->events);
	for (size_t i = 0; i < s->nevents; i++)
		print_ids(a, &snap->events[i].whose);
	s->nevents = 0;
	return snap;
}

static const char *
known(const char *s)
{
	return *s ? s : NULL;
}

static void
set_labels(struct cell *row, const struct wait_whose *who, const struct wait_place *p)
{
	static const char *const states[] = { [WAIT_RUNNING] = "running",
		[WAIT_RUNNABLE] = "runnable",
		[WAIT_BLOCKED] = "blocked",
		[WAIT_STOPPED] = "stopped",
		[WAIT_ENDED] = "ended" };

	cell_label(&row[WAIT_PID], who->pid_name);
	cell_label(&row[WAIT_TID], who->tid_name);
	cell_label(&row[WAIT_PROCESS], known(who->process));
	cell_label(&row[WAIT_COMM], known(who->comm));
	cell_label(&row[WAIT_STATE], states[p->state]);
	cell_label(&row[WAIT_CALL], known(p->call));
	cell_label(&row[WAIT_WHERE], known(p->where));
	cell_label(&row[WAIT_WCHAN], known(p->wchan));
	cell_flag(&row[WAIT_UNINTERRUPTIBLE], p->uninterruptible);
}

static double
share(const struct cell *row)
{
	return row[WAIT_SHARE].num;
}

static void
rows_of_events(const struct wait_snapshot *s, double span_s, struct table *out)
{
	for (size_t i = 0; i < s->nevents; i++) {
		const struct wait_event *e = &s->events[i];
		struct cell *row = table_row(out);
		set_labels(row, &e->whose, &e->place);
		cell_gauge(&row[WAIT_DURATION], (double)e->ns * 1e-6, span_s);
		cell_flag(&row[WAIT_LASTING], e->lasting);
	}
}

/* Of all threads' time, or of the thread's own; what was not seen of it (it came or went) is
 * nobody's. */
static void
rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct wait_snapshot *s = to;

	(void)from;
	for (size_t i = 0; i < s->nsums; i++) {
		const struct wait_sum *sum = &s->sums[i];
		struct cell *row = table_row(out);
		set_labels(row, &sum->whose, &sum->place);
		cell_share(
		    &row[WAIT_SHARE], sum->ns, wait_options(w)->threads ? span_s * 1e9 : s->all_ns);
		cell_gauge(&row[WAIT_THREADS], sum->ns * 1e-9 / span_s, span_s);
		cell_gauge(&row[WAIT_SAMPLES], sum->ns * 1e-9 * wait_options(w)->hz, span_s);
		if (sum->longest_ns > 0)
			cell_gauge(&row[WAIT_DURATION], (double)sum->longest_ns * 1e-6, span_s);
	}
	table_sort(out, 0, share);
	rows_of_events(s, span_s, out);
	if (wait_options(w)->rows)
		table_keep(out, wait_options(w)->rows);
}

static void
release(struct watch *w)
{
	struct wait_looks *s = w->state;

	wait_threads_free(&s->threads);
	wait_sums_free(&s->sums);
	free(s->events);
}

const struct tool tool_wait = {
	.name = "wait",
	.brief = "where threads hang that are on no CPU",
	.examples =
	    "  pq wait -p PID 1            what the threads of a process wait for\n"
	    "  pq wait -t -p PID 10 1      each thread, over ten seconds\n"
	    "  pq wait --slow 200ms 1      each wait that took so long, on the whole machine\n"
	    "  pq wait --folded -p PID 30 1 | flamegraph.pl >wait.svg\n",
	.columns = columns,
	.shared = (const struct option *const[]){ &option_pid, &option_cgroup, NULL },
	.options = options,
	.options_size = sizeof(struct wait_options),
	.defaults = &wait_usual_options,
	.settle = settle,
	.state_size = sizeof(struct wait_looks),
	.costly_tick = 5,
	.costly = true,
	.fleeting = true,
	.default_columns = default_columns,
	.tick = wait_look,
	.tick_ns = tick_ns,
	.read = read_wait,
	.rows = rows,
	.release = release,
};
