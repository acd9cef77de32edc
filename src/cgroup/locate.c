/* Finding the directory of a cgroup. */
#include "cgroup/locate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup/process.h"
#include "proc/mountinfo.h"

const char *const controller_of[FAMILIES] = { "cpu", "cpuacct", "memory", NULL, "cpuset", "pids",
	"blkio" };

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

/* Which is tried first: mounts under /sys/fs/cgroup, then those with fewer ".." in their root, then
 * those mounted later, as they hide earlier ones. */
static int
best_first(const void *a, const void *b)
{
	const struct cgroup_mount *x = a, *y = b;
	bool ux = is_under(x->point, "/sys/fs/cgroup"), uy = is_under(y->point, "/sys/fs/cgroup");
	unsigned rx = route_of(x->root).ups, ry = route_of(y->root).ups;

	if (ux != uy)
		return ux ? -1 : 1;
	if (rx != ry)
		return rx < ry ? -1 : 1;
	return x->number > y->number ? -1 : 1;
}

const struct cgroup_mount *
mounts_next(const struct mount_view *v, int version, enum family f, const struct cgroup_mount *last)
{
	for (size_t i = last ? (size_t)(last - v->mounts) + 1 : 0; i < v->count; i++)
		if (serves(&v->mounts[i], version, f))
			return &v->mounts[i];
	return NULL;
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

/* Of two mounts that have a directory: whether x is the inner one, or hides y, which is on the same
 * directory. */
static bool
inner(const struct cgroup_mount *x, const struct cgroup_mount *y)
{
	size_t nx = strlen(x->point), ny = strlen(y->point);

	return nx > ny || (nx == ny && x->number > y->number);
}

/* The name of the cgroup with this directory; NULL if no cgroup mount has it. */
static const char *
mounts_name(struct arena *a, const struct mount_view *v, const char *dir)
{
	const struct cgroup_mount *best = NULL;

	for (size_t i = 0; i < v->count; i++) {
		const struct cgroup_mount *m = &v->mounts[i];
		if (is_under(dir, m->point) && (!best || inner(m, best)))
			best = m;
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
	char number[PROCESS_NUMBER];
	struct text text;

	snprintf(number, sizeof number, "%s", pid);
	*at = (struct atlas){ .host = h, .arena = a, .pid = pid };
	if (process_cgroup(h, number, &text) < 0)
		return -1;
	at->cgroup = (struct text){ arena_copy(a, text), text.n };
	at->pid = arena_copy(a, text_of(number));
	return 0;
}

static void
add_mount(struct atlas *at, struct mount_view *v, struct cgroup_mount m)
{
	v->mounts = arena_grow(at->arena, v->mounts, v->count, &v->room, sizeof *v->mounts);
	m.number = v->count;
	v->mounts[v->count++] = m;
}

static void
add_usual_v2(struct atlas *at, struct mount_view *v, const char *point)
{
	const char *file = arena_printf(at->arena, "%s%s/cgroup.controllers", v->prefix, point + 1);
	struct text text;

	if (host_read(at->host, file, &text) == 0)
		add_mount(at, v, (struct cgroup_mount){ 2, "/", point, "", 0 });
}

/* Where most systems mount the hierarchies, for a mountinfo that may not be read. */
static void
add_usual_mounts(struct atlas *at, struct mount_view *v)
{
	struct text rest = at->cgroup, line, id, controllers;

	while (text_line(&rest, &line)) {
		if (!text_split(&line, ':', &id) || !text_split(&line, ':', &controllers) ||
		    controllers.n == 0 || memchr(controllers.s, '/', controllers.n))
			continue;
		const char *list = arena_copy(at->arena, controllers);
		add_mount(at, v,
		    (struct cgroup_mount){
			1, "/", arena_printf(at->arena, "/sys/fs/cgroup/%s", list), list, 0 });
	}
	add_usual_v2(at, v, "/sys/fs/cgroup/unified");
	add_usual_v2(at, v, "/sys/fs/cgroup");
}

static void
find_lxcfs(struct atlas *at, struct text mountinfo)
{
	at->lxcfs_online = mountinfo_has_lxcfs(mountinfo, "/sys/devices/system/cpu/online");
	at->lxcfs_stat = mountinfo_has_lxcfs(mountinfo, "/proc/stat");
	at->lxcfs_meminfo = mountinfo_has_lxcfs(mountinfo, "/proc/meminfo");
}

static void
read_view(struct atlas *at, const char *pid, const char *prefix, bool own, struct mount_view *v)
{
	const char *file = arena_printf(at->arena, "proc/%s/mountinfo", pid);
	struct cgroup_mount m;
	struct text text;

	*v = (struct mount_view){ .prefix = prefix, .own = own };
	if (host_read(at->host, file, &text) == 0) {
		if (v == at->views)
			find_lxcfs(at, text);
		while (mountinfo_next(&text, at->arena, &m))
			add_mount(at, v, m);
	} else if (v == at->views && (errno == EACCES || errno == EPERM)) {
		at->mounts_error = errno;
		add_usual_mounts(at, v);
	}
	if (v->count > 0)
		qsort(v->mounts, v->count, sizeof *v->mounts, best_first);
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
		/* of a thread, cgroup.procs lists the process; Tgid is above Pid */
		bool number =
		    text_skip(&line, "Tgid:") || (!at->pids[0] && text_skip(&line, "Pid:"));
		if (number && text_word(&line, &word) && text_u64(word, &at->pids[0]) < 0)
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
	return host_read_parts(h, &(struct path_parts){ p->top, rel, file, NULL }, text);
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

bool
controller_is_disabled(struct host *h, const struct place *p, const char *controller)
{
	struct text text, line, word;
	uint64_t hierarchy, cgroups, enabled;

	/* "memory 0 65 0": the name, its hierarchy, how many cgroups, whether it is enabled */
	if (host_read(h, "proc/cgroups", &text) == 0)
		while (text_line(&text, &line))
			if (text_word(&line, &word) && text_eq(word, controller) &&
			    text_next_u64(&line, &hierarchy) == 0 &&
			    text_next_u64(&line, &cgroups) == 0 &&
			    text_next_u64(&line, &enabled) == 0)
				return enabled == 0;
	if (p->version != 2 || !place_is_root(h, p) ||
	    place_read(h, p, "", "cgroup.controllers", &text) < 0 || !text_line(&text, &line))
		return false;
	if (strcmp(controller, controller_of[FAMILY_IO]) == 0)
		controller = "io"; /* what v2 calls it */
	while (text_word(&line, &word))
		if (text_eq(word, controller))
			return false;
	return true;
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
	bool outside;     /* a file was not of a cgroup file system */
	int left;         /* directories that the search may still read */
	struct place *out;
};

enum presence { ABSENT, LISTS_OTHERS, PRESENT, LISTS_PID };

/* 0 is a process of another pid namespace, which may be the one. An empty list, or an unknown pid,
 * tells nothing. */
static enum presence
who_is_listed(struct text procs, const uint64_t *pids)
{
	enum presence there = PRESENT;
	struct text line;
	uint64_t pid;

	while (text_line(&procs, &line)) {
		if (text_u64(line, &pid) < 0 || pids[0] == 0)
			continue;
		if (pid == 0)
			return PRESENT;
		if (pid == pids[0] || pid == pids[1])
			return LISTS_PID;
		there = LISTS_OTHERS;
	}
	return there;
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
		return pids ? who_is_listed(procs, pids) : PRESENT;
	int error = errno;
	q->refused |= error == EACCES || error == EPERM;
	q->outside |= error == EXDEV;
	return error == EOPNOTSUPP || is_recorded(q, p, rel, error) ? PRESENT : ABSENT;
}

/* Translates the path through each mount, and takes the first directory that exists, but prefers one
 * that lists the process. One that lists only others is another cgroup, if a later mount hides the
 * one that the path was translated through: it is marked. */
static bool
find_exact(struct quest *q, const struct mount_view *v)
{
	enum presence best = q->out->version ? LISTS_OTHERS : ABSENT;

	for (const struct cgroup_mount *m = NULL;
	     best != LISTS_PID && (m = mounts_next(v, q->version, q->family, m)) != NULL;) {
		const char *rel = route_below(q->path, m->root);
		if (!rel)
			continue;
		q->translated = true;
		struct place p = mounts_place(q->atlas->arena, v, m, rel, SCOPE_EXACT);
		enum presence there = probe(q, &p, p.rel, !q->by_name);
		if (there <= best)
			continue;
		best = there;
		*q->out = p;
		if (q->by_name)
			break;
	}
	if (best == LISTS_OTHERS)
		q->out->scope = SCOPE_UNLISTED;
	return best > LISTS_OTHERS;
}

/* Limits of the search for a process whose path no mount shows. */
enum { SEARCH_DEPTH = 6, SEARCH_DIRS = 5000 };

struct place_search {
	struct quest *quest;
	struct place *place;
	struct arena scratch;
};

/* Sets place->rel to the directory that lists the process, at or below rel; false if none does. */
static bool
search_below(struct place_search *s, const char *rel, int depth)
{
	struct text names, line;

	if (s->quest->left-- <= 0)
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
		struct place_search s = { .quest = q, .place = &p };
		found = search_below(&s, "", SEARCH_DEPTH);
		arena_free(&s.scratch);
		if (found)
			*q->out = p;
	}
	return found;
}

/* The top of the first mount that can be read. */
static bool
find_top(struct quest *q, const struct mount_view *v)
{
	for (const struct cgroup_mount *m = NULL;
	     (m = mounts_next(v, q->version, q->family, m)) != NULL;) {
		*q->out = mounts_place(q->atlas->arena, v, m, "", SCOPE_EXACT);
		if (probe(q, q->out, "", false) != ABSENT)
			return true;
	}
	q->out->version = 0;
	return false;
}

static bool
find_guess(struct quest *q, const struct mount_view *v)
{
	bool found = v->own && find_top(q, v);

	if (found)
		q->out->scope = SCOPE_GUESS;
	return found;
}

/* A closed root of process 1 says nothing about the cgroup, and is no reason. */
static bool
try_views(struct quest *q, bool (*find)(struct quest *, const struct mount_view *))
{
	for (int i = 0; i < MOUNT_VIEWS; i++) {
		bool refused = q->refused, outside = q->outside;
		if (find(q, atlas_view(q->atlas, i)))
			return true;
		if (i == 2 && !q->atlas->host->elsewhere) {
			q->refused = refused;
			q->outside = outside;
		}
	}
	return false;
}

static int
not_found(struct quest *q, int error)
{
	*q->out = (struct place){ 0 };
	errno = q->outside ? EXDEV : q->refused ? EACCES : error;
	return -1;
}

/* False if the process has no cgroup in that hierarchy. */
static bool
begin(struct quest *q, struct atlas *at, enum family f, struct place *out)
{
	struct text path;

	*out = (struct place){ 0 };
	*q = (struct quest){ .atlas = at, .family = f, .left = SEARCH_DIRS, .out = out };
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
	if (try_views(&q, find_exact) || out->version)
		return 0;
	if (try_views(&q, find_by_search) || (!q.translated && try_views(&q, find_guess)))
		return 0;
	return not_found(&q, ENODEV);
}

/* The name with one '/' before it and none after it, and without the controllers of a line of
 * /proc/PID/cgroup: "cpu:/x", "4:cpu,cpuacct:/x", "0::/x". */
static const char *
tidy(struct arena *a, const char *name)
{
	const char *colon = strstr(name, ":/");

	if (colon && name + strcspn(name, "/") > colon)
		name = colon + 1;
	size_t n = strlen(name);
	while (n > 1 && name[n - 1] == '/')
		n--;
	return arena_printf(a, "%s%.*s", name[0] == '/' ? "" : "/", (int)n, name);
}

/* q->path is the name. */
static bool
find_name(struct quest *q, const struct mount_view *v)
{
	const char *name = q->path, *of_directory = mounts_name(q->atlas->arena, v, name);

	q->path = of_directory ? of_directory : name;
	bool found = find_exact(q, v);
	q->path = name;
	return found;
}

int
locate_name(struct atlas *at, const char *name, enum family f, struct place *out)
{
	struct quest q;
	struct place top;

	if (!begin(&q, at, f, out))
		return not_found(&q, ENODEV);
	q.by_name = true;
	q.path = tidy(at->arena, name);
	if (try_views(&q, find_name))
		return 0;
	return not_found(&q, locate_top(at, f, &top) == 0 ? ENOENT : ENODEV);
}

int
locate_top(struct atlas *at, enum family f, struct place *out)
{
	struct quest q;

	if (!begin(&q, at, f, out))
		return not_found(&q, ENODEV);
	return try_views(&q, find_top) ? 0 : not_found(&q, ENODEV);
}
