#include "locate.h"

#include <errno.h>
#include <string.h>

#include "../proc/pidcgroup.h"
#include "mounts.h"

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

	for (const struct cgroup_mount *m = NULL; (m = mounts_next(v, version, f, m)) != NULL;) {
		const char *rel = route_below(path, m->root);
		if (!rel)
			continue;
		struct place p = mounts_place(a, v, m, rel, SCOPE_EXACT);
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
	for (const struct cgroup_mount *m = NULL; (m = mounts_next(v, version, f, m)) != NULL;) {
		struct place p = mounts_place(a, v, m, "", SCOPE_SEARCHED);
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

	for (const struct cgroup_mount *m = NULL; (m = mounts_next(v, version, f, m)) != NULL;) {
		*out = mounts_place(a, v, m, "", SCOPE_GUESS);
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
	size_t n = mounts_views(h, a, pid, views);
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
	size_t n = mounts_views(h, a, NULL, views);

	*out = (struct place){ 0 };
	name = tidy(a, name);
	for (size_t i = 0; i < n && version != 0; i++) {
		const char *path = mounts_name(a, &views[i], name);
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
	size_t n = version ? mounts_views(h, a, NULL, views) : 0;

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
