/* runq: how many tasks wait for a CPU: sar -q's columns, looked at many times within an interval,
 * and exact waits. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "proc/loadavg.h"
#include "proc/psi_file.h"
#include "proc/schedstat.h"
#include "proc/stat.h"
#include "tools/runq_cpus.h"
#include "tools/tool.h"

enum { RUNQ_SZ, PLIST_SZ, LDAVG_1, LDAVG_5, LDAVG_15, BLOCKED, RUNQ_MAX, WAITING, SOME };

static const struct column columns[] = {
	[RUNQ_SZ] = { "runq_sz", "runq-sz", GAUGE, NO_UNIT, 8, 1,
	    .help = "tasks that run or wait for a CPU, without pq itself: mean of the ticks "
		    "(/proc/loadavg, field 4)" },
	[PLIST_SZ] = { "plist_sz", "plist-sz", GAUGE, NO_UNIT, 9, 0,
	    .help = "tasks there are, threads too (/proc/loadavg, field 4)" },
	[LDAVG_1] = { "ldavg_1", "ldavg-1", GAUGE, NO_UNIT, 8, 2,
	    .help =
		"load average of 1 minute: runnable and uninterruptible tasks (/proc/loadavg)" },
	[LDAVG_5] = { "ldavg_5", "ldavg-5", GAUGE, NO_UNIT, 8, 2, .help = "the same of 5 minutes" },
	[LDAVG_15] = { "ldavg_15", "ldavg-15", GAUGE, NO_UNIT, 9, 2,
	    .help = "the same of 15 minutes" },
	[BLOCKED] = { "blocked", "blocked", GAUGE, NO_UNIT, 8, 0,
	    .help = "tasks that wait for I/O (/proc/stat, procs_blocked)" },
	[RUNQ_MAX] = { "runq_max", "runq-max", GAUGE, NO_UNIT, 9, 0,
	    .help = "the largest of the ticks of runq-sz" },
	[WAITING] = { "waiting", "waiting", RATE, NO_UNIT, 8, 2, .counter = "runq_wait_seconds",
	    .help = "tasks that waited for a CPU, exact mean: run_delay over elapsed time "
		    "(/proc/schedstat, cpuN field 8)" },
	[SOME] = { "some_pct", "%some", SHARE, PERCENT, 6, 1, .counter = "runq_some_seconds",
	    .help = "time in which at least one task waited for a CPU (/proc/pressure/cpu, some "
		    "total)" },
	{ .key = NULL },
};

/* What the machine does not have is asked for once. */
struct state {
	struct loadavg load; /* of this moment: tick reads it */
	bool load_known, started;
	bool no_schedstat, no_pressure;
	double delay_s; /* what waiting counts */
	bool delay_begun;
};

struct snapshot {
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
	struct state *s = w->state;
	struct text text;

	s->load_known =
	    host_read(w->host, "proc/loadavg", &text) == 0 && loadavg_parse(text, &s->load) == 0;
	if (s->load_known && s->load.running > 0)
		gauge_add(&w->gauge, (double)(s->load.running - 1));
}

static void
read_pressure(struct watch *w, struct snapshot *s)
{
	struct state *state = w->state;
	struct text text;
	struct psi psi;

	if (state->no_pressure)
		return;
	if (host_read(w->host, "proc/pressure/cpu", &text) == 0 && psi_parse(text, &psi) == 0) {
		s->some_us = (struct keyed){ psi.some.known, psi.some.total_us };
		return;
	}
	state->no_pressure = true;
	watch_note(w, "/proc/pressure/cpu: %s (CONFIG_PSI; boot with psi=1): %%some is unknown",
	    strerror(errno));
}

static void
read_schedstat(struct watch *w, struct arena *a, struct snapshot *s)
{
	struct state *state = w->state;
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
	struct snapshot *s = arena_alloc(a, sizeof *s);
	struct state *state = w->state;
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
delay_counter_s(struct state *s, const struct schedstat *now, double grown_s)
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
	const struct snapshot *a = from, *b = to;
	struct cell *row = table_row(out);
	double waited_s = delay_s(&a->sched, &b->sched);

	cell_gauge(&row[RUNQ_SZ], b->mean, span_s);
	cell_gauge(&row[PLIST_SZ], b->load_known ? (double)b->load.threads : NAN, span_s);
	for (int i = 0; i < 3; i++)
		cell_gauge(&row[LDAVG_1 + i], b->load_known ? b->load.load[i] : NAN, span_s);
	cell_gauge(&row[BLOCKED], b->has_blocked ? (double)b->blocked : NAN, span_s);
	cell_gauge(&row[RUNQ_MAX], b->max, span_s);
	cell_gauge(&row[WAITING], waited_s / span_s, span_s);
	row[WAITING].raw = delay_counter_s(w->state, &b->sched, waited_s);
	cell_stalled(&row[SOME], a->some_us, b->some_us, span_s);
}

const struct tool tool_runq = {
	.name = "runq",
	.brief = "how many tasks wait for a CPU",
	.examples = "  pq runq 1               every second, until Ctrl-C\n"
		    "  pq runq -P ALL 1        each CPU, and how long tasks waited for it\n"
		    "  pq runq --json 0.1 | jq .runq_max\n",
	.columns = columns,
	.takes = TAKES_CPUS | TAKES_TICK,
	.forms = (const struct tool *const[]){ &tool_runq_cpus, NULL },
	.forms_by = "-P",
	.state_size = sizeof(struct state),
	.tick = tick,
	.read = read_runq,
	.rows = rows,
};
