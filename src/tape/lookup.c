#include "tape/lookup.h"

#include <stdlib.h>

#include "base/fail.h"

/* Processes come and go, so without a limit there would be ever more paths. */
enum { ASKED_MOST = 1 << 16 };

struct asked {
	struct seat seat;
	uint32_t next[2]; /* the paths that were asked for after it */
};

int
lookup_other(const struct playback *p, const char *path, enum path_mark mark)
{
	char name[PATH_LONGEST];

	return path_clean(path, mark, name, sizeof name) ? map_find(&p->paths, text_of(name)) : -1;
}

static uint32_t
put(struct lookup *l, struct text path)
{
	if (l->paths.n == ASKED_MOST) {
		map_clear(&l->paths);
		l->last = 0;
	}
	uint32_t known = l->paths.n, i = map_put(&l->paths, path);
	if (i == known) {
		l->v = xgrow(l->v, known, &l->room, sizeof *l->v);
		l->v[i] = (struct asked){ .next = { 0 } };
	}
	uint32_t *next = l->v[l->last].next;
	next[1] = next[0];
	next[0] = i;
	return i;
}

/* Tracks keep their numbers until they are numbered again. A file without a track may get one before that. */
static bool
is_valid(const struct seat *s, const struct playback *p)
{
	return s->numbering == p->numbering && (s->track >= 0 || s->tracks == p->paths.n);
}

/* The number of a path: that of one that came after the last path before, or looked up. */
static uint32_t
number_of(struct lookup *l, struct text path)
{
	for (int k = 0; k < 2 && l->paths.n > 0; k++) {
		uint32_t i = l->v[l->last].next[k];
		if (i < l->paths.n && text_same(map_key(&l->paths, i), path))
			return i;
	}
	return put(l, path);
}

static struct seat
seat_of(struct lookup *l, const struct playback *p, const char *path)
{
	l->last = number_of(l, text_of(path));
	struct seat *s = &l->v[l->last].seat;

	if (!is_valid(s, p))
		*s = (struct seat){ p->numbering, p->paths.n, lookup_other(p, path, PATH_FILE) };
	return *s;
}

int
lookup_file(struct lookup *l, const struct playback *p, const char *path)
{
	return seat_of(l, p, path).track;
}

int
lookup_parts(struct lookup *l, const struct playback *p, const struct path_parts *parts)
{
	char path[PATH_MAX];

	if (parts->seat && is_valid(parts->seat, p))
		return parts->seat->track;
	if (!path_join(parts, path))
		return -1;
	struct seat found = seat_of(l, p, path);
	if (parts->seat)
		*parts->seat = found;
	return found.track;
}

void
lookup_free(struct lookup *l)
{
	map_free(&l->paths);
	free(l->v);
	*l = (struct lookup){ .v = NULL };
}
