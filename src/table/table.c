#include "table/table.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

uint64_t
columns_extra(const struct column *columns, const char *list, struct text *unknown)
{
	struct text rest = text_of(list), key;
	uint64_t found = 0;

	*unknown = text_of("");
	while (text_split(&rest, ',', &key)) {
		int i = columns_find(columns, key);
		if (i >= 0 && columns[i].extra)
			found |= UINT64_C(1) << i;
		else if (unknown->n == 0)
			*unknown = key;
	}
	return found;
}

void
columns_nearest(struct nearest *near, const struct column *columns)
{
	for (; columns->key; columns++) {
		nearest_try(near, columns->key);
		if ((columns->was && text_eq(near->written, columns->was)) ||
		    (columns->heading && text_eq(near->written, columns->heading)))
			*near = (struct nearest){ near->written, 0, columns->key };
	}
}

enum level
column_level(const struct column *c, double x, double cpus)
{
	double per = c->per_cpu ? cpus : 1;

	if (isnan(x) || !(per > 0) || (c->high == 0 && c->very_high == 0))
		return LEVEL_USUAL;
	if (c->high > c->very_high) /* the less, the worse */
		return x <= c->very_high * per ? LEVEL_VERY_HIGH :
		    x <= c->high * per         ? LEVEL_HIGH :
						 LEVEL_USUAL;
	return x >= c->very_high * per ? LEVEL_VERY_HIGH :
	    x >= c->high * per         ? LEVEL_HIGH :
					 LEVEL_USUAL;
}

void
table_clear(struct table *t)
{
	t->nrows = t->pinned = t->left_out = 0;
}

struct cell *
table_row(struct table *t)
{
	if (t->nrows == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 8;
		t->cells = xrealloc(t->cells, t->cap * t->ncolumns * sizeof *t->cells);
	}
	static const struct cell unknown = { .num = NAN, .raw = NAN };
	struct cell *row = &t->cells[t->nrows++ * t->ncolumns];
	for (size_t i = 0; i < t->ncolumns; i++)
		row[i] = unknown;
	return row;
}

const struct cell *
table_at(const struct table *t, size_t row)
{
	return &t->cells[row * t->ncolumns];
}

struct order {
	double key;
	const char *label; /* compared first; NULL: unknown, last */
	size_t row;
};

static int
compare_labels(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) : !a - !b;
}

