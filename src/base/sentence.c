#include "base/sentence.h"

#include <math.h>

#include "base/units.h"

static void
put_fixed(const struct figure *f, struct buf *b)
{
	buf_fixed(b, f->number, f->digits);
}

static void
put_bytes(const struct figure *f, struct buf *b)
{
	char out[HUMAN_MOST];

	buf_text(b, human_size(f->number, out));
}

static void
put_seconds(const struct figure *f, struct buf *b)
{
	char out[HUMAN_MOST];

	buf_text(b, human_duration(f->number, out));
}

static void
put_text(const struct figure *f, struct buf *b)
{
	buf_text(b, f->text);
}

static void
put_none(const struct figure *f, struct buf *b)
{
	(void)f;
	(void)b;
}

static struct figure
figure_of(void (*put)(const struct figure *, struct buf *), double number, const char *text)
{
	return (struct figure){ isfinite(number) ? put : NULL, number, 0, text };
}

struct figure
fixed(double number, int digits)
{
	struct figure f = figure_of(put_fixed, number, "");

	f.digits = digits;
	return f;
}

struct figure
bytes(double number)
{
	return figure_of(put_bytes, number, "");
}

struct figure
seconds(double number)
{
	return figure_of(put_seconds, number, "");
}

struct figure
name(const char *text)
{
	return figure_of(put_text, text && *text ? 0 : NAN, text);
}

struct figure
figure_words(const char *text)
{
	return figure_of(put_text, 0, text);
}

struct figure
figure_none(void)
{
	return figure_of(put_none, 0, "");
}

/* Appends the figure. False if it is unknown or missing. */
static bool
put_figure(struct buf *b, const struct figure *f, size_t at, size_t n)
{
	if (at >= n || !f[at].put)
		return false;
	f[at].put(&f[at], b);
	return true;
}

bool
sentence_put(struct buf *b, const char *words, const struct figure *figures, size_t n)
{
	const size_t start = b->n;
	size_t at = 0, part = start;
	bool known = true, part_known = true, in_part = false;

	n -= n == 1 && figures[0].put == put_none;
	for (; *words; words++) {
		if (*words == '[') {
			part = b->n;
			in_part = part_known = true;
		} else if (*words == ']') {
			b->n = part_known ? b->n : part;
			in_part = false;
		} else if (words[0] == '{' && words[1] == '}') {
			words++;
			*(in_part ? &part_known : &known) &= put_figure(b, figures, at++, n);
		} else {
			buf_char(b, *words);
		}
	}
	known &= at == n;
	b->n = known ? b->n : start;
	return known;
}
