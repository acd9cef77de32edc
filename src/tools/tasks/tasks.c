/* The rows of pq tasks: sums over threads, of a process or of a cgroup. */
#include "tools/tasks/tasks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>


/* What a row is put together from; NaN: a part of it is not known. */
struct sum {
	double rate[FIGURES];
	double switched[2], blocked_ticks, majflt, quota_ns;
	double running, blocked, sleeping;
	double threads, stuck, born, ended;
};

/* A wait of x ns in each second is x / 10^7 % of it. */
static const double PERCENT_OF_NS = 1e-7;

void
tasks_set_rates(const struct tasks_snapshot *s, double span_s)
{
	for (size_t i = 0; i < s->ntasks; i++) {
		struct task *t = &s->tasks[i];
		double since_s = span_s + t->age_s;
		t->age_s = t->read ? 0 : since_s;
		for (int k = 0; k < FIGURES && t->read; k++)
			t->rate[k] = t->counted ? t->grown[k] / since_s : 0;
	}
}

static void
add_task(struct sum *sum, const struct task *t)
{
	for (int k = 0; k < FIGURES; k++)
		sum->rate[k] += t->rate[k];
	for (int k = 0; k < 2; k++)
		sum->switched[k] += t->counted && !t->moved ? 0 : t->switched[k];
	sum->blocked_ticks += t->blocked_ticks;
	sum->running += t->state ? t->state == 'R' : NAN;
	sum->blocked += t->state ? t->state == 'D' : NAN;
	sum->sleeping += t->state ? t->state == 'S' || t->state == 'I' : NAN;
	sum->stuck += t->stuck;
	sum->threads++;
}

static void
add_unit(struct sum *sum, const struct tasks_snapshot *s, const struct tasks_entry *u)
{
	const struct tasks_process *p = u->p;

	sum->majflt += u->t ? u->t->was_majflt : p->was_majflt;
	sum->quota_ns += u->t ? u->t->quota_ns : p->quota_ns;
	sum->born += u->t ? u->t->born : p->born;
	sum->ended += u->t ? 0 : p->ended;
	if (u->t)
		add_task(sum, u->t);
	for (size_t i = p->first; !u->t && i < p->first + p->n; i++)
		add_task(sum, &s->tasks[i]);
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
	cell_gauge(
	    &row[TASKS_CONTENTION], isnan(quota_pct) ? NAN : fmax(0, wait_pct - quota_pct), span_s);
}

static void
name(struct cell *row, const struct tasks_entry *u)
{
	const struct detail *d = u->t ? u->t->detail : u->p->detail;

	cell_label(&row[TASKS_PID], u->p->label);
	cell_label(&row[TASKS_TID], u->t ? u->t->label : NULL);
	cell_label(&row[TASKS_COMM], d ? d->name : NULL);
}

static bool
same_cgroup(const struct tasks_entry *a, const struct tasks_entry *b)
{
	const char *x = a->p->cgroup, *y = b->p->cgroup;

	return x == y || (x && y && strcmp(x, y) == 0);
}

/* By cgroup the units stand in the order of their cgroups. */
static void
add_rows(const struct watch *w, const struct tasks_snapshot *s, double span_s, struct table *out)
{
	const struct tasks_options *o = tasks_options(w);

	for (size_t i = 0, next; i < s->nunits; i = next) {
		const struct tasks_entry *u = &s->units[i];
		struct sum sum = { .threads = 0 };
		for (next = i; next < s->nunits &&
		     (next == i || (o->by_cgroup && same_cgroup(u, &s->units[next])));
		     next++)
			add_unit(&sum, s, &s->units[next]);
		struct cell *row = table_row(out);
		fill(row, &sum, (double)w->host->facts.ticks_per_s, span_s);
		cell_label(&row[TASKS_CGROUP], u->p->cgroup);
		if (!o->by_cgroup)
			name(row, u);
	}
}

static double
by_wait(const struct cell *row)
{
	return row[TASKS_WAIT].num + 1e6 * row[TASKS_STUCK].num;
}

/* Tasks that began and ended between two looks are told in a row of their own, where there is a
 * place for its name; or where nobody shows the rows, but something judges by them. */
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

