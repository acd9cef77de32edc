/*
 * runq -P: the waits of each CPU. /proc/schedstat counts them exactly. A kernel without it is
 * looked at instead: at each tick every thread in state R is counted where it last ran; one of a
 * CPU's runs, the others wait. That costs some 10 µs per thread, so the sampler ticks less often
 * when there are many (costly_tick).
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "proc/machine.h"
#include "proc/task.h"
#include "tools/tool.h"

extern const struct tool tool_runq_cpus;

struct runq_options {
	int64_t tick_ns;
	struct cpu_choice cpus;
};

static const struct runq_options usual_options = { .tick_ns = 10000000 };

static const struct option options[] = {
	{ 'P', NULL, "LIST", OPTION_CPUS, offsetof(struct runq_options, cpus),
	    .help = "these CPUs: 0,2-3, or ALL" },
	{ 0, "tick", "TIME", OPTION_TIME, offsetof(struct runq_options, tick_ns),
	    .help = "look at the run queue this often (10ms)" },
	{ .type = OPTION_END },
};

enum { RUNQ_CPU_NAME, RUNQ_CPU_WAITING, RUNQ_CPU_WAIT_MS, RUNQ_CPU_RUNS, RUNQ_CPU_NOTE };

static const struct column runq_cpu_columns[] = {
	[RUNQ_CPU_NAME] = { "cpu", "CPU", LABEL, NO_UNIT, 5, 0, .help = "the CPU" },
	[RUNQ_CPU_WAITING] = { "waiting", "waiting", RATE, NO_UNIT, 9, 2,
	    .counter = "runq_cpu_wait_seconds",
	    .help = "tasks that waited for this CPU, mean: run_delay over elapsed time "
		    "(/proc/schedstat, cpuN field 8)" },
	[RUNQ_CPU_WAIT_MS] = { "wait_ms", "wait-ms", GAUGE, MILLISECONDS, 9, 3,
	    .help = "mean wait before each run: run_delay per run (fields 8 and 9)" },
	[RUNQ_CPU_RUNS] = { "runs_per_s", "runs/s", RATE, PER_SECOND, 10, 1,
	    .counter = "runq_cpu_runs", .help = "times that a task got this CPU (field 9)" },
	[RUNQ_CPU_NOTE] = { "note", "", LABEL, NO_UNIT, 0, 0, .remark = true,
	    .help =
		"sampled: the kernel has no /proc/schedstat, and threads in state R were counted" },
	{ .key = NULL },
};

/* What the ticks saw, while there is no schedstat. */
struct runq_cpu_state {
	bool sampled, exact; /* neither before the first row */
	bool seen;           /* at least one thread, at this look */
	uint64_t self;
	unsigned looks;
	double waiting[CPULIST_MOST];   /* summed over the looks */
	unsigned running[CPULIST_MOST]; /* in state R at this look */
};

struct runq_cpu_snapshot {
	struct schedstat sched; /* sampled: the CPUs only */
	/* sampled: mean over the ticks, by place in sched.cpus; else NULL */
	double *waiting;
};

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

/* A name that is a number, as a string; else "". */
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
		return; /* it has ended */
	struct text kept = { arena_copy(a, names), names.n };
	while (text_line(&kept, &line)) {
		const char *tid = number(a, line);
		snprintf(path, sizeof path, "proc/%s/task/%s/stat", pid, tid);
		if (*tid)
			count_task(w, path);
	}
}

static void
add_look(struct runq_cpu_state *s)
{
	for (unsigned i = 0; i < CPULIST_MOST; i++) {
		if (s->running[i] > 1)
			s->waiting[i] += s->running[i] - 1;
		s->running[i] = 0;
	}
	s->looks += s->seen; /* a capture without threads, hidepid: nothing was looked at */
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
	add_look(s);
}

