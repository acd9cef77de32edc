/* Finding the directory of a cgroup. */
#include "cgroup/locate.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "proc/mountinfo.h"

const char *const controller_of[FAMILIES] = { "cpu", "cpuacct", "memory", NULL, "cpuset", "pids" };

/* ---- Paths */

/* A path that is relative to a cgroup namespace: a number of "..", then names. */
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

/* Whether a path has a ".." in it. Appended to a directory, it would lead out of it. */
static bool
climbs(const char *names)
{
	struct text rest = text_of(names), name;

	while (text_split(&rest, '/', &name))
		if (text_eq(name, ".."))
			return true;
	return false;
}

/* Whether `path` is `dir` or below it. */
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

/* ---- Mounts */

static bool
serves(const struct cgroup_mount *m, int version, enum family f)
{
	if (m->version != version)
		return false;
	return version == 2 || comma_list_has(text_of(m->super), controller_of[f]);
}

/* Whether x is tried before y: first mounts under /sys/fs/cgroup, then those with fewer ".." in
 * their root, then those mounted later, as they hide earlier ones. */
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
mounts_next(const struct mount_view *v, int version, enum family f, const struct cgroup_mount *last)
{
	const struct cgroup_mount *best = NULL;

	for (size_t i = 0; i < v->count; i++) {
		const struct cgroup_mount *m = &v->mounts[i];
		if (m == last || !serves(m, version, f) || (last && better(m, last)))
			continue;
		if (!best || better(m, best))
			best = m;
	}
	return best;
}

static struct place
mounts_place(struct arena *a, const struct mount_view *v, const struct cgroup_mount *m,
    const char *rel, enum scope scope)
{
	return (struct place){
		.version = m->version,
		.scope = scope,
		.top = arena_printf(a, "%s%s", v->prefix, m->point + 1),
		.root = m->root,
		.rel = arena_copy(a, text_of(rel)),
	};
}

/* The name of the cgroup with this directory; NULL if no cgroup mount has it. */
static const char *
mounts_name(struct arena *a, const struct mount_view *v, const char *dir)
{
	const struct cgroup_mount *best = NULL;

	for (size_t i = 0; i < v->count; i++) {
		const struct cgroup_mount *m = &v->mounts[i];
		if (is_under(dir, m->point) && (!best || strlen(m->point) >= strlen(best->point)))
			best = m; /* the innermost mount; of equal ones the last */
	}
	if (!best)
		return NULL;
	struct place p = { .root = best->root };
	return place_name(a, &p, dir + strlen(best->point));
}

/* ---- What is known about a process */

int
atlas_open(struct atlas *at, struct host *h, struct arena *a, const char *pid)
{
	struct text text;

	*at = (struct atlas){ .host = h, .arena = a, .pid = pid };
	if (host_read(h, arena_printf(a, "proc/%s/cgroup", pid), &text) < 0)
		return -1;
	at->cgroup = (struct text){ arena_copy(a, text), text.n };
	return 0;
}

static void
read_view(struct atlas *at, const char *pid, const char *prefix, bool own, struct mount_view *v)
{
	struct cgroup_mount m;
	struct text text;
	size_t cap = 0;

	*v = (struct mount_view){ .prefix = prefix, .own = own };
	if (host_read(at->host, arena_printf(at->arena, "proc/%s/mountinfo", pid), &text) < 0)
		return;
	while (mountinfo_next(&text, at->arena, &m)) {
		v->mounts = arena_grow(at->arena, v->mounts, v->count, &cap, sizeof *v->mounts);
		v->mounts[v->count++] = m;
	}
}

/* With --root, paths of our own mountinfo are valid below /proc/self/root, if the tree has a real
 * /proc. */
static const char *
own_prefix(struct host *h)
{
	struct text names;

	return h->elsewhere && host_list(h, "proc/self/root/", &names) == 0 ? "proc/self/root/" :
									      "";
}

/* First our own mounts, which show the most levels. Then those of the process, through
 * /proc/PID/root: a debug container sees its target only there. Then those of process 1, which with
 * --root are below that root. */
const struct mount_view *
atlas_view(struct atlas *at, int i)
{
	bool self = strcmp(at->pid, "self") == 0;

	if (at->view_read[i])
		return &at->views[i];
	at->view_read[i] = true;
	if (i == 0)
		read_view(at, "self", own_prefix(at->host), self, &at->views[i]);
	else if (i == 1 && !self)
		read_view(at, at->pid, arena_printf(at->arena, "proc/%s/root/", at->pid), true,
		    &at->views[i]);
	else if (i == 2)
		read_view(at, "1", at->host->elsewhere ? "" : "proc/1/root/", false, &at->views[i]);
	return &at->views[i];
}

/* The number of the process in this procfs, and for ourselves also in our innermost pid namespace
 * ("NSpid:	4242	1"): cgroup.procs shows the latter if the procfs is that of another namespace. */
