#include "table/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

/* What is kept of a column: its weighted sum, and the spread of its values. */
struct total {
	double sum, weight;
	struct hist *hist; /* NULL when there are too many series */
};

struct series {
	char *label; /* NULL in a tool with one row per moment */
	struct total *totals;
};

/* The column that tells the rows apart, or -1. */
static int
identity(const struct report *r)
{
	return r->columns[0].kind == LABEL ? 0 : -1;
}

static bool
same_label(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static uint32_t
hash_of(const char *label)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; label && *label; label++)
		h = (h ^ (unsigned char)*label) * 16777619u;
	return h;
}

/* Where the label's series is noted in the index (its number, counted from 1), or would be. */
static uint16_t *
place_of(struct summary *s, const char *label)
{
	for (uint32_t i = hash_of(label);; i++) {
		uint16_t *at = &s->index[i % SUMMARY_PLACES];
		if (*at == 0 || same_label(s->series[*at - 1].label, label))
			return at;
	}
}

static struct series *
find_series(struct summary *s, const char *label, size_t ncolumns)
{
	uint16_t *at = place_of(s, label);

	if (*at)
		return &s->series[*at - 1];
	if (s->count == SERIES_MOST)
		return NULL;
	if (s->count == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 4;
		s->series = xrealloc(s->series, s->cap * sizeof *s->series);
	}
	struct series *series = &s->series[s->count++];
	series->label = label ? xstrdup(label) : NULL;
	series->totals = xmalloc(ncolumns * sizeof *series->totals);
	memset(series->totals, 0, ncolumns * sizeof *series->totals);
	*at = (uint16_t)s->count;
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

void
summary_add(struct summary *s, const struct report *r, const struct table *t)
{
	int id = identity(r);

	s->moments++;
	for (size_t row = 0; row < t->nrows; row++) {
		const struct cell *cells = table_at(t, row);
		struct series *series =
		    find_series(s, id < 0 ? NULL : cells[id].label, t->ncolumns);
		if (!series) {
			s->left_out++;
			continue;
		}
		bool with_percentiles = series - s->series < SERIES_WITH_PERCENTILES;
		for (size_t i = 0; i < t->ncolumns; i++)
			if (r->columns[i].kind != LABEL && r->columns[i].kind != FLAG)
				count(&series->totals[i], &cells[i], with_percentiles);
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

static void
print_series(const struct summary *s, size_t n, struct buf *b, const struct report *r,
    const char *name, double what)
{
	struct cell row[COLUMNS_MOST];
	int id = identity(r);

	for (size_t i = 0; i < n; i++) {
		for (size_t c = 0; c < columns_count(r->columns); c++)
			row[c] = (struct cell){ .num = figure(&s->series[i].totals[c], what) };
		if (id >= 0)
			row[id].label = s->series[i].label;
		text_row(b, r, name, row);
	}
}

void
summary_print(struct summary *s, struct buf *b, const struct report *r)
{
	static const struct {
		const char *name;
		double what;
	} lines[] = { { "p50:", 0.5 }, { "p90:", 0.9 }, { "p99:", 0.99 }, { "Max:", LARGEST } };

	if (s->count == 0)
		return;
	if (s->count > 1) {
		buf_char(b, '\n');
		text_header(b, r, "Average:");
	}
	size_t n = s->count < SERIES_WITH_PERCENTILES ? s->count : SERIES_WITH_PERCENTILES;
	print_series(s, s->count, b, r, "Average:", AVERAGE);
	if (s->moments < ROWS_FOR_PERCENTILES)
		return;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		print_series(s, n, b, r, lines[i].name, lines[i].what);
}

void
summary_free(struct summary *s, const struct report *r)
{
	for (size_t i = 0; i < s->count; i++) {
		for (size_t c = 0; c < columns_count(r->columns); c++) {
			if (s->series[i].totals[c].hist)
				hist_free(s->series[i].totals[c].hist);
			free(s->series[i].totals[c].hist);
		}
		free(s->series[i].label);
		free(s->series[i].totals);
	}
	free(s->series);
	*s = (struct summary){ 0 };
}
