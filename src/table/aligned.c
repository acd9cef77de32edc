/* aligned: the text format: rows for people, laid out as by sar and mpstat. */
#include <math.h>
#include <string.h>

#include "table/spark.h"

/* Columns of fixed width come first, then labels of any length. */
struct layout {
	int width[COLUMNS_MOST]; /* 0: a label of any length, or a column left out */
	int spark[COLUMNS_MOST]; /* of the sparkline after it; 0: none */
	bool cut;                /* columns are left out, and the header ends with '>' */
};

/* Widths of a label of any length that names the row: assumed in the layout; the least in a row. */
enum { LABEL_ROOM = 11, NAME_LEAST = 4 };

static int
time_width(const struct report *r)
{
	return r->fractions ? 12 : 8;
}

static const struct column *
shown(const struct report *r, int i)
{
	return &r->columns[r->shown[i]];
}

static int
hyphens(const struct column *c)
{
	int n = 0;

	for (const char *s = c->heading; *s && c->width > 0; s++)
		n += *s == '-';
	return n;
}

/* Leaves out columns from the right until a line fits. Columns with sparklines are left out last. */
enum leave_out { LEAVE_OUT_SPARE, LEAVE_OUT_FIGURES, LEAVE_OUT_SPARKS, LEAVE_OUT_ALL };

static bool
may_leave_out(const struct report *r, const struct layout *l, int i, enum leave_out what)
{
	const struct column *c = shown(r, i);

	switch (what) {
	case LEAVE_OUT_SPARE:
		return c->spare && !l->spark[i];
	case LEAVE_OUT_FIGURES:
		return (c->kind != LABEL || c->remark) && !l->spark[i];
	case LEAVE_OUT_SPARKS:
		return l->spark[i];
	case LEAVE_OUT_ALL:
		break;
	}
	return true;
}

/* Returns the width that is left. */
static int
leave_out(const struct report *r, struct layout *l, int width, int most, enum leave_out what)
{
	for (int i = r->nshown - 1; width > most && i >= 0; i--) {
		if (!may_leave_out(r, l, i, what))
			continue;
		width -= l->spark[i];
		l->spark[i] = 0;
		if (what == LEAVE_OUT_SPARKS)
			continue;
		width -= l->width[i];
		l->width[i] = 0;
	}
	return width;
}

static void
leave_out_until(const struct report *r, struct layout *l, int width, int most)
{
	width = leave_out(r, l, width, most, LEAVE_OUT_SPARE);
	if (r->sparks) {
		width = leave_out(r, l, width, most, LEAVE_OUT_FIGURES);
		width = leave_out(r, l, width, most, LEAVE_OUT_SPARKS);
	}
	leave_out(r, l, width, most, LEAVE_OUT_ALL);
}

/* The least width of a label of any length, with the blanks before it. Its heading must fit. */
static int
label_room(const struct report *r, int i)
{
	const struct column *c = shown(r, i);
	int room = r->shown[i] == 0 ? LABEL_ROOM : c->room,
	    heading = *c->heading ? (int)strlen(c->heading) + 2 : 0;

	return c->below || room > heading ? room : heading;
}

/* On a narrow terminal, headings lose their hyphens, from the right. If that is not enough, columns
 * are left out, spare ones first, and a '>' after the header shows it. */
static struct layout
lay_out(const struct report *r)
{
	struct layout l = { .cut = false };
	int width = time_width(r);

	for (int i = 0; i < r->nshown; i++) {
		l.width[i] = shown(r, i)->width;
		if (r->sparks && sparks_of(r->sparks, r->shown[i]) >= 0)
			l.spark[i] = SPARK_WIDTH;
		width += (l.width[i] ? l.width[i] : label_room(r, i)) + l.spark[i];
	}
	for (int i = r->nshown - 1; r->terminal && width > r->width && i >= 0; i--) {
		l.width[i] -= hyphens(shown(r, i));
		width -= hyphens(shown(r, i));
	}
	l.cut = r->terminal && width > r->width;
	if (l.cut)
		leave_out_until(r, &l, width, r->width - 2);
	return l;
}

/* Appends the blanks of a cell. The caller appends its text, which end_cell moves into them. */
static size_t
begin_cell(struct buf *b, int width)
{
	buf_pad(b, (size_t)width);
	return b->n;
}

