/*
 * json_csv: the formats for programs.
 *
 *  json    an object per row, one per line, so that any part of the output is valid
 *  csv     RFC 4180 with one header; an unknown figure is an empty field
 *  folded  for flame graphs: the labels that are shown, and a whole number
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/printable.h"
#include "table/table.h"

static void
put_real(struct buf *b, double x, int digits)
{
	size_t start = b->n;

	buf_trimmed(b, x, digits);
	if (digits > 0 && !memchr(b->s + start, '.', b->n - start))
		buf_text(b, ".0");
}

int
column_digits(const struct column *c)
{
	return c->unit == BYTES || c->kind == COUNT || c->digits == 0 ? 0 :
	    c->digits > 3                                             ? c->digits :
									3;
}

void
buf_number(struct buf *b, const struct column *c, double x)
{
	put_real(b, x, column_digits(c));
}

/* Seconds since 1970, for programs that calculate with times. */
static void
put_unix(struct buf *b, int64_t real_ns)
{
	buf_fixed(b, (double)(real_ns / 1000000) * 1e-3, 3);
}

static bool
is_number(const char *label)
{
	return label && *label && label[strspn(label, "0123456789")] == '\0';
}

/* ---- JSON */

/* The items of a list, each with `put`. */
static void
each_item(
    struct buf *b, const char *items, const char *between, void (*put)(struct buf *, const char *))
{
	struct text rest = text_of(items), item;
	char copy[512];
	bool first = true;

	while (text_line(&rest, &item)) {
		size_t n = item.n < sizeof copy ? item.n : sizeof copy - 1;
		memcpy(copy, item.s, n);
		copy[n] = '\0';
		buf_text(b, first ? "" : between);
		put(b, copy);
		first = false;
	}
}

static void
put_json(struct buf *b, const struct column *c, const struct cell *cell)
{
	if (c->list && cell->label) {
		buf_char(b, '[');
		each_item(b, cell->label, ",", buf_json_string);
		buf_char(b, ']');
	} else if (c->number)
		buf_text(b, is_number(cell->label) ? cell->label : "null");
	else if (c->kind == LABEL && cell->label)
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

void
buf_json_text(struct buf *b, const char *key, const char *text)
{
	buf_json_key(b, key);
	if (text)
		buf_json_string(b, text);
	else
		buf_text(b, "null");
}

void
buf_json_number(struct buf *b, const char *key, double x, int digits)
{
	buf_json_key(b, key);
	if (isfinite(x))
		put_real(b, x, digits);
	else
		buf_text(b, "null");
}

void
buf_json_bool(struct buf *b, const char *key, bool yes)
{
	buf_json_key(b, key);
	buf_text(b, yes ? "true" : "false");
}

void
buf_json_begin(struct buf *b, const char *tool, struct report *times, int64_t real_ns)
{
	buf_text(b, "{\"tool\":\"");
	buf_text(b, tool);
	buf_text(b, "\",\"schema\":");
	buf_u64(b, SCHEMA, 1);
	buf_text(b, ",\"time\":\"");
	buf_iso_time(b, times, real_ns);
	buf_text(b, "\",\"unix_s\":");
	put_unix(b, real_ns);
}

/* The members that all rows of a sample have in common. */
static void
put_head(struct buf *b, struct report *r, const struct rows *rows)
{
	buf_json_begin(b, r->tool, r, rows->real_ns);
	buf_text(b, ",\"interval_s\":");
	buf_fixed(b, rows->span_s, 6);
}

static void
put_cell(struct buf *b, const struct column *c, const struct cell *cell)
{
	buf_json_key(b, c->key);
	put_json(b, c, cell);
	if (c->number == NUMBER_OR_ROW)
		buf_json_text(b, "row", is_number(cell->label) ? NULL : cell->label);
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
			char *to = buf_room(b, n); /* first, as it may move the bytes */
			memcpy(to, b->s + head, n);
			b->n += n;
		}
		for (int i = 0; i < r->nshown; i++) {
			int column = r->shown[i];
			put_cell(b, &r->columns[column], &table_at(rows->table, row)[column]);
		}
		buf_text(b, "}\n");
	}
}

