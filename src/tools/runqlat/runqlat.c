/* runqlat: how long tasks wait for a CPU: rows of percentiles, or a histogram. */
#include "tools/runqlat/runqlat.h"

#include <math.h>

/* ---- Percentiles */

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

#define SCHEDSTAT "/proc/PID/task/TID/schedstat"

/* The same columns in both units of time. fine and coarse are digits after the point. */
#define COLUMNS(suffix, unit, fine, coarse) \
	[RUNS] = { "runs_per_s", "runs/s", RATE, PER_SECOND, 7, 0, .counter = "runqlat_waits", \
		.help = \
		    "times a task got a CPU: waits that ended (bpf, probe; schedstat field 3)" }, \
	[WAITING] = { "waiting", "waiting", GAUGE, NO_UNIT, 8, 2, \
		.counter = "runqlat_wait_seconds", .change = MORE_IS_WORSE, \
		.help = "mean number of tasks waiting for a CPU (bpf; " SCHEDSTAT " field 2)" }, \
	[MEAN] = { "mean_" suffix, "mean-" suffix, GAUGE, unit, 8, fine, .change = MORE_IS_WORSE, \
		.help = "mean wait for a CPU (bpf, probe; " SCHEDSTAT ")" }, \
	[P50] = { "p50_" suffix, "p50-" suffix, GAUGE, unit, 7, fine, .change = MORE_IS_WORSE, \
		.help = "half of the waits were shorter (bpf, probe)" }, \
	[P90] = { "p90_" suffix, "p90-" suffix, GAUGE, unit, 7, coarse, .change = MORE_IS_WORSE, \
		.help = "90% of the waits were shorter (bpf, probe)" }, \
	[P99] = { "p99_" suffix, "p99-" suffix, GAUGE, unit, 7, coarse, .change = MORE_IS_WORSE, \
		.full = (unit) == MICROSECONDS ? 1000 : 1, \
		.help = "99% of the waits were shorter (bpf, probe)" }, \
	[P99_9] = { "p99_9_" suffix, "p99.9-" suffix, GAUGE, unit, 9, coarse, \
		.change = MORE_IS_WORSE, .help = "99.9% of the waits were shorter (bpf, probe)" }, \
	[MAX] = { "max_" suffix, "max-" suffix, GAUGE, unit, 8, coarse, .change = MORE_IS_WORSE, \
		.help = "longest wait, as an upper bound: at most 1/8 too high (bpf, probe)" }, \
	[LOST] = { "lost", "lost", COUNT, NO_UNIT, 5, 0, .group = "cost", \
		.counter = "runqlat_lost", .change = NOT_COMPARED, \
		.help = \
		    "waits not counted: start lost, or end before start by clock skew between " \
		    "CPUs (bpf)" }, \
	[PENDING] = { "pending", "pending", GAUGE, NO_UNIT, 8, 0, .group = "cost", \
		.change = MORE_IS_WORSE, \
		.help = "threads waiting for a CPU all interval; their wait is not yet counted " \
			"(schedstat)" }, \
	[SWITCHES] = { "switches_per_s", "sw/s", RATE, PER_SECOND, 8, 0, .group = "cost", \
		.counter = "runqlat_switches", .change = NOT_COMPARED, \
		.help = "context switches: whole machine, or the CPUs of -P (bpf)" }, \
	[EVENT_NS] = { "event_ns", "ns/event", GAUGE, NO_UNIT, 9, 0, .group = "cost", \
		.change = NOT_COMPARED, \
		.help = "mean ns that a BPF program takes per switch or wake-up; with -v (bpf)" }, \
	[COST] = { "cost_pct", "%cost", GAUGE, PERCENT, 6, 2, .group = "cost", \
		.change = NOT_COMPARED, \
		.help = "time that the BPF programs take, in % of one CPU; with -v (bpf)" }, \
	[C_P50] = { "corrected_p50_" suffix, "c-p50-" suffix, GAUGE, unit, 9, fine, \
		.group = "corrected", .change = MORE_IS_WORSE, \
		.help = "half of the waits were shorter, counting missed deadlines too (probe)" }, \
	[C_P99] = { "corrected_p99_" suffix, "c-p99-" suffix, GAUGE, unit, 9, coarse, \
		.group = "corrected", .change = MORE_IS_WORSE, \
		.help = "99% of the waits were shorter, counting missed deadlines too (probe)" }, \
	[C_P99_9] = { "corrected_p99_9_" suffix, "c-p99.9-" suffix, GAUGE, unit, 11, coarse, \
		.group = "corrected", .change = MORE_IS_WORSE, \
		.help = \
		    "99.9% of the waits were shorter, counting missed deadlines too (probe)" }, \
	[SOURCE] = { "source", "source", LABEL, NO_UNIT, 0, 0, .remark = true, \
		.help = \
		    "where the figures come from: bpf-btf, bpf-raw, bpf-tp, schedstat or probe" }, \
	{ \
		.key = NULL \
	}