/* Moves the text, which begins at `start`, to the right end of the cell. Text that is too long
 * replaces all blanks but one, so that two columns never touch, and makes the line longer. */
static void
end_cell(struct buf *b, size_t start, int width)
{
	size_t n = b->n - start, w = (size_t)width, to = n < w ? start - n : start - w + 1;

	memmove(b->s + to, b->s + start, n);
	b->n = to + n;
}

static void
put_heading(struct buf *b, const struct column *c, bool squeezed)
{
	for (const char *s = c->heading; *s; s++)
		if (!(squeezed && *s == '-'))
			buf_char(b, *s);
}

static void
put_time(struct buf *b, const struct report *r, const char *time)
{
	size_t start = b->n;

	buf_text(b, time);
	if (b->n - start < (size_t)time_width(r))
		buf_pad(b, (size_t)time_width(r) - (b->n - start));
}

/* "62.0M": up to four digits and the unit, a power of 1024. */
static void
put_bytes(struct buf *b, double x)
{
	static const char suffix[] = " KMGTPE";
	int power = 0;

	for (; x >= 1023.5 && power < 6; power++)
		x /= 1024;
	buf_fixed(b, x, power > 0 && x < 99.95);
	if (power > 0)
		buf_char(b, suffix[power]);
}

/* A number that is too wide for its column loses digits after the point. */
static void
put_number(struct buf *b, const struct column *c, double x)
{
	size_t start = b->n;

	if (c->unit == BYTES) {
		put_bytes(b, x);
		return;
	}
	for (int digits = c->digits; digits >= 0; digits--) {
		b->n = start;
		buf_fixed(b, x, digits);
		if (b->n - start < (size_t)c->width || c->width == 0)
			return;
	}
}

/* NULL: unknown. */
static const char *
label_of(const struct report *r, const struct cell *cell)
{
	return cell->brief && !r->full ? cell->brief : cell->label;
}

static void
put_value(struct buf *b, const struct report *r, const struct column *c, const struct cell *cell)
{
	if (c->kind == LABEL) {
		if (label_of(r, cell))
			buf_printable(b, label_of(r, cell));
	} else if (c->kind == FLAG) {
		buf_char(b, cell->num > 0 ? '*' : ' ');
	} else if (isnan(cell->num) || isinf(cell->num)) {
		buf_char(b, '-');
	} else {
		put_number(b, c, cell->num);
	}
}

/* How many bytes at the start, or at the end, of a label tell it from the others in the table. */
struct telling {
	size_t head, tail;
};

/* More rows than this, which fit no screen, are not compared. */
enum { COMPARED_MOST = 256 };

static struct telling
telling_bytes(const struct report *r, const struct table *t, int column, const char *label)
{
	struct telling most = { 0, 0 };
	size_t n = strlen(label);

	for (size_t row = 0; t && row < t->nrows && t->nrows <= COMPARED_MOST; row++) {
		const char *other = label_of(r, &table_at(t, row)[column]);
		size_t m = other ? strlen(other) : 0, head = 0, tail = 0;
		if (!other || strcmp(other, label) == 0)
			continue;
		while (head < n && label[head] == other[head])
			head++;
		while (tail < n && tail < m && label[n - 1 - tail] == other[m - 1 - tail])
			tail++;
		most.head = head >= most.head ? head + 1 : most.head;
		most.tail = tail >= most.tail ? tail + 1 : most.tail;
	}
	/* whole characters of UTF-8 */
	while (most.head < n && ((unsigned char)label[most.head] & 0xc0) == 0x80)
		most.head++;
	while (
	    most.tail > 0 && most.tail < n && ((unsigned char)label[n - most.tail] & 0xc0) == 0x80)
		most.tail++;
	return most;
}

/* Replaces the bytes [from, to) after `start` by a '<', and a few more, so that no character of UTF-8
 * is cut. Returns where the '<' is. */
static size_t
drop(struct buf *b, size_t start, size_t from, size_t to)
{
	char *s = b->s + start;
	size_t n = b->n - start;

	while (from > 0 && ((unsigned char)s[from] & 0xc0) == 0x80)
		from--;
	while (to < n && ((unsigned char)s[to] & 0xc0) == 0x80)
		to++;
	s[from] = '<';
	memmove(s + from + 1, s + to, n - to);
	b->n -= to - from - 1;
	return from;
}

