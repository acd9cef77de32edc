/* tasks: the rows, which are sums over the threads of a process or cgroup, and the tool. */
#include "tools/tasks/tasks.h"

#include <math.h>
#include <string.h>

#include "tools/cgroup_rows.h"
#include "tools/tool.h"

/* The figures of a row. A sum with an unknown part is NaN. */
struct sum {
	double rate[FIGURES];
	double switched[2], blocked_ticks, majflt, quota_ns;
	double running, blocked, sleeping;
	double threads, stuck, born, ended;
};

/* Converts ns in a second to a percentage. */
static const double PERCENT_OF_NS = 1e-7;

static void
add_task(struct sum *sum, const struct task *t)
{
	const struct task_growth *g = growth_of(t);

	for (int k = 0; k < FIGURES; k++)
		sum->rate[k] += g->rate[k];
	for (int k = 0; k < 2; k++)
		sum->switched[k] += t->counted && !t->moved ? 0 : g->switched[k];
	sum->blocked_ticks += g->blocked_ticks;
	sum->running += t->state ? t->state == 'R' : NAN;
	sum->blocked += t->state ? t->state == 'D' : NAN;
	sum->sleeping += t->state ? t->state == 'S' || t->state == 'I' : NAN;
	sum->stuck += t->stuck;
	sum->threads++;
}

/* The threads of a process that are not quiet, and how many the others are. */
static void
add_process(struct sum *sum, const struct tasks_snapshot *s, const struct tasks_process *p)
{
	const struct task *t;
	size_t met = 0;

	for (; (t = tasks_next(s, p, &met));)
		add_task(sum, t);
	size_t quiet = p->n - (met - 1);
	sum->blocked += (double)p->blocked;
	sum->sleeping += (double)p->asleep;
	sum->threads += (double)quiet;
	if (quiet > 0 && !p->knows_blkio)
		sum->blocked_ticks = NAN;
}

static void
add_unit(struct sum *sum, const struct tasks_snapshot *s, const struct tasks_unit *u)
{
	sum->majflt += u->majflt;
	sum->quota_ns += u->quota_ns;
	sum->born += u->tid ? u->t->born : u->p->born;
	sum->ended += u->tid ? 0 : u->p->ended;
	if (u->tid)
		add_task(sum, u->t);
	else
		add_process(sum, s, u->p);
}

static void
fill(struct cell *row, const struct sum *sum, double ticks_per_s, double span_s)
{
	double wait_pct = sum->rate[WAIT_NS] * PERCENT_OF_NS,
	       quota_pct = sum->quota_ns / span_s * PERCENT_OF_NS;

	cell_gauge(&row[TASKS_CPU], sum->rate[RUN_NS] * PERCENT_OF_NS, span_s);
	cell_gauge(&row[TASKS_WAIT], wait_pct, span_s);
	cell_gauge(&row[TASKS_WAITS], sum->rate[SLICES], span_s);
	cell_gauge(&row[TASKS_WAIT_US],
	    sum->rate[SLICES] > 0 ? sum->rate[WAIT_NS] / sum->rate[SLICES] * 1e-3 : NAN,
	    sum->rate[SLICES]);
	cell_gauge(&row[TASKS_VCSW], sum->switched[0] / span_s, span_s);
	cell_gauge(&row[TASKS_IVCSW], sum->switched[1] / span_s, span_s);
	cell_gauge(&row[TASKS_THREADS], sum->threads, span_s);
	cell_gauge(&row[TASKS_STUCK], sum->stuck, span_s);
	cell_gauge(&row[TASKS_RUNNING], sum->running, span_s);
	cell_gauge(&row[TASKS_BLOCKED], sum->blocked, span_s);
	cell_gauge(&row[TASKS_SLEEPING], sum->sleeping, span_s);
	cell_gauge(&row[TASKS_BORN], sum->born, 1);
	cell_gauge(&row[TASKS_ENDED], sum->ended, 1);
	cell_gauge(&row[TASKS_MAJFLT], sum->majflt / span_s, span_s);
	cell_gauge(&row[TASKS_BLKIO], 100 * sum->blocked_ticks / ticks_per_s / span_s, span_s);
	cell_gauge(&row[TASKS_QUOTA], quota_pct, span_s);
	cell_gauge(&row[TASKS_CONTENTION],
	    isnan(quota_pct + wait_pct) ? NAN : fmax(0, wait_pct - quota_pct), span_s);
}

