/* How long was spent in each place, found by what the place is. */
#include <stdlib.h>
#include <string.h>

#include "tools/wait/wait.h"

static uint32_t
add_text(uint32_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u; /* FNV-1a */
	return (h ^ 0xff) * 16777619u;
}

static uint32_t
hash_of(const struct wait_sum *s)
{
	uint32_t h = 2166136261u ^ s->whose.tid * 2654435761u ^ (uint32_t)s->place.state;

	h = add_text(add_text(h, s->whose.process), s->whose.comm);
	return add_text(add_text(add_text(h, s->place.call), s->place.where), s->place.wchan);
}

static bool
same(const struct wait_sum *a, const struct wait_sum *b)
{
	const struct wait_place *p = &a->place, *q = &b->place;
	const struct wait_whose *x = &a->whose, *y = &b->whose;

	return a->hash == b->hash && x->pid == y->pid && x->tid == y->tid && p->state == q->state &&
	    p->uninterruptible == q->uninterruptible && strcmp(x->process, y->process) == 0 &&
	    strcmp(x->comm, y->comm) == 0 && strcmp(p->call, q->call) == 0 &&
	    strcmp(p->where, q->where) == 0 && strcmp(p->wchan, q->wchan) == 0;
}

/* Where it is, or would be put. */
static uint32_t *
place_of(struct wait_sums *s, const struct wait_sum *like)
{
	for (uint32_t i = like->hash;; i++) {
		uint32_t *at = &s->places[i & (s->nplaces - 1)];
		if (*at == 0 || same(&s->v[*at - 1], like))
			return at;
	}
}

/* Twice as many places, at most half of them taken. */
static void
grow(struct wait_sums *s)
{
	s->room = s->room ? s->room * 2 : 32;
	s->v = xrealloc(s->v, s->room * sizeof *s->v);
	s->nplaces = (uint32_t)s->room * 2;
	free(s->places);
	s->places = xmalloc(s->nplaces * sizeof *s->places);
	memset(s->places, 0, s->nplaces * sizeof *s->places);
	for (size_t i = 0; i < s->n; i++)
		*place_of(s, &s->v[i]) = (uint32_t)i + 1;
}

struct wait_sum *
wait_sums_find(struct wait_sums *s, struct wait_sum *like)
{
	if (s->n == s->room)
		grow(s);
	like->hash = hash_of(like);
	uint32_t *at = place_of(s, like);
	if (*at == 0) {
		like->ns = 0;
		like->longest_ns = 0;
		s->v[s->n++] = *like;
		*at = (uint32_t)s->n;
	}
	return &s->v[*at - 1];
}

void
wait_sums_clear(struct wait_sums *s)
{
	s->n = 0;
	if (s->nplaces > 0)
		memset(s->places, 0, s->nplaces * sizeof *s->places);
}

void
wait_sums_free(struct wait_sums *s)
{
	free(s->v);
	free(s->places);
}
