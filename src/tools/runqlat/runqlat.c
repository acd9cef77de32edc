/* runqlat: how long tasks wait for a CPU once they could run. */
#include "tools/runqlat/latency.h"

#include <math.h>

enum {
	RUNS,
	WAITING,
	MEAN,
	P50,
	P90,
	P99,
	P99_9,
	MAX,
	LOST,
	PENDING,
	SWITCHES,
	EVENT_NS,
	COST,
	C_P50,
	C_P99,
	C_P99_9,
	SOURCE
};

/* The same columns in both units of time: suffix ends a key, fine and coarse are digits after the
 * point. */
#define COLUMNS(suffix, unit, fine, coarse) \
	[RUNS] = { "runs_per_s", "runs/s", RATE, PER_SECOND, 8, 0, .counter = "runqlat_waits", \
		.help = "waits that ended: a task got its CPU (bpf, probe); how often tasks got " \
			"one (/proc/PID/task/TID/schedstat, field 3)" }, \
	[WAITING] = { "waiting", "waiting", GAUGE, NO_UNIT, 8, 2, \
		.counter = "runqlat_wait_seconds", \
		.help = "tasks that waited, mean: summed wait over elapsed time (bpf; schedstat, " \
			"field 2)" }, \
	[MEAN] = { "mean_" suffix, "mean", GAUGE, unit, 8, fine, \
		.help = "how long they waited, mean" }, \
	[P50] = { "p50_" suffix, "p50", GAUGE, unit, 7, fine, \
		.help = "half of the waits were shorter" }, \
	[P90] = { "p90_" suffix, "p90", GAUGE, unit, 7, coarse, .help = "nine tenths of them" }, \
	[P99] = { "p99_" suffix, "p99", GAUGE, unit, 7, coarse, .help = "99 of 100" }, \
	[P99_9] = { "p99_9_" suffix, "p99.9", GAUGE, unit, 7, coarse, .help = "999 of 1000" }, \
	[MAX] = { "max_" suffix, "max", GAUGE, unit, 8, coarse, \
		.help = "the longest: a bound, at most an eighth above it" }, \
	[LOST] = { "lost", "lost", COUNT, NO_UNIT, 5, 0, .group = "cost", \
		.counter = "runqlat_lost", \
		.help = "waits of which the beginning was lost, or came behind the end, as " \
			"clocks of CPUs differ (bpf)" }, \
	[PENDING] = { "pending", "pending", GAUGE, NO_UNIT, 8, 0, .group = "cost", \
		.help = "threads that waited all the time and still do: they are not counted yet " \
			"(schedstat)" }, \
	[SWITCHES] = { "switches_per_s", "sw/s", RATE, PER_SECOND, 8, 0, .group = "cost", \
		.counter = "runqlat_switches", \
		.help = "context switches, of the whole machine or on the CPUs of -P: each runs " \
			"a program (bpf)" }, \
	[EVENT_NS] = { "event_ns", "ns/event", GAUGE, NO_UNIT, 9, 0, .group = "cost", \
		.help = "what a program costs at a switch or a wakeup, mean, in nanoseconds; " \
			"with -v (bpf)" }, \
	[COST] = { "cost_pct", "%cost", GAUGE, PERCENT, 6, 2, .group = "cost", \
		.help = "what they cost the machine, in % of one CPU; with -v (bpf)" }, \
	[C_P50] = { "corrected_p50_" suffix, "c-p50", GAUGE, unit, 7, fine, .group = "corrected", \
		.help = "of the probe, with the times that passed while it was late (coordinated " \
			"omission): half of them" }, \
	[C_P99] = { "corrected_p99_" suffix, "c-p99", GAUGE, unit, 7, coarse, \
		.group = "corrected", .help = "the same: 99 of 100" }, \
	[C_P99_9] = { "corrected_p99_9_" suffix, "c-p99.9", GAUGE, unit, 8, coarse, \
		.group = "corrected", .help = "the same: 999 of 1000" }, \
	[SOURCE] = { "source", "source", LABEL, NO_UNIT, 0, 0, .remark = true, \
		.help = "bpf-btf, bpf-raw, bpf-tp: counted in the kernel; schedstat: totals " \
			"only; probe: of a thread that does nothing else" }, \
	{ \
		.key = NULL \
	}

