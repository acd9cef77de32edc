#include "tape/tracks.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

static struct track *
find(struct tracks *t, struct text path)
{
	int i = paths_find(&t->paths, path);

	if (i >= 0)
		return &t->v[i];
	if (t->paths.n == t->room) {
		t->room = t->room ? t->room * 2 : 32;
		t->v = xrealloc(t->v, t->room * sizeof *t->v);
	}
	struct track *new = &t->v[t->paths.n];
	paths_add(&t->paths, path);
	*new = (struct track){ 0 };
	return new;
}

static void
make_room(struct track *t)
{
	if (t->room >= t->now.count)
		return;
	t->room = t->now.room;
	t->written = xrealloc(t->written, t->room * sizeof *t->written);
	t->keyed = xrealloc(t->keyed, t->room * sizeof *t->keyed);
}

void
tracks_keep(struct tracks *all, struct text path, uint64_t moment, int error, struct text text)
{
	struct track *t = find(all, path);
	bool new = t->reads++ == 0;

	t->touched = moment;
	t->late |= new &&moment > 0;
	if (error && !new && t->error == error)
		return;
	if (error || new || t->error || !figures_renew(&t->now, text)) {
		t->fresh = true;
		t->as_keyed = false;
		if (!error)
			figures_take(&t->now, text);
	}
	t->error = error;
	t->changed = true;
	make_room(t);
}

bool
track_is_whole(const struct track *t, bool from_key)
{
	return from_key ? !t->as_keyed : t->fresh;
}

size_t
track_numbers(const struct track *t)
{
	return t->error ? 0 : t->now.count;
}

void
track_written(struct track *t)
{
	if (track_numbers(t))
		memcpy(t->written, t->now.values, t->now.count * sizeof *t->written);
	t->fresh = t->changed = false;
}

void
track_keyed(struct track *t)
{
	if (track_numbers(t))
		memcpy(t->keyed, t->now.values, t->now.count * sizeof *t->keyed);
	t->as_keyed = true;
	track_written(t);
}

static bool
is_dead(const struct track *t, uint64_t since, uint64_t now)
{
	enum { OFTEN = 8, LONG = 512 };

	return (t->late || t->reads >= OFTEN) && t->touched < since && t->touched + LONG < now;
}

static void
free_track(struct track *t)
{
	figures_free(&t->now);
	free(t->written);
	free(t->keyed);
}

void
tracks_drop_dead(struct tracks *t, uint64_t since, uint64_t now)
{
	struct paths left = { 0 };
	uint32_t dead = 0;

	for (uint32_t i = 0; i < t->paths.n; i++)
		dead += is_dead(&t->v[i], since, now);
	for (uint32_t i = 0; i < t->paths.n && dead > 0; i++) {
		if (is_dead(&t->v[i], since, now)) {
			free_track(&t->v[i]);
			continue;
		}
		t->v[left.n] = t->v[i];
		paths_add(&left, text_of(paths_at(&t->paths, i)));
	}
	if (dead == 0)
		return;
	paths_clear(&t->paths);
	t->paths = left;
}

void
tracks_free(struct tracks *t)
{
	for (uint32_t i = 0; i < t->paths.n; i++)
		free_track(&t->v[i]);
	free(t->v);
	paths_clear(&t->paths);
	*t = (struct tracks){ 0 };
}
