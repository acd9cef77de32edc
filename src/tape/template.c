#include "tape/template.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

/* 10^19 is the largest power of ten below 2^64. */
enum { DIGITS_MOST = 19, WIDTH_MOST = 200 };

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The value of the digits from s + i to at most s + end; *n is how many there are. Too many digits
 * overflow it. */
static uint64_t
digits_at(const char *s, size_t i, size_t end, size_t *n)
{
	uint64_t v = 0;
	size_t start = i;

	for (; i < end && is_digit(s[i]); i++)
		v = v * 10 + (uint64_t)(s[i] - '0');
	*n = i - start;
	return v;
}

/* Whether printing the value of the n digits at s + i gives the same digits. */
static bool
is_canonical(const char *s, size_t i, size_t n)
{
	return n > 0 && n <= DIGITS_MOST && (n == 1 || s[i] != '0');
}

/* Makes the n digits at s + i a number; false if they stay literal. */
static bool
classify(const char *s, size_t i, size_t n, struct spot *spot)
{
	size_t blanks = 0;

	*spot = (struct spot){ (uint32_t)i, (uint8_t)n, FIGURE_PLAIN };
	if (i > 0 && s[i - 1] == '.') {
		spot->kind = FIGURE_FIXED;
		return n <= DIGITS_MOST;
	}
	if (!is_canonical(s, i, n))
		return false;
	while (blanks < i && blanks < WIDTH_MOST && s[i - 1 - blanks] == ' ')
		blanks++;
	if (blanks >= 2 && blanks + n < WIDTH_MOST)
		*spot =
		    (struct spot){ (uint32_t)(i - blanks), (uint8_t)(blanks + n), FIGURE_PADDED };
	return true;
}

static void
add(struct figures *f, struct spot spot, uint64_t value)
{
	size_t room = f->room;

	f->spots = xgrow(f->spots, f->count, &room, sizeof *f->spots);
	f->values = xgrow(f->values, f->count, &f->room, sizeof *f->values);
	f->spots[f->count] = spot;
	f->values[f->count++] = value;
}

void
figures_take(struct figures *f, struct text t)
{
	struct spot spot;

	f->text.n = f->count = 0;
	buf_room(&f->text, t.n + 1); /* not NULL, even for an empty text */
	buf_add(&f->text, t.s, t.n);
	for (size_t i = 0, n; i < t.n; i += n) {
		uint64_t v = digits_at(t.s, i, t.n, &n);
		if (n > 0 && classify(t.s, i, n, &spot))
			add(f, spot, v);
		n += n == 0;
	}
}

/* How many of the first n bytes at a and b are equal. */
static size_t
equal_bytes(const char *a, const char *b, size_t n)
{
	size_t i = 0;
	uint64_t x, y;

	for (; i + sizeof x <= n; i += sizeof x) {
		memcpy(&x, a + i, sizeof x);
		memcpy(&y, b + i, sizeof y);
		if (x != y)
			break;
	}
	while (i < n && a[i] == b[i])
		i++;
	return i;
}

/* Reads the number at t.s + at, of the same kind as the old one at `spot`. Returns its width, or 0
 * if there is none. */
static size_t
number_at(struct text t, size_t at, const struct spot *spot, uint64_t *v)
{
	size_t blanks = 0, n;

	while (spot->kind == FIGURE_PADDED && at + blanks < t.n && blanks < spot->n &&
	    t.s[at + blanks] == ' ')
		blanks++;
	*v = digits_at(t.s, at + blanks, t.n, &n);
	if (spot->kind == FIGURE_FIXED)
		return n == spot->n ? n : 0;
	if (!is_canonical(t.s, at + blanks, n))
		return 0;
	if (spot->kind == FIGURE_PADDED)
		return blanks >= 2 && blanks + n == spot->n ? spot->n : 0;
	return n;
}

/*
 * Compares both texts. At a difference there must be a number, or one that has just ended (9 became
 * 90). If the new number has another length, the following places move by the difference.
 */