static const struct column columns[] = { COLUMNS("us", MICROSECONDS, 1, 1) };
static const struct column columns_ms[] = { COLUMNS("ms", MILLISECONDS, 3, 2) };

/* Times are counted in ns. */
static double
unit_ns(const struct watch *w)
{
	return runqlat_options(w)->millis ? 1e6 : 1e3;
}

static double
longest_ns(const struct wait_counts *c)
{
	for (size_t b = WAIT_BUCKETS; b > 0; b--)
		if (c->bucket[b - 1] > 0)
			return (double)wait_bucket_high(b - 1);
	return NAN;
}

/* An average over rows weighs these by the number of waits. */
static void
fill_waits(struct cell *row, const struct wait_counts *c, double unit)
{
	double n = (double)c->waits;

	cell_gauge(&row[MEAN], n > 0 ? (double)c->sum_ns / n / unit : NAN, n);
	cell_gauge(&row[P50], wait_counts_quantile(c, 0.5) / unit, n);
	cell_gauge(&row[P90], wait_counts_quantile(c, 0.9) / unit, n);
	cell_gauge(&row[P99], wait_counts_quantile(c, 0.99) / unit, n);
	cell_gauge(&row[P99_9], wait_counts_quantile(c, 0.999) / unit, n);
	cell_gauge(&row[MAX], longest_ns(c) / unit, n);
}

/* Waits with a lost start, or with an end before their start, would look like waits of no length. */
static void
fill_cost(struct cell *row, const struct wait_counts *from, const struct wait_counts *to,
    struct interval *t)
{
	double events = keyed_delta(from->events, to->events),
	       ns = keyed_delta(from->events_ns, to->events_ns);

	cell_count(
	    row, LOST, t, keyed_of(from->lost + from->negative), keyed_of(to->lost + to->negative));
	cell_rate(row, SWITCHES, t, keyed_of(from->switches), keyed_of(to->switches), 1);
	cell_gauge(&row[EVENT_NS], events > 0 ? ns / events : NAN, events);
	cell_gauge(&row[COST], ns * 1e-7 / t->span_s, t->span_s);
}

static void
fill_counts(struct watch *w, const struct runqlat_snapshot *from, const struct runqlat_snapshot *to,
    double span_s, struct cell *row)
{
	struct wait_counts c;
	struct interval t = { .columns = columns, .span_s = span_s };
	double unit = unit_ns(w);

	wait_counts_since(&from->each, &to->each, &c);
	cell_rate(row, RUNS, &t, keyed_of(from->each.waits), keyed_of(to->each.waits), 1);
	fill_waits(row, &c, unit);
	if (!to->has_corrected) {
		cell_rate(
		    row, WAITING, &t, keyed_of(from->each.sum_ns), keyed_of(to->each.sum_ns), 1e-9);
		fill_cost(row, &from->each, &to->each, &t);
		return;
	}
	wait_counts_since(&from->corrected, &to->corrected, &c);
	cell_gauge(&row[C_P50], wait_counts_quantile(&c, 0.5) / unit, (double)c.waits);
	cell_gauge(&row[C_P99], wait_counts_quantile(&c, 0.99) / unit, (double)c.waits);
	cell_gauge(&row[C_P99_9], wait_counts_quantile(&c, 0.999) / unit, (double)c.waits);
}

