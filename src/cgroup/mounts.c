#include "cgroup/mounts.h"

#include <string.h>

#include "proc/mountinfo.h"

const char *const controller_of[FAMILIES] = { "cpu", "cpuacct", "memory", NULL, "cpuset", "pids" };

/* A path as the reader's cgroup namespace tells it: so many ".." from the namespace's root, then
 * names. */
struct route {
	unsigned ups;
	const char *names; /* "" or "/a/b" */
};

static struct route
route_of(const char *path)
{
	struct route r = { 0, path };

	while (strncmp(r.names, "/..", 3) == 0 && (r.names[3] == '/' || r.names[3] == '\0')) {
		r.ups++;
		r.names += 3;
	}
	while (strcmp(r.names, "/") == 0)
		r.names++;
	return r;
}

/* Whether a path has a ".." in it, which joined to a directory would lead out of it. */
static bool
climbs(const char *names)
{
	for (const char *at = names; (at = strstr(at, "/..")) != NULL; at += 3)
		if (at[3] == '/' || at[3] == '\0')
			return true;
	return false;
}

/* Whether `path` is `dir`, or below it. */
static bool
is_under(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

const char *
route_below(const char *path, const char *root)
{
	struct route p = route_of(path), r = route_of(root);
	size_t n = strlen(r.names);

	if (p.ups != r.ups || strncmp(p.names, r.names, n) != 0)
		return NULL;
	if (p.names[n] != '\0' && p.names[n] != '/')
		return NULL;
	return climbs(p.names + n) ? NULL : p.names + n;
}

static bool
serves(const struct cgroup_mount *m, int version, enum family f)
{
	if (m->version != version)
		return false;
	return version == 2 || comma_list_has(text_of(m->super), controller_of[f]);
}

/* Which of two mounts is to be asked first: one under /sys/fs/cgroup, then one whose root is named
 * with fewer "..", then the one mounted last, as it hides the earlier ones. */
static bool
better(const struct cgroup_mount *x, const struct cgroup_mount *y)
{
	bool ux = is_under(x->point, "/sys/fs/cgroup"), uy = is_under(y->point, "/sys/fs/cgroup");
	unsigned rx = route_of(x->root).ups, ry = route_of(y->root).ups;

	if (ux != uy)
		return ux;
	if (rx != ry)
		return rx < ry;
	return x > y;
}

const struct cgroup_mount *
mounts_next(const struct view *v, int version, enum family f, const struct cgroup_mount *last)
{
	const struct cgroup_mount *best = NULL;

	for (size_t i = 0; i < v->count; i++) {
		const struct cgroup_mount *m = &v->mounts[i];
		if (!serves(m, version, f) || m == last || (last && better(m, last)))
			continue;
		if (!best || better(m, best))
			best = m;
	}
	return best;
}

struct place
mounts_place(struct arena *a, const struct view *v, const struct cgroup_mount *m, const char *rel,
    enum scope scope)
{
	return (struct place){
		.version = m->version,
		.scope = scope,
		.top = arena_printf(a, "%s%s", v->prefix, m->point + 1),
		.root = m->root,
		.rel = arena_copy(a, text_of(rel)),
	};
}

const char *
mounts_name(struct arena *a, const struct view *v, const char *dir)
{
	const struct cgroup_mount *best = NULL;

	for (size_t i = 0; i < v->count; i++) {
		const struct cgroup_mount *m = &v->mounts[i];
		if (is_under(dir, m->point) && (!best || strlen(m->point) >= strlen(best->point)))
			best = m; /* the innermost; of several there, the one mounted last */
	}
	if (!best)
		return NULL;
	struct place p = { .root = best->root };
	return place_name(a, &p, dir + strlen(best->point));
}