bool
figures_renew(struct figures *f, struct text t)
{
	const char *old = f->text.s;
	/* in the old text, in the new one; the next number */
	size_t i = 0, j = 0, next = 0, end = f->text.n;

	for (;;) {
		size_t left = end - i < t.n - j ? end - i : t.n - j,
		       same = left ? equal_bytes(old + i, t.s + j, left) : 0;
		i += same;
		j += same;
		for (; next < f->count && f->spots[next].at + f->spots[next].n < i; next++)
			f->spots[next].at = (uint32_t)(f->spots[next].at + j - i);
		if (i == end && j == t.n)
			break;
		if (next == f->count || f->spots[next].at > i)
			return false;
		struct spot *spot = &f->spots[next];
		size_t back = i - spot->at, start = j - back,
		       n = number_at(t, start, spot, &f->values[next]);
		if (n == 0 || n > UINT8_MAX)
			return false;
		i = spot->at + spot->n;
		j = start + n;
		*spot = (struct spot){ (uint32_t)start, (uint8_t)n, spot->kind };
		next++;
	}
	for (; next < f->count; next++)
		f->spots[next].at = (uint32_t)(f->spots[next].at + j - i);
	f->text.n = 0;
	buf_add(&f->text, t.s, t.n);
	return true;
}

static void
print_number(struct buf *b, const struct spot *spot, uint64_t v)
{
	size_t digits = 1;

	if (spot->kind == FIGURE_PADDED) {
		for (uint64_t rest = v; rest >= 10; rest /= 10)
			digits++;
		buf_pad(b, spot->n > digits ? spot->n - digits : 0);
	}
	buf_u64(b, v, spot->kind == FIGURE_FIXED ? spot->n : 1);
}

/* The text of before with the numbers that have changed since. */
static void
print_changed(const struct figures *f, const uint64_t *values, struct printed *p)
{
	struct buf old = p->text;
	size_t taken = 0; /* of the old text */

	p->text = p->spare;
	p->text.n = 0;
	for (size_t i = 0; i < f->count; i++) {
		struct spot *spot = &p->spots[i];
		size_t at = p->text.n + spot->at - taken;
		if (p->values[i] != values[i]) {
			buf_add(&p->text, old.s + taken, spot->at - taken);
			taken = spot->at + spot->n;
			print_number(&p->text, &f->spots[i], values[i]);
			spot->n = (uint8_t)(p->text.n - at);
			p->values[i] = values[i];
		}
		spot->at = (uint32_t)at;
	}
	buf_add(&p->text, old.s + taken, old.n - taken);
	p->spare = old;
}

static void
print_all(const struct figures *f, const uint64_t *values, struct printed *p)
{
	size_t at = 0;

	p->text.n = 0;
	p->valid = true;
	for (size_t i = 0; i < f->count; i++) {
		const struct spot *spot = &f->spots[i];
		buf_add(&p->text, f->text.s + at, spot->at - at);
		size_t begin = p->text.n;
		print_number(&p->text, spot, values[i]);
		p->spots[i] =
		    (struct spot){ (uint32_t)begin, (uint8_t)(p->text.n - begin), spot->kind };
		p->values[i] = values[i];
		at = spot->at + spot->n;
	}
	buf_add(&p->text, f->text.s + at, f->text.n - at);
}

void
figures_show(const struct figures *f, const uint64_t *values, struct printed *p)
{
	if (p->valid) {
		print_changed(f, values, p);
		return;
	}
	if (p->room < f->count) {
		p->room = f->count;
		p->spots = xrealloc(p->spots, p->room * sizeof *p->spots);
		p->values = xrealloc(p->values, p->room * sizeof *p->values);
	}
	print_all(f, values, p);
}

void
printed_free(struct printed *p)
{
	buf_free(&p->text);
	buf_free(&p->spare);
	free(p->spots);
	free(p->values);
	*p = (struct printed){ .valid = false };
}

void
figures_free(struct figures *f)
{
	buf_free(&f->text);
	free(f->spots);
	free(f->values);
	*f = (struct figures){ 0 };
}
