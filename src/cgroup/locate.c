#include "cgroup/locate.h"

#include <errno.h>
#include <limits.h>
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
	struct text rest = text_of(names), name;

	while (text_split(&rest, '/', &name))
		if (text_eq(name, ".."))
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
mounts_next(const struct mount_view *v, int version, enum family f, const struct cgroup_mount *last)
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

/* What is below a mount, as a place. */
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

/* The cgroup's name, when what was given is a directory below any cgroup mount; else NULL. */
static const char *
mounts_name(struct arena *a, const struct mount_view *v, const char *dir)
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

/* atlas: what is known of a process's surroundings. */

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
draw(struct atlas *at, const char *pid, const char *prefix, bool own, struct mount_view *v)
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

/* Under --root, what our own mountinfo names is found through /proc/self/root, if the tree has a
 * real /proc. */
static const char *
own_prefix(struct host *h)
{
	struct text names;

	return h->elsewhere && host_list(h, "proc/self/root/", &names) == 0 ? "proc/self/root/" :
									      "";
}

/* Whose mounts to ask: our own, which show the most levels; those of the process, through
 * /proc/PID/root (a debug container sees its target only so); those of process 1, which under
 * --root lie below that root. */
const struct mount_view *
atlas_view(struct atlas *at, int i)
{
	bool self = strcmp(at->pid, "self") == 0;

	if (at->drawn[i])
		return &at->views[i];
	at->drawn[i] = true;
	if (i == 0)
		draw(at, "self", own_prefix(at->host), self, &at->views[i]);
	else if (i == 1 && !self)
		draw(at, at->pid, arena_printf(at->arena, "proc/%s/root/", at->pid), true,
		    &at->views[i]);
	else if (i == 2)
		draw(at, "1", at->host->elsewhere ? "" : "proc/1/root/", false, &at->views[i]);
	return &at->views[i];
}

/* As the procfs names it, and as its innermost namespace does ("NSpid:	4242	1"): for ourselves the
 * latter is what cgroup.procs shows, should the procfs be another namespace's. */
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

/* place: where a cgroup is, once it is located. */

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

/* Only below the root is there cgroup.type (v2); only in the root is there cgroup.sane_behavior
 * (v1). */
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

/* What is looked for, and what became of it. */
struct quest {
	struct atlas *atlas;
	enum family family;
	int version;
	const char *path; /* the cgroup's, as /proc/PID/cgroup or the user tells it */
	bool anybody;     /* it is not a process's cgroup that is looked for */
	bool translated;  /* a mount shows that path, whether or not the directory is there */
	bool refused;     /* something could not be read for want of permission */
	struct place *out;
};

enum presence { ABSENT, PRESENT, LISTS_PID };

static bool
lists(struct text procs, const uint64_t *pids)
{
	struct text line;
	uint64_t pid;

	while (text_line(&procs, &line)) /* processes beyond our pid namespace are listed as 0 */
		if (text_u64(line, &pid) == 0 && pid != 0 && (pid == pids[0] || pid == pids[1]))
			return true;
	return false;
}

/* Every cgroup has cgroup.procs; in a threaded one reading it fails with EOPNOTSUPP. */
static enum presence
probe(struct quest *q, const struct place *p, const char *rel, bool prove)
{
	const uint64_t *pids = prove ? atlas_pids(q->atlas) : NULL; /* first, as it reads too */
	struct text procs;

	if (place_read(q->atlas->host, p, rel, "cgroup.procs", &procs) == 0)
		return pids && lists(procs, pids) ? LISTS_PID : PRESENT;
	q->refused |= errno == EACCES || errno == EPERM;
	return errno == EOPNOTSUPP ? PRESENT : ABSENT;
}

/* How many of the mounts show the path. */
static int
translating(const struct quest *q, const struct mount_view *v)
{
	int n = 0;

	for (const struct cgroup_mount *m = NULL;
	     (m = mounts_next(v, q->version, q->family, m)) != NULL;)
		n += route_below(q->path, m->root) != NULL;
	return n;
}

/* Translates the path through each mount in turn. The directory must be there; of several, one that
 * lists the process goes first. */
static bool
find_exact(struct quest *q, const struct mount_view *v)
{
	bool found = false, prove = !q->anybody && translating(q, v) > 1;

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

/* The search for a process whose path cannot be translated has its limits. */
enum { SEARCH_DEPTH = 6, SEARCH_DIRS = 5000 };

struct place_search {
	struct quest *quest;
	struct place *place;
	struct arena scratch;
	int left;
};

/* Walks down from rel; true when a directory lists the process: it is place->rel then. */
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
	/* the host's text goes with the next read */
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

/* The top of the first mount that is there. */
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

/* Begins a quest; false when the hierarchy is not on this machine. */
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
locate_name(struct atlas *at, const char *name, enum family f, struct place *out)
{
	bool refused = false;
	struct quest q;
	struct place top;

	if (!begin(&q, at, f, out))
		return not_found(&q, ENODEV);
	q.anybody = true;
	name = tidy(at->arena, name);
	for (int i = 0; i < MOUNT_VIEWS; i++) {
		const char *of_directory = mounts_name(at->arena, atlas_view(at, i), name);
		q.path = of_directory ? of_directory : name;
		q.refused = false;
		if (find_exact(&q, atlas_view(at, i)))
			return 0;
		/* another's root may be closed: that says nothing of the group */
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
