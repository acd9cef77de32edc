/*
 * metrics: the text format of Prometheus.
 *
 * A level or a share is a gauge over the interval, and a counter is printed as the kernel gives it,
 * in base units. Names come from the keys of the columns: held_cpus of throttle is
 * pq_throttle_held_cpus, throttled_pct is pq_throttle_throttled_ratio, and mean_us of runqlat is
 * pq_runqlat_mean_seconds.
 *
 *  # HELP pq_mem_some_seconds_total the counter of some_pct: time in which …
 *  # TYPE pq_mem_some_seconds_total counter
 *  # UNIT pq_mem_some_seconds seconds
 *  pq_mem_some_seconds_total{cgroup="/shop"} 12.25
 *
 * OpenMetrics 1.0 has no _total in the TYPE line. Without it node_exporter's textfile collector and
 * promtool see two families, and Prometheus accepts both forms, so _total stays. UNIT and the EOF
 * line are comments to all but OpenMetrics readers.
 */
#include "table/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "table/table.h"

/* The ending of a key, which is its unit, and the base unit. The last entry: no unit. */
static const struct unit_name {
	const char *ending, *base;
	double scale;
	const char *unit, *hint;
} unit_names[] = {
	{ "_pct", "_ratio", 1e-2, "ratio", "; here 1 is 100 %" },
	{ "_ms", "_seconds", 1e-3, "seconds", "" },
	{ "_us", "_seconds", 1e-6, "seconds", "" },
	{ "_ns", "_seconds", 1e-9, "seconds", "" },
	{ "_per_s", "_per_second", 1, NULL, "" },
	{ "_s", "_seconds", 1, "seconds", "" },
	{ "_bytes", "_bytes", 1, "bytes", "" },
	{ "_kb", "_bytes", 1024, "bytes", "" },
	{ "_seconds", "_seconds", 1, "seconds", "" },
	{ "_cpus", "_cpus", 1, "cpus", "" },
	{ "", "", 1, NULL, "" },
};

static bool
ends_in(const char *s, const char *ending)
{
	size_t n = strlen(s), m = strlen(ending);

	return n >= m && strcmp(s + n - m, ending) == 0;
}

static const struct unit_name *
unit_of(const char *key)
{
	const struct unit_name *u = unit_names;

	while (!ends_in(key, u->ending))
		u++;
	return u;
}

void
metrics_label(struct buf *b, struct buf *scratch, const char *key, const char *value)
{
	if (b->n > 0 && b->s[b->n - 1] == '"')
		buf_char(b, ',');
	buf_text(b, key);
	buf_text(b, "=\"");
	scratch->n = 0;
	buf_printable(scratch, value);
	for (size_t i = 0; i < scratch->n; i++) {
		if (scratch->s[i] == '\\' || scratch->s[i] == '"')
			buf_char(b, '\\');
		buf_char(b, scratch->s[i]);
	}
	buf_char(b, '"');
}

/* Names are short enough: only a key of over a hundred characters would be cut. */
static void
set_name(struct metric *m, const struct unit_name *u)
{
	int stem = (int)(strlen(m->key) - strlen(u->ending));
	int n = snprintf(m->name, sizeof m->name, "pq_%s%s%.*s%s%s%s", m->tool ? m->tool : "",
	    m->tool ? "_" : "", stem, m->key, u->base, m->info ? "_info" : "",
	    m->counter ? "_total" : "");

	m->n = n > 0 && (size_t)n < sizeof m->name ? (size_t)n : sizeof m->name - 1;
	m->scale = m->counter ? 1 : u->scale;
}

/* Leaves out the last `without` characters of the name: UNIT lines have no _total. */
static void
put_line(struct buf *b, const char *what, const struct metric *m, size_t without)
{
	buf_text(b, "# ");
	buf_text(b, what);
	buf_add(b, m->name, m->n - without);
	buf_char(b, ' ');
}

void
metrics_family(struct buf *b, struct metric *m)
{
	const struct unit_name *u = unit_of(m->key);

	set_name(m, u);
	put_line(b, "HELP ", m, 0);
	if (m->of) {
		buf_text(b, "the counter of ");
		buf_text(b, m->of);
		buf_text(b, ": ");
	}
	buf_text(b, m->help);
	buf_text(b, m->counter ? "" : u->hint);
	buf_char(b, '\n');
	put_line(b, "TYPE ", m, 0);
	buf_text(b, m->counter ? "counter\n" : "gauge\n");
	if (!u->unit)
		return;
	put_line(b, "UNIT ", m, m->counter ? strlen("_total") : 0);
	buf_text(b, u->unit);
	buf_char(b, '\n');
}

void
metrics_sample(struct buf *b, const struct metric *m, struct text labels, double value)
{
	buf_add(b, m->name, m->n);
	if (labels.n > 0) {
		buf_char(b, '{');
		buf_add(b, labels.s, labels.n);
		buf_char(b, '}');
	}
	buf_char(b, ' ');
	buf_trimmed(b, value * m->scale, 9); /* down to a nanosecond */
	buf_char(b, '\n');
}

/* ---- The rows of a sample */

/* The labels of a row, without braces: a part of writing.bytes. */
struct labels {
	const char *s; /* set once all are collected, as the bytes may move before */
	size_t at, n, row;
};

