#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <string.h>

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
	return c == ' ' || c == '\t' || c == '\r';
}

bool
text_word(struct text *rest, struct text *word)
{
	while (rest->n > 0 && blank(*rest->s)) {
		rest->s++;
		rest->n--;
	}
	word->s = rest->s;
	while (rest->n > 0 && !blank(*rest->s)) {
		rest->s++;
		rest->n--;
	}
	word->n = (size_t)(rest->s - word->s);
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

bool
text_skip(struct text *t, const char *prefix)
{
	size_t n = strlen(prefix);

	if (t->n < n || memcmp(t->s, prefix, n) != 0)
		return false;
	t->s += n;
	t->n -= n;
	return true;
}

static int
fail(int error)
{
	errno = error;
	return -1;
}

int
text_u64(struct text t, uint64_t *v)
{
	uint64_t x = 0;

	if (t.n == 0)
		return fail(EINVAL);
	for (size_t i = 0; i < t.n; i++) {
		unsigned digit = (unsigned char)t.s[i] - (unsigned)'0';
		if (digit > 9)
			return fail(EINVAL);
		if (x > (UINT64_MAX - digit) / 10)
			return fail(ERANGE);
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
		return fail(ERANGE);
	*v = minus ? -(int64_t)x : (int64_t)x;
	return 0;
}

int
text_next_u64(struct text *rest, uint64_t *v)
{
	struct text word;

	return text_word(rest, &word) ? text_u64(word, v) : fail(EINVAL);
}

int
text_decimal(struct text t, double *v)
{
	struct text whole;
	size_t n = t.n;
	uint64_t a, b = 0;
	double scale = 1;

	if (!text_split(&t, '.', &whole) || text_u64(whole, &a) < 0)
		return fail(EINVAL);
	if (whole.n < n) {
		if (t.n > 18 || text_u64(t, &b) < 0)
			return fail(EINVAL);
		for (size_t i = 0; i < t.n; i++)
			scale *= 10;
	}
	*v = (double)a + (double)b / scale;
	return 0;
}

static void
take(struct text line, struct keyed *out)
{
	struct text word;

	out->known = text_word(&line, &word) && text_u64(word, &out->v) == 0 && out->v <= INT64_MAX;
	if (!out->known)
		out->v = 0;
}

/* The letters that the keys begin with: most lines of a long file begin with another, and need no
 * closer look. */
struct letters {
	bool has[256];
};

static struct letters
first_letters(const char *const *keys, size_t n)
{
	struct letters l = { { false } };

	for (size_t i = 0; i < n; i++)
		l.has[(unsigned char)keys[i][0]] = true;
	return l;
}

static bool
is_key(struct text word, const char *key)
{
	return word.s[0] == key[0] && text_eq(word, key);
}

size_t
keyed_parse(struct text t, const char *const *keys, size_t n, struct keyed *out)
{
	struct text line, key;
	size_t found = 0, hint = 0;
	struct letters letters = first_letters(keys, n);

	memset(out, 0, n * sizeof *out);
	while (found < n && text_whole_line(&t, &line)) {
		if (line.n == 0 || !letters.has[(unsigned char)line.s[0]] ||
		    !text_word(&line, &key))
			continue;
		for (size_t i = 0; i < n; i++) {
			size_t k = (hint + i) % n; /* the kernel's order is mostly ours */
			if (out[k].known || !is_key(key, keys[k]))
				continue;
			take(line, &out[k]);
			found += out[k].known;
			hint = k + 1;
			break;
		}
	}
	return found;
}

double
keyed_delta(struct keyed from, struct keyed to)
{
	return from.known && to.known && to.v >= from.v ? (double)(to.v - from.v) : NAN;
}

bool
keyed_restarted(struct keyed from, struct keyed to)
{
	return from.known && to.known && to.v < from.v;
}

struct keyed
keyed_of(uint64_t v)
{
	return (struct keyed){ true, v };
}

enum { NEAREST_NAME_MOST = 63 };

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many characters have to be changed, added or removed. */
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
			size_t change = corner + (a.s[i - 1] != b.s[j - 1]);
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

void
nearest_try(struct nearest *n, const char *name)
{
	struct text other = text_of(name);

	if (n->written.n > NEAREST_NAME_MOST || other.n > NEAREST_NAME_MOST)
		return;
	size_t d = distance(n->written, other);
	if (d >= n->distance)
		return;
	n->distance = d;
	n->name = name;
}
