/* csv: RFC 4180, the header once; an unknown figure is an empty field. */
#include <math.h>
#include <string.h>

#include "table/table.h"

static void
put_string(struct buf *b, const char *s)
{
	if (!strpbrk(s, ",\"\r\n")) {
		buf_text(b, s);
		return;
	}
	buf_char(b, '"');
	for (; *s; s++) {
		if (*s == '"')
			buf_char(b, '"');
		buf_char(b, *s);
	}
	buf_char(b, '"');
}

static void
begin(struct buf *b, struct report *r)
{
	buf_text(b, "tool,schema,time,interval_s");
	for (int i = 0; i < r->nshown; i++) {
		buf_char(b, ',');
		buf_text(b, r->columns[r->shown[i]].key);
	}
	buf_text(b, "\r\n");
}

static void
put_value(struct buf *b, const struct column *c, const struct cell *cell)
{
	if (c->kind == LABEL && cell->label)
		put_string(b, cell->label);
	else if (c->kind != LABEL && isfinite(cell->num))
		buf_number(b, c, cell->num);
}

static void
rows_csv(struct buf *b, struct report *r, const struct rows *rows)
{
	for (size_t row = 0; row < rows->table->nrows; row++) {
		buf_text(b, r->tool);
		buf_char(b, ',');
		buf_u64(b, SCHEMA, 1);
		buf_char(b, ',');
		buf_iso_time(b, r, rows->real_ns);
		buf_char(b, ',');
		buf_fixed(b, rows->span_s, 6);
		for (int i = 0; i < r->nshown; i++) {
			buf_char(b, ',');
			put_value(
			    b, &r->columns[r->shown[i]], &table_at(rows->table, row)[r->shown[i]]);
		}
		buf_text(b, "\r\n");
	}
}

const struct format format_csv = { begin, rows_csv, false };

/*
 * folded: what flame-graph tools read: the labels that are shown, and a whole number. They add up
 * lines that are alike, so each sample's lines stand for themselves.
 *
 *  java;worker-1;blocked;futex(futex_do_wait) 20
 */

/* A frame: somebody else's bytes, without the ';' between frames. */
static void
put_frame(struct buf *b, const char *label)
{
	size_t start = b->n;

	buf_printable(b, label && *label ? label : "-");
	for (size_t i = start; i < b->n; i++)
		if (b->s[i] == ';')
			b->s[i] = ':';
}

static void
put_row(struct buf *b, const struct report *r, const struct cell *row)
{
	double count = NAN;
	size_t start = b->n;

	for (int i = 0; i < r->nshown; i++) {
		const struct cell *cell = &row[r->shown[i]];
		if (r->columns[r->shown[i]].kind != LABEL) {
			count = cell->num;
			continue;
		}
		if (b->n > start)
			buf_char(b, ';');
		put_frame(b, cell->label);
	}
	if (!(count >= 0.5)) { /* it would be printed as 0, or is unknown */
		b->n = start;
		return;
	}
	buf_char(b, ' ');
	buf_fixed(b, count, 0);
	buf_char(b, '\n');
}

static void
rows_folded(struct buf *b, struct report *r, const struct rows *rows)
{
	for (size_t i = 0; i < rows->table->nrows; i++)
		put_row(b, r, table_at(rows->table, i));
}

const struct format format_folded = { NULL, rows_folded, false };
