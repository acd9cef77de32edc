/* csv: RFC 4180, the header once; an unknown figure is an empty field. */
#include <math.h>
#include <string.h>

#include "table/format.h"

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