struct writing {
	struct buf *out;
	const struct report *report;
	const struct table *table;
	struct buf bytes, row, scratch;
	/* by row; a row with the same labels as an earlier one is left out */
	struct labels *v;
	bool *left_out;
};

/* Collects the labels that name the row, even those that -c leaves out, so that rows differ. */
static void
collect_labels(struct writing *w, size_t row)
{
	const struct cell *cells = table_at(w->table, row);
	struct labels *l = &w->v[row];

	*l = (struct labels){ .at = w->bytes.n, .row = row };
	w->row.n = 0;
	for (size_t i = 0; i < w->table->ncolumns; i++) {
		const struct column *c = &w->table->columns[i];
		bool wanted = !c->extra || w->report->labels >> i & 1;
		if (c->kind == LABEL && !c->remark && wanted && cells[i].label)
			metrics_label(
			    &w->row, &w->scratch, c->metric ? c->metric : c->key, cells[i].label);
	}
	buf_add(&w->bytes, w->row.s, w->row.n);
	l->n = w->bytes.n - l->at;
}

static int
compare(const struct labels *x, const struct labels *y)
{
	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	return memcmp(x->s, y->s, x->n);
}

static int
by_bytes(const void *a, const void *b)
{
	const struct labels *x = a, *y = b;
	int order = compare(x, y);

	return order ? order : x->row < y->row ? -1 : x->row > y->row;
}

/* Prometheus rejects the whole text if two samples have the same labels. */
static void
leave_out_doubles(struct writing *w)
{
	size_t n = w->table->nrows;
	struct labels *sorted = xmalloc(n * sizeof *sorted);

	for (size_t i = 0; i < n; i++) {
		w->left_out[i] = false;
		w->v[i].s = w->bytes.s + w->v[i].at;
		sorted[i] = w->v[i];
	}
	qsort(sorted, n, sizeof *sorted, by_bytes);
	for (size_t i = 1; i < n; i++)
		if (compare(&sorted[i], &sorted[i - 1]) == 0)
			w->left_out[sorted[i].row] = true;
	free(sorted);
}

/* A column's figures, or its counters. */
static void
put_numbers(struct writing *w, int column, struct metric *m)
{
	bool begun = false;

	for (size_t row = 0; row < w->table->nrows; row++) {
		const struct cell *cell = &table_at(w->table, row)[column];
		double value = m->counter ? cell->raw : cell->num;
		if (!isfinite(value) || w->left_out[row])
			continue;
		if (!begun)
			metrics_family(w->out, m);
		begun = true;
		metrics_sample(w->out, m, (struct text){ w->v[row].s, w->v[row].n }, value);
	}
}

/* Remarks on rows: a sample with the value 1 for each, which has the remark as a label. */
static void
put_remarks(struct writing *w, int column, struct metric *m)
{
	bool begun = false;

	for (size_t row = 0; row < w->table->nrows; row++) {
		const char *remark = table_at(w->table, row)[column].label;
		if (!remark || w->left_out[row])
			continue;
		if (!begun)
			metrics_family(w->out, m);
		begun = true;
		w->row.n = 0;
		buf_add(&w->row, w->v[row].s, w->v[row].n);
		metrics_label(&w->row, &w->scratch, m->key, remark);
		metrics_sample(w->out, m, (struct text){ w->row.s, w->row.n }, 1);
	}
}

/* A COUNT with a counter has only the counter: Prometheus does not see every interval, so the count
 * of one means little to it. */
static void
put_column(struct writing *w, int column)
{
	const struct column *c = &w->report->columns[column];
	struct metric level = { .tool = w->report->tool,
		.key = c->metric ? c->metric : c->key,
		.help = c->help,
		.info = c->kind == LABEL };
	struct metric counter = {
		.key = c->counter, .help = c->help, .counter = true, .of = c->key
	};

	if (c->kind == LABEL && c->remark)
		put_remarks(w, column, &level);
	if (c->kind != LABEL && (c->kind != COUNT || !c->counter))
		put_numbers(w, column, &level);
	if (c->counter)
		put_numbers(w, column, &counter);
}

void
metrics_rows(struct buf *b, const struct report *r, const struct rows *rows)
{
	static const char help[] = "measured interval of the gauges";
	struct metric span = { .tool = r->tool, .key = "interval_s", .help = help };
	size_t n = rows->table->nrows;
	struct writing w = { .out = b, .report = r, .table = rows->table };

	buf_room(&w.bytes, 1); /* so that bytes.s is not NULL even without labels */
	w.v = xmalloc(n * sizeof *w.v);
	w.left_out = xmalloc(n * sizeof *w.left_out);
	for (size_t i = 0; i < n; i++)
		collect_labels(&w, i);
	leave_out_doubles(&w);
	for (int i = 0; i < r->nshown; i++)
		put_column(&w, r->shown[i]);
	metrics_family(b, &span);
	metrics_sample(b, &span, text_of(""), rows->span_s);
	free(w.left_out);
	free(w.v);
	buf_free(&w.scratch);
	buf_free(&w.row);
	buf_free(&w.bytes);
}

void
metrics_end(struct buf *b)
{
	buf_text(b, "# EOF\n");
}

static void
rows_metrics(struct buf *b, struct report *r, const struct rows *rows)
{
	metrics_rows(b, r, rows);
	metrics_end(b);
}

const struct format format_metrics = { NULL, rows_metrics, false };
