#include "locate.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "../proc/mountinfo.h"
#include "../proc/pidcgroup.h"

static const char *const controller_of[FAMILIES] = { "cpu", "cpuacct", "memory", NULL };

/* The cgroup mounts of one mount namespace, and the path that leads to its root. */
struct view {
	const char *prefix; /* "", or "proc/123/root/" */
	struct cgroup_mount *mounts;
	size_t count;
};

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

/* What is left of `path` below `root`, by whole names; NULL when it is not below it. */
static const char *
below(const char *path, const char *root)
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

/* The next mount after `last` (NULL: the first) in that order; NULL when there is none. */
static const struct cgroup_mount *
next_mount(const struct view *v, int version, enum family f, const struct cgroup_mount *last)
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

static struct place
place_at(struct arena *a, const struct view *v, const struct cgroup_mount *m, const char *rel, enum scope scope)
{
	return (struct place){
		.version = m->version,
		.scope = scope,
		.top = arena_printf(a, "%s%s", v->prefix, m->point + 1),
		.root = m->root,
		.rel = arena_copy(a, text_of(rel)),
	};
}

int
place_read(struct host *h, const struct place *p, const char *rel, const char *file, struct text *text)
{
	char path[PATH_MAX];
	size_t n = 0;
	const char *const parts[] = { p->top, rel, "/", file };

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		size_t more = strlen(parts[i]);
		if (n + more >= sizeof path) {
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(path + n, parts[i], more + 1);
		n += more;
	}
	return host_read(h, path, text);
}

enum presence { ABSENT, PRESENT, LISTS_PID };

static bool
lists(struct text procs, const uint64_t pids[2])
{
	struct text line;
	uint64_t pid;

	while (text_line(&procs, &line))
		if (text_u64(line, &pid) == 0 && pid != 0 && (pid == pids[0] || pid == pids[1]))
			return true;
	return false;
}

/* Every cgroup has cgroup.procs; in a threaded one reading it fails with EOPNOTSUPP. */
static enum presence
probe(struct host *h, const struct place *p, const char *rel, const uint64_t pids[2])
{
	struct text procs;

	if (place_read(h, p, rel, "cgroup.procs", &procs) < 0)
		return errno == EOPNOTSUPP ? PRESENT : ABSENT;
	return lists(procs, pids) ? LISTS_PID : PRESENT;
}

/* Translates the path through each mount in turn. The directory must be there; of several, one that lists the process
 * goes first. */
static bool
find_exact(struct host *h, struct arena *a, const struct view *v, int version, enum family f, const char *path,
	   const uint64_t pids[2], struct place *out)
{
	bool found = false;

	for (const struct cgroup_mount *m = NULL; (m = next_mount(v, version, f, m)) != NULL;) {
		const char *rel = below(path, m->root);
		if (!rel)
			continue;
		struct place p = place_at(a, v, m, rel, SCOPE_EXACT);
		enum presence there = probe(h, &p, p.rel, pids);
		if (there == LISTS_PID || (there == PRESENT && !found)) {
			*out = p;
			found = true;
		}
		if (there == LISTS_PID)
			break;
	}
	return found;
}

/* Limits of the search for a process whose path says nothing here. */
enum { SEARCH_DEPTH = 6, SEARCH_DIRS = 5000 };

struct search {
	struct host *host;
	struct arena *arena;
	const uint64_t *pids;
	struct place *place;
	int left;
};

/* Walks down from rel; true when a directory lists the process: it is place->rel then. */
static bool
search_below(struct search *s, const char *rel, int depth)
{
	struct text names, line;

	if (s->left-- <= 0)
		return false;
	if (probe(s->host, s->place, rel, s->pids) == LISTS_PID) {
		s->place->rel = rel;
		return true;
	}
	if (depth == 0 || host_list(s->host, arena_printf(s->arena, "%s%s", s->place->top, rel), &names) < 0)
		return false;
	struct text kept = { arena_copy(s->arena, names), names.n }; /* the host's text goes with the next read */
	while (text_line(&kept, &line)) {
		if (line.n < 2 || line.s[line.n - 1] != '/')
			continue;
		const char *child = arena_printf(s->arena, "%s/%.*s", rel, (int)line.n - 1, line.s);
		if (search_below(s, child, depth - 1))
			return true;
	}
	return false;
}

static bool
find_by_search(struct host *h, struct arena *a, const struct view *v, int version, enum family f,
	       const uint64_t pids[2], struct place *out)
{
	for (const struct cgroup_mount *m = NULL; (m = next_mount(v, version, f, m)) != NULL;) {
		struct place p = place_at(a, v, m, "", SCOPE_SEARCHED);
		struct search s = { h, a, pids, &p, SEARCH_DIRS };
		if (search_below(&s, "", SEARCH_DEPTH)) {
			*out = p;
			return true;
		}
	}
	return false;
}

static bool
find_guess(struct host *h, struct arena *a, const struct view *v, int version, enum family f, struct place *out)
{
	const uint64_t nobody[2] = { 0, 0 };

	for (const struct cgroup_mount *m = NULL; (m = next_mount(v, version, f, m)) != NULL;) {
		*out = place_at(a, v, m, "", SCOPE_GUESS);
		if (probe(h, out, "", nobody) != ABSENT)
			return true;
	}
	return false;
}

