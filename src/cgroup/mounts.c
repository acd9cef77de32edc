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

const char *
route_below(const char *path, const char *root)
{
	struct route p = route_of(path), r = route_of(root);
	size_t n = strlen(r.names);

	if (p.ups != r.ups || strncmp(p.names, r.names, n) != 0)
		return NULL;
	if (p.names[n] != '\0' && p.names[n] != '/')
		return NULL;
	return p.names + n;
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
	static const char usual[] = "/sys/fs/cgroup";
	bool ux = strncmp(x->point, usual, sizeof usual - 1) == 0, uy = strncmp(y->point, usual, sizeof usual - 1) == 0;
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

/* Whose mounts to ask: our own, which show the most ancestors; those of the process, through /proc/PID/root (a debug
 * container sees its target only so); those of process 1, for when our own lie outside --root. */
size_t
mounts_views(struct host *h, struct arena *a, const char *pid, struct view views[VIEWS])
{
	size_t n = 0;

	if (read_mounts(h, a, "self", "", &views[n]) == 0)
		n++;
	if (pid && strcmp(pid, "self") != 0 &&
	    read_mounts(h, a, pid, arena_printf(a, "proc/%s/root/", pid), &views[n]) == 0)
		n++;
	if (read_mounts(h, a, "1", "", &views[n]) == 0)
		n++;
	return n;
}

const char *
mounts_name(struct arena *a, const struct view *v, const char *dir)
{
	for (size_t i = v->count; i-- > 0;) {
		const struct cgroup_mount *m = &v->mounts[i];
		size_t n = strlen(m->point);
		if (strncmp(dir, m->point, n) != 0 || (dir[n] != '\0' && dir[n] != '/'))
			continue;
		struct place p = { .root = m->root };
		return place_name(a, &p, dir + n);
	}
	return NULL;
}