static bool
same_cgroup(const struct tasks_unit *a, const struct tasks_unit *b)
{
	const char *x = a->p->cgroup, *y = b->p->cgroup;

	return x == y || (x && y && strcmp(x, y) == 0);
}

/* With by_cgroup the units are in the order of their cgroups, and each cgroup becomes a row. */
static void
add_rows(const struct watch *w, const struct tasks_snapshot *s, double span_s, struct table *out)
{
	const struct tasks_options *o = tasks_options(w);

	for (size_t i = 0, next; i < s->nunits; i = next) {
		const struct tasks_unit *u = &s->units[i];
		struct sum sum = { .threads = 0 };
		for (next = i; next < s->nunits &&
		     (next == i || (o->by_cgroup && same_cgroup(u, &s->units[next])));
		     next++)
			add_unit(&sum, s, &s->units[next]);
		struct cell *row = table_row(out);
		fill(row, &sum, (double)w->host->facts.ticks_per_s, span_s);
		cells_name(&row[TASKS_CGROUP], &row[TASKS_POD], u->p->cgroup, u->p->names);
		cell_label(&row[TASKS_SOURCE], u->t->by_row || o->by_cgroup ? s->source : "proc");
		if (o->by_cgroup)
			continue;
		cell_label(&row[TASKS_PID], u->pid);
		cell_label(&row[TASKS_TID], u->tid);
		cell_label(&row[TASKS_COMM], u->detail ? u->detail->name : NULL);
	}
}

static double
by_wait(const struct cell *row)
{
	double wait = isnan(row[TASKS_WAIT].num) ? 0 : row[TASKS_WAIT].num;

	return wait + 1e6 * row[TASKS_STUCK].num;
}

/* Tasks that began and ended between two snapshots have a row of their own, if a column is shown that
 * can name it, or if pq check or pq why reads the rows. */
static void
add_unseen(const struct watch *w, const struct tasks_snapshot *s, struct table *out)
{
	int where = w->nshown == 0 || watch_shows(w, TASKS_COMM) ? TASKS_COMM : TASKS_CGROUP;

	if (w->nshown > 0 && !watch_shows(w, where))
		return;
	struct cell *row = table_row(out);
	cell_gauge(&row[TASKS_THREADS], s->unseen, 1);
	cell_gauge(&row[TASKS_BORN], s->unseen, 1);
	cell_gauge(&row[TASKS_ENDED], s->unseen, 1);
	cell_label(&row[where], "(came and went)");
}

/* Rows with stuck threads come first, and may show nothing else that explains why. */
static void
tell_stuck(struct watch *w, const struct table *out)
{
	for (size_t i = 0; i < out->nrows && !watch_shows(w, TASKS_STUCK); i++)
		if (table_at(out, i)[TASKS_STUCK].num > 0)
			watch_note(w,
			    "threads that wait for a CPU and did not run in this row come first "
			    "(-w more shows them as stuck); that wait is not yet in %%wait");
}

/* The later snapshot has all that a row needs: scan.c has already compared it with the earlier. */
static void
tasks_rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct tasks_options *o = tasks_options(w);
	const struct tasks_snapshot *s = to;

	(void)from;
	tasks_set_rates(s, span_s);
	add_rows(w, s, span_s, out);
	tool_sort(w, out, by_wait);
	if (o->rows)
		table_keep(out, o->rows);
	tell_stuck(w, out);
	if (s->unseen > 0 && !o->comm)
		add_unseen(w, s, out);
}