const struct format format_json = { NULL, rows_json, false };

/* ---- CSV */

/* Bytes that are not UTF-8 become the characters U+0080 to U+00FF, as in JSON. */
static void
put_utf8(struct buf *b, const char *s)
{
	for (size_t n = 0, length;; n += length) {
		length = utf8_length(s + n);
		if (s[n] && length)
			continue;
		buf_add(b, s, n);
		if (!s[n])
			return;
		buf_char(b, (char)(0xc0 | (unsigned char)s[n] >> 6));
		buf_char(b, (char)(0x80 | (s[n] & 0x3f)));
		s += n + 1;
		n = length = 0;
	}
}

/* Doubles each quote after `start`. */
static void
double_quotes(struct buf *b, size_t start)
{
	for (size_t i = start; i < b->n; i++) {
		if (b->s[i] != '"')
			continue;
		buf_char(b, '"');
		memmove(b->s + i + 1, b->s + i, b->n - 1 - i);
		i++;
	}
}

static void
put_field(struct buf *b, const char *s, bool terminal)
{
	bool quoted = strpbrk(s, ",\"\r\n");

	if (quoted)
		buf_char(b, '"');
	size_t start = b->n;
	(terminal ? buf_printable : put_utf8)(b, s);
	if (quoted) {
		double_quotes(b, start);
		buf_char(b, '"');
	}
}

static void
begin_csv(struct buf *b, struct report *r)
{
	buf_text(b, "tool,schema,time,interval_s");
	for (int i = 0; i < r->nshown; i++) {
		const struct column *c = &r->columns[r->shown[i]];
		buf_char(b, ',');
		buf_text(b, c->key);
		buf_text(b, c->number == NUMBER_OR_ROW ? ",row" : "");
	}
	buf_text(b, ",unix_s\r\n");
}

/* The items with ';' between: a ';' in an item becomes ':'. */
static void
put_list(struct buf *b, const char *items, bool terminal)
{
	char *joined = xstrdup(items);

	for (char *c = joined; *c; c++)
		*c = *c == ';' ? ':' : *c == '\n' ? ';' : *c;
	put_field(b, joined, terminal);
	free(joined);
}

static void
put_csv(struct buf *b, const struct column *c, const struct cell *cell, bool terminal)
{
	bool word = c->number && !is_number(cell->label);

	if (c->list && cell->label)
		put_list(b, cell->label, terminal);
	else if (c->kind == LABEL && cell->label && !word)
		put_field(b, cell->label, terminal);
	if (c->number == NUMBER_OR_ROW) {
		buf_char(b, ',');
		buf_text(b, word && cell->label ? cell->label : "");
	}
	if (c->kind != LABEL && isfinite(cell->num))
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
			put_csv(b, &r->columns[r->shown[i]],
			    &table_at(rows->table, row)[r->shown[i]], r->on_terminal);
		}
		buf_char(b, ',');
		put_unix(b, rows->real_ns);
		buf_text(b, "\r\n");
	}
}

const struct format format_csv = { begin_csv, rows_csv, false };

/*
 * ---- Folded
 *
 *  java;worker-1;blocked;futex(futex_do_wait) 20
 *
 * Readers add up equal lines, so the lines of several samples need no header between them.
 */

/* A label as a frame: ';' separates frames, so it becomes ':'. */
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
		if (r->columns[r->shown[i]].list && cell->label)
			each_item(b, cell->label, ";", put_frame);
		else
			put_frame(b, cell->label);
	}
	if (!(count >= 0.5)) { /* unknown, or printed as 0 */
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

static void
rows_none(struct buf *b, struct report *r, const struct rows *rows)
{
	(void)b;
	(void)r;
	(void)rows;
}

const struct format format_none = { NULL, rows_none, false };
