/* Buckets of waits, their arithmetic, and their text. */
#include "proc/wait_counts.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/fail.h"

size_t
wait_bucket(uint64_t ns)
{
	size_t octave = 0;

	if (ns >> WAIT_OCTAVES)
		return WAIT_BUCKETS - 1;
	while (ns >> octave >= 2 * WAIT_STEPS)
		octave++;
	return octave * WAIT_STEPS + (size_t)(ns >> octave);
}

uint64_t
wait_bucket_low(size_t b)
{
	if (b < 2 * WAIT_STEPS)
		return b;
	return (uint64_t)(b % WAIT_STEPS + WAIT_STEPS) << (b / WAIT_STEPS - 1);
}

uint64_t
wait_bucket_high(size_t b)
{
	return wait_bucket_low(b + 1);
}

static uint64_t
grown(uint64_t from, uint64_t to)
{
	return to > from ? to - from : 0;
}

void
wait_counts_since(
    const struct wait_counts *from, const struct wait_counts *to, struct wait_counts *out)
{
	struct wait_counts d = {
		.switches = grown(from->switches, to->switches),
		.waits = grown(from->waits, to->waits),
		.sum_ns = grown(from->sum_ns, to->sum_ns),
		.negative = grown(from->negative, to->negative),
		.lost = grown(from->lost, to->lost),
	};

	if (from->events.known && to->events.known) {
		d.events = keyed_of(grown(from->events.v, to->events.v));
		d.events_ns = keyed_of(grown(from->events_ns.v, to->events_ns.v));
	}
	for (size_t b = 0; b < WAIT_BUCKETS; b++)
		d.bucket[b] = grown(from->bucket[b], to->bucket[b]);
	*out = d;
}

double
wait_counts_below(const struct wait_counts *c, uint64_t ns)
{
	double n = 0;

	for (size_t b = 0; b < WAIT_BUCKETS && wait_bucket_low(b) < ns; b++) {
		double low = (double)wait_bucket_low(b), width = (double)wait_bucket_high(b) - low;
		n += (double)c->bucket[b] * fmin(1, ((double)ns - low) / width);
	}
	return n;
}

double
wait_counts_quantile(const struct wait_counts *c, double q)
{
	double all = 0, seen = 0, rank;

	for (size_t b = 0; b < WAIT_BUCKETS; b++)
		all += (double)c->bucket[b];
	rank = fmax(1, ceil(q * all));
	for (size_t b = 0; b < WAIT_BUCKETS; b++) {
		double here = (double)c->bucket[b], low = (double)wait_bucket_low(b);
		if (here > 0 && seen + here >= rank)
			return low + ((double)wait_bucket_high(b) - low) * (rank - seen) / here;
		seen += here;
	}
	return NAN;
}

static bool
good_source(struct text name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!memchr("abcdefghijklmnopqrstuvwxyz0123456789-", name.s[i], 37))
			return false;
	return name.n > 0 && name.n < WAIT_COUNTS_SOURCE;
}

static void
line(struct buf *out, const char *key, uint64_t v)
{
	buf_text(out, key);
	buf_char(out, ' ');
	buf_u64(out, v, 1);
	buf_char(out, '\n');
}

int
wait_counts_print(const struct wait_counts *c, const char *source, struct buf *out)
{
	if (!good_source(text_of(source))) {
		errno = EINVAL;
		return -1;
	}
	buf_text(out, "source ");
	buf_text(out, source);
	buf_char(out, '\n');
	line(out, "switches", c->switches);
	line(out, "waits", c->waits);
	line(out, "sum_ns", c->sum_ns);
	line(out, "negative", c->negative);
	line(out, "lost", c->lost);
	if (c->events.known && c->events_ns.known) {
		line(out, "events", c->events.v);
		line(out, "events_ns", c->events_ns.v);
	}
	buf_text(out, "buckets");
	for (size_t b = 0; b < WAIT_BUCKETS; b++) {
		if (c->bucket[b] == 0)
			continue;
		buf_char(out, ' ');
		buf_u64(out, b, 1);
		buf_char(out, ':');
		buf_u64(out, c->bucket[b], 1);
	}
	buf_char(out, '\n');
	return 0;
}

/* "87:12". Numbers must ascend, and no count may be 0. */
static int
parse_bucket(struct text word, size_t *next, struct wait_counts *c)
{
	struct text number;
	uint64_t b, n;

	if (!text_split(&word, ':', &number) || text_u64(number, &b) < 0 || text_u64(word, &n) < 0)
		return -1;
	if (b < *next || b >= WAIT_BUCKETS || n == 0)
		return fail_with(EINVAL);
	if (n > UINT64_MAX - c->waits)
		return fail_with(ERANGE);
	c->bucket[b] = n;
	c->waits += n;
	*next = (size_t)b + 1;
	return 0;
}

static int
parse_buckets(struct text rest, struct wait_counts *c)
{
	struct text word;
	size_t next = 0;

	while (text_word(&rest, &word))
		if (parse_bucket(word, &next, c) < 0)
			return -1;
	return 0;
}

static int
parse_numbers(struct text t, struct wait_counts *c, uint64_t *waits)
{
	enum { NEEDED = 5, EVENTS = NEEDED, EVENTS_NS, KEYS };
	static const char *const keys[KEYS] = { "switches", "waits", "sum_ns", "negative", "lost",
		"events", "events_ns" };
	uint64_t *const out[NEEDED] = { &c->switches, waits, &c->sum_ns, &c->negative, &c->lost };
	struct keyed v[KEYS];

	keyed_parse(t, keys, KEYS, v);
	for (size_t i = 0; i < NEEDED; i++) {
		if (!v[i].known)
			return fail_with(EINVAL);
		*out[i] = v[i].v;
	}
	if (v[EVENTS].known && v[EVENTS_NS].known) {
		c->events = v[EVENTS];
		c->events_ns = v[EVENTS_NS];
	}
	return 0;
}

/* The rest of the line with that key; false if there is no such whole line. */
static bool
find(struct text t, const char *key, struct text *rest)
{
	while (text_whole_line(&t, rest))
		if (text_skip(rest, key) && (rest->n == 0 || *rest->s == ' '))
			return true;
	return false;
}

int
wait_counts_parse(struct text t, struct wait_counts *c, char source[WAIT_COUNTS_SOURCE])
{
	struct text name, buckets, word;
	uint64_t waits;

	*c = (struct wait_counts){ 0 };
	if (!find(t, "source", &name) || !text_word(&name, &word) || !good_source(word) ||
	    !find(t, "buckets", &buckets))
		return fail_with(EINVAL);
	memcpy(source, word.s, word.n);
	source[word.n] = '\0';
	if (parse_numbers(t, c, &waits) < 0 || parse_buckets(buckets, c) < 0)
		return -1;
	return c->waits == waits ? 0 : fail_with(EINVAL); /* else a digit was damaged */
}