static const struct column columns[] = { COLUMNS("us", MICROSECONDS, 1, 1) };
static const struct column columns_ms[] = { COLUMNS("ms", MILLISECONDS, 3, 2) };

/* Time is counted in ns. */
static double
unit_ns(const struct watch *w)
{
	return ((const struct runqlat_options *)w->ask->options)->millis ? 1e6 : 1e3;
}

static double
longest_ns(const struct runqlat_counts *c)
{
	for (size_t b = RUNQLAT_BUCKETS; b > 0; b--)
		if (c->bucket[b - 1] > 0)
			return (double)runqlat_high(b - 1);
	return NAN;
}

/* How long single waits were, weighed by how many there were. */
static void
fill_waits(struct cell *row, const struct runqlat_counts *c, double unit)
{
	double n = (double)c->waits;

	cell_gauge(&row[MEAN], n > 0 ? (double)c->sum_ns / n / unit : NAN, n);
	cell_gauge(&row[P50], runqlat_quantile(c, 0.5) / unit, n);
	cell_gauge(&row[P90], runqlat_quantile(c, 0.9) / unit, n);
	cell_gauge(&row[P99], runqlat_quantile(c, 0.99) / unit, n);
	cell_gauge(&row[P99_9], runqlat_quantile(c, 0.999) / unit, n);
	cell_gauge(&row[MAX], longest_ns(c) / unit, n);
}

/* What the measurement lost, and cost. A lost or negative wait is neither: it would be told as one
 * of no length. */
static void
fill_cost(struct cell *row, const struct runqlat_counts *from, const struct runqlat_counts *to,
    double span_s)
{
	double events = keyed_delta(from->events, to->events),
	       ns = keyed_delta(from->events_ns, to->events_ns);

	cell_count(
	    &row[LOST], keyed_of(from->lost + from->negative), keyed_of(to->lost + to->negative));
	cell_rate(&row[SWITCHES], keyed_of(from->switches), keyed_of(to->switches), 1, span_s);
	cell_gauge(&row[EVENT_NS], events > 0 ? ns / events : NAN, events);
	cell_gauge(&row[COST], ns * 1e-7 / span_s, span_s);
}

static void
fill_counts(struct watch *w, const struct latency_snapshot *from, const struct latency_snapshot *to,
    double span_s, struct cell *row)
{
	struct runqlat_counts c;
	double unit = unit_ns(w);

	runqlat_since(&from->each, &to->each, &c);
	cell_rate(&row[RUNS], keyed_of(from->each.waits), keyed_of(to->each.waits), 1, span_s);
	fill_waits(row, &c, unit);
	if (!to->has_corrected) {
		cell_rate(&row[WAITING], keyed_of(from->each.sum_ns), keyed_of(to->each.sum_ns),
		    1e-9, span_s);
		fill_cost(row, &from->each, &to->each, span_s);
		return;
	}
	runqlat_since(&from->corrected, &to->corrected, &c);
	cell_gauge(&row[C_P50], runqlat_quantile(&c, 0.5) / unit, (double)c.waits);
	cell_gauge(&row[C_P99], runqlat_quantile(&c, 0.99) / unit, (double)c.waits);
	cell_gauge(&row[C_P99_9], runqlat_quantile(&c, 0.999) / unit, (double)c.waits);
}

/* The sums over all threads: what is known of them is how long they waited, and how often they got
 * a CPU. */
