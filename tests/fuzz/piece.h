/* piece: parts of a file that a parser reads in pieces. */
#ifndef PIECE_H
#define PIECE_H

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Up to n bytes at `at`, valid until the next call. They are a copy of exactly as many bytes as there
 * are, so that a read beyond them is seen. */
static struct text
piece_of(struct text all, uint64_t at, size_t n)
{
	static char *copy;

	free(copy);
	copy = NULL;
	if (at >= all.n)
		return (struct text){ "", 0 };
	if (n > all.n - at)
		n = (size_t)(all.n - at);
	copy = malloc(n);
	if (!copy)
		abort();
	memcpy(copy, all.s + at, n);
	return (struct text){ copy, n };
}

#endif
