#include "commands/top/scroll.h"

#include <string.h>

/* Appends a line, folded: from the second on, lines begin two columns after the first. All of a heading are headings. */
static void
fold_line(const struct frame *f, const char *text, struct buf *out)
{
	bool heading = *text == '#';
	int indent = (int)strspn(text, " ") + 2, from = 0;

	text += heading;
	indent = indent < f->width / 2 ? indent : 0;
	do {
		size_t n = frame_fit(f, text, f->width - from);
		buf_text(out, heading ? "#" : "");
		buf_pad(out, (size_t)from);
		buf_add(out, text, n);
		buf_char(out, '\n');
		text += n + strspn(text + n, " ");
		from = indent;
	} while (*text);
}

static int
fold(const struct frame *f, const struct buf *text, struct buf *out)
{
	struct text rest = { text->s, text->n }, one;
	struct buf line = { 0 };
	int n = 0;

	while (text_line(&rest, &one)) {
		line.n = 0;
		buf_add(&line, one.s, one.n);
		buf_char(&line, '\0');
		fold_line(f, line.s, out);
	}
	buf_free(&line);
	for (size_t i = 0; i < out->n; i++)
		n += out->s[i] == '\n';
	return n;
}

void
scroll_draw(struct scroll *s, struct frame *f, const struct buf *text, int line, int lines)
{
	struct buf folded = { 0 };
	int n = fold(f, text, &folded), at = 0;

	s->most = n > lines ? n - lines : 0;
	scroll_move(s, 0);
	for (char *from = folded.s; at < n && at < s->top + lines; at++) {
		char *end = strchr(from, '\n');
		bool heading = *from == '#';
		*end = '\0';
		if (at >= s->top) {
			frame_at(f, line + at - s->top, 0,
			    heading ? STYLE_BOLD | STYLE_CYAN : STYLE_PLAIN);
			frame_text(f, from + heading);
		}
		from = end + 1;
	}
	buf_free(&folded);
}

void
scroll_move(struct scroll *s, long by)
{
	long to = s->top + by;

	s->top = to < 0 ? 0 : to > s->most ? s->most : (int)to;
}
