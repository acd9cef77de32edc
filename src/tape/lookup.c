#include "tape/lookup.h"

#include <stdlib.h>

#include "base/fail.h"

/* Processes come and go, so without a limit there would be ever more paths. */
enum { ASKED_MOST = 1 << 16 };

struct asked {
	int track;          /* -1: there is none */
	uint32_t next;      /* the path that was asked for after it */
	uint64_t numbering; /* of the tracks, when the track was looked up */
	uint32_t tracks;    /* how many there were */
};

int
lookup_other(const struct playback *p, const char *path, enum path_mark mark)
{
	char name[PATH_LONGEST];

	return path_clean(path, mark, name, sizeof name) ? map_find(&p->paths, text_of(name)) : -1;
}

/* The number of a path: that of the one expected now, or looked up. */
static uint32_t
number_of(struct lookup *l, struct text path)
{
	uint32_t expected = l->paths.n > 0 ? l->v[l->last].next : 0;

	if (expected < l->paths.n && text_same(map_key(&l->paths, expected), path))
		return expected;
	if (l->paths.n == ASKED_MOST) {
		map_clear(&l->paths);
		l->last = 0;
	}
	uint32_t known = l->paths.n, i = map_put(&l->paths, path);
	if (i == known) {
		l->v = xgrow(l->v, known, &l->room, sizeof *l->v);
		l->v[i] = (struct asked){ .numbering = 0 };
	}
	l->v[l->last].next = i;
	return i;
}

/* Tracks keep their numbers until they are numbered again. A file without a track may get one before that. */
static bool
is_valid(const struct asked *a, const struct playback *p)
{
	return a->numbering == p->numbering && (a->track >= 0 || a->tracks == p->paths.n);
}

int
lookup_file(struct lookup *l, const struct playback *p, const char *path)
{
	l->last = number_of(l, text_of(path));
	struct asked *a = &l->v[l->last];

	if (!is_valid(a, p)) {
		a->track = lookup_other(p, path, PATH_FILE);
		a->numbering = p->numbering;
		a->tracks = p->paths.n;
	}
	return a->track;
}

void
lookup_free(struct lookup *l)
{
	map_free(&l->paths);
	free(l->v);
	*l = (struct lookup){ .v = NULL };
}
