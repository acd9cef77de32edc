#include "base/code.h"

#include <endian.h>
#include <string.h>

void
le_put(unsigned char *out, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		out[i] = (unsigned char)(v >> 8 * i);
}

uint64_t
le_get(const unsigned char *in, int bytes)
{
	uint64_t v = 0;

	for (int i = 0; i < bytes; i++)
		v |= (uint64_t)in[i] << 8 * i;
	return v;
}

/* The codes of numbers. The first byte selects the code, which says how many bytes follow. */
static const struct code {
	uint8_t first, last; /* first bytes */
	uint8_t more;        /* bytes that follow */
	/* its smallest number; it has (last - first + 1) << 8 * more numbers */
	uint64_t base;
} zeros[] = {
	{ 0, 63, 0, 1 },
	{ 64, 71, 1, 65 },
}, numbers[] = {
	{ CODE_FIRST, CODE_FIRST + CODE_SMALL - 1, 0, 0 },
	{ 192, 223, 1, CODE_SMALL },
	{ 224, 239, 2, CODE_SMALL + (32 << 8) },
	{ 240, 247, 3, CODE_SMALL + (32 << 8) + (16 << 16) },
};

enum {
	ZEROS = sizeof zeros / sizeof zeros[0],
	NUMBERS = sizeof numbers / sizeof numbers[0],
	RAW = 247,
	ZEROS_MOST = 64 + (8 << 8)
};

static uint64_t
room_of(const struct code *c)
{
	return (uint64_t)(c->last - c->first + 1) << 8 * c->more;
}

static unsigned char *
write_low(unsigned char *to, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		*to++ = (unsigned char)(v >> 8 * i);
	return to;
}

static unsigned char *
write_with(unsigned char *to, const struct code *c, uint64_t v)
{
	v -= c->base;
	*to++ = (unsigned char)(c->first + (v >> 8 * c->more));
	return write_low(to, v, c->more);
}

/* Most numbers are small: a loop over the codes would take longer than all else. */
unsigned char *
code_write(unsigned char *to, uint64_t v)
{
	int bytes = 1;

	if (v < numbers[1].base)
		return write_with(to, &numbers[0], v);
	if (v < numbers[2].base)
		return write_with(to, &numbers[1], v);
	if (v < numbers[3].base)
		return write_with(to, &numbers[2], v);
	if (v - numbers[3].base < room_of(&numbers[3]))
		return write_with(to, &numbers[3], v);
	while (bytes < 8 && v >> 8 * bytes)
		bytes++;
	*to++ = (unsigned char)(RAW + bytes);
	return write_low(to, v, bytes);
}

void
code_put(struct buf *b, uint64_t v)
{
	unsigned char *to = (unsigned char *)buf_room(b, CODE_MOST);

	b->n += (size_t)(code_write(to, v) - to);
}

/* Reads the number at s, where CODE_MOST bytes can be read; its first byte is CODE_FIRST or more. Returns where it
 * ends. */
static const char *
number_at(const char *s, uint64_t *v)
{
	unsigned char first = (unsigned char)*s++;
	const struct code *c = &numbers[1];
	uint64_t low;

	if (first < c->first) { /* most numbers */
		*v = first - CODE_FIRST;
		return s;
	}
	memcpy(&low, s, sizeof low);
	low = le64toh(low);
	if (first > RAW) {
		*v = low & UINT64_MAX >> (64 - 8 * (first - RAW));
		return s + (first - RAW);
	}
	while (first > c->last)
		c++;
	low &= (UINT64_C(1) << 8 * c->more) - 1;
	*v = c->base + ((uint64_t)(first - c->first) << 8 * c->more) + low;
	return s + c->more;
}

bool
code_get(struct text *rest, uint64_t *v)
{
	char padded[CODE_MOST] = { 0 };
	const char *s = rest->s;

	if (rest->n == 0 || (unsigned char)*s < CODE_FIRST)
		return false;
	if (rest->n < CODE_MOST)
		s = memcpy(padded, s, rest->n);
	size_t n = (size_t)(number_at(s, v) - s);
	if (n > rest->n)
		return false;
	*rest = (struct text){ rest->s + n, rest->n - n };
	return true;
}

