#include "commands/top/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/printable.h"

/* ---- Characters */

struct range {
	uint32_t first, last;
};

/* Characters that terminals show in two columns: East Asian ones and emoji. */
static const struct range wide[] = { { 0x1100, 0x115f }, { 0x231a, 0x231b }, { 0x2329, 0x232a },
	{ 0x23e9, 0x23ec }, { 0x25fd, 0x25fe }, { 0x2614, 0x2615 }, { 0x2648, 0x2653 },
	{ 0x26a1, 0x26a1 }, { 0x26ce, 0x26ce }, { 0x26d4, 0x26d4 }, { 0x2705, 0x2705 },
	{ 0x270a, 0x270b }, { 0x2728, 0x2728 }, { 0x274c, 0x274e }, { 0x2753, 0x2757 },
	{ 0x2795, 0x2797 }, { 0x27b0, 0x27bf }, { 0x2b1b, 0x2b1c }, { 0x2b50, 0x2b55 },
	{ 0x2e80, 0x303e }, { 0x3041, 0xa4cf }, { 0xa960, 0xa97f }, { 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff }, { 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 },
	{ 0x16fe0, 0x18cff }, { 0x1b000, 0x1b2ff }, { 0x1f004, 0x1f004 }, { 0x1f0cf, 0x1f0cf },
	{ 0x1f18e, 0x1f19a }, { 0x1f200, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f7e0, 0x1f7eb },
	{ 0x1f90c, 0x1f9ff }, { 0x1fa70, 0x1faff }, { 0x20000, 0x3fffd } };

/* Characters that combine with others, change the direction, or show nothing: a terminal may give them
 * any width. */
static const struct range strange[] = { { 0x00ad, 0x00ad }, { 0x0300, 0x036f }, { 0x0483, 0x0489 },
	{ 0x0591, 0x05ff }, { 0x0600, 0x06ff }, { 0x0700, 0x109f }, { 0x1160, 0x11ff },
	{ 0x135d, 0x135f }, { 0x1700, 0x1dff }, { 0x200b, 0x200f }, { 0x2028, 0x202e },
	{ 0x2060, 0x206f }, { 0x20d0, 0x20ff }, { 0x2cef, 0x2cf1 }, { 0x302a, 0x302f },
	{ 0x3099, 0x309a }, { 0xa66f, 0xabff }, { 0xd7b0, 0xd7ff }, { 0xe000, 0xf8ff },
	{ 0xfb1d, 0xfdff }, { 0xfe00, 0xfe2f }, { 0xfe70, 0xfeff }, { 0xfff0, 0xffff },
	{ 0x10000, 0x16fdf }, { 0x1bca0, 0x1bca3 }, { 0x1d000, 0x1d3ff }, { 0x1e000, 0x1efff },
	{ 0x1f3fb, 0x1f3ff }, { 0xe0000, 0x10ffff } };

static bool
is_in(uint32_t c, const struct range *v, size_t n)
{
	size_t from = 0;

	while (from < n) {
		size_t middle = from + (n - from) / 2;
		if (c < v[middle].first)
			n = middle;
		else if (c > v[middle].last)
			from = middle + 1;
		else
			return true;
	}
	return false;
}

static uint32_t
code_point(const unsigned char *s, size_t n)
{
	uint32_t c = n == 1 ? s[0] : n == 2 ? s[0] & 0x1f : n == 3 ? s[0] & 0x0f : s[0] & 0x07;

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (s[i] & 0x3f);
	return c;
}

/* The next character of *text: its bytes, and the columns it takes. Whatever a terminal might not show
 * as it is appears as \ooo, byte by byte. */
struct glyph {
	char s[5];
	int columns;
};

static struct glyph
glyph_take(const struct frame *f, const char **text)
{
	struct glyph g = { .columns = 1 };
	size_t n = utf8_length(*text);
	uint32_t c = n ? code_point((const unsigned char *)*text, n) : 0;
	bool shown = printable_length(*text) > 0 &&
	    (c < 0x7f || (f->utf8 && !is_in(c, strange, sizeof strange / sizeof *strange)));

	if (!shown) {
		printable_octal(g.s, *(*text)++);
		g.columns = 4;
		return g;
	}
	memcpy(g.s, *text, n);
	g.s[n] = '\0';
	if (c > 0x7f && is_in(c, wide, sizeof wide / sizeof *wide))
		g.columns = 2;
	*text += n;
	return g;
}

