/* arena: memory that is freed all at once. A reset keeps it, so filling the arena again allocates
 * nothing. */
#ifndef PQ_BASE_ARENA_H
#define PQ_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct arena_block;

/* Zero-initialise to start. */
struct arena {
	struct arena_block *first, *now;
	size_t used; /* bytes of `now` */
};

/* n zeroed bytes, aligned for any type. Never NULL: running out of memory ends the program. */
void *arena_alloc(struct arena *a, size_t n);

/* A copy of t, terminated by a NUL. */
char *arena_copy(struct arena *a, struct text t);

/* A string formatted as by printf. */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The digits of a number, as a string. */
char *arena_u64(struct arena *a, uint64_t v);

/* Returns the array of n elements with room for at least one more, which is not zeroed: doubles *cap if it
 * is full. `size` is that of an element. */
void *arena_grow(struct arena *a, void *old, size_t n, size_t *cap, size_t size);

/* Empties the arena and keeps its memory. */
void arena_reset(struct arena *a);

void arena_free(struct arena *a);

#endif
