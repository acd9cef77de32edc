#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fail.h"

enum { BLOCK = 16 << 10, ALIGN = 16 };

struct arena_block {
	struct arena_block *next;
	size_t size; /* bytes after this header */
	_Alignas(ALIGN) char bytes[];
};

static struct arena_block *
block_new(size_t n)
{
	size_t size = BLOCK;

	/* Doubled, so that a need that grows a little each time does not take a block each time. */
	while (size < n)
		size *= 2;
	struct arena_block *b = xmalloc(sizeof *b + size);

	b->next = NULL;
	b->size = size;
	return b;
}

/* Moves on to the next block that holds n bytes. Smaller blocks of earlier rounds stay empty. */
static void
next_block(struct arena *a, size_t n)
{
	struct arena_block **link = a->now ? &a->now->next : &a->first;

	while (*link && (*link)->size < n)
		link = &(*link)->next;
	if (!*link)
		*link = block_new(n);
	a->now = *link;
	a->used = 0;
}

/* Room for n bytes, which are not set. */
static void *
take(struct arena *a, size_t n)
{
	if (n > SIZE_MAX / 2)
		out_of_memory();
	n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (!a->now || a->now->size - a->used < n)
		next_block(a, n);
	void *p = a->now->bytes + a->used;
	a->used += n;
	return p;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	return memset(take(a, n), 0, n);
}

char *
arena_copy(struct arena *a, struct text t)
{
	char *s = take(a, t.n + 1);

	if (t.n > 0)
		memcpy(s, t.s, t.n);
	s[t.n] = '\0';
	return s;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *s = take(a, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return s;
}

char *
arena_u64(struct arena *a, uint64_t v)
{
	char digits[U64_DIGITS], *end = put_digits(digits, v, 1);

	return arena_copy(a, (struct text){ digits, (size_t)(end - digits) });
}

void *
arena_grow(struct arena *a, void *old, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return old;
	size_t more = *cap ? *cap * 2 : 16;
	void *p = take(a, more * size);

	if (n > 0)
		memcpy(p, old, n * size);
	*cap = more;
	return p;
}

void
arena_reset(struct arena *a)
{
	a->now = a->first;
	a->used = 0;
}

void
arena_free(struct arena *a)
{
	for (struct arena_block *b = a->first, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	*a = (struct arena){ 0 };
}
