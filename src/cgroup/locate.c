#include "locate.h"

#include <errno.h>
#include <string.h>

#include "../proc/pidcgroup.h"
#include "mounts.h"

/* What is looked for, and what became of it. */
struct quest {
	struct host *host;
	struct arena *arena;
	enum family family;
	int version;
	const char *path;  /* the cgroup's, as /proc/PID/cgroup or the user tells it; NULL: the top */
	uint64_t pids[2];  /* the process, as cgroup.procs may show it; 0: none */
	bool translated;   /* a mount shows that path, whether or not the directory is there */
	bool refused;      /* something could not be read for want of permission */
	struct place *out;
};

enum presence { ABSENT, PRESENT, LISTS_PID };

static bool
lists(struct text procs, const uint64_t pids[2])
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
probe(struct quest *q, const struct place *p, const char *rel)
{
	struct text procs;

	if (place_read(q->host, p, rel, "cgroup.procs", &procs) == 0)
		return lists(procs, q->pids) ? LISTS_PID : PRESENT;
	q->refused |= errno == EACCES || errno == EPERM;
	return errno == EOPNOTSUPP ? PRESENT : ABSENT;
}

/* Translates the path through each mount in turn. The directory must be there; of several, one that lists the process
 * goes first. */
static bool
find_exact(struct quest *q, const struct view *v)
{
	bool found = false;

	for (const struct cgroup_mount *m = NULL; (m = mounts_next(v, q->version, q->family, m)) != NULL;) {
		const char *rel = route_below(q->path, m->root);
		if (!rel)
			continue;
		q->translated = true;
		struct place p = mounts_place(q->arena, v, m, rel, SCOPE_EXACT);
		enum presence there = probe(q, &p, p.rel);
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

struct search {
	struct quest *quest;
	struct place *place;
	struct arena scratch;
	int left;
};

/* Walks down from rel; true when a directory lists the process: it is place->rel then. */
static bool
search_below(struct search *s, const char *rel, int depth)
{
	struct text names, line;

	if (s->left-- <= 0)
		return false;
	if (probe(s->quest, s->place, rel) == LISTS_PID) {
		s->place->rel = arena_copy(s->quest->arena, text_of(rel));
		return true;
	}
	const char *dir = arena_printf(&s->scratch, "%s%s", s->place->top, rel);
	if (depth == 0 || host_list(s->quest->host, dir, &names) < 0)
		return false;
	struct text kept = { arena_copy(&s->scratch, names), names.n }; /* the host's text goes with the next read */
	while (text_line(&kept, &line)) {
		if (line.n < 2 || line.s[line.n - 1] != '/' || memchr(line.s, '/', line.n - 1))
			continue; /* no directory, or one whose name has a newline in it */
		if (search_below(s, arena_printf(&s->scratch, "%s/%.*s", rel, (int)line.n - 1, line.s), depth - 1))
			return true;
	}
	return false;
}

static bool
find_by_search(struct quest *q, const struct view *v)
{
	bool found = false;

	for (const struct cgroup_mount *m = NULL; !found && (m = mounts_next(v, q->version, q->family, m)) != NULL;) {
		struct place p = mounts_place(q->arena, v, m, "", SCOPE_SEARCHED);
		struct search s = { .quest = q, .place = &p, .left = SEARCH_DIRS };
		found = search_below(&s, "", SEARCH_DEPTH);
		arena_free(&s.scratch);
		if (found)
			*q->out = p;
	}
	return found;
}

/* The top of the first mount that is there. */
static bool
find_top(struct quest *q, const struct view *v, enum scope scope)
{
	for (const struct cgroup_mount *m = NULL; (m = mounts_next(v, q->version, q->family, m)) != NULL;) {
		*q->out = mounts_place(q->arena, v, m, "", scope);
		if (probe(q, q->out, "") != ABSENT)
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

/* The pid as the procfs names it, and as its innermost namespace does ("NSpid:	4242	1"): for ourselves the latter is
 * what cgroup.procs shows, should the procfs be another namespace's. */
static void
read_pids(struct quest *q, const char *pid)
{
	struct text text, line, word;

	if (host_read(q->host, arena_printf(q->arena, "proc/%s/status", pid), &text) < 0)
		return;
	while (text_line(&text, &line)) {
		if (text_skip(&line, "Pid:") && text_word(&line, &word) && text_u64(word, &q->pids[0]) < 0)
			q->pids[0] = 0;
		if (strcmp(pid, "self") == 0 && text_skip(&line, "NSpid:"))
			while (text_word(&line, &word))
				if (text_u64(word, &q->pids[1]) < 0)
					q->pids[1] = 0;
	}
}

/* The path that /proc/PID/cgroup has for the family, and its version: 0, or -1 with errno. */
static int
read_path(struct quest *q, const char *pid)
{
	struct text text, path;

	*q->out = (struct place){ 0 };
	if (host_read(q->host, arena_printf(q->arena, "proc/%s/cgroup", pid), &text) < 0)
		return -1;
	q->version = pidcgroup_find(text, controller_of[q->family], &path);
	if (q->version == 0)
		return not_found(q, ENODEV);
	q->path = arena_copy(q->arena, path);
	return 0;
}

int
locate_pid(struct host *h, struct arena *a, const char *pid, enum family f, struct place *out)
{
	struct quest q = { .host = h, .arena = a, .family = f, .out = out };
	struct view views[VIEWS];

	if (read_path(&q, pid) < 0)
		return -1;
	size_t n = mounts_views(h, a, pid, views);
	read_pids(&q, pid);
	for (size_t i = 0; i < n; i++)
		if (find_exact(&q, &views[i]))
			return 0;
	for (size_t i = 0; i < n; i++)
		if (find_by_search(&q, &views[i]))
			return 0;
	for (size_t i = 0; i < n && !q.translated; i++)
		if (views[i].own && find_top(&q, &views[i], SCOPE_GUESS))
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
locate_name(struct host *h, struct arena *a, const char *name, enum family f, struct place *out)
{
	struct quest q = { .host = h, .arena = a, .family = f, .out = out };
	struct view views[VIEWS];
	struct place top;

	if (read_path(&q, "self") < 0) /* for the hierarchy's version on this machine */
		return -1;
	size_t n = mounts_views(h, a, NULL, views);
	name = tidy(a, name);
	for (size_t i = 0; i < n; i++) {
		const char *of_directory = mounts_name(a, &views[i], name);
		q.path = of_directory ? of_directory : name;
		if (find_exact(&q, &views[i]))
			return 0;
	}
	return not_found(&q, locate_top(h, a, f, &top) == 0 ? ENOENT : ENODEV);
}

int
locate_top(struct host *h, struct arena *a, enum family f, struct place *out)
{
	struct quest q = { .host = h, .arena = a, .family = f, .out = out };
	struct view views[VIEWS];

	if (read_path(&q, "self") < 0)
		return -1;
	size_t n = mounts_views(h, a, NULL, views);
	for (size_t i = 0; i < n; i++)
		if (find_top(&q, &views[i], SCOPE_EXACT))
			return 0;
	return not_found(&q, ENODEV);
}