/* The CPUs online, from another file than schedstat; their waits from the ticks. */
static void *
read_sampled(struct watch *w, struct arena *a, struct runq_cpu_snapshot *snap)
{
	struct runq_cpu_state *s = w->state;
	struct stat_file f;
	struct text text;

	if (host_read(w->host, "proc/stat", &text) < 0 || stat_parse(text, a, &f) < 0 ||
	    f.ncpus == 0)
		return watch_fail(w, EXIT_UNSUPPORTED,
		    "neither /proc/schedstat nor /proc/stat tells of CPUs here");
	snap->sched.ncpus = f.ncpus;
	snap->sched.cpus = arena_alloc(a, f.ncpus * sizeof *snap->sched.cpus);
	snap->waiting = arena_alloc(a, f.ncpus * sizeof *snap->waiting);
	for (size_t i = 0; i < f.ncpus; i++) {
		unsigned cpu = f.cpus[i].cpu;
		snap->sched.cpus[i].cpu = cpu;
		snap->waiting[i] =
		    s->looks && cpu < CPULIST_MOST ? s->waiting[cpu] / s->looks : NAN;
	}
	memset(s->waiting, 0, sizeof s->waiting);
	s->looks = 0;
	return snap;
}

static void
begin_sampling(struct watch *w)
{
	struct runq_cpu_state *s = w->state;
	struct task_stat self;
	struct text text;

	watch_note(w,
	    "/proc/schedstat: %s (CONFIG_SCHEDSTATS): waiting is sampled from threads in state R",
	    strerror(errno));
	s->sampled = true;
	if (host_read(w->host, "proc/self/stat", &text) == 0 && task_stat_parse(text, &self) == 0)
		s->self = self.pid;
}

static bool
check_list(struct watch *w, const struct schedstat *f)
{
	struct cpulist online = { { 0 } };

	for (size_t i = 0; i < f->ncpus; i++)
		cpulist_add(&online, f->cpus[i].cpu);
	return watch_check_cpus(w, &((const struct runq_options *)w->ask->options)->cpus, &online);
}

static void *
read_cpus(struct watch *w, struct arena *a)
{
	struct runq_cpu_state *s = w->state;
	struct runq_cpu_snapshot *snap = arena_alloc(a, sizeof *snap);
	struct text text;

	if (!s->sampled &&
	    (host_read(w->host, "proc/schedstat", &text) < 0 ||
		schedstat_parse(text, a, &snap->sched) < 0))
		begin_sampling(w);
	s->exact = !s->sampled;
	if (s->sampled && !read_sampled(w, a, snap))
		return NULL;
	return check_list(w, &snap->sched) ? snap : NULL;
}

static void
fill_exact(
    struct cell *row, const struct cpu_sched *from, const struct cpu_sched *to, double span_s)
{
	struct keyed delay[2] = { keyed_of(from->delay_ns), keyed_of(to->delay_ns) };
	struct keyed runs[2] = { keyed_of(from->runs), keyed_of(to->runs) };
	double n = keyed_delta(runs[0], runs[1]);

	cell_rate(&row[RUNQ_CPU_WAITING], delay[0], delay[1], 1e-9, span_s);
	cell_rate(&row[RUNQ_CPU_RUNS], runs[0], runs[1], 1, span_s);
	cell_gauge(
	    &row[RUNQ_CPU_WAIT_MS], n > 0 ? keyed_delta(delay[0], delay[1]) * 1e-6 / n : NAN, n);
}

static void
rows_cpus(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct runq_options *o = w->ask->options;
	const struct runq_cpu_snapshot *a = from, *b = to;

	for (size_t i = 0; i < b->sched.ncpus; i++) {
		const struct cpu_sched *c = &b->sched.cpus[i],
				       *before = schedstat_find(&a->sched, c->cpu, i);
		if (!before || !cpu_chosen(&o->cpus, c->cpu))
			continue;
		struct cell *row = table_row(out);
		cell_label(&row[RUNQ_CPU_NAME], watch_cpu_name(w, c->cpu));
		if (!b->waiting) {
			fill_exact(row, before, c, span_s);
			continue;
		}
		cell_gauge(&row[RUNQ_CPU_WAITING], b->waiting[i], span_s);
		cell_label(&row[RUNQ_CPU_NOTE], "sampled");
	}
}

static int64_t
tick_ns(const void *own)
{
	return ((const struct runq_options *)own)->tick_ns;
}

static bool
suits(const void *own)
{
	return ((const struct runq_options *)own)->cpus.given;
}

const struct tool tool_runq_cpus = {
	.name = "runq",
	.brief = "how long tasks wait for each CPU",
	.examples = "  pq runq -P ALL 1        each CPU, every second\n"
		    "  pq runq -P 0,2-3 1 10   three of them, ten times\n",
	.columns = runq_cpu_columns,
	.options = options,
	.options_size = sizeof(struct runq_options),
	.defaults = &usual_options,
	.suits = suits,
	.state_size = sizeof(struct runq_cpu_state),
	.costly_tick = 1,
	.tick = tick_cpus,
	.tick_ns = tick_ns,
	.read = read_cpus,
	.rows = rows_cpus,
};