static const uint64_t *
atlas_pids(struct atlas *at)
{
	struct text text, line, word;
	bool self = strcmp(at->pid, "self") == 0;

	if (at->pids_read)
		return at->pids;
	at->pids_read = true;
	if (host_read(at->host, arena_printf(at->arena, "proc/%s/status", at->pid), &text) < 0)
		return at->pids;
	while (text_line(&text, &line)) {
		if (text_skip(&line, "Pid:") && text_word(&line, &word) &&
		    text_u64(word, &at->pids[0]) < 0)
			at->pids[0] = 0;
		if (self && text_skip(&line, "NSpid:"))
			while (text_word(&line, &word))
				if (text_u64(word, &at->pids[1]) < 0)
					at->pids[1] = 0;
	}
	return at->pids;
}

/* ---- Places */

int
place_read(
    struct host *h, const struct place *p, const char *rel, const char *file, struct text *text)
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

/* On v2 every cgroup but the root has cgroup.type; on v1 only the root has cgroup.sane_behavior. */
bool
place_is_root(struct host *h, const struct place *p)
{
	struct text text;

	if (p->version == 1)
		return place_read(h, p, "", "cgroup.sane_behavior", &text) == 0;
	return place_read(h, p, "", "cgroup.type", &text) < 0 && errno == ENOENT;
}

const char *
place_name(struct arena *a, const struct place *p, const char *rel)
{
	bool bare = strcmp(p->root, "/") == 0 || *p->root == '\0';

	if (bare && *rel == '\0')
		return "/";
	if (bare)
		return arena_copy(a, text_of(rel));
	return arena_printf(a, "%s%s", p->root, rel);
}

const char *
place_below(const struct place *p, const char *name)
{
	return route_below(name, p->root);
}

/* ---- Finding */

struct quest {
	struct atlas *atlas;
	enum family family;
	int version;
	const char *path; /* of the cgroup, from /proc/PID/cgroup or the user */
	bool by_name;     /* the cgroup was named, so that it need not list the process */
	bool translated;  /* a mount shows the path, even if the directory is missing */
	bool refused;     /* reading a file was not permitted */
	struct place *out;
};

enum presence { ABSENT, PRESENT, LISTS_PID };

static bool
lists(struct text procs, const uint64_t *pids)
{
	struct text line;
	uint64_t pid;

	while (text_line(&procs, &line)) /* 0 is a process of another pid namespace */
		if (text_u64(line, &pid) == 0 && pid != 0 && (pid == pids[0] || pid == pids[1]))
			return true;
	return false;
}

/* Whether a recording, which may lack cgroup.procs, has the directory of a named cgroup: pq -a
 * lists the directories of all cgroups. */
static bool
is_recorded(struct quest *q, const struct place *p, const char *rel, int error)
{
	struct text names;

	return q->by_name && q->atlas->host->replay && (error == ENODATA || error == ENOENT) &&
	    host_list(q->atlas->host, arena_printf(q->atlas->arena, "%s%s", p->top, rel), &names) ==
	    0;
}

/* Every cgroup has cgroup.procs; that of a threaded one fails with EOPNOTSUPP. */
static enum presence
probe(struct quest *q, const struct place *p, const char *rel, bool prove)
{
	const uint64_t *pids = prove ? atlas_pids(q->atlas) : NULL; /* first, as it reads too */
	struct text procs;

	if (place_read(q->atlas->host, p, rel, "cgroup.procs", &procs) == 0)
		return pids && lists(procs, pids) ? LISTS_PID : PRESENT;
	int error = errno;
	q->refused |= error == EACCES || error == EPERM;
	return error == EOPNOTSUPP || is_recorded(q, p, rel, error) ? PRESENT : ABSENT;
}

/* The number of mounts that show the path. */
static int
translating(const struct quest *q, const struct mount_view *v)
{
	int n = 0;

	for (const struct cgroup_mount *m = NULL;
	     (m = mounts_next(v, q->version, q->family, m)) != NULL;)
		n += route_below(q->path, m->root) != NULL;
	return n;
}

/* Translates the path through each mount, and takes the first directory that exists. If several
 * mounts show the path, prefers one that lists the process. */
static bool
find_exact(struct quest *q, const struct mount_view *v)
{
	bool found = false, prove = !q->by_name && translating(q, v) > 1;

	for (const struct cgroup_mount *m = NULL;
	     (m = mounts_next(v, q->version, q->family, m)) != NULL;) {
		const char *rel = route_below(q->path, m->root);
		if (!rel)
			continue;
		q->translated = true;
		struct place p = mounts_place(q->atlas->arena, v, m, rel, SCOPE_EXACT);
		enum presence there = probe(q, &p, p.rel, prove);
		if (there == LISTS_PID || (there == PRESENT && !found)) {
			*q->out = p;
			found = true;
		}
		if (there == LISTS_PID)
			break;
	}
	return found;
}

/* Limits of the search for a process whose path no mount shows. */
enum { SEARCH_DEPTH = 6, SEARCH_DIRS = 5000 };

