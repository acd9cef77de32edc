#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

struct text
text_of(const char *s)
{
	return (struct text){ s, strlen(s) };
}

bool
text_split(struct text *rest, char sep, struct text *part)
{
	if (rest->n == 0)
		return false;
	const char *end = memchr(rest->s, sep, rest->n);
	size_t n = end ? (size_t)(end - rest->s) : rest->n;
	size_t taken = end ? n + 1 : n;

	*part = (struct text){ rest->s, n };
	rest->s += taken;
	rest->n -= taken;
	return true;
}

bool
text_line(struct text *rest, struct text *line)
{
	return text_split(rest, '\n', line);
}

bool
text_whole_line(struct text *rest, struct text *line)
{
	size_t n = rest->n;

	return text_line(rest, line) && line->n < n;
}

static bool
blank(char c)
{
	return (unsigned char)c <= ' ' && (c == ' ' || c == '\t' || c == '\r');
}

bool
text_word(struct text *rest, struct text *word)
{
	const char *s = rest->s, *end = rest->n ? s + rest->n : s;

	while (s < end && blank(*s))
		s++;
	word->s = s;
	while (s < end && !blank(*s))
		s++;
	word->n = (size_t)(s - word->s);
	*rest = (struct text){ s, (size_t)(end - s) };
	return word->n > 0;
}

bool
text_same(struct text a, struct text b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.s, b.s, a.n) == 0);
}

bool
text_eq(struct text t, const char *s)
{
	for (size_t i = 0; i < t.n; i++)
		if (s[i] == '\0' || s[i] != t.s[i])
			return false;
	return s[t.n] == '\0';
}

const char *
text_find(struct text t, const char *what)
{
	return memmem(t.s, t.n, what, strlen(what));
}

bool
text_skip(struct text *t, const char *prefix)
{
	size_t n = 0;

	for (; prefix[n]; n++) /* usually the first byte differs already */
		if (n == t->n || t->s[n] != prefix[n])
			return false;
	t->s += n;
	t->n -= n;
	return true;
}

/* Any number with this many digits is below 2^64. */
enum { ALWAYS_FIT = 19 };

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int
text_u64(struct text t, uint64_t *v)
{
	uint64_t x = 0;

	if (t.n == 0)
		return fail_with(EINVAL);
	for (size_t i = 0; i < t.n; i++) {
		if (!is_digit(t.s[i]))
			return fail_with(EINVAL);
		unsigned digit = (unsigned)(t.s[i] - '0');
		if (i >= ALWAYS_FIT && x > (UINT64_MAX - digit) / 10)
			return fail_with(ERANGE);
		x = x * 10 + digit;
	}
	*v = x;
	return 0;
}

int
text_s64(struct text t, int64_t *v)
{
	bool minus = text_skip(&t, "-");
	uint64_t x;

	if (text_u64(t, &x) < 0)
		return -1;
	if (x > (uint64_t)INT64_MAX)
		return fail_with(ERANGE);
	*v = minus ? -(int64_t)x : (int64_t)x;
	return 0;
}

/* Reads the usual short number in one pass. */
int
text_next_u64(struct text *rest, uint64_t *v)
{
	const char *s = rest->s, *end = s + rest->n;
	struct text word;
	uint64_t x = 0;

	while (s < end && blank(*s))
		s++;
	const char *start = s;
	for (; s < end && is_digit(*s); s++)
		x = x * 10 + (uint64_t)(*s - '0');
	if (s == start || s - start > ALWAYS_FIT || (s < end && !blank(*s)))
		return text_word(rest, &word) ? text_u64(word, v) : fail_with(EINVAL);
	*rest = (struct text){ s, (size_t)(end - s) };
	*v = x;
	return 0;
}

int
text_decimal(struct text t, double *v)
{
	static const double power[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18 };
	const char *point = t.n > 0 ? memchr(t.s, '.', t.n) : NULL;
	struct text whole = { t.s, point ? (size_t)(point - t.s) : t.n };
	uint64_t a, b = 0;
	size_t n = 0;

	if (point) {
		n = t.n - whole.n - 1;
		if (n >= sizeof power / sizeof *power ||
		    text_u64((struct text){ point + 1, n }, &b) < 0)
			return fail_with(EINVAL);
	}
	if (text_u64(whole, &a) < 0)
		return fail_with(EINVAL);
	*v = (double)a + (double)b / power[n];
	return 0;
}

/* Takes the next word of the line as the value, unless it is unknown (see struct keyed). */
static void
take(struct text line, struct keyed *out)
{
	uint64_t v;

	if (text_next_u64(&line, &v) == 0 && v <= INT64_MAX)
		*out = (struct keyed){ true, v };
}

