/*
 * runq: run queue length and load, as sar -q, sampled every 10 ms; with -P the waits of each CPU.
 * -P takes them from /proc/schedstat, which is exact. Without that file, each tick reads the state
 * of every thread: of the threads in state R whose last CPU is the same, one runs and the others
 * wait. That costs some 10 µs per thread, so ticks become rarer if there are many (costly_tick).
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cgroup/pressure.h"
#include "proc/machine.h"
#include "proc/task.h"
#include "tools/hidden.h"

struct runq_options {
	int64_t tick_ns;
	struct cpu_choice cpus;
};

static const struct runq_options usual_options = { .tick_ns = 10000000 };

static const struct option options[] = {
	{ 'P', NULL, "LIST", OPTION_CPUS, offsetof(struct runq_options, cpus),
	    .help = "a row for each of these CPUs: 0,2-3, or ALL" },
	{ 0, "tick", "TIME", OPTION_TIME, offsetof(struct runq_options, tick_ns),
	    .help = "how often to sample the run queue (default 10ms)" },
	{ .type = OPTION_END },
};

/* ---- With -P */

enum { RUNQ_CPU_NAME, RUNQ_CPU_WAITING, RUNQ_CPU_WAIT_MS, RUNQ_CPU_RUNS, RUNQ_CPU_NOTE };

static const struct column runq_cpu_columns[] = {
	[RUNQ_CPU_NAME] = { "cpu", "CPU", LABEL, NO_UNIT, 5, 0, .number = NUMBER,
	    .help = "CPU number" },
	[RUNQ_CPU_WAITING] = { "waiting", "waiting", RATE, NO_UNIT, 9, 2, HURTS_FROM(WAITING),
	    .full = 1, .counter = "runq_cpu_wait_seconds", .bound = BY_TASKS,
	    .change = MORE_IS_WORSE,
	    .help = "mean number of tasks waiting for this CPU (/proc/schedstat cpuN field 8)" },
	[RUNQ_CPU_WAIT_MS] = { "wait_ms", "wait-ms", GAUGE, MILLISECONDS, 9, 3,
	    .change = MORE_IS_WORSE,
	    .help = "mean wait before a task ran on this CPU (/proc/schedstat fields 8, 9)" },
	[RUNQ_CPU_RUNS] = { "runs_per_s", "runs/s", RATE, PER_SECOND, 10, 1,
	    .counter = "runq_cpu_runs",
	    .help = "times a task started to run on this CPU (/proc/schedstat field 9)" },
	[RUNQ_CPU_NOTE] = { "note", "", LABEL, NO_UNIT, 0, 0, .remark = true,
	    .help = "'sampled': no /proc/schedstat, so threads in state R were counted instead" },
	{ .key = NULL },
};

/* What the ticks found, if there is no schedstat. */
struct runq_cpu_state {
	bool sampled, exact; /* neither is set before the first row */
	bool seen;           /* this tick found a thread */
	uint64_t self;
	unsigned ticks;
	double waiting[CPULIST_MOST];   /* summed over the ticks */
	unsigned running[CPULIST_MOST]; /* threads in state R, of this tick */
};

struct runq_cpu_snapshot {
	struct schedstat sched; /* if sampled, only the numbers of the CPUs */
	double *waiting;        /* if sampled, the mean of the ticks by index in sched.cpus */
	double tasks;           /* how many there are, at most */
};

/* ---- Files of which a recording has the numbers */

struct sched_value {
	struct arena *arena;
	struct schedstat *out;
};

static int
set_sched(const struct keyed *v, size_t n, void *out)
{
	const struct sched_value *to = out;

	return schedstat_set(v, n, to->arena, to->out);
}

static const struct parser sched_parser = { .find = schedstat_numbers, .set = set_sched };

/* Reads the file into the arena. 0, or -1 with the errno of host_parse. */
static int
read_sched(struct watch *w, struct arena *a, struct schedstat *out)
{
	struct sched_value v = { a, out };

	return host_parse(w->host, "proc/schedstat", &sched_parser, &v);
}

static int
set_blocked(const struct keyed *v, size_t n, void *out)
{
	(void)n;
	return stat_blocked_set(v, out);
}

static const struct parser blocked_parser = { sizeof(uint64_t), .keys = stat_blocked_keys,
	.nkeys = STAT_BLOCKED_KEYS, .set = set_blocked };

/* ---- The number of tasks */

