/*
 * metrics: a moment as Prometheus reads it. A level or a share is a gauge over the interval, and a
 * counter is told as it stands, in base units. Names come of the columns' keys: held_cpus of
 * throttle is pq_throttle_held_cpus, throttled_pct is pq_throttle_throttled_ratio, and mean_us of
 * runqlat is pq_runqlat_mean_seconds.
 *
 *  # HELP pq_mem_some_seconds_total the counter of some_pct: time in which a task of it waited for
 *  memory (…)
 *  # TYPE pq_mem_some_seconds_total counter
 *  # UNIT pq_mem_some_seconds seconds
 *  pq_mem_some_seconds_total{cgroup="/shop"} 12.25
 *
 * OpenMetrics 1.0 would have TYPE without _total, which node_exporter's textfile collector and
 * promtool take for another family: it is there as they want it, and Prometheus takes both. UNIT
 * and the EOF at the end are comments to them.
 */
#include "table/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "table/format.h"

/* The labels of a row, without braces: a part of what all rows' are in. */
struct labels {
	const char *s; /* set when all are known, as the bytes may move before */
	size_t at, n, row;
};

struct writing {
	struct buf *out;
	const struct report *report;
	const struct table *table;
	struct buf bytes, row, scratch;
	/* of each row; a row with the labels of an earlier one has none, and is left out */
	struct labels *v;
	bool *left_out;
};

/* What names the row; also what was not asked for with -c, as rows must differ. */
static void
collect_labels(struct writing *w, size_t row)
{
	const struct cell *cells = table_at(w->table, row);
	struct labels *l = &w->v[row];

	*l = (struct labels){ .at = w->bytes.n, .row = row };
	w->row.n = 0;
	for (size_t i = 0; i < w->table->ncolumns; i++) {
		const struct column *c = &w->table->columns[i];
		if (c->kind == LABEL && !c->remark && cells[i].label)
			metrics_label(&w->row, &w->scratch, c->key, cells[i].label);
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

/* The same labels twice would make the whole of it void to its reader. */
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

/* A column's figures, or the counters behind them. */
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

/* What is said of rows: a figure of 1 for each, that has it as a label. */
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

/* How many there were in an interval says little to who does not see all of them: where there is a
 * counter, it is told alone. */
static void
put_column(struct writing *w, int column)
{
	const struct column *c = &w->report->columns[column];
	struct metric level = {
		.tool = w->report->tool, .key = c->key, .help = c->help, .info = c->kind == LABEL
	};
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
	static const char help[] = "the measured interval that gauges are of";
	struct metric span = { .tool = r->tool, .key = "interval_s", .help = help };
	size_t n = rows->table->nrows;
	struct writing w = { .out = b, .report = r, .table = rows->table };

	buf_room(&w.bytes, 1); /* so that there is a place even of no labels */
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