struct place_search {
	struct quest *quest;
	struct place *place;
	struct arena scratch;
	int left;
};

/* Sets place->rel to the directory that lists the process, at or below rel; false if none does. */
static bool
search_below(struct place_search *s, const char *rel, int depth)
{
	struct text names, line;

	if (s->left-- <= 0)
		return false;
	if (probe(s->quest, s->place, rel, true) == LISTS_PID) {
		s->place->rel = arena_copy(s->quest->atlas->arena, text_of(rel));
		return true;
	}
	const char *dir = arena_printf(&s->scratch, "%s%s", s->place->top, rel);
	if (depth == 0 || host_list(s->quest->atlas->host, dir, &names) < 0)
		return false;
	/* a copy, as the next read overwrites the text */
	struct text kept = { arena_copy(&s->scratch, names), names.n };
	while (text_line(&kept, &line)) {
		if (search_below(s, arena_printf(&s->scratch, "%s/%.*s", rel, (int)line.n, line.s),
			depth - 1))
			return true;
	}
	return false;
}

static bool
find_by_search(struct quest *q, const struct mount_view *v)
{
	bool found = false;

	for (const struct cgroup_mount *m = NULL;
	     !found && (m = mounts_next(v, q->version, q->family, m)) != NULL;) {
		struct place p = mounts_place(q->atlas->arena, v, m, "", SCOPE_SEARCHED);
		struct place_search s = { .quest = q, .place = &p, .left = SEARCH_DIRS };
		found = search_below(&s, "", SEARCH_DEPTH);
		arena_free(&s.scratch);
		if (found)
			*q->out = p;
	}
	return found;
}

/* The top of the first mount that can be read. */
static bool
find_top(struct quest *q, const struct mount_view *v, enum scope scope)
{
	for (const struct cgroup_mount *m = NULL;
	     (m = mounts_next(v, q->version, q->family, m)) != NULL;) {
		*q->out = mounts_place(q->atlas->arena, v, m, "", scope);
		if (probe(q, q->out, "", false) != ABSENT)
			return true;
	}
	return false;
}

static int
not_found(struct quest *q, int error)
{
	*q->out = (struct place){ 0 };
	errno = q->refused ? EACCES : error;
	return -1;
}

/* False if the process has no cgroup in that hierarchy. */
static bool
begin(struct quest *q, struct atlas *at, enum family f, struct place *out)
{
	struct text path;

	*q = (struct quest){ .atlas = at, .family = f, .out = out };
	q->version = pidcgroup_find(at->cgroup, controller_of[f], &path);
	if (q->version)
		q->path = arena_copy(at->arena, path);
	return q->version != 0;
}

int
locate_process(struct atlas *at, enum family f, struct place *out)
{
	struct quest q;

	if (!begin(&q, at, f, out))
		return not_found(&q, ENODEV);
	for (int i = 0; i < MOUNT_VIEWS; i++)
		if (find_exact(&q, atlas_view(at, i)))
			return 0;
	for (int i = 0; i < MOUNT_VIEWS; i++)
		if (find_by_search(&q, atlas_view(at, i)))
			return 0;
	for (int i = 0; i < MOUNT_VIEWS && !q.translated; i++)
		if (atlas_view(at, i)->own && find_top(&q, atlas_view(at, i), SCOPE_GUESS))
			return 0;
	return not_found(&q, ENODEV);
}

/* The name with one '/' before it and none after it. */
static const char *
tidy(struct arena *a, const char *name)
{
	size_t n = strlen(name);

	while (n > 1 && name[n - 1] == '/')
		n--;
	return arena_printf(a, "%s%.*s", name[0] == '/' ? "" : "/", (int)n, name);
}

int
locate_name(struct atlas *at, const char *name, enum family f, struct place *out)
{
	bool refused = false;
	struct quest q;
	struct place top;

	if (!begin(&q, at, f, out))
		return not_found(&q, ENODEV);
	q.by_name = true;
	name = tidy(at->arena, name);
	for (int i = 0; i < MOUNT_VIEWS; i++) {
		const char *of_directory = mounts_name(at->arena, atlas_view(at, i), name);
		q.path = of_directory ? of_directory : name;
		q.refused = false;
		if (find_exact(&q, atlas_view(at, i)))
			return 0;
		/* a closed root of another process says nothing about the cgroup */
		refused |= q.refused && atlas_view(at, i)->own;
	}
	q.refused = refused;
	return not_found(&q, locate_top(at, f, &top) == 0 ? ENOENT : ENODEV);
}

int
locate_top(struct atlas *at, enum family f, struct place *out)
{
	struct quest q;

	if (!begin(&q, at, f, out))
		return not_found(&q, ENODEV);
	for (int i = 0; i < MOUNT_VIEWS; i++)
		if (find_top(&q, atlas_view(at, i), SCOPE_EXACT))
			return 0;
	return not_found(&q, ENODEV);
}