/* The kernel adds a wait when it ends: it may have begun before the interval. A minute for each of
 * all tasks is an hour and more for those few that really waited. */
static const double WAITED_BEFORE_S = 60;

/* If the number of tasks is unknown: the most that Linux allows. */
static const double TASKS_MOST = 4194304;

static double
tasks_in(const struct loadavg *l)
{
	return l->threads > 0 ? (double)l->threads : TASKS_MOST;
}

static void
count_task(struct watch *w, const char *path)
{
	struct runq_cpu_state *s = w->state;
	struct task_stat t;
	struct text text;

	if (host_read(w->host, path, &text) < 0 || task_stat_parse(text, &t) < 0)
		return;
	s->seen = true;
	if (t.state == 'R' && t.pid != s->self && t.cpu.known && t.cpu.v < CPULIST_MOST)
		s->running[t.cpu.v]++;
}

/* The name as a string if it is a number, else "". */
static const char *
number(struct arena *a, struct text name)
{
	uint64_t v;

	return text_u64(name, &v) < 0 ? "" : arena_copy(a, name);
}

static void
count_threads(struct watch *w, struct arena *a, const char *pid)
{
	struct text names, line;
	char path[96];

	snprintf(path, sizeof path, "proc/%s/task", pid);
	if (host_list(w->host, path, &names) < 0)
		return; /* it has exited */
	struct text kept = { arena_copy(a, names), names.n };
	while (text_line(&kept, &line)) {
		const char *tid = number(a, line);
		snprintf(path, sizeof path, "proc/%s/task/%s/stat", pid, tid);
		if (*tid)
			count_task(w, path);
	}
}

static void
add_tick(struct runq_cpu_state *s)
{
	for (unsigned i = 0; i < CPULIST_MOST; i++) {
		if (s->running[i] > 1)
			s->waiting[i] += s->running[i] - 1;
		s->running[i] = 0;
	}
	s->ticks += s->seen; /* no threads (a capture without them, hidepid) is no sample */
	s->seen = false;
}

static void
tick_cpus(struct watch *w)
{
	struct runq_cpu_state *s = w->state;
	struct arena scratch = { 0 };
	struct text names, line;

	w->no_ticks = s->exact;
	if (!s->sampled || host_list(w->host, "proc", &names) < 0)
		return;
	struct text kept = { arena_copy(&scratch, names), names.n };
	while (text_line(&kept, &line)) {
		const char *pid = number(&scratch, line);
		if (*pid)
			count_threads(w, &scratch, pid);
	}
	arena_free(&scratch);
	add_tick(s);
}

/* The CPUs online come from /proc/stat, their waits from the ticks. */
static void *
read_sampled(struct watch *w, struct arena *a, struct runq_cpu_snapshot *snap)
{
	struct runq_cpu_state *s = w->state;
	struct stat_file f;
	struct text text;

	if (host_read(w->host, "proc/stat", &text) < 0 || stat_parse(text, a, &f) < 0)
		return watch_fail(
		    w, EXIT_UNSUPPORTED, "neither /proc/schedstat nor /proc/stat lists CPUs");
	snap->sched.ncpus = f.ncpus;
	snap->sched.cpus = arena_alloc(a, f.ncpus * sizeof *snap->sched.cpus);
	snap->waiting = arena_alloc(a, f.ncpus * sizeof *snap->waiting);
	for (size_t i = 0; i < f.ncpus; i++) {
		unsigned cpu = f.cpus[i].cpu;
		snap->sched.cpus[i].cpu = cpu;
		snap->waiting[i] =
		    s->ticks && cpu < CPULIST_MOST ? s->waiting[cpu] / s->ticks : NAN;
	}
	memset(s->waiting, 0, sizeof s->waiting);
	s->ticks = 0;
	return snap;
}

static void
begin_sampling(struct watch *w)
{
	struct runq_cpu_state *s = w->state;
	struct task_stat self;
	struct text text;

	watch_note(w, "/proc/schedstat: %s; waiting is sampled from threads in state R",
	    hidden_error(w, errno, "exact figures need CONFIG_SCHEDSTATS"));
	hidden_tell(w);
	s->sampled = true;
	if (host_read(w->host, "proc/self/stat", &text) == 0 && task_stat_parse(text, &self) == 0)
		s->self = self.pid;
}