static void
fill_threads(struct watch *w, const struct latency_snapshot *s, double span_s, struct cell *row)
{
	double wait_ns = 0, slices = 0;

	tasks_set_rates(s->threads, span_s);
	for (size_t i = 0; i < s->threads->ntasks; i++) {
		wait_ns += s->threads->tasks[i].rate[WAIT_NS];
		slices += s->threads->tasks[i].rate[SLICES];
	}
	cell_gauge(&row[RUNS], slices, span_s);
	cell_gauge(&row[WAITING], wait_ns * 1e-9, span_s);
	cell_gauge(&row[MEAN], slices > 0 ? wait_ns / slices / unit_ns(w) : NAN, slices * span_s);
	cell_gauge(&row[PENDING], s->pending, span_s);
	if (s->pending > 0)
		watch_note(w,
		    "threads wait for a CPU since before this row (-w cost, pending): they are "
		    "counted when they get one");
}

static void
rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct latency_snapshot *s = to;
	const struct latency_snapshot *before = from;

	if (!s->source || !before->source)
		return;
	struct cell *row = table_row(out);
	cell_label(&row[SOURCE], s->source);
	if (s->threads)
		fill_threads(w, s, span_s, row);
	else
		fill_counts(w, from, s, span_s, row);
}

static bool
suits_ms(const void *own)
{
	const struct runqlat_options *o = own;

	return o->millis && !o->histogram;
}

const struct tool tool_runqlat_ms = {
	.name = "runqlat",
	.columns = columns_ms,
	.options_size = sizeof(struct runqlat_options),
	.defaults = &runqlat_usual_options,
	.suits = suits_ms,
	.state_size = sizeof(struct latency),
	.read = latency_read,
	.rows = rows,
	.release = latency_release,
};

const struct runqlat_options runqlat_usual_options = {
	.period_ns = 10000000,
	.budget_ns = 50000000,
};

/* In the order of enum latency_source. */
static const char *const sources[] = { "bpf", "bpf-btf", "bpf-raw", "bpf-tp", "schedstat", "probe",
	NULL };

static const struct option options[] = {
	{ 'P', NULL, "LIST", OPTION_CPUS, offsetof(struct runqlat_options, cpus),
	    .help = "these CPUs: 0,2-3, or ALL" },
	{ 0, "budget", "TIME", OPTION_TIME, offsetof(struct runqlat_options, budget_ns),
	    .help = "CPU time that a row may cost (50ms); else some are left out" },
	{ 0, "source", "NAME", OPTION_CHOICE, offsetof(struct runqlat_options, source),
	    .help = "bpf, bpf-btf, bpf-raw, bpf-tp, schedstat or probe",
	    .want = "bpf (or one of bpf-btf, bpf-raw, bpf-tp), schedstat or probe",
	    .choices = sources },
	{ 0, "period", "TIME", OPTION_TIME, offsetof(struct runqlat_options, period_ns),
	    .help = "the probe looks this often (10ms)" },
	{ 'H', NULL, NULL, OPTION_FLAG, offsetof(struct runqlat_options, histogram),
	    .help = "the histogram: powers of two", .not_with = "--metrics" },
	{ 'm', NULL, NULL, OPTION_FLAG, offsetof(struct runqlat_options, millis),
	    .help = "in milliseconds" },
	{ 'v', NULL, NULL, OPTION_FLAG, offsetof(struct runqlat_options, verbose),
	    .help = "what the measurement itself costs, too", .group = "cost" },
	{ .type = OPTION_END },
};

const struct tool tool_runqlat = {
	.name = "runqlat",
	.brief = "how long tasks wait for a CPU",
	.examples =
	    "  pq runqlat 1                 the whole machine, every second\n"
	    "  pq runqlat -H -p 4242 10 1   a process: the histogram of ten seconds\n"
	    "  pq runqlat --source probe 1  without any privilege: what a light thread feels\n",
	.columns = columns,
	.shared = (const struct option *const[]){ &option_pid, &option_cgroup, NULL },
	.options = options,
	.options_size = sizeof(struct runqlat_options),
	.defaults = &runqlat_usual_options,
	.forms = (const struct tool *const[]){ &tool_runqlat_ms, &tool_runqlat_hist,
	    &tool_runqlat_hist_ms, NULL },
	.forms_by = "-m or -H",
	.state_size = sizeof(struct latency),
	.costly = true,
	.read = latency_read,
	.rows = rows,
	.release = latency_release,
};
