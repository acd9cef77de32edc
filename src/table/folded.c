/*
 * folded: what flame-graph tools read: the labels that are shown, and a whole number. They add up
 * lines that are alike, so each moment's lines stand for themselves.
 *
 *  java;worker-1;blocked;futex(futex_do_wait) 20
 */
#include <math.h>

#include "table/format.h"

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