static void *
read_cpus(struct watch *w, struct arena *a)
{
	const struct runq_options *o = w->ask->options;
	struct runq_cpu_state *s = w->state;
	struct runq_cpu_snapshot *snap = arena_alloc(a, sizeof *snap);
	struct cpulist online = { { 0 } };
	struct loadavg load;
	struct text text;

	if (!s->sampled && read_sched(w, a, &snap->sched) < 0)
		begin_sampling(w);
	s->exact = !s->sampled;
	snap->tasks =
	    host_read(w->host, "proc/loadavg", &text) == 0 && loadavg_parse(text, &load) == 0 ?
	    tasks_in(&load) :
	    TASKS_MOST;
	if (s->sampled && !read_sampled(w, a, snap))
		return NULL;
	for (size_t i = 0; i < snap->sched.ncpus; i++)
		cpulist_add(&online, snap->sched.cpus[i].cpu);
	return watch_check_cpus(w, &o->cpus, &online) ? snap : NULL;
}

static void
fill_exact(
    struct cell *row, const struct cpu_sched *from, const struct cpu_sched *to, struct interval *t)
{
	struct keyed delay[2] = { keyed_of(from->delay_ns), keyed_of(to->delay_ns) };
	struct keyed runs[2] = { keyed_of(from->runs), keyed_of(to->runs) };

	cell_rate(row, RUNQ_CPU_WAITING, t, delay[0], delay[1], 1e-9);
	cell_rate(row, RUNQ_CPU_RUNS, t, runs[0], runs[1], 1);
	double n = row[RUNQ_CPU_RUNS].num * t->span_s,
	       wait_ms = row[RUNQ_CPU_WAITING].num * t->span_s * 1e3;
	cell_gauge(&row[RUNQ_CPU_WAIT_MS], n > 0 ? wait_ms / n : NAN, n);
}

static void
rows_cpus(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct runq_options *o = w->ask->options;
	const struct runq_cpu_snapshot *a = from, *b = to;
	struct interval t = { .columns = runq_cpu_columns,
		.span_s = span_s,
		.tasks = fmax(a->tasks, b->tasks),
		.late_s = WAITED_BEFORE_S };

	for (size_t i = 0; i < b->sched.ncpus; i++) {
		const struct cpu_sched *c = &b->sched.cpus[i],
				       *before = schedstat_find(&a->sched, c->cpu, i);
		if (!before || !cpu_chosen(&o->cpus, c->cpu))
			continue;
		struct cell *row = table_row(out);
		cell_label(&row[RUNQ_CPU_NAME], watch_cpu_name(w, c->cpu));
		if (!b->waiting) {
			fill_exact(row, before, c, &t);
			continue;
		}
		cell_gauge(&row[RUNQ_CPU_WAITING], b->waiting[i], span_s);
		cell_label(&row[RUNQ_CPU_NOTE], "sampled");
	}
	watch_tell_counters(w, &t, true);
}

static int64_t
tick_ns(const void *own)
{
	return ((const struct runq_options *)own)->tick_ns;
}

static bool
suits(const struct request *ask)
{
	return ((const struct runq_options *)ask->options)->cpus.given;
}

static const struct tool runq_cpus = {
	.name = "runq",
	.brief = "run queue and waits of each CPU",
	.examples = "  pq runq -P ALL 1        every CPU, once per second\n"
		    "  pq runq -P 0,2-3 1 10   three CPUs, ten times\n",
	.columns = runq_cpu_columns,
	.spark = "waiting",
	.options = options,
	.options_size = sizeof(struct runq_options),
	.defaults = &usual_options,
	.suits = suits,
	.state_size = sizeof(struct runq_cpu_state),
	.costly_tick = 1,
	.tick_walks = true,
	.tick = tick_cpus,
	.tick_ns = tick_ns,
	.read = read_cpus,
	.rows = rows_cpus,
};

/* ---- The whole machine */

