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

/* Bytes in little-endian order; eight at once where there are so many. */
static uint64_t
low(const char *in, size_t have, int bytes)
{
	uint64_t v;

	if (have < sizeof v)
		return le_get((const unsigned char *)in, bytes);
	memcpy(&v, in, sizeof v);
	return bytes > 0 ? le64toh(v) & UINT64_MAX >> (64 - 8 * bytes) : 0;
}

static bool
get_low(struct text *rest, int bytes, uint64_t *v)
{
	*v = 0;
	if (rest->n < (size_t)bytes)
		return false;
	*v = low(rest->s, rest->n, bytes);
	*rest = (struct text){ rest->s + bytes, rest->n - (size_t)bytes };
	return true;
}

static bool
get_with(struct text *rest, const struct code *c, unsigned char first, uint64_t *v)
{
	if (!get_low(rest, c->more, v))
		return false;
	*v += c->base + ((uint64_t)(first - c->first) << 8 * c->more);
	return true;
}

/* The one of n codes that has this first byte, or NULL. */
static const struct code *
find_code(const struct code *c, int n, unsigned char first)
{
	for (int i = 0; i < n; i++)
		if (first >= c[i].first && first <= c[i].last)
			return &c[i];
	return NULL;
}

bool
code_get(struct text *rest, uint64_t *v)
{
	if (rest->n == 0)
		return false;
	unsigned char first = (unsigned char)rest->s[0];
	if (first >= numbers[0].first && first <= numbers[0].last) { /* most are small */
		*v = first - numbers[0].first;
		*rest = (struct text){ rest->s + 1, rest->n - 1 };
		return true;
	}
	const struct code *c = find_code(numbers, NUMBERS, first);
	if (!c && first <= RAW)
		return false;
	*rest = (struct text){ rest->s + 1, rest->n - 1 };
	return c ? get_with(rest, c, first, v) : get_low(rest, first - RAW, v);
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

/* Reads the next code: a run of zeros, which goes to d->zeros, or a difference. After the end, all
 * differences are 0. */
static uint64_t
next_delta(struct deltas_read *d)
{
	uint64_t v = 0;

	if (d->rest.n == 0) {
		d->zeros = UINT64_MAX;
		return 0;
	}
	unsigned char first = (unsigned char)d->rest.s[0];
	if (first <= zeros[0].last) { /* most runs are short */
		d->zeros = zeros[0].base + first;
		d->rest = (struct text){ d->rest.s + 1, d->rest.n - 1 };
		return 0;
	}
	const struct code *c = find_code(zeros, ZEROS, first);
	if (!c) {
		d->bad |= !code_get(&d->rest, &v);
		d->rest.n = d->bad ? 0 : d->rest.n;
		return v;
	}
	d->rest = (struct text){ d->rest.s + 1, d->rest.n - 1 };
	d->bad |= !get_with(&d->rest, c, first, &d->zeros);
	return 0;
}

/* Reads a number of which CODE_MOST bytes can be read. Returns where it ends. */
static const char *
number_at(const char *s, uint64_t *v)
{
	unsigned char first = (unsigned char)*s++;
	const struct code *c = numbers;
	uint64_t low;

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

/* Whether a number is next, and all of it can be read at once. */
static bool
has_number(const struct deltas_read *d)
{
	return d->zeros == 0 && d->rest.n >= CODE_MOST && (unsigned char)*d->rest.s >= CODE_FIRST;
}

bool
deltas_add(struct deltas_read *d, uint64_t *v, size_t n)
{
	bool changed = false;

	for (size_t i = 0; i < n;) {
		if (has_number(d)) {
			uint64_t some;
			const char *end = number_at(d->rest.s, &some);
			d->rest.n -= (size_t)(end - d->rest.s);
			d->rest.s = end;
			changed |= some != 0;
			v[i++] += zagzig(some);
			continue;
		}
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
