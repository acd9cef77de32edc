/*
 * runq -P: the waits of each CPU. /proc/schedstat counts them exactly. A kernel without it is
 * looked at instead: at each tick every thread in state R is counted where it last ran; one of a
 * CPU's runs, the others wait. That costs some 10 µs per thread, so the driver looks less often
 * when there are many (costly_tick).
 */
#include "tools/runq_cpus.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "proc/schedstat.h"
#include "proc/stat.h"
#include "proc/task.h"

enum { CPU, WAITING, WAIT_MS, RUNS, NOTE };

static const struct column columns[] = {
	[CPU] = { "cpu", "CPU", LABEL, NO_UNIT, 5, 0, .help = "the CPU" },
	[WAITING] = { "waiting", "waiting", RATE, NO_UNIT, 9, 2, .counter = "runq_cpu_wait_seconds",
	    .help = "tasks that waited for this CPU, mean: run_delay over elapsed time "
		    "(/proc/schedstat, cpuN field 8)" },
	[WAIT_MS] = { "wait_ms", "wait-ms", GAUGE, MILLISECONDS, 9, 3,
	    .help = "mean wait before each run: run_delay per run (fields 8 and 9)" },
	[RUNS] = { "runs_per_s", "runs/s", RATE, PER_SECOND, 10, 1, .counter = "runq_cpu_runs",
	    .help = "times that a task got this CPU (field 9)" },
	[NOTE] = { "note", "", LABEL, NO_UNIT, 0, 0, .remark = true,
	    .help =
		"sampled: the kernel has no /proc/schedstat, and threads in state R were counted" },
	{ .key = NULL },
};

/* What the ticks saw, while there is no schedstat. */
struct state {
	bool sampled, exact; /* neither before the first row */
	bool seen;           /* at least one thread, at this look */
	uint64_t self;
	unsigned looks;
	double waiting[CPULIST_MOST];   /* summed over the looks */
	unsigned running[CPULIST_MOST]; /* in state R at this look */
};

struct snapshot {
	struct schedstat sched; /* sampled: the CPUs only */
	/* sampled: mean over the ticks, by place in sched.cpus; else NULL */
	double *waiting;
};

static void
count_task(struct watch *w, const char *path)
{
	struct state *s = w->state;
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
add_look(struct state *s)
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
tick(struct watch *w)
{
	struct state *s = w->state;
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
read_sampled(struct watch *w, struct arena *a, struct snapshot *snap)
{
	struct state *s = w->state;
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
	struct state *s = w->state;
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
	return watch_check_cpus(w, &online);
}

static void *
read_cpus(struct watch *w, struct arena *a)
{
	struct state *s = w->state;
	struct snapshot *snap = arena_alloc(a, sizeof *snap);
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

	cell_rate(&row[WAITING], delay[0], delay[1], 1e-9, span_s);
	cell_rate(&row[RUNS], runs[0], runs[1], 1, span_s);
	cell_gauge(&row[WAIT_MS], n > 0 ? keyed_delta(delay[0], delay[1]) * 1e-6 / n : NAN, n);
}

static void
rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct snapshot *a = from, *b = to;

	for (size_t i = 0; i < b->sched.ncpus; i++) {
		const struct cpu_sched *c = &b->sched.cpus[i],
				       *before = schedstat_find(&a->sched, c->cpu, i);
		if (!before || (!w->ask->all_cpus && !cpulist_has(&w->ask->cpus, c->cpu)))
			continue;
		struct cell *row = table_row(out);
		cell_label(&row[CPU], watch_cpu_name(w, c->cpu));
		if (!b->waiting) {
			fill_exact(row, before, c, span_s);
			continue;
		}
		cell_gauge(&row[WAITING], b->waiting[i], span_s);
		cell_label(&row[NOTE], "sampled");
	}
}

static bool
suits(const struct request *ask)
{
	return ask->per_cpu;
}

const struct tool tool_runq_cpus = {
	.name = "runq",
	.brief = "how long tasks wait for each CPU",
	.examples = "  pq runq -P ALL 1        each CPU, every second\n"
		    "  pq runq -P 0,2-3 1 10   three of them, ten times\n",
	.columns = columns,
	.takes = TAKES_CPUS | TAKES_TICK,
	.suits = suits,
	.state_size = sizeof(struct state),
	.costly_tick = 1,
	.tick = tick,
	.read = read_cpus,
	.rows = rows,
};