/* Shortens a label, which was printed at `start`, to `room`. It loses its middle, and keeps the bytes
 * that tell it from the others: cgroups mostly differ at their ends. */
static void
clip(struct buf *b, size_t start, size_t room, const struct report *r, const struct table *t,
    int column, const char *label)
{
	size_t n = b->n - start, kept = room - 1, half = kept / 2;

	if (n <= room || room == 0)
		return;
	struct telling telling = telling_bytes(r, t, column, label);
	if (telling.tail > kept && telling.head > kept && telling.head < n - (kept - half)) {
		/* they differ only in the middle: keep some bytes up to there, and the end */
		size_t before = drop(b, start, telling.head, n - (kept - half));
		if (before >= half)
			drop(b, start, 0, before - half + 1);
		return;
	}
	size_t head = kept / 4;
	if (telling.tail > kept - head && telling.tail <= kept)
		head = kept - telling.tail;
	else if (telling.tail > kept && telling.head <= kept)
		head = telling.head;
	drop(b, start, head, n - (kept - head));
}

const char *
level_colour(enum level level)
{
	static const char *const colours[] = { "\x1b[0m", "\x1b[33m", "\x1b[31m" };

	return colours[level];
}

/* Marks the last n bytes: in bold, or in bold and underlined, for those who cannot tell the colours.
 * Returns how many bytes that takes. */
static size_t
mark(struct buf *b, size_t n, enum level level)
{
	const char *style = level == LEVEL_HIGH ? "\x1b[1;33m" : "\x1b[1;4;31m";
	size_t length = strlen(style);

	buf_room(b, length);
	char *to = b->s + b->n - n;
	memmove(to + length, to, n);
	memcpy(to, style, length);
	b->n += length;
	buf_text(b, level_colour(LEVEL_USUAL));
	return length + strlen(level_colour(LEVEL_USUAL));
}

static enum level
level_of(const struct report *r, const struct column *c, const struct cell *cell)
{
	bool figure = c->kind != LABEL && c->kind != FLAG;

	return r->colour && figure ? column_level(c, cell->num, r->cpus) : LEVEL_USUAL;
}

/* Returns how many of its bytes take no column of the terminal. */
static size_t
put_cell(struct buf *b, const struct report *r, int i, int width, const struct table *t,
    const struct cell *row)
{
	const struct column *c = shown(r, i);
	enum level level = level_of(r, c, &row[r->shown[i]]);
	size_t start = begin_cell(b, width);

	put_value(b, r, c, &row[r->shown[i]]);
	if (c->kind == LABEL) {
		if (b->n == start)
			buf_char(b, '-');
		clip(
		    b, start, (size_t)width - 1, r, t, r->shown[i], label_of(r, &row[r->shown[i]]));
	}
	size_t length = b->n - start;
	end_cell(b, start, width);
	return level == LEVEL_USUAL ? 0 : mark(b, length, level);
}

/* Whether the column is a label of any length in the line of the row. Further names of the row are not
 * where other columns had to be left out. */
static bool
is_long_label(const struct layout *l, const struct column *c)
{
	return c->width == 0 && !c->below && !(l->cut && c->extra);
}

/* Whether the row has something in this column, which is a label of any length. */
static bool
has_long_label(const struct report *r, const struct layout *l, const struct cell *row, int i)
{
	const struct column *c = shown(r, i);

	return is_long_label(l, c) && (!row || !c->remark || row[r->shown[i]].label);
}

static size_t
label_width(const struct report *r, const struct cell *row, int i)
{
	return row[r->shown[i]].label ? strlen(label_of(r, &row[r->shown[i]])) : 1;
}

/* The most that a label of any length may take where they share the rest of the line, which is `room`
 * wide: what the shorter ones leave is shared by the longer ones. */
static size_t
fair_width(const struct report *r, const struct layout *l, const struct cell *row, size_t room)
{
	size_t fair = 0, left = room, longer = 0;

	for (int i = 0; i < r->nshown; i++)
		longer += has_long_label(r, l, row, i);
	while (longer > 0 && left / longer > fair) {
		fair = left / longer;
		left = room;
		longer = 0;
		for (int i = 0; i < r->nshown; i++) {
			size_t n = has_long_label(r, l, row, i) ? label_width(r, row, i) : 0;
			longer += n > fair;
			left -= n > fair ? 0 : n;
		}
	}
	return longer > 0 ? fair : room;
}

