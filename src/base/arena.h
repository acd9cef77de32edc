/* arena: memory that is given back all at once. Reset it and fill it again: after the first rounds
 * nothing is allocated. */
#ifndef PQ_BASE_ARENA_H
#define PQ_BASE_ARENA_H

#include <stddef.h>

#include "base/text.h"

struct arena_block;

/* Zero-initialise to start. */
struct arena {
	struct arena_block *first, *now;
	size_t used; /* bytes used of `now` */
};

/* n zeroed bytes, aligned for any type; never NULL: running out of memory ends the program, as
 * nothing can be said then. */
void *arena_alloc(struct arena *a, size_t n);

/* A copy of t with a terminating NUL. */
char *arena_copy(struct arena *a, struct text t);

/* Formatted as by printf. */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Doubles an array that is full: returns room for at least one more element. *cap counts
 * elements. */
void *arena_grow(struct arena *a, void *old, size_t n, size_t *cap, size_t size);

void arena_reset(struct arena *a);
void arena_free(struct arena *a);

#endif
