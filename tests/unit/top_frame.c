/* frames of pq top: only what changed is written, and nothing leaves its line. */
#include <string.h>

#include "commands/top/frame.h"
#include "unit.h"

enum { WIDTH = 20, HEIGHT = 4 };

/* A terminal that knows what frame_diff writes. */
struct terminal {
	char cell[HEIGHT][WIDTH + 1];
	int line, column;
};

static void
clear(char *cells, int n)
{
	memset(cells, ' ', (size_t)n);
}

static void
obey(struct terminal *t, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] != '\x1b') {
			if (t->line < HEIGHT && t->column < WIDTH)
				t->cell[t->line][t->column] = s[i];
			t->column++;
			continue;
		}
		int number[2] = { 0, 0 }, at = 0;
		for (i += 2; s[i] == ';' || (s[i] >= '0' && s[i] <= '9'); i++) {
			at += s[i] == ';';
			if (at < 2 && s[i] != ';')
				number[at] = number[at] * 10 + s[i] - '0';
		}
		if (s[i] == 'H') {
			t->line = number[0] ? number[0] - 1 : 0;
			t->column = number[1] ? number[1] - 1 : 0;
		} else if (s[i] == 'K') {
			clear(t->cell[t->line] + t->column, WIDTH - t->column);
		} else if (s[i] == 'J') {
			for (int line = 0; line < HEIGHT; line++)
				clear(t->cell[line], WIDTH);
		} else {
			CHECK(s[i] == 'm');
		}
	}
}

static void
show(struct frame *f, struct terminal *t, const char *const *lines, size_t *bytes)
{
	struct buf out = { 0 }, plain = { 0 }, seen = { 0 };

	frame_begin(f, WIDTH, HEIGHT);
	for (int i = 0; i < HEIGHT; i++) {
		frame_at(f, i, 0, STYLE_PLAIN);
		frame_text(f, lines[i]);
	}
	frame_diff(f, &out);
	obey(t, out.s, out.n);
	*bytes = out.n;
	frame_lines(f, &plain);
	for (int i = 0; i < HEIGHT; i++) {
		int n = WIDTH;
		while (n > 0 && t->cell[i][n - 1] == ' ')
			n--;
		buf_add(&seen, t->cell[i], (size_t)n);
		buf_char(&seen, '\n');
	}
	while (seen.n > 1 && seen.s[seen.n - 1] == '\n' && seen.s[seen.n - 2] == '\n')
		seen.n--;
	buf_char(&plain, '\0');
	buf_char(&seen, '\0');
	CHECK_STRING(seen.s, plain.s);
	buf_free(&out);
	buf_free(&plain);
	buf_free(&seen);
}

static void
differences_are_written(void)
{
	static const char *const frames[][HEIGHT] = {
		{ "one", "two", "three", "four" },
		{ "one", "two", "three", "four" },
		{ "one", "twO", "three", "four" },
		{ "a much longer line it is", "", "t", "12345678901234567890" },
		{ "", "x", "                   y", "1234567890123456789" },
		{ "                   z", "", "", "" },
		{ "", "", "", "end" },
	};
	struct frame f = { .utf8 = true, .colour = true };
	struct terminal t;
	size_t bytes;

	for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
		show(&f, &t, frames[i], &bytes);
		if (i == 1)
			CHECK_U64(bytes, 0);
		if (i == 2)
			CHECK_U64(bytes, strlen("\x1b[2;3HO"));
	}
	frame_free(&f);
}

static const char *
line_of(struct frame *f, const char *text, int room)
{
	static struct buf out;

	frame_begin(f, WIDTH, 1);
	frame_clipped(f, text, room);
	out.n = 0;
	frame_lines(f, &out);
	buf_char(&out, '\0');
	return out.s;
}