static const struct column columns[] = {
	[RUNQ_SZ] = { "runq_sz", "runq-sz", GAUGE, NO_UNIT, 8, 1, .change = MORE_IS_WORSE,
	    HURTS_FROM(RUNQ), .full = 1, .per_cpu = true,
	    .help =
		"runnable tasks, pq itself excluded: mean of the ticks (/proc/loadavg field 4)" },
	[RUNQ_PLIST_SZ] = { "plist_sz", "plist-sz", GAUGE, NO_UNIT, 9, 0, .spare = true,
	    .help = "number of tasks (threads) in the system (/proc/loadavg field 4)" },
	[RUNQ_LDAVG_1] = { "ldavg_1", "ldavg-1", GAUGE, NO_UNIT, 8, 2, .change = NOT_COMPARED,
	    .help =
		"load average over 1 minute: runnable and uninterruptible tasks (/proc/loadavg)" },
	[RUNQ_LDAVG_5] = { "ldavg_5", "ldavg-5", GAUGE, NO_UNIT, 8, 2, .change = NOT_COMPARED,
	    .spare = true, .help = "load average over 5 minutes (/proc/loadavg)" },
	[RUNQ_LDAVG_15] = { "ldavg_15", "ldavg-15", GAUGE, NO_UNIT, 9, 2, .change = NOT_COMPARED,
	    .spare = true, .help = "load average over 15 minutes (/proc/loadavg)" },
	[RUNQ_BLOCKED] = { "blocked", "blocked", GAUGE, NO_UNIT, 8, 0, .change = MORE_IS_WORSE,
	    .help = "tasks blocked, waiting for I/O (/proc/stat procs_blocked)" },
	[RUNQ_MAX] = { "runq_max", "runq-max", GAUGE, NO_UNIT, 9, 0, .change = MORE_IS_WORSE,
	    .help = "largest runq-sz of the ticks in this interval (/proc/loadavg field 4)" },
	[RUNQ_WAITING] = { "waiting", "waiting", RATE, NO_UNIT, 8, 2, HURTS_FROM(WAITING),
	    .full = 1, .per_cpu = true, .counter = "runq_wait_seconds", .bound = BY_TASKS,
	    .change = MORE_IS_WORSE,
	    .help =
		"mean number of tasks waiting for a CPU, exact (/proc/schedstat cpuN field 8)" },
	[RUNQ_SOME] = { "cpu_some_pct", "%some", SHARE, PERCENT, 6, 1, HURTS_FROM(CPU_SOME),
	    .counter = "runq_some_seconds", .bound = BY_TIME, .was = "some_pct",
	    .metric = "some_pct", .change = MORE_IS_WORSE,
	    .help = "time in which at least one task waited for a CPU (/proc/pressure/cpu some "
		    "total)" },
	{ .key = NULL },
};

struct runq_state {
	struct loadavg load; /* of the last tick */
	bool load_known, started;
	bool no_schedstat, no_pressure; /* the file is missing, and not tried again */
	double delay_s;                 /* the counter of the column waiting */
	bool delay_begun;
};

struct runq_snapshot {
	struct loadavg load;
	bool load_known;
	bool has_blocked;
	uint64_t blocked;
	struct keyed some_us;
	struct schedstat sched;
	double mean, max; /* of the ticks since the last snapshot */
};

/* pq runs while it reads, and does not count itself. A count of 0, as in gVisor, is no sample. */
static void
tick(struct watch *w)
{
	struct runq_state *s = w->state;
	struct text text;

	s->load_known =
	    host_read(w->host, "proc/loadavg", &text) == 0 && loadavg_parse(text, &s->load) == 0;
	if (s->load_known && s->load.running > 0 && s->load.threads > 0)
		gauge_add(&w->gauge, (double)(s->load.running - 1));
}

static void
read_pressure(struct watch *w, struct runq_snapshot *s)
{
	struct runq_state *state = w->state;
	struct psi psi;

	if (state->no_pressure)
		return;
	if (host_parse(w->host, "proc/pressure/cpu", &psi_parser, &psi) == 0) {
		s->some_us = psi.some.total_us;
		return;
	}
	state->no_pressure = true;
	watch_note(w, "/proc/pressure/cpu: %s; %%some is unknown",
	    hidden_error(w, errno, "it needs CONFIG_PSI and, on some kernels, psi=1 at boot"));
}

static void
read_schedstat(struct watch *w, struct arena *a, struct runq_snapshot *s)
{
	struct runq_state *state = w->state;

	if (state->no_schedstat || read_sched(w, a, &s->sched) == 0)
		return;
	state->no_schedstat = true;
	watch_note(w, "/proc/schedstat: %s; waiting is unknown",
	    hidden_error(w, errno, "it needs CONFIG_SCHEDSTATS"));
}

