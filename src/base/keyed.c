#include "base/keyed.h"

#include <math.h>
#include <string.h>

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
