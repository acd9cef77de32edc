/* draw: numbers for tests that try much: they look random, and are the same in every run. */
#ifndef DRAW_H
#define DRAW_H

#include <stdint.h>

static uint64_t seed = 88172645463325252u;

/* The next one, from 0 to below `below` (xorshift). */
static inline uint64_t
draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

#endif
