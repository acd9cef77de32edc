#include "mounts.h"

#include <string.h>

#include "../proc/mountinfo.h"

const char *const controller_of[FAMILIES] = { "cpu", "cpuacct", "memory", NULL };

/* A path as the reader's cgroup namespace tells it: so many ".." from the namespace's root, then names. */
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

static int
read_mounts(struct host *h, struct arena *a, const char *pid, const char *prefix, struct view *v)
{
	struct cgroup_mount m;
	struct text text;
	size_t cap = 0;

	*v = (struct view){ .prefix = prefix };
	if (host_read(h, arena_printf(a, "proc/%s/mountinfo", pid), &text) < 0)
		return -1;
	while (mountinfo_next(&text, a, &m)) {
		v->mounts = arena_grow(a, v->mounts, v->count, &cap, sizeof *v->mounts);
		v->mounts[v->count++] = m;
	}
	return 0;
}

static bool
serves(const struct cgroup_mount *m, int version, enum family f)
{
	if (m->version != version)
		return false;
	return version == 2 || comma_list_has(text_of(m->super), controller_of[f]);
}

/* Which of two mounts is to be asked first: one under /sys/fs/cgroup, then one whose root is named with fewer "..",
 * then the one mounted last, as it hides the earlier ones. */
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
mounts_place(struct arena *a, const struct view *v, const struct cgroup_mount *m, const char *rel, enum scope scope)
{
	return (struct place){
		.version = m->version,
		.scope = scope,
		.top = arena_printf(a, "%s%s", v->prefix, m->point + 1),
		.root = m->root,
		.rel = arena_copy(a, text_of(rel)),
	};
}

static size_t
add_view(struct host *h, struct arena *a, const char *pid, const char *prefix, bool own, struct view *v)
{
	if (read_mounts(h, a, pid, prefix, v) < 0)
		return 0;
	v->own = own;
	return 1;
}

/* Under --root, what our own mountinfo names is found through /proc/self/root, if the tree has a real /proc. */
static const char *
own_prefix(struct host *h)
{
	struct text names;

	return h->elsewhere && host_list(h, "proc/self/root/", &names) == 0 ? "proc/self/root/" : "";
}

/* Whose mounts to ask: our own, which show the most levels; those of the process, through /proc/PID/root (a debug container
 * sees its target only so); those of process 1, which under --root lie below that root. */
size_t
mounts_views(struct host *h, struct arena *a, const char *pid, struct view views[VIEWS])
{
	bool self = !pid || strcmp(pid, "self") == 0;
	size_t n = add_view(h, a, "self", own_prefix(h), self, views);

	if (!self)
		n += add_view(h, a, pid, arena_printf(a, "proc/%s/root/", pid), true, &views[n]);
	return n + add_view(h, a, "1", h->elsewhere ? "" : "proc/1/root/", false, &views[n]);
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