/* Threads only have sums: how long they waited, and how often they got a CPU. */
static void
fill_threads(struct watch *w, const struct runqlat_snapshot *s, double span_s, struct cell *row)
{
	double wait_ns = 0, slices = 0;
	const struct task *t;

	tasks_set_rates(s->threads, span_s);
	for (size_t i = 0; i < s->threads->n; i++)
		for (size_t k = 0; (t = tasks_next(s->threads, &s->threads->v[i], &k));) {
			wait_ns += growth_of(t)->rate[WAIT_NS];
			slices += growth_of(t)->rate[SLICES];
		}
	cell_gauge(&row[RUNS], slices, span_s);
	cell_gauge(&row[WAITING], wait_ns * 1e-9, span_s);
	cell_gauge(&row[MEAN], slices > 0 ? wait_ns / slices / unit_ns(w) : NAN, slices * span_s);
	cell_gauge(&row[PENDING], s->pending, span_s);
	if (s->pending > 0)
		watch_note(w,
		    "some threads have waited for a CPU since before this row (-w cost shows them "
		    "as pending); they are counted when they get one");
}

static void
rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct runqlat_snapshot *s = to;
	const struct runqlat_snapshot *before = from;

	if (!s->source || !before->source)
		return;
	struct cell *row = table_row(out);
	cell_label(&row[SOURCE], s->source);
	if (s->threads)
		fill_threads(w, s, span_s, row);
	else
		fill_counts(w, from, s, span_s, row);
}

/* ---- The histogram, in powers of two as other programs of this name print it */

enum { FROM, TO, COUNTED, SHARE_PCT, BAR };

#define HIST_COLUMNS(suffix, unit, words) \
	[FROM] = { "from_" suffix, "from-" suffix, GAUGE, unit, 11, 0, \
		.help = "waits from this many whole " words }, \
	[TO] = { "to_" suffix, "to-" suffix, GAUGE, unit, 11, 0, \
		.help = "up to and including this many" }, \
	[COUNTED] = { "waits", "waits", COUNT, NO_UNIT, 10, 0, \
		.help = "number of waits in this range (bpf, probe)" }, \
	[SHARE_PCT] = { "waits_pct", "%waits", SHARE, PERCENT, 8, 2, .was = "share_pct", \
		.metric = "share_pct", .help = "in % of all waits" }, \
	[BAR] = { "bar", "distribution", LABEL, NO_UNIT, 0, 0, .remark = true, \
		.help = "the share as a bar; the longest bar is the largest share" }, \
	{ \
		.key = NULL \
	}

static const struct column hist_columns[] = { HIST_COLUMNS("us", MICROSECONDS, "microseconds") };
static const struct column hist_columns_ms[] = { HIST_COLUMNS("ms", MILLISECONDS, "milliseconds") };

/* The number of waits in each power of two of the unit, of which the first is "0 and 1". The limits
 * are within buckets, whose waits are taken to be evenly distributed. The numbers are whole, and
 * add up to all waits. */
struct octaves {
	double waits[WAIT_OCTAVES];
	double all, most;
	int n; /* up to the last one with waits */
};

static void
count_octaves(const struct wait_counts *c, uint64_t unit_ns, struct octaves *f)
{
	double before = 0;

	*f = (struct octaves){ .n = 1, .all = (double)c->waits };
	for (int i = 0; i < WAIT_OCTAVES && before < f->all; i++) {
		double below = round(wait_counts_below(c, unit_ns << (i + 1)));
		f->waits[i] = below - before;
		before = below;
		f->most = fmax(f->most, f->waits[i]);
		f->n = i + 1;
	}
}

static const char *
bar_of(double n, double most)
{
	static const char stars[] = "******************************"; /* what 80 columns leave */
	size_t length = sizeof stars - 1;

	return stars + length - (most > 0 ? (size_t)ceil(n / most * (double)length) : 0);
}