/* The pid as the procfs names it, and as its innermost namespace does ("NSpid:	4242	1"): for ourselves the latter is
 * what cgroup.procs shows, should the procfs be another namespace's. */
static void
read_pids(struct host *h, struct arena *a, const char *pid, uint64_t pids[2])
{
	struct text text, line, word;

	pids[0] = pids[1] = 0;
	if (host_read(h, arena_printf(a, "proc/%s/status", pid), &text) < 0)
		return;
	while (text_line(&text, &line)) {
		if (text_skip(&line, "Pid:") && text_word(&line, &word) && text_u64(word, &pids[0]) < 0)
			pids[0] = 0;
		if (strcmp(pid, "self") == 0 && text_skip(&line, "NSpid:"))
			while (text_word(&line, &word))
				if (text_u64(word, &pids[1]) < 0)
					pids[1] = 0;
	}
}

enum { VIEWS = 3 };

/* Whose mounts to ask: our own, which show the most ancestors; those of the process, through /proc/PID/root (a debug
 * container sees its target only so); those of process 1, for when our own lie outside --root. */
static size_t
collect_views(struct host *h, struct arena *a, const char *pid, struct view views[VIEWS])
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

int
locate_pid(struct host *h, struct arena *a, const char *pid, enum family f, struct place *out)
{
	struct view views[VIEWS];
	uint64_t pids[2];
	struct text text, path;

	*out = (struct place){ 0 };
	if (host_read(h, arena_printf(a, "proc/%s/cgroup", pid), &text) < 0)
		return -1;
	int version = pidcgroup_find(text, controller_of[f], &path);
	if (version == 0) {
		errno = ENODEV;
		return -1;
	}
	const char *name = arena_copy(a, path);
	size_t n = collect_views(h, a, pid, views);
	read_pids(h, a, pid, pids);
	for (size_t i = 0; i < n; i++)
		if (find_exact(h, a, &views[i], version, f, name, pids, out))
			return 0;
	for (size_t i = 0; i < n; i++)
		if (find_by_search(h, a, &views[i], version, f, pids, out))
			return 0;
	for (size_t i = strcmp(pid, "self") != 0; i < n; i++) /* our own mounts' top is no guess for somebody else */
		if (find_guess(h, a, &views[i], version, f, out))
			return 0;
	*out = (struct place){ 0 };
	errno = ENODEV;
	return -1;
}

/* The hierarchy's version for a family on this machine: that of the reader's own line for it. */
static int
version_of(struct host *h, enum family f)
{
	struct text text, path;

	if (host_read(h, "proc/self/cgroup", &text) < 0)
		return 0;
	return pidcgroup_find(text, controller_of[f], &path);
}

/* The cgroup's name, when what was given is a directory below any cgroup mount; else NULL. */
static const char *
name_of_directory(struct arena *a, const struct view *v, const char *dir)
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

/* With one '/' in front, and none behind. */
static const char *
tidy(struct arena *a, const char *name)
{
	size_t n = strlen(name);

	while (n > 1 && name[n - 1] == '/')
		n--;
	return arena_printf(a, "%s%.*s", name[0] == '/' ? "" : "/", (int)n, name);
}

int
locate_name(struct host *h, struct arena *a, const char *name, enum family f, struct place *out)
{
	static const uint64_t nobody[2] = { 0, 0 };
	struct view views[VIEWS];
	int version = version_of(h, f);
	size_t n = collect_views(h, a, NULL, views);

	*out = (struct place){ 0 };
	name = tidy(a, name);
	for (size_t i = 0; i < n && version != 0; i++) {
		const char *path = name_of_directory(a, &views[i], name);
		if (find_exact(h, a, &views[i], version, f, path ? path : name, nobody, out))
			return 0;
	}
	struct place top;
	errno = locate_top(h, a, f, &top) == 0 ? ENOENT : ENODEV;
	return -1;
}

int
locate_top(struct host *h, struct arena *a, enum family f, struct place *out)
{
	struct view views[VIEWS];
	int version = version_of(h, f);
	size_t n = version ? collect_views(h, a, NULL, views) : 0;

	for (size_t i = 0; i < n; i++) {
		if (find_guess(h, a, &views[i], version, f, out)) {
			out->scope = SCOPE_EXACT;
			return 0;
		}
	}
	*out = (struct place){ 0 };
	errno = ENODEV;
	return -1;
}

/* Only below the root is there cgroup.type (v2); only in the root is there cgroup.sane_behavior (v1). */
bool
place_is_root(struct host *h, const struct place *p)
{
	struct text text;

	if (strcmp(p->root, "/") != 0)
		return false;
	if (p->version == 1)
		return place_read(h, p, "", "cgroup.sane_behavior", &text) == 0;
	return place_read(h, p, "", "cgroup.type", &text) < 0 && errno == ENOENT;
}

const char *
place_name(struct arena *a, const struct place *p, const char *rel)
{
	bool bare = strcmp(p->root, "/") == 0;

	if (bare && *rel == '\0')
		return "/";
	if (bare || *p->root == '\0')
		return arena_copy(a, text_of(rel));
	return arena_printf(a, "%s%s", p->root, rel);
}

const char *
place_below(const struct place *p, const char *name)
{
	return below(name, p->root);
}
