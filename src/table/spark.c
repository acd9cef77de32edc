#include "table/spark.h"

#include <math.h>
#include <stdlib.h>

#include "base/fail.h"
#include "base/spark.h"

int
sparks_of(const struct sparks *s, int column)
{
	for (int i = 0; i < s->n; i++)
		if (s->column[i] == column)
			return i;
	return -1;
}

/* ---- The figures of the last samples */

/* All labels that name the row. The name of an unknown label differs from every known one. */
static struct text
name_of(struct sparks *s, const struct column *columns, const struct cell *row)
{
	struct buf *b = &s->name;

	b->n = 0;
	for (int i = 0; columns[i].key; i++) {
		const struct column *c = &columns[i];
		if (c->kind != LABEL || c->remark || c->extra)
			continue;
		buf_char(b, row[i].label ? '+' : '-');
		buf_text(b, row[i].label ? row[i].label : "");
		buf_char(b, '\0');
	}
	buf_room(b, 1); /* the names of a row without labels are empty, not NULL */
	return (struct text){ b->s, b->n };
}

static int
slot(const struct sparks *s)
{
	return (int)(s->taken % SPARK_CELLS);
}

static void
forget(struct sparks *s, uint32_t number)
{
	map_remove(&s->names, number);
	s->rows[number] = s->rows[s->names.n];
}

/* Begins a cell, which stays blank until a figure comes. */
static void
begin_cell(struct sparks *s)
{
	s->taken++;
	for (uint32_t i = s->names.n; i-- > 0;)
		if (s->taken - s->rows[i].seen >= SPARK_CELLS)
			forget(s, i);
		else
			for (int k = 0; k < s->n; k++)
				s->rows[i].value[k][slot(s)] = NAN;
}

/* Finds or adds the row of that name; NULL if there are too many rows. */
static struct spark_row *
row_of(struct sparks *s, struct text name)
{
	int known = map_find(&s->names, name);

	if (known >= 0)
		return &s->rows[known];
	if (s->names.n == SPARK_ROWS_MOST)
		return NULL;
	s->rows = xgrow(s->rows, s->names.n, &s->room, sizeof *s->rows);
	struct spark_row *new = &s->rows[map_put(&s->names, name)];
	for (int k = 0; k < SPARKS_MOST; k++)
		for (int i = 0; i < SPARK_CELLS; i++)
			new->value[k][i] = NAN;
	return new;
}

static void
take_row(struct sparks *s, struct spark_row *to, const struct cell *row)
{
	to->seen = s->taken;
	for (int k = 0; k < s->n; k++) {
		double x = row[s->column[k]].num;
		if (isfinite(x))
			to->value[k][slot(s)] = fmax(to->value[k][slot(s)], x);
	}
}

/* Whether there is time between the intervals. The clock may be set back or forth by a little. */
static bool
is_after_gap(const struct sparks *s, const struct rows *rows)
{
	return s->taken > 0 &&
	    (double)rows->from_real_ns - (double)s->real_ns > rows->span_s * 1e9 / 2;
}

/* ---- The scale */

/* Whether a smaller figure is drawn higher, as for idle time. */
static bool
is_upside_down(const struct column *c)
{
	return c->change == LESS_IS_WORSE && c->unit == PERCENT;
}

/* The least top of the scale, however small the figures are: the smallest one that is not printed as 0. */
static double
least_top(const struct report *r, const struct column *c)
{
	if (c->unit == PERCENT && c->full == 0)
		return 100;
	return fmax(c->per_cpu ? c->full * r->cpus : c->full, pow(10, -c->digits));
}

/* The largest figure of all rows. */
static double
most_of(const struct sparks *s, int spark)
{
	double most = 0;

	for (uint32_t i = 0; i < s->names.n; i++)
		for (int k = 0; k < SPARK_CELLS; k++)
			most = fmax(most, s->rows[i].value[spark][k]);
	return most;
}

static void
set_scales(struct sparks *s, const struct report *r)
{
	for (int i = 0; i < s->n; i++) {
		const struct column *c = &r->columns[s->column[i]];
		double top =
		    spark_next_top(s->top[i], most_of(s, i), least_top(r, c), c->unit == BYTES);
		s->rescaled |= top != s->top[i];
		s->top[i] = top;
	}
}

void
sparks_take(struct sparks *s, const struct report *r, const struct rows *rows)
{
	const struct table *t = rows->table;

	if (is_after_gap(s, rows))
		begin_cell(s);
	begin_cell(s);
	s->real_ns = rows->real_ns;
	for (size_t i = 0; i < t->nrows; i++) {
		const struct cell *row = table_at(t, i);
		struct spark_row *to = row_of(s, name_of(s, r->columns, row));
		if (to)
			take_row(s, to, row);
		else
			s->left_out++;
	}
	set_scales(s, r);
}

/* ---- The picture */

/* "5", "0.05", "20k"; bytes as "64K". */
static void
put_top(struct buf *b, double top, bool bytes)
{
	static const char decimal[] = " kMGTPE", binary[] = " KMGTPE";
	const double step = bytes ? 1024 : 1000;
	int power = 0;

	for (; top >= (bytes ? step : 10 * step) && power < 6; power++)
		top /= step;
	buf_trimmed(b, top, 6);
	if (power > 0)
		buf_char(b, (bytes ? binary : decimal)[power]);
}

void
sparks_heading(struct buf *b, const struct sparks *s, const struct report *r, int spark)
{
	const struct column *c = &r->columns[s->column[spark]];
	bool down = is_upside_down(c);

	if (!down)
		buf_text(b, "0..");
	put_top(b, s->top[spark], c->unit == BYTES);
	if (down)
		buf_text(b, "..0");
	if (c->unit == PERCENT)
		buf_char(b, '%');
}

/* NULL: there was no room for it. */
static const struct spark_row *
known_row(struct sparks *s, const struct report *r, const struct cell *row)
{
	int number = map_find(&s->names, name_of(s, r->columns, row));

	return number >= 0 ? &s->rows[number] : NULL;
}

void
sparks_put(
    struct buf *b, struct sparks *s, const struct report *r, const struct cell *row, int spark)
{
	const struct column *c = &r->columns[s->column[spark]];
	const struct spark_row *from = known_row(s, r, row);
	enum level shown = LEVEL_USUAL;

	for (int i = 1; i <= SPARK_CELLS; i++) {
		double x = from ? from->value[spark][(slot(s) + i) % SPARK_CELLS] : NAN,
		       part = x / s->top[spark];
		enum level level = column_level(c, x, r->cpus);
		if (r->colour && level != shown)
			buf_text(b, level_colour(level));
		shown = level;
		buf_text(b, spark_cell(is_upside_down(c) ? 1 - part : part, s->utf8));
	}
	if (r->colour && shown != LEVEL_USUAL)
		buf_text(b, level_colour(LEVEL_USUAL));
}

void
sparks_free(struct sparks *s)
{
	map_free(&s->names);
	free(s->rows);
	buf_free(&s->name);
	*s = (struct sparks){ 0 };
}