/* runq: how many tasks wait for a CPU: sar -q's columns, looked at many times within an interval,
 * and exact waits. */

static const struct column columns[] = {
	[RUNQ_SZ] = { "runq_sz", "runq-sz", GAUGE, NO_UNIT, 8, 1,
	    .help = "tasks that run or wait for a CPU, without pq itself: mean of the ticks "
		    "(/proc/loadavg, field 4)" },
	[RUNQ_PLIST_SZ] = { "plist_sz", "plist-sz", GAUGE, NO_UNIT, 9, 0,
	    .help = "tasks there are, threads too (/proc/loadavg, field 4)" },
	[RUNQ_LDAVG_1] = { "ldavg_1", "ldavg-1", GAUGE, NO_UNIT, 8, 2,
	    .help =
		"load average of 1 minute: runnable and uninterruptible tasks (/proc/loadavg)" },
	[RUNQ_LDAVG_5] = { "ldavg_5", "ldavg-5", GAUGE, NO_UNIT, 8, 2,
	    .help = "the same of 5 minutes" },
	[RUNQ_LDAVG_15] = { "ldavg_15", "ldavg-15", GAUGE, NO_UNIT, 9, 2,
	    .help = "the same of 15 minutes" },
	[RUNQ_BLOCKED] = { "blocked", "blocked", GAUGE, NO_UNIT, 8, 0,
	    .help = "tasks that wait for I/O (/proc/stat, procs_blocked)" },
	[RUNQ_MAX] = { "runq_max", "runq-max", GAUGE, NO_UNIT, 9, 0,
	    .help = "the largest of the ticks of runq-sz" },
	[RUNQ_WAITING] = { "waiting", "waiting", RATE, NO_UNIT, 8, 2,
	    .counter = "runq_wait_seconds",
	    .help = "tasks that waited for a CPU, exact mean: run_delay over elapsed time "
		    "(/proc/schedstat, cpuN field 8)" },
	[RUNQ_SOME] = { "some_pct", "%some", SHARE, PERCENT, 6, 1, .counter = "runq_some_seconds",
	    .help = "time in which at least one task waited for a CPU (/proc/pressure/cpu, some "
		    "total)" },
	{ .key = NULL },
};

/* What the machine does not have is asked for once. */
struct runq_state {
	struct loadavg load; /* of this moment: tick reads it */
	bool load_known, started;
	bool no_schedstat, no_pressure;
	double delay_s; /* what waiting counts */
	bool delay_begun;
};

struct runq_snapshot {
	struct loadavg load;
	bool load_known;
	bool has_blocked;
	uint64_t blocked;
	struct keyed some_us;
	struct schedstat sched;
	double mean, max; /* of the ticks since the snapshot before */
};

/* The reader runs: one of those that run is pq, and a count of none (gVisor has it) counts
 * nothing. */
static void
tick(struct watch *w)
{
	struct runq_state *s = w->state;
	struct text text;

	s->load_known =
	    host_read(w->host, "proc/loadavg", &text) == 0 && loadavg_parse(text, &s->load) == 0;
	if (s->load_known && s->load.running > 0)
		gauge_add(&w->gauge, (double)(s->load.running - 1));
}

static void
read_pressure(struct watch *w, struct runq_snapshot *s)
{
	struct runq_state *state = w->state;
	struct text text;
	struct psi psi;

	if (state->no_pressure)
		return;
	if (host_read(w->host, "proc/pressure/cpu", &text) == 0 && psi_parse(text, &psi) == 0) {
		s->some_us = psi.some.total_us;
		return;
	}
	state->no_pressure = true;
	watch_note(w, "/proc/pressure/cpu: %s (CONFIG_PSI; boot with psi=1): %%some is unknown",
	    strerror(errno));
}

static void
read_schedstat(struct watch *w, struct arena *a, struct runq_snapshot *s)
{
	struct runq_state *state = w->state;
	struct text text;

	if (state->no_schedstat)
		return;
	if (host_read(w->host, "proc/schedstat", &text) == 0 &&
	    schedstat_parse(text, a, &s->sched) == 0)
		return;
	state->no_schedstat = true;
	watch_note(
	    w, "/proc/schedstat: %s (CONFIG_SCHEDSTATS): waiting is unknown", strerror(errno));
}

