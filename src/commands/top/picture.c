#include "commands/top/picture.h"

#include <string.h>

#include "base/svg.h"

/* Tenths of a pixel: the usual advance of a monospaced font of 12 pixels. */
enum { COLUMN_TENTHS = 72 };
enum { LINE = 16, MARGIN = 12, BASE = 12, LEVELS = 8 };

/* Plain text has colour 0. In a reversed cell, r has the colour of the background. */
static const char style_sheet[] =
    "<style>"
    "text{white-space:pre;font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans "
    "Mono\",monospace}"
    ".page{fill:#fff;stroke:#d0d7de}"
    ".c0{fill:#1f2328}.c1{fill:#1a7f37}.c2{fill:#8a5c00}.c3{fill:#cf222e}.c4{fill:#0b6e75}"
    ".r{fill:#fff}.b{font-weight:bold}.d{opacity:.7}"
    "@media(prefers-color-scheme:dark){"
    ".page{fill:#0d1117;stroke:#3d444d}"
    ".c0{fill:#e6edf3}.c1{fill:#3fb950}.c2{fill:#d29922}.c3{fill:#ff7b72}.c4{fill:#39c5cf}"
    ".r{fill:#0d1117}}"
    "</style>\n";

static const struct frame_cell *
line_of(const struct frame *f, int line)
{
	return &f->now[(size_t)line * (size_t)f->width];
}

static double
x_of(int column)
{
	return MARGIN + column * (COLUMN_TENTHS / 10.0);
}

static double
y_of(int line)
{
	return MARGIN + line * LINE;
}

static bool
is_blank(const struct frame_cell *c)
{
	return c->s[0] == ' ' && !(c->style & STYLE_REVERSE);
}

/* How many columns of a line are not blank. */
static int
line_width(const struct frame *f, int line)
{
	int n = f->width;

	while (n > 0 && is_blank(&line_of(f, line)[n - 1]))
		n--;
	return n;
}

static int
count_lines(const struct frame *f)
{
	int n = f->height;

	while (n > 0 && line_width(f, n - 1) == 0)
		n--;
	return n;
}

/* The height of the characters U+2581 to U+2588 in eighths; 0: another character. They are drawn as shapes,
 * because fonts lack them or differ in their width. */
static int
level_of(const struct frame_cell *c)
{
	const unsigned char *s = (const unsigned char *)c->s;

	return s[0] == 0xe2 && s[1] == 0x96 && s[2] > 0x80 && s[2] <= 0x88 ? s[2] - 0x80 : 0;
}

/* ---- Shapes */

static void
put_block(struct buf *b, int line, int column, int level)
{
	double height = (double)(LINE - 2) * level / LEVELS;

	svg_rectangle(
	    b, x_of(column), y_of(line) + LINE - 1 - height, COLUMN_TENTHS / 10.0, height);
}

/* A stretch of reversed cells of that colour. Returns where it ends. */
static int
put_reversed(struct buf *b, const struct frame *f, int line, int column, unsigned colour)
{
	const struct frame_cell *v = line_of(f, line);
	int end = column;

	while (end < f->width && v[end].style & STYLE_REVERSE &&
	    (v[end].style & STYLE_COLOUR) == colour)
		end++;
	if (end > column)
		svg_rectangle(
		    b, x_of(column), y_of(line), (end - column) * (COLUMN_TENTHS / 10.0), LINE);
	return end;
}

static void
put_shapes_of_line(struct buf *b, const struct frame *f, int line, unsigned colour)
{
	const struct frame_cell *v = line_of(f, line);

	for (int i = 0; i < f->width; i++) {
		int end = put_reversed(b, f, line, i, colour);
		if (end > i)
			i = end - 1;
		else if ((v[i].style & STYLE_COLOUR) == colour && level_of(&v[i]))
			put_block(b, line, i, level_of(&v[i]));
	}
}

/* A path for each colour: backgrounds and blocks. */
static void
put_shapes(struct buf *b, const struct frame *f, int lines)
{
	for (unsigned colour = 0; colour <= STYLE_CYAN; colour++) {
		size_t begun = b->n;
		buf_text(b, "<path class=\"c");
		buf_u64(b, colour, 1);
		buf_text(b, "\" d=\"");
		size_t drawn = b->n;
		for (int line = 0; line < lines; line++)
			put_shapes_of_line(b, f, line, colour);
		if (b->n == drawn)
			b->n = begun;
		else
			buf_text(b, "\"/>\n");
	}
}

