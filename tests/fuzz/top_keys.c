#include <stdlib.h>
#include <string.h>

#include "commands/top/keys.h"
#include "replay.h"

/* Each byte belongs to one key; the keys do not depend on how the bytes arrive, unless there are pauses. */
static size_t
keys_of(const uint8_t *data, size_t n, size_t size, int *keys)
{
	struct key_reader r = { .n = 0 };
	size_t count = 0;
	int key;

	for (size_t at = 0; at < n;) {
		size_t piece = n - at < size ? n - at : size,
		       taken = key_feed(&r, data + at, piece);
		if (taken == 0)
			abort();
		at += taken;
		while ((key = key_next(&r, false)) != KEY_NONE)
			keys[count++] = key;
	}
	while ((key = key_next(&r, true)) != KEY_NONE)
		keys[count++] = key;
	if (key_begun(&r) || count > n)
		abort();
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int *one = malloc((n + 1) * sizeof *one), *all = malloc((n + 1) * sizeof *all);

	if (!one || !all)
		abort();
	size_t count = keys_of(data, n, 1, one);
	if (count != keys_of(data, n, 64, all) || memcmp(one, all, count * sizeof *one) != 0)
		abort();
	free(one);
	free(all);
	return 0;
}
