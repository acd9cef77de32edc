#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "table/table.h"
#include "replay.h"

/* A label's bytes, and a number of the first eight of them, through each of the formats. */
static const struct column columns[] = {
	{ "name", "name", LABEL, NO_UNIT, .width = 12 },
	{ "load", "load", GAUGE, NO_UNIT, .width = 8, .digits = 2 },
	{ "used_bytes", "used", GAUGE, BYTES, .width = 8 },
	{ "note", "note", LABEL, NO_UNIT, .width = 0 },
	{ 0 },
};

static void
write_row(const struct format *f, struct buf *b, const char *label, double x)
{
	struct table t = { .columns = columns, .ncolumns = columns_count(columns) };
	struct report r = { "tool", columns, .shown = { 0, 1, 2, 3 }, .nshown = 4, .utc = true,
		.terminal = true, .width = 80, .rows = 24 };
	struct rows rows = { &t, 0, 0, 1 };
	struct cell *row = table_row(&t);

	cell_label(&row[0], label);
	cell_label(&row[3], label);
	cell_gauge(&row[1], x, 1);
	cell_gauge(&row[2], x, 1);
	b->n = 0;
	f->rows(b, &r, &rows);
	table_free(&t);
}

/* One line, no control characters, and quotes that end. */
static void
check_json(const struct buf *b)
{
	bool quoted = false;

	for (size_t i = 0; i + 1 < b->n; i++) {
		unsigned char c = (unsigned char)b->s[i];
		if (c < ' ' || c == 0x7f)
			abort();
		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
	}
	if (quoted || b->n < 2 || memcmp(b->s + b->n - 2, "}\n", 2) != 0)
		abort();
}

/* Fields are quoted as a whole or not at all: outside of quotes there are as many commas as a row
 * has. */
static void
check_csv(const struct buf *b)
{
	bool quoted = false;
	int commas = 0;

	for (size_t i = 0; i + 2 < b->n; i++) {
		quoted ^= b->s[i] == '"';
		commas += !quoted && b->s[i] == ',';
		if (!quoted && (b->s[i] == '\n' || b->s[i] == '\r'))
			abort();
	}
	if (quoted || commas != 8)
		abort();
}

/* A header and a row without control characters, within the terminal's width unless the number
 * alone is too wide. */
static void
check_text(const struct buf *b, double x)
{
	int lines = 0;
	size_t line = 0;

	for (size_t i = 0; i < b->n; i++) {
		unsigned char c = (unsigned char)b->s[i];
		if (c != '\n' && (c < ' ' || c == 0x7f))
			abort();
		if (c != '\n')
			continue;
		lines++;
		if (i - line > 80 && (lines == 1 || fabs(x) < 1e5))
			abort();
		line = i + 1;
	}
	if (lines != 2)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf b = { 0 };
	char *label = malloc(n + 1);
	double x = 0;

	if (!label)
		return 0;
	if (n > 0)
		memcpy(label, data, n);
	label[n] = '\0';
	memcpy(&x, label, n < sizeof x ? n : sizeof x);
	write_row(&format_json, &b, label, x);
	check_json(&b);
	write_row(&format_csv, &b, label, x);
	check_csv(&b);
	write_row(&format_text, &b, label, x);
	check_text(&b, x);
	buf_free(&b);
	free(label);
	return 0;
}
