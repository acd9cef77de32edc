#include "base/buf.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/printable.h"

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

/* Two digits at a time take half as many divisions. */
static const char pairs[] = "0001020304050607080910111213141516171819"
			    "2021222324252627282930313233343536373839"
			    "4041424344454647484950515253545556575859"
			    "6061626364656667686970717273747576777879"
			    "8081828384858687888990919293949596979899";

/* Writes at least `width` digits of v, up to `end`. Returns where they begin. */
static char *
digits_before(char *end, uint64_t v, int width)
{
	char *s = end;

	for (; v >= 100; v /= 100)
		s = memcpy(s - 2, pairs + v % 100 * 2, 2);
	if (v >= 10)
		s = memcpy(s - 2, pairs + v * 2, 2);
	else
		*--s = (char)('0' + v);
	while (end - s < width && end - s < U64_DIGITS)
		*--s = '0';
	return s;
}

char *
put_digits(char *to, uint64_t v, int width)
{
	char digits[U64_DIGITS], *end = digits + sizeof digits, *s = digits_before(end, v, width);

	return mempcpy(to, s, (size_t)(end - s));
}

void
buf_u64(struct buf *b, uint64_t v, int width)
{
	buf_room(b, U64_DIGITS);
	b->n = (size_t)(put_digits(b->s + b->n, v, width) - b->s);
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
	char out[2 * U64_DIGITS + 2], *end = out + sizeof out, *s = end;

	if (digits > 0 && !whole) {
		s = digits_before(s, n % unit, digits);
		*--s = '.';
	}
	s = digits_before(s, n / unit, 1);
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

void
buf_printable(struct buf *b, const char *s)
{
	char octal[5];

	while (*s) {
		size_t n = printable_length(s);
		buf_add(b, s, n);
		s += n;
		if (*s)
			buf_text(b, printable_octal(octal, *s++));
	}
}

/* The name of a character that markup uses itself, or NULL. */
static const char *
entity_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

/* U+FFFE and U+FFFF are no characters. */
static bool
is_no_character(const char *s, size_t n)
{
	return n >= 3 && memcmp(s, "\xef\xbf", 2) == 0 && ((unsigned char)s[2] & 0xfe) == 0xbe;
}

void
buf_markup(struct buf *b, const char *s)
{
	struct buf plain = { 0 };

	buf_printable(&plain, s);
	for (size_t i = 0; i < plain.n; i++) {
		const char *entity = entity_of(plain.s[i]);
		if (is_no_character(plain.s + i, plain.n - i)) {
			buf_char(b, '?');
			i += 2;
		} else if (entity) {
			buf_text(b, entity);
		} else {
			buf_char(b, plain.s[i]);
		}
	}
	buf_free(&plain);
}

static void
put_escaped(struct buf *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	const char escape[] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	buf_add(b, escape, sizeof escape);
}

void
buf_json_string(struct buf *b, const char *s)
{
	const unsigned char *c = (const unsigned char *)s;

	buf_char(b, '"');
	while (*c) {
		size_t n = utf8_length((const char *)c);
		if (*c == '"' || *c == '\\') {
			buf_char(b, '\\');
			buf_char(b, (char)*c++);
		} else if (*c < ' ' || *c == 0x7f || n == 0) {
			put_escaped(b, *c++);
			/* U+0080 to U+009F: a terminal may obey them */
		} else if (*c == 0xc2 && c[1] < 0xa0) {
			put_escaped(b, c[1]);
			c += n;
		} else {
			buf_add(b, (const char *)c, n);
			c += n;
		}
	}
	buf_char(b, '"');
}

void
buf_free(struct buf *b)
{
	free(b->s);
	*b = (struct buf){ 0 };
}

int
write_whole(int fd, const char *s, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, s, n);
		if (done < 0 && errno != EINTR)
			return -1;
		s += done > 0 ? done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
	return 0;
}
