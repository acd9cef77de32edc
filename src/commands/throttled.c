#include "commands/throttled.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "cgroup/quota.h"

/* cpu.stat of one level. */
struct throttled_level {
	uint32_t reading; /* of which the rest is */
	struct keyed ns;
	bool limited;
};

static void
find_top(struct throttled *t, struct host *h)
{
	struct atlas at;

	if (atlas_open(&at, h, &t->arena, "self") < 0 || locate_top(&at, FAMILY_CPU, &t->top) < 0 ||
	    !place_is_root(h, &t->top))
		t->top.version = 0;
	t->sought = true;
}

void
throttled_begin(struct throttled *t, struct host *h)
{
	if (!t->sought)
		find_top(t, h);
	t->reading++;
}

/* The root has no quota, and no cpu.stat in some kernels. */
static void
read_level(struct throttled *t, struct host *h, const char *rel, struct throttled_level *out)
{
	struct group_cpu cpu = { .periods = { 0 } };
	struct text text;

	*out = (struct throttled_level){ .reading = t->reading };
	if (*rel == '\0')
		out->ns = keyed_of(0);
	else if (place_read(h, &t->top, rel, "cpu.stat", &text) == 0 &&
	    cpu_stat_parse(text, &cpu) == 0) {
		out->limited = cpu.periods.known && cpu.periods.v > 0;
		out->ns = cpu.throttled_ns.known ? cpu.throttled_ns : keyed_of(0);
	}
}

static const struct throttled_level *
level_of(struct throttled *t, struct host *h, const char *rel)
{
	struct text key = text_of(rel);
	int number = map_find(&t->paths, key);
	size_t i = number >= 0 ? (size_t)number : t->paths.n;

	if (number < 0) {
		t->v = xgrow(t->v, i, &t->room, sizeof *t->v);
		t->v[i].reading = t->reading - 1;
		map_put(&t->paths, key);
	}
	if (t->v[i].reading != t->reading)
		read_level(t, h, rel, &t->v[i]);
	return &t->v[i];
}

/* What cpu.stat.local says: its queues were throttled by the quota of any level (Linux 6.6). */
static bool
read_local(struct throttled *t, struct host *h, const char *rel, struct keyed *out)
{
	struct group_cpu cpu = { .periods = { 0 } };
	struct text text;

	if (place_read(h, &t->top, rel, "cpu.stat.local", &text) < 0 ||
	    cpu_stat_local_parse(text, &cpu) < 0)
		return false;
	*out = cpu.local_ns;
	return out->known;
}

struct throttled_time
throttled_read(struct throttled *t, struct host *h, const char *path)
{
	struct throttled_time sum = { .ns = keyed_of(0) };
	const char *below = t->top.version ? place_below(&t->top, path) : NULL;

	if (!below)
		return (struct throttled_time){ .limited = false };
	char *rel = xstrdup(below);
	for (char *end = rel + strlen(rel); end; end = strrchr(rel, '/')) {
		*end = '\0';
		const struct throttled_level *l = level_of(t, h, rel);
		sum.limited |= l->limited;
		sum.ns.known &= l->ns.known;
		sum.ns.v += l->ns.v;
	}
	if (sum.ns.known && sum.limited)
		read_local(t, h, below, &sum.ns);
	free(rel);
	return sum;
}

void
throttled_free(struct throttled *t)
{
	map_free(&t->paths);
	free(t->v);
	arena_free(&t->arena);
}
