#include "table/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

/* Of a column: its weighted sum, and the distribution of its values. */
struct total {
	double sum, weight;
	struct hist *hist; /* NULL: no percentiles */
};

struct series {
	struct total *totals; /* by column */
	char *brief;          /* of its label in text, as in the last row; or NULL */
};

/* The column that identifies the rows, or -1. */
static int
identity(const struct report *r)
{
	return r->columns[0].kind == LABEL ? 0 : -1;
}

/* The map key for a label. It includes the NUL, so that it differs from the empty key of rows
 * without a label (NULL: unknown, or a tool with one row per sample). */
static struct text
key_of(const char *label)
{
	return label ? (struct text){ label, strlen(label) + 1 } : (struct text){ "", 0 };
}

static const char *
label_of(const struct summary *s, size_t i)
{
	struct text key = map_key(&s->labels, (uint32_t)i);

	return key.n ? key.s : NULL;
}

/* The series of the label, which may be new; NULL if there are too many. */
static struct series *
find_series(struct summary *s, const char *label, size_t ncolumns)
{
	struct text key = key_of(label);
	int i = map_find(&s->labels, key);

	if (i >= 0)
		return &s->series[i];
	if (s->labels.n == SERIES_MOST)
		return NULL;
	s->series = xgrow(s->series, s->labels.n, &s->room, sizeof *s->series);
	struct series *series = &s->series[map_put(&s->labels, key)];
	series->totals = xmalloc(ncolumns * sizeof *series->totals);
	memset(series->totals, 0, ncolumns * sizeof *series->totals);
	series->brief = NULL;
	return series;
}

static void
count(struct total *t, const struct cell *c, bool with_percentiles)
{
	if (!isfinite(c->num))
		return;
	if (c->weight > 0) {
		t->sum += c->num * c->weight;
		t->weight += c->weight;
	}
	if (!with_percentiles)
		return;
	if (!t->hist) {
		t->hist = xmalloc(sizeof *t->hist);
		*t->hist = (struct hist){ 0 };
	}
	hist_add(t->hist, c->num);
}

/* The shown columns that have an average, as bits, so that each counts once. */
static uint64_t
figures_shown(const struct report *r)
{
	uint64_t figures = 0;

	for (int i = 0; i < r->nshown; i++) {
		enum column_kind kind = r->columns[r->shown[i]].kind;
		if (kind != LABEL && kind != FLAG)
			figures |= UINT64_C(1) << r->shown[i];
	}
	return figures;
}

static void
set_brief(struct series *s, const char *brief)
{
	if (!brief || (s->brief && strcmp(s->brief, brief) == 0))
		return;
	free(s->brief);
	s->brief = xstrdup(brief);
}

void
summary_add(struct summary *s, const struct report *r, const struct table *t)
{
	int id = identity(r);
	uint64_t figures = figures_shown(r);

	s->samples++;
	s->pinned = t->pinned;
	for (size_t row = 0; row < t->nrows; row++) {
		const struct cell *cells = table_at(t, row);
		struct series *series =
		    find_series(s, id < 0 ? NULL : cells[id].label, t->ncolumns);
		if (!series) {
			s->left_out++;
			continue;
		}
		if (id >= 0)
			set_brief(series, cells[id].brief);
		bool with_percentiles = series - s->series < SERIES_WITH_PERCENTILES;
		for (uint64_t left = figures; left; left &= left - 1) {
			int i = __builtin_ctzll(left);
			count(&series->totals[i], &cells[i], with_percentiles);
		}
	}
}

enum { AVERAGE = -1, LARGEST = -2 };

static double
figure(const struct total *t, double what)
{
	if (what == AVERAGE)
		return t->weight > 0 ? t->sum / t->weight : NAN;
	if (!t->hist)
		return NAN;
	return what == LARGEST ? t->hist->max : hist_quantile(t->hist, what);
}

/* Appends the row of a series. */
static void
add_row(const struct summary *s, size_t series, double what, struct table *t)
{
	struct cell *row = table_row(t);

	for (size_t c = 0; c < t->ncolumns; c++)
		row[c].num = figure(&s->series[series].totals[c], what);
	if (t->columns[0].kind == LABEL)
		cell_brief(&row[0], label_of(s, series), s->series[series].brief);
}

/* The averages, of the series that the choice leaves, in its order. */
static struct table
averages(const struct summary *s, const struct report *r)
{
	struct table t = { .columns = r->columns, .ncolumns = columns_count(r->columns) };

	for (size_t i = 0; i < s->labels.n; i++)
		add_row(s, i, AVERAGE, &t);
	t.pinned = s->pinned;
	table_choose(&t, &r->choice);
	return t;
}

/* The same series as the averages, in the same order; those that have percentiles. */
static struct table
others(const struct summary *s, const struct table *averages, double what)
{
	struct table t = { .columns = averages->columns, .ncolumns = averages->ncolumns };

	for (size_t i = 0; i < averages->nrows; i++) {
		const char *label =
		    t.columns[0].kind == LABEL ? table_at(averages, i)[0].label : NULL;
		int series = map_find(&s->labels, key_of(label));
		if (series >= 0 && series < SERIES_WITH_PERCENTILES)
			add_row(s, (size_t)series, what, &t);
	}
	return t;
}

void
summary_print(struct summary *s, struct buf *b, const struct report *r)
{
	static const struct {
		const char *name;
		double what;
	} lines[] = { { "p50:", 0.5 }, { "p90:", 0.9 }, { "p99:", 0.99 }, { "Max:", LARGEST } };

	if (s->labels.n == 0)
		return;
	if (s->labels.n > 1) {
		buf_char(b, '\n');
		text_header(b, r, "Average:");
	}
	struct table average = averages(s, r);
	text_rows(b, r, "Average:", &average);
	for (size_t i = 0; s->samples >= ROWS_FOR_PERCENTILES && i < sizeof lines / sizeof lines[0];
	     i++) {
		struct table t = others(s, &average, lines[i].what);
		text_rows(b, r, lines[i].name, &t);
		table_free(&t);
	}
	table_free(&average);
}

void
summary_free(struct summary *s, const struct report *r)
{
	for (size_t i = 0; i < s->labels.n; i++) {
		for (size_t c = 0; c < columns_count(r->columns); c++) {
			if (s->series[i].totals[c].hist)
				hist_free(s->series[i].totals[c].hist);
			free(s->series[i].totals[c].hist);
		}
		free(s->series[i].totals);
		free(s->series[i].brief);
	}
	free(s->series);
	map_free(&s->labels);
	*s = (struct summary){ 0 };
}
