#include "base/buf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

char *
buf_room(struct buf *b, size_t n)
{
	if (b->cap - b->n < n) {
		size_t cap = b->cap ? b->cap : 1024;

		while (cap - b->n < n)
			cap *= 2;
		b->s = xrealloc(b->s, cap);
		b->cap = cap;
	}
	return b->s + b->n;
}

void
buf_add(struct buf *b, const char *s, size_t n)
{
	if (n == 0)
		return;
	memcpy(buf_room(b, n), s, n);
	b->n += n;
}

void
buf_text(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_char(struct buf *b, char c)
{
	*buf_room(b, 1) = c;
	b->n++;
}

void
buf_pad(struct buf *b, size_t n)
{
	if (n == 0)
		return;
	memset(buf_room(b, n), ' ', n);
	b->n += n;
}

enum { DIGITS_MOST = 20 };

/* Writes at least `width` digits of v, up to `end`. Returns where they begin. */
static char *
put_digits(char *end, uint64_t v, int width)
{
	char *s = end;

	do
		*--s = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	while (end - s < width && end - s < DIGITS_MOST)
		*--s = '0';
	return s;
}

void
buf_u64(struct buf *b, uint64_t v, int width)
{
	char digits[DIGITS_MOST];
	char *end = digits + sizeof digits, *s = put_digits(end, v, width);

	buf_add(b, s, (size_t)(end - s));
}

/* The nearest whole number; half rounds up. */
static uint64_t
rounded(double x)
{
	uint64_t n = (uint64_t)x;

	return n + (x - (double)n >= 0.5);
}

void
buf_fixed(struct buf *b, double x, int digits)
{
	static const double power[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9 };
	static const double limit = 18446744073709549568.0; /* the largest double below 2^64 */
	double size = fabs(x), scaled = size * power[digits];
	/* a number this large has no digits after the point */
	bool whole = scaled > limit;
	uint64_t n = whole ? (uint64_t)(size < limit ? size : limit) : rounded(scaled);
	uint64_t unit = whole ? 1 : (uint64_t)power[digits];
	char out[2 * DIGITS_MOST + 2], *end = out + sizeof out, *s = end;

	if (digits > 0 && !whole) {
		s = put_digits(s, n % unit, digits);
		*--s = '.';
	}
	s = put_digits(s, n / unit, 1);
	if (x < 0 && n > 0)
		*--s = '-';
	buf_add(b, s, (size_t)(end - s));
}

void
buf_trimmed(struct buf *b, double x, int digits)
{
	size_t start = b->n;

	buf_fixed(b, x, digits);
	if (!memchr(b->s + start, '.', b->n - start))
		return;
	while (b->s[b->n - 1] == '0')
		b->n--;
	if (b->s[b->n - 1] == '.')
		b->n--;
}

size_t
buf_utf8_length(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n = *s < 0x80        ? 1 :
	    *s >= 0xc2 && *s < 0xe0 ? 2 :
	    *s >= 0xe0 && *s < 0xf0 ? 3 :
	    *s >= 0xf0 && *s < 0xf5 ? 4 :
				      0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* overlong, a surrogate, or beyond Unicode */
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* Whether a terminal would obey the character, or it is not UTF-8 (n is 0): U+0000 to U+001F,
 * U+007F, and U+0080 to U+009F. */
static bool
is_control(const char *s, size_t n)
{
	unsigned char c = (unsigned char)*s;

	return n == 0 || c < ' ' || c == 0x7f || (c == 0xc2 && (unsigned char)s[1] < 0xa0);
}

static void
put_octal(struct buf *b, unsigned char c)
{
	char octal[] = { '\\', (char)('0' + (c >> 6)), (char)('0' + (c >> 3 & 7)),
		(char)('0' + (c & 7)) };

	buf_add(b, octal, sizeof octal);
}

/* How many bytes at s are safe on a terminal. */
static size_t
harmless_bytes(const char *s)
{
	size_t at = 0;

	for (;;) {
		while (s[at] >= ' ' && s[at] < 0x7f)
			at++;
		size_t n = buf_utf8_length(s + at);
		if (is_control(s + at, n))
			return at;
		at += n;
	}
}

void
buf_printable(struct buf *b, const char *s)
{
	for (;;) {
		size_t n = harmless_bytes(s);
		buf_add(b, s, n);
		s += n;
		if (!*s)
			return;
		n = buf_utf8_length(s);
		for (size_t i = 0; i < (n ? n : 1); i++)
			put_octal(b, (unsigned char)*s++);
	}
}

void
buf_free(struct buf *b)
{
	free(b->s);
	*b = (struct buf){ 0 };
}
