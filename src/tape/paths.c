#include "tape/paths.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

static uint32_t
hash_of(struct text t)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < t.n; i++)
		h = (h ^ (unsigned char)t.s[i]) * 16777619u;
	return h;
}

/* Where the path is, or would be put. */
static uint32_t *
place_of(const struct paths *p, struct text path, uint32_t hash)
{
	for (uint32_t i = hash;; i++) {
		uint32_t *place = &p->places[i & (p->nplaces - 1)];
		if (*place == 0 ||
		    (p->v[*place - 1].hash == hash && text_eq(path, p->v[*place - 1].s)))
			return place;
	}
}

int
paths_find(const struct paths *p, struct text path)
{
	return p->n == 0 ? -1 : (int)*place_of(p, path, hash_of(path)) - 1;
}

/* Twice as many places, at most half of them taken. */
static void
grow(struct paths *p)
{
	p->room = p->room ? p->room * 2 : 32;
	p->v = xrealloc(p->v, p->room * sizeof *p->v);
	p->nplaces = p->room * 2;
	free(p->places);
	p->places = xmalloc(p->nplaces * sizeof *p->places);
	memset(p->places, 0, p->nplaces * sizeof *p->places);
	for (uint32_t i = 0; i < p->n; i++)
		*place_of(p, text_of(p->v[i].s), p->v[i].hash) = i + 1;
}

void
paths_add(struct paths *p, struct text path)
{
	uint32_t hash = hash_of(path);

	if (p->n == p->room)
		grow(p);
	p->v[p->n].s = xmalloc(path.n + 1);
	memcpy(p->v[p->n].s, path.s, path.n);
	p->v[p->n].s[path.n] = '\0';
	p->v[p->n].hash = hash;
	*place_of(p, path, hash) = p->n + 1;
	p->n++;
}

const char *
paths_at(const struct paths *p, uint32_t number)
{
	return p->v[number].s;
}

bool
path_clean(const char *path, enum path_mark mark, char *out, size_t n)
{
	struct text rest = text_of(path), part;
	size_t at = 0;

	while (text_split(&rest, '/', &part)) {
		if (part.n == 0 || text_eq(part, "."))
			continue;
		if (text_eq(part, "..") || at + part.n + 3 > n)
			return false;
		if (at > 0)
			out[at++] = '/';
		memcpy(out + at, part.s, part.n);
		at += part.n;
	}
	if (mark != PATH_FILE)
		out[at++] = (char)mark;
	out[at] = '\0';
	return at > 0;
}

/* The last one that came is taken away first: no other path was put behind it for its sake. */
void
paths_keep(struct paths *p, uint32_t n)
{
	while (p->n > n) {
		uint32_t last = --p->n;
		*place_of(p, text_of(p->v[last].s), p->v[last].hash) = 0;
		free(p->v[last].s);
	}
}

void
paths_clear(struct paths *p)
{
	for (uint32_t i = 0; i < p->n; i++)
		free(p->v[i].s);
	free(p->v);
	free(p->places);
	*p = (struct paths){ 0 };
}
