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

void
buf_u64(struct buf *b, uint64_t v, int width)
{
	char digits[20];
	int at = (int)sizeof digits;

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
		width--;
	} while ((v > 0 || width > 0) && at > 0);
	buf_add(b, digits + at, sizeof digits - (size_t)at);
}

void
buf_fixed(struct buf *b, double x, int digits)
{
	static const double power[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9 };
	static const double limit = 18446744073709549568.0; /* the largest double below 2^64 */
	double scaled = round(fabs(x) * power[digits]);
	/* digits after the point say nothing about a number as large */
	bool whole = scaled > limit;
	uint64_t n = (uint64_t)(whole ? fmin(fabs(x), limit) : scaled);
	uint64_t unit = whole ? 1 : (uint64_t)power[digits];

	if (x < 0 && n > 0)
		buf_char(b, '-');
	buf_u64(b, n / unit, 1);
	if (digits > 0 && !whole) {
		buf_char(b, '.');
		buf_u64(b, n % unit, digits);
	}
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
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
	    (*s == 0xf0 && s[1] < 0x90) ||
	    (*s == 0xf4 && s[1] > 0x8f)) /* overlong, a surrogate, or beyond Unicode */
		return 0;
	return n;
}

/* Characters that a terminal obeys: U+0000 to U+001F, U+007F, and U+0080 to U+009F. */
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

void
buf_printable(struct buf *b, const char *s)
{
	while (*s) {
		size_t n = buf_utf8_length(s);
		if (!is_control(s, n)) {
			buf_add(b, s, n);
			s += n;
			continue;
		}
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