/* Appends the labels of any length, each after two blanks. On a terminal they share the rest of the
 * line. */
static void
put_long_labels(struct buf *b, const struct report *r, const struct layout *l, size_t line,
    const struct table *t, const struct cell *row)
{
	size_t used = b->n - line, width = (size_t)r->width, fair = SIZE_MAX;

	for (int i = 0; i < r->nshown; i++)
		used += has_long_label(r, l, row, i) ? 2 : 0;
	if (r->terminal && row)
		fair = fair_width(r, l, row, used < width ? width - used : 0);
	for (int i = 0; i < r->nshown; i++) {
		const struct column *c = shown(r, i);
		if (!has_long_label(r, l, row, i) || (r->terminal && b->n - line + 4 > width))
			continue;
		buf_text(b, "  ");
		size_t start = b->n;
		if (!row)
			buf_text(b, c->heading);
		else if (row[r->shown[i]].label)
			put_value(b, r, c, &row[r->shown[i]]);
		else
			buf_char(b, '-');
		if (row && row[r->shown[i]].label && fair < SIZE_MAX)
			clip(b, start, fair > NAME_LEAST ? fair : NAME_LEAST, r, t, r->shown[i],
			    label_of(r, &row[r->shown[i]]));
	}
}

static void
end_line(struct buf *b, size_t line)
{
	while (b->n > line && b->s[b->n - 1] == ' ')
		b->n--;
	buf_char(b, '\n');
}

void
text_header(struct buf *b, const struct report *r, const char *time)
{
	struct layout l = lay_out(r);
	size_t line = b->n;

	put_time(b, r, time);
	for (int i = 0; i < r->nshown; i++) {
		if (l.width[i] == 0)
			continue;
		size_t start = begin_cell(b, l.width[i]);
		put_heading(b, shown(r, i), l.width[i] < shown(r, i)->width);
		end_cell(b, start, l.width[i]);
		if (l.spark[i] == 0)
			continue;
		start = begin_cell(b, l.spark[i]);
		sparks_heading(b, r->sparks, r, sparks_of(r->sparks, r->shown[i]));
		end_cell(b, start, l.spark[i]);
	}
	if (l.cut)
		buf_text(b, " >");
	put_long_labels(b, r, &l, line, NULL, NULL);
	end_line(b, line);
}

/* Blanks before what stands below a row: more than before its first column. */
enum { BELOW_INDENT = 6 };

static bool
is_below(const struct report *r, int i, const struct cell *row)
{
	return shown(r, i)->below && row[r->shown[i]].label;
}

/* An item of a list. On a terminal, one that is wider than a line loses its middle. */
static void
print_item(struct buf *out, const struct report *r, struct text item)
{
	size_t indent = (size_t)time_width(r) + BELOW_INDENT + 2, width = (size_t)r->width;
	size_t most = r->terminal && width > indent + 8 ? width - indent : SIZE_MAX;
	char copy[512];
	size_t n = item.n < sizeof copy ? item.n : sizeof copy - 1;

	memcpy(copy, item.s, n);
	copy[n] = '\0';
	out->n = 0;
	buf_printable(out, copy);
	if (out->n > most)
		drop(out, 0, most / 2, out->n - (most - most / 2 - 1));
}

/* Appends the items of a list with " < " between, on as many lines as they need. */
static void
put_list(struct buf *b, const struct report *r, const char *time, const char *items)
{
	struct text rest = text_of(items), item;
	struct buf printed = { 0 };
	size_t line = b->n;

	for (bool first = true; text_line(&rest, &item); first = false) {
		print_item(&printed, r, item);
		if (!first && b->n - line + 3 + printed.n <= (size_t)r->width) {
			buf_text(b, " < ");
		} else {
			buf_text(b, first ? "" : "\n");
			line = b->n;
			put_time(b, r, time);
			buf_pad(b, BELOW_INDENT);
			buf_text(b, first ? "" : "< ");
		}
		buf_add(b, printed.s, printed.n);
	}
	buf_char(b, '\n');
	buf_free(&printed);
}