/* The keys, indexed by their first letter. Most lines of a long file begin with another letter, or
 * have no blank where a key would end, so they are skipped without comparing. */
struct key_set {
	const char *const *keys;
	uint64_t first[32]; /* by the letter modulo 32: a bit for each key */
	size_t length[KEYED_MOST];
};

static size_t
begin_keys(struct key_set *set, const char *const *keys, size_t n)
{
	size_t wanted = 0;

	set->keys = keys;
	memset(set->first, 0, sizeof set->first);
	for (size_t i = 0; i < n && i < KEYED_MOST; i++) {
		set->length[i] = strlen(keys[i]);
		if (set->length[i] == 0)
			continue;
		set->first[(unsigned char)*keys[i] % 32] |= UINT64_C(1) << i;
		wanted++;
	}
	return wanted;
}

/* Takes the value of the candidate that the line begins with. Returns the candidate as a bit; 0 if
 * there is none or its value is unknown. */
static uint64_t
take_line(const struct key_set *set, struct text line, uint64_t candidates, struct keyed *out)
{
	for (; candidates; candidates &= candidates - 1) {
		int i = __builtin_ctzll(candidates);
		size_t n = set->length[i];
		if (n >= line.n || !blank(line.s[n]) || memcmp(line.s, set->keys[i], n) != 0)
			continue;
		take((struct text){ line.s + n, line.n - n }, &out[i]);
		return out[i].known ? UINT64_C(1) << i : 0;
	}
	return 0;
}

size_t
keyed_parse(struct text t, const char *const *keys, size_t n, struct keyed *out)
{
	struct key_set set;
	size_t found = 0, wanted = begin_keys(&set, keys, n);
	const char *s = t.s, *end = t.s + t.n, *next;

	memset(out, 0, n * sizeof *out);
	for (; found < wanted && (next = memchr(s, '\n', (size_t)(end - s))); s = next + 1) {
		uint64_t *candidates = &set.first[(unsigned char)*s % 32];
		if (!*candidates)
			continue;
		uint64_t known =
		    take_line(&set, (struct text){ s, (size_t)(next - s) }, *candidates, out);
		*candidates &= ~known;
		found += known != 0;
	}
	return found;
}

double
keyed_delta(struct keyed from, struct keyed to)
{
	return from.known && to.known && to.v >= from.v ? (double)(to.v - from.v) : NAN;
}

struct keyed
keyed_of(uint64_t v)
{
	return (struct keyed){ true, v };
}

struct keyed *
keyed_list_add(struct keyed_list *l, size_t n)
{
	while (!l->v || l->room - l->n < n)
		l->v = xgrow(l->v, l->room, &l->room, sizeof *l->v);
	l->n += n;
	return memset(l->v + l->n - n, 0, n * sizeof *l->v);
}

void
keyed_list_free(struct keyed_list *l)
{
	free(l->v);
	*l = (struct keyed_list){ .v = NULL };
}

bool
keyed_next(struct text *rest, const char *unknown, struct keyed *out)
{
	struct text word;
	uint64_t v;

	*out = (struct keyed){ 0 };
	if (!text_word(rest, &word))
		return false;
	if (text_eq(word, unknown))
		return true;
	if (text_u64(word, &v) < 0)
		return false;
	*out = keyed_of(v);
	return true;
}

double
keyed_rest(double whole, double part)
{
	double rest = whole - part;

	return rest >= 0 ? rest : -rest <= whole / 32 ? 0 : NAN;
}

enum { NEAREST_NAME_MOST = 63 };

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The Levenshtein distance: how many characters must be changed, added or removed. */
static size_t
distance(struct text a, struct text b)
{
	size_t row[NEAREST_NAME_MOST + 1];

	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t corner = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t change = corner + (lower(a.s[i - 1]) != lower(b.s[j - 1]));
			corner = row[j];
			row[j] = least(change, least(row[j], row[j - 1]) + 1);
		}
	}
	return row[b.n];
}

struct nearest
nearest_to(struct text written)
{
	return (struct nearest){ written, least(written.n / 3, 3) + 1, NULL };
}

/* ASCII letters, whatever their case. */
static bool
starts_with(struct text t, struct text with)
{
	if (with.n < 2 || t.n < with.n)
		return false;
	for (size_t i = 0; i < with.n; i++)
		if (lower(t.s[i]) != lower(with.s[i]))
			return false;
	return true;
}

void
nearest_try(struct nearest *n, const char *name)
{
	struct text other = text_of(name);

	if (n->written.n > NEAREST_NAME_MOST || other.n > NEAREST_NAME_MOST)
		return;
	size_t d = starts_with(other, n->written) ? 0 :
	    starts_with(n->written, other)        ? 1 :
						    distance(n->written, other);
	if (d >= n->distance)
		return;
	n->distance = d;
	n->name = name;
}