static void *
read_runq(struct watch *w, struct arena *a)
{
	struct runq_snapshot *s = arena_alloc(a, sizeof *s);
	struct runq_state *state = w->state;

	s->load = state->load;
	s->load_known = state->load_known;
	if (!s->load_known && !state->started)
		return watch_fail(w, EXIT_UNSUPPORTED, "cannot read /proc/loadavg: %s",
		    hidden_error(w, errno, "is /proc mounted?"));
	if (!s->load_known)
		watch_note(w, "cannot read /proc/loadavg any more: %s; its columns are unknown",
		    strerror(errno));
	state->started = true;
	s->mean = gauge_mean(&w->gauge);
	s->max = gauge_max(&w->gauge);
	s->has_blocked = host_parse(w->host, "proc/stat", &blocked_parser, &s->blocked) == 0;
	if (!s->has_blocked)
		watch_note(w, "/proc/stat does not count blocked tasks: blocked is unknown");
	if (s->load_known && s->load.threads == 0) {
		watch_note(w,
		    "/proc/loadavg counts no tasks, not even pq: its figures are made up (a "
		    "sandbox?), so they are unknown");
		s->load_known = false;
	}
	read_pressure(w, s);
	read_schedstat(w, a, s);
	return s;
}

/* Sums the growth over the CPUs that were online at both ends, as a CPU that goes offline takes its
 * counter along. Unknown if that of one CPU is. */
static double
delay_s(struct interval *t, const struct schedstat *from, const struct schedstat *to)
{
	double s = 0;
	size_t n = 0;

	for (size_t i = 0; i < to->ncpus; i++) {
		const struct cpu_sched *before = schedstat_find(from, to->cpus[i].cpu, i);
		if (!before)
			continue;
		s += interval_growth(t, RUNQ_WAITING, keyed_of(before->delay_ns),
		    keyed_of(to->cpus[i].delay_ns), 1e-9);
		n++;
	}
	return n ? s : NAN;
}

/* For metrics: the sum of all CPUs before the first row, plus the known growth since then, so that it
 * never decreases. */
static double
delay_counter_s(struct runq_state *s, const struct schedstat *before, double grown_s)
{
	double ns = 0;

	for (size_t i = 0; i < before->ncpus && !s->delay_begun; i++)
		ns += (double)before->cpus[i].delay_ns;
	s->delay_begun |= before->ncpus > 0;
	s->delay_s += ns * 1e-9 + (isnan(grown_s) ? 0 : grown_s);
	return before->ncpus ? s->delay_s : NAN;
}

static void
rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct runq_snapshot *a = from, *b = to;
	struct interval t = { .columns = columns,
		.span_s = span_s,
		.tasks = fmax(tasks_in(&a->load), tasks_in(&b->load)),
		.late_s = WAITED_BEFORE_S };
	struct cell *row = table_row(out);
	double waited_s = delay_s(&t, &a->sched, &b->sched);

	cell_gauge(&row[RUNQ_SZ], b->mean, span_s);
	cell_gauge(&row[RUNQ_PLIST_SZ], b->load_known ? (double)b->load.threads : NAN, span_s);
	for (int i = 0; i < 3; i++)
		cell_gauge(&row[RUNQ_LDAVG_1 + i], b->load_known ? b->load.load[i] : NAN, span_s);
	cell_gauge(&row[RUNQ_BLOCKED], b->has_blocked ? (double)b->blocked : NAN, span_s);
	cell_gauge(&row[RUNQ_MAX], b->max, span_s);
	cell_gauge(&row[RUNQ_WAITING], waited_s / span_s, span_s);
	row[RUNQ_WAITING].raw =
	    b->sched.ncpus ? delay_counter_s(w->state, &a->sched, waited_s) : NAN;
	t.late_s = 0;
	cell_stalled(row, RUNQ_SOME, &t, a->some_us, b->some_us);
	watch_tell_counters(w, &t, true);
}

const struct tool tool_runq = {
	.name = "runq",
	.recorded_ns = 200000000,
	.brief = "run queue length and load, as sar -q, sampled every 10 ms",
	.examples = "  pq runq 1               one row per second, until Ctrl-C\n"
		    "  pq runq -P ALL 1        one row per CPU, with the mean wait for it\n"
		    "  pq runq --json 0.1 | jq .runq_max\n",
	.columns = columns,
	.spark = "runq_sz",
	.options = options,
	.options_size = sizeof(struct runq_options),
	.defaults = &usual_options,
	.forms = (const struct tool *const[]){ &runq_cpus, NULL },
	.forms_by = "-P",
	.state_size = sizeof(struct runq_state),
	.tick = tick,
	.tick_ns = tick_ns,
	.read = read_runq,
	.rows = rows,
};
