/* The histogram of pq runqlat: powers of two, as other programs of this name print it. */
#include <math.h>
#include <string.h>

#include "tools/runqlat/latency.h"

enum { FROM, TO, COUNTED, SHARE_PCT, BAR };

#define COLUMNS(suffix, unit, words) \
	[FROM] = { "from_" suffix, "from", GAUGE, unit, 11, 0, \
		.help = "waits of so many whole " words }, \
	[TO] = { "to_" suffix, "to", GAUGE, unit, 11, 0, .help = "up to so many" }, \
	[COUNTED] = { "waits", "waits", COUNT, NO_UNIT, 10, 0, .help = "how many there were" }, \
	[SHARE_PCT] = { "share_pct", "%waits", SHARE, PERCENT, 8, 2, .help = "of all waits" }, \
	[BAR] = { "bar", "distribution", LABEL, NO_UNIT, 0, 0, .remark = true, \
		.help = "the same; the longest bar is the most" }, \
	{ \
		.key = NULL \
	}

static const struct column columns[] = { COLUMNS("us", MICROSECONDS, "microseconds") };
static const struct column columns_ms[] = { COLUMNS("ms", MILLISECONDS, "milliseconds") };

/* How many waits there were in each power of two of the unit, the first of which is "0 and 1":
 * whole numbers that add up. The edges lie within buckets, which are narrower by eight: there the
 * waits are taken to lie evenly. */
struct folded {
	double waits[RUNQLAT_OCTAVES];
	double all, most;
	int n; /* up to the last that has any */
};

static void
fold(const struct runqlat_counts *c, uint64_t unit_ns, struct folded *f)
{
	double before = 0;

	*f = (struct folded){ .n = 1, .all = (double)c->waits };
	for (int i = 0; i < RUNQLAT_OCTAVES && before < f->all; i++) {
		double below = round(runqlat_below(c, unit_ns << (i + 1)));
		f->waits[i] = below - before;
		before = below;
		f->most = fmax(f->most, f->waits[i]);
		f->n = i + 1;
	}
}

static const char *
bar_of(double n, double most)
{
	static const char stars[] =
	    "******************************"; /* what 80 columns have left */
	size_t length = sizeof stars - 1;

	return stars + length - (most > 0 ? (size_t)ceil(n / most * (double)length) : 0);
}

static void
rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct latency_snapshot *a = from, *b = to;
	struct runqlat_counts c;
	struct folded f;

	(void)span_s;
	if (!a->source || !b->source)
		return;
	runqlat_since(&a->each, &b->each, &c);
	fold(&c, ((const struct runqlat_options *)w->ask->options)->millis ? 1000000 : 1000, &f);
	for (int i = 0; i < f.n; i++) {
		struct cell *row = table_row(out);
		cell_gauge(&row[FROM], i ? ldexp(1, i) : 0, 1);
		cell_gauge(&row[TO], ldexp(1, i + 1) - 1, 1);
		cell_gauge(&row[COUNTED], f.waits[i], 1);
		cell_share(&row[SHARE_PCT], f.waits[i], f.all);
		cell_label(&row[BAR], bar_of(f.waits[i], f.most));
	}
}

static bool
suits(const void *own)
{
	const struct runqlat_options *o = own;

	return o->histogram && !o->millis;
}

static bool
suits_ms(const void *own)
{
	const struct runqlat_options *o = own;

	return o->histogram && o->millis;
}

const struct tool tool_runqlat_hist = {
	.name = "runqlat",
	.columns = columns,
	.options_size = sizeof(struct runqlat_options),
	.defaults = &runqlat_usual_options,
	.suits = suits,
	.state_size = sizeof(struct latency),
	.fleeting = true,
	.read = latency_read,
	.rows = rows,
	.release = latency_release,
};

const struct tool tool_runqlat_hist_ms = {
	.name = "runqlat",
	.columns = columns_ms,
	.options_size = sizeof(struct runqlat_options),
	.defaults = &runqlat_usual_options,
	.suits = suits_ms,
	.state_size = sizeof(struct latency),
	.fleeting = true,
	.read = latency_read,
	.rows = rows,
	.release = latency_release,
};
