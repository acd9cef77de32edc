#include "buf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

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
	static const double limit = 1e18; /* below 2^63, so that the cast holds */
	double scaled = fabs(x) * power[digits] + 0.5;
	bool whole = scaled >= limit; /* digits after the point say nothing about a number as large */
	uint64_t n = whole ? (uint64_t)(fabs(x) < limit ? fabs(x) : limit) : (uint64_t)scaled;
	uint64_t unit = whole ? 1 : (uint64_t)power[digits];

	if (x < 0 && n > 0)
		buf_char(b, '-');
	buf_u64(b, n / unit, 1);
	if (digits > 0 && !whole) {
		buf_char(b, '.');
		buf_u64(b, n % unit, digits);
	}
}

void
buf_printable(struct buf *b, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= ' ' && c != 0x7f) {
			buf_char(b, *s);
			continue;
		}
		char octal[] = { '\\', (char)('0' + (c >> 6)), (char)('0' + (c >> 3 & 7)), (char)('0' + (c & 7)) };
		buf_add(b, octal, sizeof octal);
	}
}

void
buf_free(struct buf *b)
{
	free(b->s);
	*b = (struct buf){ 0 };
}
