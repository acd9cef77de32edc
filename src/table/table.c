#include "table/table.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

size_t
columns_count(const struct column *columns)
{
	size_t n = 0;

	while (columns[n].key)
		n++;
	return n;
}

int
columns_find(const struct column *columns, struct text key)
{
	for (int i = 0; columns[i].key; i++)
		if (text_eq(key, columns[i].key))
			return i;
	return -1;
}

void
table_clear(struct table *t)
{
	t->nrows = 0;
}

struct cell *
table_row(struct table *t)
{
	if (t->nrows == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 8;
		t->cells = xrealloc(t->cells, t->cap * t->ncolumns * sizeof *t->cells);
	}
	struct cell *row = &t->cells[t->nrows++ * t->ncolumns];
	for (size_t i = 0; i < t->ncolumns; i++)
		row[i] = (struct cell){ .num = NAN, .raw = NAN };
	return row;
}

const struct cell *
table_at(const struct table *t, size_t row)
{
	return &t->cells[row * t->ncolumns];
}

struct order {
	double key;
	size_t row;
};

static int
descending(const void *a, const void *b)
{
	const struct order *x = a, *y = b;
	double kx = isnan(x->key) ? -INFINITY : x->key, ky = isnan(y->key) ? -INFINITY : y->key;

	if (kx != ky)
		return kx > ky ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

void
table_sort(struct table *t, size_t first, double (*key)(const struct cell *row))
{
	if (t->nrows < first + 2)
		return;
	size_t n = t->nrows - first, width = t->ncolumns * sizeof *t->cells;
	struct order *order = xmalloc(n * sizeof *order);
	char *sorted = xmalloc(n * width);

	for (size_t i = 0; i < n; i++)
		order[i] = (struct order){ key(table_at(t, first + i)), first + i };
	qsort(order, n, sizeof *order, descending);
	for (size_t i = 0; i < n; i++)
		memcpy(sorted + i * width, table_at(t, order[i].row), width);
	memcpy(&t->cells[first * t->ncolumns], sorted, n * width);
	free(sorted);
	free(order);
}

void
table_keep(struct table *t, size_t n)
{
	if (t->nrows > n)
		t->nrows = n;
}

void
table_free(struct table *t)
{
	free(t->cells);
	*t = (struct table){ 0 };
}

void
cell_label(struct cell *c, const char *label)
{
	c->label = label;
}

void
cell_flag(struct cell *c, bool yes)
{
	c->num = yes;
}

void
cell_gauge(struct cell *c, double value, double span_s)
{
	c->num = value;
	c->weight = span_s;
}

void
cell_share(struct cell *c, double part, double whole)
{
	c->num = whole > 0 ? 100 * part / whole : NAN;
	c->weight = whole;
	c->none = whole == 0 && part == 0;
}

void
cell_rate(struct cell *c, struct keyed from, struct keyed to, double scale, double span_s)
{
	c->num = keyed_delta(from, to) * scale / span_s;
	c->weight = span_s;
	if (to.known)
		c->raw = (double)to.v * scale;
}

void
cell_count(struct cell *c, struct keyed from, struct keyed to)
{
	cell_rate(c, from, to, 1, 1);
}

void
cell_stalled(struct cell *c, struct keyed from_us, struct keyed to_us, double span_s)
{
	cell_share(c, fmin(keyed_delta(from_us, to_us) * 1e-6, span_s), span_s);
	if (!from_us.known || !to_us.known || keyed_restarted(from_us, to_us))
		c->num = NAN; /* fmin passes over NaN */
	if (to_us.known)
		c->raw = (double)to_us.v * 1e-6;
}