static void
text_is_clipped_and_harmless(void)
{
	struct frame f = { .utf8 = true };

	CHECK_STRING(line_of(&f, "a\x1b[2Jb", 99), "a\\033[2Jb\n");
	CHECK_STRING(line_of(&f, "a\nb", 99), "a\\012b\n");
	CHECK_STRING(line_of(&f, "123\x1b", 6), "123\n");
	CHECK_STRING(line_of(&f, "\xff", 99), "\\377\n");
	CHECK_STRING(line_of(&f, "e\xcc\x81", 99), "e\\314\\201\n"); /* combines */
	CHECK_STRING(line_of(&f,
			 "\xe2\x80\xae"
			 "x",
			 99),
	    "\\342\\200\\256x\n"); /* right to left */
	CHECK_STRING(line_of(&f, "\xe5\xad\x97\xe5\xad\x97", 99), "\xe5\xad\x97\xe5\xad\x97\n");
	CHECK_STRING(
	    line_of(&f, "\xe5\xad\x97\xe5\xad\x97", 3), "\xe5\xad\x97\n"); /* two columns each */
	f.utf8 = false;
	CHECK_STRING(line_of(&f, "\xc3\xa9", 99), "\\303\\251\n");
	frame_free(&f);
}

static void
names_keep_their_end(void)
{
	struct frame f = { .utf8 = true };
	struct buf out = { 0 };

	frame_begin(&f, WIDTH, 2);
	frame_name(&f, "/kubepods/burstable/web", 10);
	frame_at(&f, 1, 0, STYLE_PLAIN);
	frame_name(&f, "short", 10);
	frame_lines(&f, &out);
	buf_char(&out, '\0');
	CHECK_STRING(out.s, "<table/web\nshort\n");
	buf_free(&out);
	frame_free(&f);
}

/* Whatever is drawn outside is not drawn. */
static void
places_outside(void)
{
	struct frame f = { .utf8 = true };
	struct buf out = { 0 };

	for (int width = 0; width < 3; width++)
		for (int line = -2; line < 3; line++)
			for (int column = -3; column < 3; column++) {
				frame_begin(&f, width, 1);
				frame_at(&f, line, column, STYLE_RED);
				frame_text(&f, "\xe5\xad\x97x");
				frame_right(&f, "123", 5);
				frame_name(&f, "abc", 2);
				frame_fill(&f, STYLE_REVERSE);
				frame_diff(&f, &out);
			}
	frame_begin(&f, 1 << 20, 1 << 20);
	CHECK_U64((uint64_t)f.width, FRAME_COLUMNS);
	CHECK_U64((uint64_t)f.height, FRAME_LINES);
	buf_free(&out);
	frame_free(&f);
}

static void
fits(const char *text, int room, size_t bytes)
{
	const struct frame f = { .utf8 = true };

	CHECK_U64(frame_fit(&f, text, room), bytes);
}

/* A wide character is 2 columns of 3 bytes, and a control character is shown as 4 columns. */
static void
lines_are_folded_at_blanks(void)
{
	fits("", 5, 0);
	fits("ab cd", 5, 5);
	fits("ab cd", 4, 2);
	fits("ab cd", 2, 2);
	fits("ab   cd", 4, 2);
	fits("ab cd ", 5, 5);
	fits("  ab cd", 5, 4);
	fits("abcdef", 4, 4);
	fits("  abcdef", 4, 4);
	fits("a\xe6\xbc\xa2 b", 3, 4);
	fits("a\xe6\xbc\xa2\xe6\xbc\xa2", 4, 4);
	fits("0,2,14", 5, 4); /* a number in two would be two numbers */
	fits("ab 0,2,14", 8, 7);
	fits("a, b", 3, 2);
	fits("ab\x01", 5, 2);
	fits("abc", 0, 1);
}

int
main(void)
{
	unit_test("only what differs is written, and the screen is right", differences_are_written);
	unit_test(
	    "text is clipped, and control characters are shown", text_is_clipped_and_harmless);
	unit_test("a name that is too long keeps its end", names_keep_their_end);
	unit_test("lines are folded at blanks", lines_are_folded_at_blanks);
	unit_test("what is drawn outside is not drawn", places_outside);
	return unit_done();
}