static void
hist_rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct runqlat_snapshot *a = from, *b = to;
	struct wait_counts c;
	struct octaves f;

	(void)span_s;
	if (!a->source || !b->source)
		return;
	wait_counts_since(&a->each, &b->each, &c);
	count_octaves(&c, (uint64_t)unit_ns(w), &f);
	for (int i = 0; i < f.n; i++) {
		struct cell *row = table_row(out);
		cell_gauge(&row[FROM], i ? ldexp(1, i) : 0, 1);
		cell_gauge(&row[TO], ldexp(1, i + 1) - 1, 1);
		cell_gauge(&row[COUNTED], f.waits[i], 1);
		cell_share(&row[SHARE_PCT], f.waits[i], f.all);
		cell_label(&row[BAR], bar_of(f.waits[i], f.most));
	}
}

/* ---- The tool, in four forms */

static const struct runqlat_options usual_options = {
	.period_ns = 10000000,
	.budget_ns = 50000000,
};

const char *const runqlat_sources[] = { "bpf", "bpf-btf", "bpf-raw", "bpf-tp", "schedstat", "probe",
	NULL };

static const struct option options[] = {
	{ 'P', NULL, "LIST", OPTION_CPUS, offsetof(struct runqlat_options, cpus),
	    .help = "only waits that ended on these CPUs: 0,2-3, or ALL" },
	{ 0, "budget", "TIME", OPTION_TIME, offsetof(struct runqlat_options, budget_ns),
	    .help = "CPU time that a row may cost (default 50ms)" },
	{ 0, "source", "NAME", OPTION_CHOICE, offsetof(struct runqlat_options, source),
	    .help = "bpf, bpf-btf, bpf-raw, bpf-tp, schedstat or probe",
	    .choices = runqlat_sources },
	{ 0, "period", "TIME", OPTION_TIME, offsetof(struct runqlat_options, period_ns),
	    .help = "interval between wake-ups of the probe (default 10ms)" },
	{ 'H', NULL, NULL, OPTION_FLAG, offsetof(struct runqlat_options, histogram),
	    .help = "print a histogram in powers of two", .not_with = "--metrics" },
	{ 'm', NULL, NULL, OPTION_FLAG, offsetof(struct runqlat_options, millis),
	    .help = "print times in milliseconds" },
	{ 'v', NULL, NULL, OPTION_FLAG, offsetof(struct runqlat_options, verbose),
	    .help = "also measure what the measurement itself costs", .group = "cost" },
	{ .type = OPTION_END },
};

static bool
suits_ms(const struct request *ask)
{
	const struct runqlat_options *o = ask->options;

	return o->millis && !o->histogram;
}

static bool
suits_hist(const struct request *ask)
{
	const struct runqlat_options *o = ask->options;

	return o->histogram && !o->millis;
}

static bool
suits_hist_ms(const struct request *ask)
{
	const struct runqlat_options *o = ask->options;

	return o->histogram && o->millis;
}

/* What all forms share. */
#define FORM \
	.name = "runqlat", .options_size = sizeof(struct runqlat_options), \
	.defaults = &usual_options, .state_size = sizeof(struct runqlat_state), \
	.read = runqlat_read, .release = runqlat_release

static const struct tool form_ms = { FORM, .columns = columns_ms, .spark = "p99_ms",
	.suits = suits_ms, .rows = rows };
static const struct tool form_hist = { FORM, .columns = hist_columns, .suits = suits_hist,
	.rows = hist_rows, .fleeting = true };
static const struct tool form_hist_ms = { FORM, .columns = hist_columns_ms, .suits = suits_hist_ms,
	.rows = hist_rows, .fleeting = true };

const struct tool tool_runqlat = {
	FORM,
	.brief = "how long tasks wait for a CPU: percentiles or a histogram",
	.examples =
	    "  pq runqlat 1                 the whole machine, once per second\n"
	    "  pq runqlat -H -p 4242 10 1   a process: histogram of ten seconds\n"
	    "  pq runqlat --source probe 1  no privileges: how late a light thread wakes up\n",
	.columns = columns,
	.spark = "p99_us",
	.shared = (const struct option *const[]){ &option_pid, &option_cgroup, NULL },
	.shared_help = { .pid = "only the threads of this process",
	    .cgroup = "only tasks in or below this cgroup: /web, or its directory" },
	.options = options,
	.forms = (const struct tool *const[]){ &form_ms, &form_hist, &form_hist_ms, NULL },
	.forms_by = "-m or -H",
	.costly = true,
	.rows = rows,
};