/* Appends the labels that have lines of their own. */
static void
put_below(struct buf *b, const struct report *r, const char *time, const struct table *t,
    const struct cell *row)
{
	for (int i = 0; i < r->nshown; i++) {
		size_t line = b->n;
		if (!is_below(r, i, row))
			continue;
		if (shown(r, i)->list) {
			put_list(b, r, time, row[r->shown[i]].label);
			continue;
		}
		put_time(b, r, time);
		buf_pad(b, BELOW_INDENT);
		size_t start = b->n, used = start - line;
		put_value(b, r, shown(r, i), &row[r->shown[i]]);
		if (r->terminal && used < (size_t)r->width)
			clip(b, start, (size_t)r->width - used, r, t, r->shown[i],
			    label_of(r, &row[r->shown[i]]));
		end_line(b, line);
	}
}

/* How many lines the rows take. */
static int
lines_of(const struct report *r, const struct table *t)
{
	struct buf below = { 0 };
	int n = (int)t->nrows;

	for (size_t row = 0; row < t->nrows; row++)
		put_below(&below, r, "", t, table_at(t, row));
	for (size_t i = 0; i < below.n; i++)
		n += below.s[i] == '\n';
	buf_free(&below);
	return n;
}

/* Whether rows are those of a sample, with sparklines, or averages, which have none. */
enum rows_of { ROWS_OF_SAMPLE, ROWS_OF_SUMMARY };

/* As put_cell. */
static size_t
put_spark(struct buf *b, const struct report *r, int i, const struct cell *row, enum rows_of of)
{
	size_t start = b->n;

	if (of == ROWS_OF_SUMMARY) {
		buf_pad(b, SPARK_WIDTH);
	} else {
		buf_char(b, ' ');
		sparks_put(b, r->sparks, r, row, sparks_of(r->sparks, r->shown[i]));
	}
	return b->n - start - SPARK_WIDTH;
}

static void
put_row(struct buf *b, const struct report *r, const struct layout *l, const char *time,
    const struct table *t, const struct cell *row, enum rows_of of)
{
	size_t line = b->n, unseen = 0;

	put_time(b, r, time);
	for (int i = 0; i < r->nshown; i++) {
		if (l->width[i] == 0)
			continue;
		unseen += put_cell(b, r, i, l->width[i], t, row);
		if (l->spark[i] > 0)
			unseen += put_spark(b, r, i, row, of);
	}
	if (l->cut)
		buf_pad(b, 2);
	put_long_labels(b, r, l, line + unseen, t, row);
	end_line(b, line);
	put_below(b, r, time, t, row);
}

static void
put_rows(
    struct buf *b, const struct report *r, const char *time, const struct table *t, enum rows_of of)
{
	struct layout l = lay_out(r);

	for (size_t i = 0; i < t->nrows; i++)
		put_row(b, r, &l, time, t, table_at(t, i), of);
}

void
text_rows(struct buf *b, const struct report *r, const char *time, const struct table *t)
{
	put_rows(b, r, time, t, ROWS_OF_SUMMARY);
}

static void
begin(struct buf *b, struct report *r)
{
	(void)b;
	r->lines_left = 0;
}

/* Prints a header before the first row, after the scale of a sparkline has changed and, on a terminal,
 * before the last one scrolls off the screen. */
static void
put_due_header(struct buf *b, struct report *r, const struct rows *rows)
{
	char time[16];
	int n = lines_of(r, rows->table) + (r->fit && rows->table->left_out > 0);
	bool first = r->lines_left == 0, changed = r->sparks && r->sparks->rescaled;

	if (!first && !changed && (!r->terminal || r->lines_left > n)) {
		r->lines_left -= r->terminal ? n : 0;
		return;
	}
	if (!first)
		buf_char(b, '\n');
	text_header(b, r, clock_text(time, r, rows->from_real_ns));
	if (r->sparks)
		r->sparks->rescaled = false;
	r->lines_left = r->rows - 2 - n > 0 ? r->rows - 2 - n : 1;
}

static void
rows_text(struct buf *b, struct report *r, const struct rows *rows)
{
	char time[16];

	if (rows->table->nrows == 0)
		return;
	put_due_header(b, r, rows);
	put_rows(b, r, clock_text(time, r, rows->real_ns), rows->table, ROWS_OF_SAMPLE);
	if (r->fit && rows->table->left_out > 0) {
		buf_pad(b, (size_t)time_width(r) + 1);
		buf_text(b, "(");
		buf_u64(b, rows->table->left_out, 1);
		buf_text(b, " more rows: -n N prints more)\n");
	}
}

const struct format format_text = { begin, rows_text, true };
