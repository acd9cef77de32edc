/* json: one object per row and line, valid however the stream ends. */
#include <math.h>
#include <string.h>

#include "table/table.h"

static void
put_escaped(struct buf *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	const char escape[] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	buf_add(b, escape, sizeof escape);
}

void
buf_json_string(struct buf *b, const char *s)
{
	const unsigned char *c = (const unsigned char *)s;

	buf_char(b, '"');
	while (*c) {
		size_t n = buf_utf8_length((const char *)c);
		if (*c == '"' || *c == '\\') {
			buf_char(b, '\\');
			buf_char(b, (char)*c++);
		} else if (*c < ' ' || *c == 0x7f || n == 0) {
			put_escaped(b, *c++);
			/* U+0080 to U+009F: a terminal may obey them */
		} else if (*c == 0xc2 && c[1] < 0xa0) {
			put_escaped(b, c[1]);
			c += n;
		} else {
			buf_add(b, (const char *)c, n);
			c += n;
		}
	}
	buf_char(b, '"');
}

void
buf_number(struct buf *b, const struct column *c, double x)
{
	size_t start = b->n;

	buf_fixed(b, x, c->unit == BYTES || c->kind == COUNT || c->digits == 0 ? 0 : 3);
	if (!memchr(b->s + start, '.', b->n - start))
		return;
	while (b->s[b->n - 1] == '0')
		b->n--;
	if (b->s[b->n - 1] == '.')
		b->n--;
}

static void
put_value(struct buf *b, const struct column *c, const struct cell *cell)
{
	if (c->kind == LABEL && cell->label)
		buf_json_string(b, cell->label);
	else if (c->kind == LABEL || isnan(cell->num) || isinf(cell->num))
		buf_text(b, "null");
	else if (c->kind == FLAG)
		buf_text(b, cell->num > 0 ? "true" : "false");
	else
		buf_number(b, c, cell->num);
}

void
buf_json_key(struct buf *b, const char *key)
{
	buf_text(b, b->n > 0 && b->s[b->n - 1] != '{' ? ",\"" : "\"");
	buf_text(b, key);
	buf_text(b, "\":");
}

/* What all rows of a sample begin with. */
static void
put_head(struct buf *b, struct report *r, const struct rows *rows)
{
	buf_text(b, "{\"tool\":\"");
	buf_text(b, r->tool);
	buf_text(b, "\",\"schema\":");
	buf_u64(b, SCHEMA, 1);
	buf_text(b, ",\"time\":\"");
	buf_iso_time(b, r, rows->real_ns);
	buf_text(b, "\",\"interval_s\":");
	buf_fixed(b, rows->span_s, 6);
}

static void
rows_json(struct buf *b, struct report *r, const struct rows *rows)
{
	size_t head = b->n, n = 0;

	for (size_t row = 0; row < rows->table->nrows; row++) {
		if (n == 0) {
			put_head(b, r, rows);
			n = b->n - head;
		} else {
			char *to = buf_room(b, n); /* first: it may move the bytes */
			memcpy(to, b->s + head, n);
			b->n += n;
		}
		for (int i = 0; i < r->nshown; i++) {
			const struct column *c = &r->columns[r->shown[i]];
			buf_json_key(b, c->key);
			put_value(b, c, &table_at(rows->table, row)[r->shown[i]]);
		}
		buf_text(b, "}\n");
	}
}

const struct format format_json = { NULL, rows_json, false };