static int
worse_first(const void *a, const void *b)
{
	const struct order *x = a, *y = b;
	double kx = isnan(x->key) ? -INFINITY : x->key, ky = isnan(y->key) ? -INFINITY : y->key;
	int labels = compare_labels(x->label, y->label);

	if (labels != 0)
		return labels;
	if (kx != ky)
		return kx > ky ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

/* CPUs and processes are in ascending order, like names: 2 before 10. */
static double
number_order(const char *label)
{
	uint64_t n;

	return label && text_u64(text_of(label), &n) == 0 ? -(double)n : NAN;
}

static struct order
order_of(const struct table *t, const struct cell *row, double (*key)(const struct cell *row),
    int column)
{
	if (key)
		return (struct order){ .key = key(row) };
	if (t->columns[column].number)
		return (struct order){ .key = number_order(row[column].label) };
	return (struct order){ .key = row[column].num, .label = row[column].label };
}

static struct cell *
cells_of(struct table *t, size_t row)
{
	return &t->cells[row * t->ncolumns];
}

/* Moves each row to its place: order[i].row is the one that belongs to i. */
static void
move_rows(struct table *t, size_t first, struct order *order, size_t n)
{
	size_t width = t->ncolumns * sizeof *t->cells;
	struct cell kept[COLUMNS_MOST];

	for (size_t i = 0; i < n; i++) {
		size_t to = i;
		if (order[i].row == i)
			continue;
		memcpy(kept, cells_of(t, first + i), width);
		for (size_t from = order[to].row; from != i; from = order[to].row) {
			memcpy(cells_of(t, first + to), cells_of(t, first + from), width);
			order[to].row = to;
			to = from;
		}
		memcpy(cells_of(t, first + to), kept, width);
		order[to].row = to;
	}
}

/* By the key or, if that is NULL, by the column. Often the rows are in order, or nearly. */
static void
sort(struct table *t, size_t first, double (*key)(const struct cell *row), int column)
{
	bool ordered = true;

	if (t->nrows < first + 2)
		return;
	size_t n = t->nrows - first;
	struct order *order = xmalloc(n * sizeof *order);
	for (size_t i = 0; i < n; i++) {
		order[i] = order_of(t, table_at(t, first + i), key, column);
		order[i].row = i;
		ordered &= i == 0 || worse_first(&order[i - 1], &order[i]) < 0;
	}
	if (!ordered) {
		qsort(order, n, sizeof *order, worse_first);
		move_rows(t, first, order, n);
	}
	free(order);
}

void
table_sort(struct table *t, size_t first, double (*key)(const struct cell *row))
{
	sort(t, first, key, -1);
}

void
table_choose(struct table *t, const struct choice *c)
{
	size_t all = t->nrows;

	if (c->by >= 0 || c->worst)
		sort(t, t->pinned, c->by >= 0 ? NULL : c->worst, c->by);
	if (c->most > 0)
		table_keep(t, t->pinned + c->most);
	t->left_out = all - t->nrows;
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
cell_brief(struct cell *c, const char *label, const char *brief)
{
	c->label = label;
	c->brief = brief;
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

/* ---- Counters between two readings */

/* Up to a quarter of a second between the clock and the file: pq may wait for a CPU, or for its
 * quota, in between. A twentieth of the span: clocks of CPUs and of hypervisors differ. */
static const double LATE_S = 0.25, CLOCKS = 1.05;

static double
per_second(const struct interval *t, enum column_bound b)
{
	switch (b) {
	case BY_TIME:
		return 1;
	case BY_CPUS:
		return t->cpus;
	case BY_TASKS:
		return t->tasks;
	case BY_PERIODS:
		return 1000; /* the shortest period has 1 ms */
	case BY_EVENTS:
		break;
	}
	return 1e9;
}

double
interval_most(const struct interval *t, int column)
{
	return per_second(t, t->columns[column].bound) * (t->span_s * CLOCKS + LATE_S + t->late_s);
}

/* As interval_growth; also says whether it grew by more than it can. Most counters have not changed. */
static double
growth(
    struct interval *t, int column, struct keyed from, struct keyed to, double scale, bool *jumped)
{
	*jumped = false;
	if (!from.known || !to.known)
		return NAN;
	if (to.v == from.v)
		return 0;
	if (to.v < from.v) {
		t->fell |= UINT64_C(1) << column;
		return NAN;
	}
	double grown = (double)(to.v - from.v) * scale;
	*jumped = grown > interval_most(t, column);
	if (!*jumped)
		return grown;
	t->jumped |= UINT64_C(1) << column;
	return NAN;
}

double
interval_growth(struct interval *t, int column, struct keyed from, struct keyed to, double scale)
{
	bool jumped;

	return growth(t, column, from, to, scale, &jumped);
}

/* The growth, and the raw counter of the column unless it has jumped. */
static double
grow(struct cell *row, int column, struct interval *t, struct keyed from, struct keyed to,
    double scale)
{
	bool jumped;
	double grown = growth(t, column, from, to, scale, &jumped);

	if (to.known && !jumped)
		row[column].raw = (double)to.v * scale;
	return grown;
}

void
cell_rate(struct cell *row, int column, struct interval *t, struct keyed from, struct keyed to,
    double scale)
{
	row[column].num = grow(row, column, t, from, to, scale) / t->span_s;
	row[column].weight = t->span_s;
}

void
cell_count(struct cell *row, int column, struct interval *t, struct keyed from, struct keyed to)
{
	row[column].num = grow(row, column, t, from, to, 1);
	row[column].weight = 1;
}

void
cell_stalled(
    struct cell *row, int column, struct interval *t, struct keyed from_us, struct keyed to_us)
{
	double grown = grow(row, column, t, from_us, to_us, 1e-6);

	cell_share(&row[column], grown > t->span_s ? t->span_s : grown, t->span_s);
}

/* ---- Times */

enum { QUARTER_S = 900, DAY_S = 86400 };

/* Sets the offset of the printed time from UTC. It changes only at quarters of an hour, so libc is
 * asked once for each: it may stat /etc/localtime, and evaluates its rules. */
static void
learn_offset(struct report *r, time_t s)
{
	int64_t learned_for = (s / QUARTER_S + 1) * 2 + r->utc;
	struct tm t = { 0 };

	if (r->learned_for == learned_for)
		return;
	if (r->utc)
		gmtime_r(&s, &t);
	else
		localtime_r(&s, &t);
	r->learned_for = learned_for;
	r->offset_s = r->utc ? 0 : t.tm_gmtoff;
	r->clock_s = t.tm_hour * 3600L + t.tm_min * 60L + t.tm_sec - (long)(s % DAY_S);
}

static struct tm
broken_down(struct report *r, int64_t real_ns)
{
	time_t s = (time_t)(real_ns / 1000000000);
	struct tm t = { 0 };

	learn_offset(r, s);
	s += r->offset_s;
	gmtime_r(&s, &t);
	t.tm_gmtoff = r->offset_s;
	return t;
}

static unsigned
milliseconds(int64_t real_ns)
{
	return (unsigned)(real_ns / 1000000 % 1000);
}

static char *
put_part(char *p, char before, long v, int digits)
{
	*p = before;
	return put_digits(p + 1, (uint64_t)v, digits);
}

const char *
clock_text(char out[16], struct report *r, int64_t real_ns)
{
	time_t s = (time_t)(real_ns / 1000000000);

	learn_offset(r, s);
	long of_day = ((long)(s % DAY_S) + r->clock_s + DAY_S) % DAY_S;
	char text[16], *p = put_part(text, ' ', of_day / 3600, 2);
	p = put_part(p, ':', of_day / 60 % 60, 2);
	p = put_part(p, ':', of_day % 60, 2);
	if (r->fractions)
		p = put_part(p, '.', milliseconds(real_ns), 3);
	*p = '\0';
	return memcpy(out, text + 1, (size_t)(p - text));
}

static void
two(struct buf *b, char before, int v)
{
	buf_char(b, before);
	buf_u64(b, (uint64_t)v, 2);
}

void
buf_iso_time(struct buf *b, struct report *r, int64_t real_ns)
{
	struct tm t = broken_down(r, real_ns);
	long offset_min = t.tm_gmtoff / 60;

	buf_u64(b, (uint64_t)(t.tm_year + 1900), 4);
	two(b, '-', t.tm_mon + 1);
	two(b, '-', t.tm_mday);
	two(b, 'T', t.tm_hour);
	two(b, ':', t.tm_min);
	two(b, ':', t.tm_sec);
	buf_char(b, '.');
	buf_u64(b, milliseconds(real_ns), 3);
	if (r->utc) {
		buf_char(b, 'Z');
		return;
	}
	two(b, offset_min < 0 ? '-' : '+', (int)(offset_min < 0 ? -offset_min : offset_min) / 60);
	two(b, ':', (int)(offset_min < 0 ? -offset_min : offset_min) % 60);
}