/* Why rows come first that have nothing in them. */
static void
tell_stuck(struct watch *w, const struct table *out)
{
	for (size_t i = 0; i < out->nrows && !watch_shows(w, TASKS_STUCK); i++)
		if (table_at(out, i)[TASKS_STUCK].num > 0)
			watch_note(w,
			    "threads that wait for a CPU since before the row come first (-w more, "
			    "stuck): that wait is not yet in %%wait");
}

/* struct tool's rows. */
static void
tasks_rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct tasks_options *o = tasks_options(w);
	const struct tasks_snapshot *s = to;

	(void)from; /* what lies between was found when the later one was read */
	tasks_set_rates(s, span_s);
	add_rows(w, s, span_s, out);
	table_sort(out, 0, by_wait);
	if (o->rows)
		table_keep(out, o->rows);
	tell_stuck(w, out);
	if (s->unseen > 0 && !o->comm)
		add_unseen(w, s, out);
}

/* tasks: which processes or threads waited for a CPU, the worst first. */

static const struct column columns[] = {
	[TASKS_PID] = { "pid", "PID", LABEL, NO_UNIT, 8, 0, .help = "the process" },
	[TASKS_TID] = { "tid", "TID", LABEL, NO_UNIT, 8, 0, .group = "thread",
	    .help = "the thread, with -t" },
	[TASKS_CPU] = { "cpu_pct", "%CPU", GAUGE, PERCENT, 6, 1,
	    .help = "time on a CPU, in % of elapsed time, summed over threads: may exceed 100 "
		    "(/proc/PID/task/TID/schedstat, field 1)" },
	[TASKS_WAIT] = { "wait_pct", "%wait", GAUGE, PERCENT, 6, 1,
	    .help = "time runnable and on no CPU, in % of elapsed time, summed over threads; a "
		    "wait counts when it ends (schedstat, field 2)" },
	[TASKS_WAITS] = { "waits_per_s", "waits/s", RATE, PER_SECOND, 8, 1,
	    .help = "times that it got a CPU (schedstat, field 3)" },
	[TASKS_WAIT_US] = { "wait_us", "wait-us", GAUGE, MICROSECONDS, 8, 1, .spare = true,
	    .help = "the mean wait before it got one: wait by waits" },
	[TASKS_VCSW] = { "vcsw_per_s", "cswch/s", RATE, PER_SECOND, 8, 1,
	    .help = "voluntary switches: it slept (/proc/PID/task/TID/status, "
		    "voluntary_ctxt_switches of all threads)" },
	[TASKS_IVCSW] = { "ivcsw_per_s", "nvcswch/s", RATE, PER_SECOND, 10, 1, .spare = true,
	    .help = "involuntary ones: its CPU was given to another (nonvoluntary_ctxt_switches)" },
	[TASKS_THREADS] = { "threads", "thr", GAUGE, NO_UNIT, 5, 0, .spare = true,
	    .help = "its threads" },
	[TASKS_STUCK] = { "stuck", "stuck", GAUGE, NO_UNIT, 6, 0, .group = "more",
	    .help = "threads that waited for a CPU all the time and still do: that wait is not yet "
		    "in %wait" },
	[TASKS_RUNNING] = { "running", "run", GAUGE, NO_UNIT, 5, 0, .group = "more",
	    .help = "threads in state R: they run, or wait for a CPU" },
	[TASKS_BLOCKED] = { "blocked", "blk", GAUGE, NO_UNIT, 5, 0, .group = "more",
	    .help = "threads in state D: they wait and cannot be interrupted" },
	[TASKS_SLEEPING] = { "sleeping", "slp", GAUGE, NO_UNIT, 5, 0, .group = "more",
	    .help = "threads in state S or I: they wait for something to do" },
	[TASKS_BORN] = { "born", "born", COUNT, NO_UNIT, 6, 0, .group = "more",
	    .help = "threads that began in the interval" },
	[TASKS_ENDED] = { "ended", "ended", COUNT, NO_UNIT, 6, 0, .group = "more",
	    .help = "threads that ended; what they did since the row before is not known" },
	[TASKS_MAJFLT] = { "majflt_per_s", "majflt/s", RATE, PER_SECOND, 9, 1, .group = "more",
	    .help = "major faults: pages that were read from a disk (/proc/PID/stat, field 12)" },
	[TASKS_BLKIO] = { "blkio_pct", "%blkio", GAUGE, PERCENT, 7, 1, .group = "more",
	    .help = "time that it waited for block I/O, in % of elapsed time, summed over threads "
		    "(stat, field 42; kernel.task_delayacct)" },
	[TASKS_QUOTA] = { "quota_pct", "%quota", GAUGE, PERCENT, 7, 1, .group = "split",
	    .help = "of %wait, what was for want of CPU quota; unknown where that is not certain: "
		    "see QUOTA OR CONTENTION" },
	[TASKS_CONTENTION] = { "contention_pct", "%cont", GAUGE, PERCENT, 7, 1, .group = "split",
	    .help = "of %wait, the rest: others had the CPU" },
	[TASKS_COMM] = { "comm", "Command", LABEL, NO_UNIT, 0, 0, .room = 11, .help = "its name" },
	[TASKS_CGROUP] = { "cgroup", "cgroup", LABEL, NO_UNIT, 0, 0, .group = "cgroup",
	    .help = "its cgroup, of the controller cpu (/proc/PID/cgroup)" },
	{ .key = NULL },
};

