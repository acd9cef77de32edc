#include "keyed.h"

#include <math.h>
#include <string.h>

static void
take(struct text line, struct keyed *out)
{
	struct text word;
	bool minus;

	if (!text_word(&line, &word))
		return;
	minus = text_skip(&word, "-");
	out->known = text_u64(word, &out->v) == 0 && out->v <= INT64_MAX;
	if (minus || !out->known)
		out->v = 0;
}

size_t
keyed_parse(struct text t, const char *const *keys, size_t n, struct keyed *out)
{
	struct text line, key;
	size_t found = 0, hint = 0;

	memset(out, 0, n * sizeof *out);
	while (found < n && text_line(&t, &line)) {
		if (!text_word(&line, &key))
			continue;
		for (size_t i = 0; i < n; i++) {
			size_t k = (hint + i) % n; /* the kernel's order is mostly ours */
			if (out[k].known || !text_eq(key, keys[k]))
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