static const struct column columns[] = {
	[TASKS_PID] = { "pid", "PID", LABEL, NO_UNIT, 8, 0, .number = NUMBER, .passing = true,
	    .help = "process ID" },
	[TASKS_TID] = { "tid", "TID", LABEL, NO_UNIT, 8, 0, .number = NUMBER, .group = "thread",
	    .passing = true, .help = "thread ID; with -t" },
	[TASKS_CPU] = { "cpu_pct", "%CPU", GAUGE, PERCENT, 6, 1, .bound = BY_TIME,
	    .help = "CPU time, all threads, in % of elapsed time (/proc/PID/task/TID/schedstat "
		    "field 1)" },
	[TASKS_WAIT] = { "wait_pct", "%wait", GAUGE, PERCENT, 6, 1, .bound = BY_TIME,
	    HURTS_FROM(WAIT_PCT), .change = MORE_IS_WORSE,
	    .help = "time runnable but waiting for a CPU, all threads; added when a wait ends "
		    "(field 2)" },
	[TASKS_WAITS] = { "runs_per_s", "runs/s", RATE, PER_SECOND, 8, 1, .was = "waits_per_s",
	    .metric = "waits_per_s",
	    .help = "times a thread got a CPU (/proc/PID/task/TID/schedstat field 3)" },
	[TASKS_WAIT_US] = { "wait_us", "wait-us", GAUGE, MICROSECONDS, 8, 1, .spare = true,
	    .change = MORE_IS_WORSE,
	    .help = "mean wait before a thread got a CPU (/proc/PID/task/TID/schedstat)" },
	[TASKS_VCSW] = { "vcsw_per_s", "cswch/s", RATE, PER_SECOND, 8, 1,
	    .help = "voluntary context switches: a thread went to sleep "
		    "(/proc/PID/task/TID/status)" },
	[TASKS_IVCSW] = { "ivcsw_per_s", "nvcswch/s", RATE, PER_SECOND, 10, 1, .spare = true,
	    .change = MORE_IS_WORSE,
	    .help = "involuntary context switches: a thread lost its CPU "
		    "(/proc/PID/task/TID/status)" },
	[TASKS_THREADS] = { "threads", "thr", GAUGE, NO_UNIT, 5, 0, .spare = true,
	    .help = "number of threads (/proc/PID/task)" },
	[TASKS_STUCK] = { "stuck", "stuck", GAUGE, NO_UNIT, 6, 0, .group = "more",
	    .change = MORE_IS_WORSE,
	    .help = "threads waiting for a CPU all interval; their wait is not yet in %wait "
		    "(stat, schedstat)" },
	[TASKS_RUNNING] = { "running", "run", GAUGE, NO_UNIT, 5, 0, .group = "more",
	    .help = "threads in state R: running or runnable (/proc/PID/task/TID/status)" },
	[TASKS_BLOCKED] = { "blocked_threads", "blk", GAUGE, NO_UNIT, 5, 0, .group = "more",
	    .was = "blocked", .metric = "blocked", .change = MORE_IS_WORSE,
	    .help = "threads in state D: blocked, uninterruptible (/proc/PID/task/TID/status)" },
	[TASKS_SLEEPING] = { "sleeping", "slp", GAUGE, NO_UNIT, 5, 0, .group = "more",
	    .help = "threads in state S or I: sleeping or idle (/proc/PID/task/TID/status)" },
	[TASKS_BORN] = { "born", "born", COUNT, NO_UNIT, 6, 0, .group = "more",
	    .help = "threads created in the interval (/proc/PID/task)" },
	[TASKS_ENDED] = { "ended", "ended", COUNT, NO_UNIT, 6, 0, .group = "more",
	    .help = "threads that ended; their time since the last row is unknown "
		    "(/proc/PID/task)" },
	[TASKS_MAJFLT] = { "majflt_per_s", "majflt/s", RATE, PER_SECOND, 9, 1, .group = "more",
	    .change = MORE_IS_WORSE,
	    .help = "major page faults: pages read from disk (/proc/PID/stat field 12)" },
	[TASKS_BLKIO] = { "blkio_pct", "%blkio", GAUGE, PERCENT, 7, 1, .group = "more",
	    .bound = BY_TIME, .change = MORE_IS_WORSE,
	    .help = "time blocked on block I/O, all threads; needs task_delayacct (stat field "
		    "42)" },
	[TASKS_QUOTA] = { "quota_pct", "%quota", GAUGE, PERCENT, 7, 1, .group = "split",
	    .bound = BY_CPUS, .change = MORE_IS_WORSE,
	    .help = "part of %wait spent throttled by quota, where certain; see QUOTA OR "
		    "CONTENTION" },
	[TASKS_CONTENTION] = { "contention_pct", "%cont", GAUGE, PERCENT, 7, 1, .group = "split",
	    .change = MORE_IS_WORSE,
	    .help = "part of %wait spent behind other tasks; see QUOTA OR CONTENTION" },
	[TASKS_COMM] = { "comm", "Command", LABEL, NO_UNIT, 0, 0, .room = 11,
	    .help = "name of the process or thread (/proc/PID/task/TID/stat field 2)" },
	[TASKS_CGROUP] = { "cgroup", "cgroup", LABEL, NO_UNIT, 0, 0, .group = "cgroup",
	    .help = "its cgroup for the cpu controller (/proc/PID/cgroup)" },
	[TASKS_SOURCE] = { "source", "source", LABEL, NO_UNIT, 0, 0, .remark = true,
	    .group = "source", .room = 8,
	    .help = "where the figures come from: bpf-loop, bpf-iter or proc; see SOURCES" },
	[TASKS_POD] = GROUP_NAME_COLUMNS,
	{ .key = NULL },
};