static const struct tasks_options usual_options = {
	.rows = OPTION_ROWS_UNSET,
	.budget_ns = 50000000,
};

static const struct option options[] = {
	{ 't', NULL, NULL, OPTION_FLAG, offsetof(struct tasks_options, threads),
	    .help = "a row for each thread", .group = "thread", .not_with = "-G" },
	{ 'n', NULL, "N", OPTION_ROWS, offsetof(struct tasks_options, rows),
	    .help = "so many rows, the worst (text: 20, or a screen; else all)",
	    .want = "a number of rows", .most = 1000000 },
	{ 'C', NULL, "NAME", OPTION_TEXT, offsetof(struct tasks_options, comm),
	    .help = "only commands with this in their names",
	    .want = "a part of a command's name, such as java" },
	{ 'G', NULL, NULL, OPTION_FLAG, offsetof(struct tasks_options, by_cgroup),
	    .help = "a row for each cgroup: who disturbs whom", .group = "cgroup" },
	{ 0, "budget", "TIME", OPTION_TIME, offsetof(struct tasks_options, budget_ns),
	    .help = "CPU time that a row may cost (50ms); else some are left out" },
	{ .type = OPTION_END },
};

/* A cgroup has neither number nor name, and a thread is one. */
static const char *
default_columns(const struct request *ask)
{
	const struct tasks_options *o = ask->options;

	if (o->by_cgroup)
		return "cpu_pct,wait_pct,waits_per_s,wait_us,vcsw_per_s,ivcsw_per_s,threads,cgroup";
	if (o->threads)
		return "pid,tid,cpu_pct,wait_pct,waits_per_s,wait_us,vcsw_per_s,ivcsw_per_s,comm";
	return NULL;
}

static void *
read_tasks(struct watch *w, struct arena *a)
{
	struct tasks_state *state = w->state;
	struct tasks_snapshot *s = tasks_scan(w, a, tasks_options(w)->budget_ns);

	if (!s)
		return NULL;
	if (s->first && !state->delayacct && watch_shows(w, TASKS_BLKIO) &&
	    w->nshown < (int)columns_count(columns))
		watch_note(w,
		    "delay accounting is off (sysctl kernel.task_delayacct=1): %%blkio is unknown");
	tasks_detail(w, a, s);
	state->last = s;
	return s;
}

static void
release(struct watch *w)
{
	struct tasks_state *state = w->state;

	free(state->room[0]);
	free(state->room[1]);
	tasks_split_end(state);
	targets_free(&state->targets);
}

const struct tool tool_tasks = {
	.name = "tasks",
	.brief = "which processes or threads wait for a CPU",
	.examples = "  pq tasks 1              the processes that waited most, every second\n"
		    "  pq tasks -t -p 4242 1   the threads of a process\n"
		    "  pq tasks -G 10          by cgroup: who disturbs whom\n",
	.columns = columns,
	.shared = (const struct option *const[]){ &option_pid, &option_cgroup, NULL },
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