/* 0, -1, 1, -2, … as 0, 1, 2, 3, … */
static uint64_t
zigzag(uint64_t v)
{
	return v << 1 ^ (v >> 63 ? UINT64_MAX : 0);
}

static uint64_t
zagzig(uint64_t v)
{
	return v >> 1 ^ (v & 1 ? UINT64_MAX : 0);
}

bool
code_get_u32(struct text *rest, uint32_t *v)
{
	uint64_t u;

	if (!code_get(rest, &u) || u > UINT32_MAX)
		return false;
	*v = (uint32_t)u;
	return true;
}

void
code_put_signed(struct buf *b, int64_t v)
{
	code_put(b, zigzag((uint64_t)v));
}

bool
code_get_signed(struct text *rest, int64_t *v)
{
	uint64_t u;

	if (!code_get(rest, &u))
		return false;
	*v = (int64_t)zagzig(u);
	return true;
}

void
code_put_text(struct buf *b, struct text t)
{
	code_put(b, t.n);
	buf_add(b, t.s, t.n);
}

bool
code_get_text(struct text *rest, struct text *t)
{
	uint64_t n;

	if (!code_get(rest, &n) || n > rest->n)
		return false;
	*t = (struct text){ rest->s, (size_t)n };
	*rest = (struct text){ rest->s + n, rest->n - (size_t)n };
	return true;
}

static void
put_zeros(struct deltas *d)
{
	while (d->zeros > 0) {
		uint64_t n = d->zeros < ZEROS_MOST ? d->zeros : ZEROS_MOST;
		unsigned char *to = (unsigned char *)buf_room(d->out, CODE_MOST);
		d->out->n += (size_t)(write_with(to, &zeros[n >= zeros[1].base], n) - to);
		d->zeros -= n;
	}
}

void
deltas_put(struct deltas *d, uint64_t from, uint64_t to)
{
	if (from == to) {
		d->zeros++;
		return;
	}
	put_zeros(d);
	code_put(d->out, zigzag(to - from));
}

void
deltas_skip(struct deltas *d, uint64_t n)
{
	d->zeros += n;
}

/* Reads the code of a run of zeros, of which this is the first byte. */
static void
take_zeros(struct deltas_read *d, unsigned char first)
{
	const struct code *c = &zeros[first > zeros[0].last];

	if (d->rest.n <= c->more) {
		d->bad = true;
		d->rest.n = 0;
		return;
	}
	uint64_t low = c->more > 0 ? (unsigned char)d->rest.s[1] : 0;
	d->zeros = c->base + ((uint64_t)(first - c->first) << 8 * c->more) + low;
	d->rest = (struct text){ d->rest.s + 1 + c->more, d->rest.n - 1 - c->more };
}

/* Reads the next code: a run of zeros, which goes to d->zeros, or a difference. After the end, all
 * differences are 0. */
static inline uint64_t
next_delta(struct deltas_read *d)
{
	uint64_t v = 0;

	if (d->rest.n == 0) {
		d->zeros = UINT64_MAX;
		return 0;
	}
	unsigned char first = (unsigned char)d->rest.s[0];
	if (first < CODE_FIRST) {
		take_zeros(d, first);
		return 0;
	}
	if (d->rest.n >= CODE_MOST) { /* no number reaches beyond the end */
		const char *end = number_at(d->rest.s, &v);
		d->rest.n -= (size_t)(end - d->rest.s);
		d->rest.s = end;
		return v;
	}
	if (code_get(&d->rest, &v))
		return v;
	d->bad = true;
	d->rest.n = 0;
	return 0;
}

bool
deltas_add(struct deltas_read *d, uint64_t *v, size_t n)
{
	bool changed = false;

	for (size_t i = 0; i < n;) {
		uint64_t delta = d->zeros ? 0 : next_delta(d);
		if (d->zeros) {
			uint64_t skip = d->zeros < n - i ? d->zeros : n - i;
			d->zeros -= skip;
			i += (size_t)skip;
			continue;
		}
		changed |= delta != 0;
		v[i++] += zagzig(delta);
	}
	return changed;
}