/* ---- Text */

/* A character of two columns (its second cell is empty) is a text of its own: fonts differ in its width. */
static bool
is_wide(const struct frame *f, const struct frame_cell *v, int column)
{
	return column + 1 < f->width && v[column + 1].s[0] == '\0';
}

/* Where the text that begins there, of one style, ends. Blanks have any style. */
static int
end_of_text(const struct frame *f, int line, int column, int width)
{
	const struct frame_cell *v = line_of(f, line);
	int end = column + 1;

	if (is_wide(f, v, column))
		return column + 2;
	while (end < width && !level_of(&v[end]) && !is_wide(f, v, end) &&
	    (v[end].s[0] == ' ' || v[end].style == v[column].style))
		end++;
	return end;
}

static void
put_classes(struct buf *b, unsigned style)
{
	buf_text(b, style & STYLE_REVERSE ? "r" : "c");
	if (!(style & STYLE_REVERSE))
		buf_u64(b, style & STYLE_COLOUR, 1);
	buf_text(b, style & STYLE_BOLD ? " b" : "");
	buf_text(b, style & STYLE_DIM ? " d" : "");
}

/* Gives the length of the text, so that columns stay aligned in every font. */
static void
put_text(struct buf *b, const struct frame_cell *v, int from, int to)
{
	buf_text(b, "<tspan class=\"");
	put_classes(b, v[from].style);
	buf_text(b, "\" x=\"");
	buf_trimmed(b, x_of(from), 1);
	buf_text(b, "\" textLength=\"");
	buf_trimmed(b, (to - from) * (COLUMN_TENTHS / 10.0), 1);
	buf_text(b, "\">");
	for (int i = from; i < to; i++)
		buf_markup(b, v[i].s);
	buf_text(b, "</tspan>");
}

static void
put_line(struct buf *b, const struct frame *f, int line)
{
	const struct frame_cell *v = line_of(f, line);
	int width = line_width(f, line);

	if (width == 0)
		return;
	buf_text(b, "<text y=\"");
	buf_trimmed(b, y_of(line) + BASE, 1);
	buf_text(b, "\">");
	for (int i = 0; i < width;) {
		if (level_of(&v[i]) || v[i].s[0] == ' ') {
			i++;
			continue;
		}
		int end = end_of_text(f, line, i, width);
		put_text(b, v, i, end);
		i = end;
	}
	buf_text(b, "</text>\n");
}

/* ---- The file */

static void
put_words(struct buf *b, const struct frame *f, int line)
{
	int width = line_width(f, line);

	for (int i = 0; i < width; i++)
		buf_markup(b, line_of(f, line)[i].s);
}

/* What a screen reader reads aloud: the first line and the verdict. */
static void
put_description(struct buf *b, const struct frame *f, int lines)
{
	buf_text(b,
	    " role=\"img\" aria-labelledby=\"title verdict\" xml:space=\"preserve\"><title "
	    "id=\"title\">");
	if (lines > 0)
		put_words(b, f, 0);
	buf_text(b, "</title><desc id=\"verdict\">");
	if (lines > 1)
		put_words(b, f, 1);
	buf_text(b, "</desc>\n");
}

void
picture_print(const struct frame *f, struct buf *out)
{
	int lines = count_lines(f);
	unsigned width = 2 * MARGIN + (unsigned)(f->width * COLUMN_TENTHS + 9) / 10,
		 height = 2 * MARGIN + (unsigned)lines * LINE;

	svg_begin(out, width, height);
	put_description(out, f, lines);
	buf_text(out, style_sheet);
	buf_text(out, "<rect class=\"page\" x=\".5\" y=\".5\" width=\"");
	buf_u64(out, width - 1, 1);
	buf_text(out, "\" height=\"");
	buf_u64(out, height - 1, 1);
	buf_text(out, "\" rx=\"6\"/>\n");
	put_shapes(out, f, lines);
	for (int line = 0; line < lines; line++)
		put_line(out, f, line);
	buf_text(out, "</svg>\n");
}