/* ---- Filling */

static void
blank(struct frame_cell *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		v[i] = (struct frame_cell){ " ", STYLE_PLAIN };
}

void
frame_begin(struct frame *f, int width, int height)
{
	width = width < 1 ? 1 : width > FRAME_COLUMNS ? FRAME_COLUMNS : width;
	height = height < 1 ? 1 : height > FRAME_LINES ? FRAME_LINES : height;
	size_t n = (size_t)width * (size_t)height;
	if (width != f->width || height != f->height || !f->now) {
		f->width = width;
		f->height = height;
		f->now = xrealloc(f->now, n * sizeof *f->now);
		f->shown = xrealloc(f->shown, n * sizeof *f->shown);
		blank(f->shown, n);
		f->known = false;
	}
	blank(f->now, n);
	frame_at(f, 0, 0, STYLE_PLAIN);
}

void
frame_at(struct frame *f, int line, int column, unsigned style)
{
	f->line = line;
	f->column = column;
	f->style = style;
}

static struct frame_cell *
cell_at(const struct frame *f, struct frame_cell *v, int line, int column)
{
	return &v[(size_t)line * (size_t)f->width + (size_t)column];
}

/* Puts a glyph of the next columns; a \ooo takes four cells. */
static void
put_glyph(struct frame *f, const struct glyph *g)
{
	struct frame_cell *c = cell_at(f, f->now, f->line, f->column);

	for (int i = 0; i < g->columns; i++) {
		c[i].style = (unsigned char)f->style;
		memset(c[i].s, 0, sizeof c[i].s);
		if (g->columns == 4)
			c[i].s[0] = g->s[i];
		else if (i == 0)
			memcpy(c[i].s, g->s, sizeof g->s);
	}
	f->column += g->columns;
}

int
frame_clipped(struct frame *f, const char *text, int room)
{
	int used = 0;

	if (f->line < 0 || f->line >= f->height || f->column < 0)
		return 0;
	while (*text) {
		struct glyph g = glyph_take(f, &text);
		if (used + g.columns > room || f->column + g.columns > f->width)
			break;
		put_glyph(f, &g);
		used += g.columns;
	}
	return used;
}

int
frame_text(struct frame *f, const char *text)
{
	return frame_clipped(f, text, f->width);
}

int
frame_columns(const struct frame *f, const char *text)
{
	int n = 0;

	while (*text)
		n += glyph_take(f, &text).columns;
	return n;
}

size_t
frame_fit(const struct frame *f, const char *text, int room)
{
	const char *end = NULL, *fits = text, *next = text;
	bool word = false;

	while (*next) {
		if ((*next == ' ' && word) || (next > text && next[-1] == ','))
			end = next;
		word = *next != ' ';
		room -= glyph_take(f, &next).columns;
		if (room < 0)
			return (size_t)((end ? end : fits > text ? fits : next) - text);
		fits = next;
	}
	return (size_t)(fits - text);
}

void
frame_cut(struct frame *f, const char *text, int room)
{
	int left = f->width - f->column;

	room = room < left ? room : left;
	if (frame_columns(f, text) <= room) {
		frame_text(f, text);
		return;
	}
	frame_clipped(f, text, room - 1);
	frame_clipped(f, f->utf8 ? "…" : ">", 1);
}

void
frame_right(struct frame *f, const char *text, int width)
{
	int n = frame_columns(f, text), from = f->column;

	f->column += n < width ? width - n : 0;
	frame_clipped(f, text, width);
	f->column = from + width;
}

void
frame_name(struct frame *f, const char *text, int room)
{
	int n = frame_columns(f, text), left = f->width - f->column;

	room = room < left ? room : left;
	if (n <= room || room < 1) {
		frame_clipped(f, text, room);
		return;
	}
	while (n > room - 1 && *text)
		n -= glyph_take(f, &text).columns;
	frame_clipped(f, "<", 1);
	frame_clipped(f, text, room - 1);
}

void
frame_fill(struct frame *f, unsigned style)
{
	if (f->line < 0 || f->line >= f->height)
		return;
	for (; f->column < f->width; f->column++)
		cell_at(f, f->now, f->line, f->column)->style = (unsigned char)style;
}

void
frame_forget(struct frame *f)
{
	f->known = false;
}

/* ---- Writing */

static bool
same(const struct frame_cell *a, const struct frame_cell *b)
{
	return a->style == b->style && memcmp(a->s, b->s, sizeof a->s) == 0;
}