static const struct tasks_options usual_options = {
	.rows = OPTION_ROWS_UNSET,
	.budget_ns = 50000000,
};

static const struct option options[] = {
	{ 't', NULL, NULL, OPTION_FLAG, offsetof(struct tasks_options, threads),
	    .help = "one row per thread", .group = "thread", .not_with = "-G" },
	{ 'n', NULL, "N", OPTION_ROWS, offsetof(struct tasks_options, rows),
	    .help = "at most N rows, worst first (text: 20, or one screen)",
	    .want = "a number of rows", .most = 1000000 },
	{ 'C', NULL, "NAME", OPTION_TEXT, offsetof(struct tasks_options, comm),
	    .help = "only tasks whose command name contains NAME",
	    .want = "a part of a command's name, such as java" },
	{ 'G', NULL, NULL, OPTION_FLAG, offsetof(struct tasks_options, by_cgroup),
	    .help = "one row per cgroup: which cgroups disturb which", .group = "cgroup" },
	{ 0, "budget", "TIME", OPTION_TIME, offsetof(struct tasks_options, budget_ns),
	    .help = "CPU time that a row may take to read files (default 50ms)" },
	{ 0, "source", "NAME", OPTION_CHOICE, offsetof(struct tasks_options, source),
	    .help = "bpf, bpf-loop, bpf-iter or proc", .choices = task_sources },
	{ .type = OPTION_END },
};

/* Leaves out columns that are empty for cgroups, or always the same for threads. */
static const char *
default_columns(const struct request *ask)
{
	const struct tasks_options *o = ask->options;

	if (o->by_cgroup)
		return "cpu_pct,wait_pct,runs_per_s,wait_us,vcsw_per_s,ivcsw_per_s,threads,cgroup";
	if (o->threads)
		return "pid,tid,cpu_pct,wait_pct,runs_per_s,wait_us,vcsw_per_s,ivcsw_per_s,comm";
	return NULL;
}

static void *
read_tasks(struct watch *w, struct arena *a)
{
	struct tasks_state *state = w->state;
	struct tasks_snapshot *s;

	if (state->scans == 0 && !*state->source.file &&
	    !task_source_begin(&state->source, w, tasks_options(w)->source))
		return NULL;
	s = tasks_scan(w, a, tasks_options(w)->budget_ns);
	if (!s)
		return NULL;
	if (!s->before && !state->delayacct && watch_shows(w, TASKS_BLKIO) &&
	    w->nshown < (int)columns_count(columns))
		watch_note(w, "%s",
		    state->delayacct_told ?
			"delay accounting is off: %blkio is unknown (turn it on: sysctl "
			"kernel.task_delayacct=1)" :
			"%blkio is unknown: this kernel does not tell whether it accounts delays "
			"(Linux 5.14 and later do)");
	tasks_read_details(w, a, s);
	return s;
}

static void
release(struct watch *w)
{
	tasks_free(w, w->state);
}

const struct tool tool_tasks = {
	.name = "tasks",
	.recorded_ns = 10000000000,
	.brief = "processes, threads or cgroups that waited for a CPU, worst first",
	.examples = "  pq tasks 1              the processes that waited most, once per second\n"
		    "  pq tasks -t -p 4242 1   the threads of a process\n"
		    "  pq tasks -G 10          one row per cgroup: which cgroups disturb which\n",
	.columns = columns,
	.spark = "wait_pct",
	.shared = (const struct option *const[]){ &option_pid, &option_cgroup, &option_sort, NULL },
	.shared_help = { .cgroup = "processes in or below this cgroup: /web, or its directory" },
	.options = options,
	.options_size = sizeof(struct tasks_options),
	.defaults = &usual_options,
	.state_size = sizeof(struct tasks_state),
	.costly = true,
	.fleeting = true,
	.default_columns = default_columns,
	.read = read_tasks,
	.rows = tasks_rows,
	.release = release,
};
