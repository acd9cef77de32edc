#include <stdlib.h>

#include "base/text.h"
#include "replay.h"

enum { KEYS = 5 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const keys[KEYS] = { "nr_periods", "nr_throttled", "anon", "oom",
		"oom_kill" };
	struct keyed v[KEYS];
	size_t known = 0,
	       found = keyed_parse((struct text){ (const char *)data, n }, keys, KEYS, v);

	for (int i = 0; i < KEYS; i++) {
		struct keyed alone;
		known += v[i].known;
		/* a key is worth the same whoever else is asked for */
		if (keyed_parse((struct text){ (const char *)data, n }, &keys[i], 1, &alone) !=
			v[i].known ||
		    (alone.known && alone.v != v[i].v))
			abort();
	}
	if (known != found)
		abort();
	return 0;
}