static void *
read_runq(struct watch *w, struct arena *a)
{
	struct runq_snapshot *s = arena_alloc(a, sizeof *s);
	struct runq_state *state = w->state;
	struct text text;

	s->load = state->load;
	s->load_known = state->load_known;
	if (!s->load_known && !state->started)
		return watch_fail(w, EXIT_UNSUPPORTED,
		    "cannot read /proc/loadavg: %s; is /proc mounted?", strerror(errno));
	if (!s->load_known)
		watch_note(w,
		    "cannot read /proc/loadavg any more: %s; what comes from it is unknown",
		    strerror(errno));
	state->started = true;
	s->mean = gauge_mean(&w->gauge);
	s->max = gauge_max(&w->gauge);
	s->has_blocked = host_read(w->host, "proc/stat", &text) == 0 &&
	    stat_parse_blocked(text, &s->blocked) == 0;
	if (!s->has_blocked)
		watch_note(w, "/proc/stat has no procs_blocked: blocked is unknown");
	read_pressure(w, s);
	read_schedstat(w, a, s);
	return s;
}

/* Summed over the CPUs that were online at both ends: a CPU's counter goes with it when it goes
 * offline. */
static double
delay_s(const struct schedstat *from, const struct schedstat *to)
{
	double ns = 0;
	size_t n = 0;

	for (size_t i = 0; i < to->ncpus; i++) {
		const struct cpu_sched *before = schedstat_find(from, to->cpus[i].cpu, i);
		if (!before || to->cpus[i].delay_ns < before->delay_ns)
			continue;
		ns += (double)(to->cpus[i].delay_ns - before->delay_ns);
		n++;
	}
	return n ? ns * 1e-9 : NAN;
}

/* All CPUs' counters, for metrics; from the first row on it only grows, though a CPU that goes
 * offline takes its own along. */
static double
delay_counter_s(struct runq_state *s, const struct schedstat *now, double grown_s)
{
	double ns = now->ncpus ? 0 : NAN;

	if (s->delay_begun) {
		s->delay_s += isnan(grown_s) ? 0 : grown_s;
		return now->ncpus ? s->delay_s : NAN;
	}
	for (size_t i = 0; i < now->ncpus; i++)
		ns += (double)now->cpus[i].delay_ns;
	s->delay_begun = now->ncpus > 0;
	return s->delay_s = ns * 1e-9;
}

static void
rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct runq_snapshot *a = from, *b = to;
	struct cell *row = table_row(out);
	double waited_s = delay_s(&a->sched, &b->sched);

	cell_gauge(&row[RUNQ_SZ], b->mean, span_s);
	cell_gauge(&row[RUNQ_PLIST_SZ], b->load_known ? (double)b->load.threads : NAN, span_s);
	for (int i = 0; i < 3; i++)
		cell_gauge(&row[RUNQ_LDAVG_1 + i], b->load_known ? b->load.load[i] : NAN, span_s);
	cell_gauge(&row[RUNQ_BLOCKED], b->has_blocked ? (double)b->blocked : NAN, span_s);
	cell_gauge(&row[RUNQ_MAX], b->max, span_s);
	cell_gauge(&row[RUNQ_WAITING], waited_s / span_s, span_s);
	row[RUNQ_WAITING].raw = delay_counter_s(w->state, &b->sched, waited_s);
	cell_stalled(&row[RUNQ_SOME], a->some_us, b->some_us, span_s);
}

const struct tool tool_runq = {
	.name = "runq",
	.brief = "how many tasks wait for a CPU",
	.examples = "  pq runq 1               every second, until Ctrl-C\n"
		    "  pq runq -P ALL 1        each CPU, and how long tasks waited for it\n"
		    "  pq runq --json 0.1 | jq .runq_max\n",
	.columns = columns,
	.options = options,
	.options_size = sizeof(struct runq_options),
	.defaults = &usual_options,
	.forms = (const struct tool *const[]){ &tool_runq_cpus, NULL },
	.forms_by = "-P",
	.state_size = sizeof(struct runq_state),
	.tick = tick,
	.tick_ns = tick_ns,
	.read = read_runq,
	.rows = rows,
};