static bool
is_blank(const struct frame_cell *c)
{
	return c->style == STYLE_PLAIN && c->s[0] == ' ';
}

/* What is being written. */
struct pen {
	struct buf *out;
	unsigned style;
	bool colour;
};

static void
set_style(struct pen *p, unsigned style)
{
	static const char *const colours[] = { "", ";32", ";33", ";31", ";36", "", "", "" };

	style = p->colour ? style : style & ~(unsigned)STYLE_COLOUR;
	if (style == p->style)
		return;
	buf_text(p->out, "\x1b[0");
	buf_text(p->out, style & STYLE_BOLD ? ";1" : "");
	buf_text(p->out, style & STYLE_DIM ? ";2" : "");
	buf_text(p->out, style & STYLE_REVERSE ? ";7" : "");
	buf_text(p->out, colours[style & STYLE_COLOUR]);
	buf_char(p->out, 'm');
	p->style = style;
}

static void
go_to(struct pen *p, int line, int column)
{
	buf_text(p->out, "\x1b[");
	buf_u64(p->out, (uint64_t)line + 1, 1);
	if (column > 0) {
		buf_char(p->out, ';');
		buf_u64(p->out, (uint64_t)column + 1, 1);
	}
	buf_char(p->out, 'H');
}

/* Whether a character of the line takes two columns, or bytes that terminals may disagree on. */
static bool
has_wide(const struct frame_cell *line, int width)
{
	for (int i = 0; i < width; i++)
		if (line[i].s[0] == '\0')
			return true;
	return false;
}

/* Where the run of changed cells that begins at `from` ends: a few unchanged ones between are cheaper than
 * a jump. */
static int
end_of_run(const struct frame_cell *now, const struct frame_cell *shown, int from, int end)
{
	enum { JUMP = 6 };
	int last = from;

	for (int i = from; i < end && i - last <= JUMP; i++)
		if (!same(&now[i], &shown[i]))
			last = i;
	return last + 1;
}

static void
write_line(struct frame *f, struct pen *p, int line)
{
	struct frame_cell *now = cell_at(f, f->now, line, 0),
			  *shown = cell_at(f, f->shown, line, 0);
	bool all = has_wide(now, f->width) || has_wide(shown, f->width), cleared = true;
	int end = f->width, at = 0;

	if (f->known && memcmp(now, shown, (size_t)f->width * sizeof *now) == 0)
		return;
	while (end > 0 && is_blank(&now[end - 1]))
		end--;
	for (int i = end; i < f->width; i++)
		cleared &= is_blank(&shown[i]);
	while (at < end) {
		if (!all && f->known && same(&now[at], &shown[at])) {
			at++;
			continue;
		}
		int stop = all || !f->known ? end : end_of_run(now, shown, at, end);
		go_to(p, line, at);
		for (; at < stop; at++) {
			set_style(p, now[at].style);
			buf_text(p->out, now[at].s);
		}
	}
	if (f->known && cleared && !all)
		return;
	set_style(p, STYLE_PLAIN);
	if (end < f->width) { /* else the cursor is still in the last column */
		go_to(p, line, end);
		buf_text(p->out, "\x1b[K");
	}
}

void
frame_diff(struct frame *f, struct buf *out)
{
	struct pen p = { out, STYLE_PLAIN, f->colour };
	size_t n = (size_t)f->width * (size_t)f->height;

	if (!f->known)
		buf_text(out, "\x1b[0m\x1b[H\x1b[2J");
	for (int line = 0; line < f->height; line++)
		write_line(f, &p, line);
	set_style(&p, STYLE_PLAIN);
	memcpy(f->shown, f->now, n * sizeof *f->now);
	f->known = true;
}

void
frame_lines(const struct frame *f, struct buf *out)
{
	size_t kept = out->n;

	for (int line = 0; line < f->height; line++) {
		size_t start = out->n, end = out->n;
		for (int i = 0; i < f->width; i++) {
			const struct frame_cell *c = cell_at(f, f->now, line, i);
			buf_text(out, c->s);
			end = c->s[0] && c->s[0] != ' ' ? out->n : end;
		}
		out->n = end;
		kept = end > start ? end : kept;
		buf_char(out, '\n');
		kept += end > start;
	}
	out->n = kept;
}

void
frame_free(struct frame *f)
{
	free(f->now);
	free(f->shown);
	f->now = f->shown = NULL;
}
