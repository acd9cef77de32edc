#include "cgroup/locate.h"

#include <errno.h>
#include <string.h>

#include "proc/pidcgroup.h"
#include "cgroup/mounts.h"

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
translating(const struct quest *q, const struct view *v)
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
find_exact(struct quest *q, const struct view *v)
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
find_by_search(struct quest *q, const struct view *v)
{
	bool found = false;

	for (const struct cgroup_mount *m = NULL;
	     !found && (m = mounts_next(v, q->version, q->family, m)) != NULL;) {
		struct place p = mounts_place(q->atlas->arena, v, m, "", SCOPE_SEARCHED);
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
	for (int i = 0; i < VIEWS; i++)
		if (find_exact(&q, atlas_view(at, i)))
			return 0;
	for (int i = 0; i < VIEWS; i++)
		if (find_by_search(&q, atlas_view(at, i)))
			return 0;
	for (int i = 0; i < VIEWS && !q.translated; i++)
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
	for (int i = 0; i < VIEWS; i++) {
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
	for (int i = 0; i < VIEWS; i++)
		if (find_top(&q, atlas_view(at, i), SCOPE_EXACT))
			return 0;
	return not_found(&q, ENODEV);
}
