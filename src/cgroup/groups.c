/* Which cgroups there are, and reading their files. */
#include "cgroup/groups.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "cgroup/locate.h"
#include "cgroup/process.h"

static const char *
pid_of(const struct target *t)
{
	return t->pid ? t->pid : "self";
}

/* cpuset, pids and io are looked up only as the family that gives the levels. */
static bool
is_wanted(const struct groups_watch *w, int f)
{
	return f == (int)w->family || (!w->shared && f <= FAMILY_PRESSURE);
}

/* Finds the cgroup in the hierarchy of each family. Only the family that gives the levels must have
 * it. */
static int
locate(struct groups_watch *w, struct host *h)
{
	const struct target *t = &w->target;
	struct atlas own = { .host = h }, *at = w->shared ? w->shared : &own;

	arena_reset(&w->arena);
	if (!w->shared && atlas_open(at, h, &w->arena, pid_of(t)) < 0)
		return -1;
	for (int f = 0; f < FAMILIES; f++) {
		struct place *p = &w->place[f];
		if (!is_wanted(w, f))
			continue;
		int found = t->all ? locate_top(at, (enum family)f, p) :
		    t->cgroup      ? locate_name(at, t->cgroup, (enum family)f, p) :
				     locate_process(at, (enum family)f, p);
		w->mounts_error = at->mounts_error;
		if (found < 0 && f == (int)w->family)
			return -1;
	}
	w->from_root = place_is_root(h, &w->place[w->family]);
	return 0;
}

static bool
same_as_last(const struct groups_watch *w, struct text t)
{
	return w->last && text_same(t, (struct text){ w->last, w->last_n });
}

static void
remember(struct groups_watch *w, struct text t)
{
	w->last = xrealloc(w->last, t.n);
	w->last_n = t.n;
	if (t.n > 0)
		memcpy(w->last, t.s, t.n);
}

/* Looks the cgroup up at first, and again when /proc/PID/cgroup has changed. */
static int
locate_if_moved(struct groups_watch *w, struct host *h)
{
	char number[PROCESS_NUMBER];
	struct text text;

	w->moved = false;
	if (w->target.all || w->target.cgroup)
		return w->place[w->family].version ? 0 : locate(w, h);
	snprintf(number, sizeof number, "%s", pid_of(&w->target));
	if (process_cgroup(h, number, &text) < 0) {
		if (errno == ENOENT && w->target.pid)
			errno = ESRCH;
		return -1;
	}
	if (!same_as_last(w, text)) {
		w->moved = w->last != NULL;
		remember(w, text);
		/* kept, so that a failed search is not repeated until the process moves */
		w->failed = locate(w, h) < 0 ? errno : 0;
	}
	errno = w->failed;
	return w->failed ? -1 : 0;
}

/* A process may be in a cgroup of another name in another hierarchy. The figures there are not those
 * of this cgroup, so only a cgroup of the same name counts. */
static void
add_group(struct groups *out, struct arena *a, size_t *cap, enum family levels, const char *rel,
    int parent)
{
	out->v = arena_grow(a, out->v, out->n, cap, sizeof *out->v);
	struct group *g = &out->v[out->n++];
	*g = (struct group){ .name = place_name(a, &out->top[levels], rel), .parent = parent };
	for (int f = 0; f < FAMILIES; f++)
		if (f != (int)levels && out->top[f].version != 0)
			g->rel[f] = place_below(&out->top[f], g->name);
	g->rel[levels] = rel;
}

/* Adds each level from the top down to the cgroup itself: "", "/a", "/a/b". */
static void
add_chain(const struct groups_watch *w, struct arena *a, struct groups *out)
{
	const char *rel = out->top[w->family].rel;
	size_t cap = 0, n = strlen(rel);

	for (size_t end = 0; end <= n; end++)
		if (end == 0 || rel[end] == '/' || end == n)
			add_group(out, a, &cap, w->family, arena_copy(a, (struct text){ rel, end }),
			    (int)out->n - 1);
	out->v[out->n - 1].asked = true;
}

static void
add_children(
    struct host *h, struct arena *a, struct groups *out, size_t *cap, enum family f, int parent)
{
	struct text names, line;
	char path[4096];
	const char *above = out->v[parent].rel[f];

	if ((size_t)snprintf(path, sizeof path, "%s%s", out->top[f].top, above) >= sizeof path ||
	    host_list(h, path, &names) < 0)
		return; /* removed, or not permitted: reading its own files tells which */
	size_t n = strlen(above);
	while (text_line(&names, &line)) {
		if (out->n >= GROUPS_MOST) {
			out->cut = true;
			return;
		}
		char *rel = arena_alloc(a, n + 1 + line.n + 1);
		memcpy(rel, above, n);
		rel[n] = '/';
		memcpy(rel + n + 1, line.s, line.n);
		add_group(out, a, cap, f, rel, parent);
	}
}

/* If no cgroup has a pressure file (v1, psi=0), only one row of this many looks for them. */
enum { ROWS_WITHOUT_PRESSURE = 16 };

static void
set_pressure(struct groups_watch *w, struct groups *out)
{
	if (w->family == FAMILY_PRESSURE) /* pq psi asks for nothing else */
		return;
	if (w->seen.pressure || w->rows == 0 || ++w->rows > ROWS_WITHOUT_PRESSURE) {
		w->seen.pressure = false;
		w->rows = 1;
	} else {
		out->top[FAMILY_PRESSURE].version = 0;
	}
}

/* ---- All cgroups
 *
 * Asking each directory whether it has new ones would cost a fifth of what reading the files does. The
 * kernel counts them: if it counts as many as are known, and these are all there, there are no others.
 * On v1, one that was removed is counted until the kernel has freed it. */

/* "cpu 3 1002 1" in /proc/cgroups: the controller, its hierarchy, how many cgroups, whether it is enabled. */
static struct keyed
count_v1(struct host *h, const char *controller)
{
	struct text text, line, word;
	uint64_t hierarchy, n;

	if (controller && host_read(h, "proc/cgroups", &text) == 0)
		while (text_line(&text, &line))
			if (text_word(&line, &word) && text_eq(word, controller) &&
			    text_next_u64(&line, &hierarchy) == 0 && text_next_u64(&line, &n) == 0)
				return keyed_of(n);
	return (struct keyed){ 0 };
}

/* cgroup.stat of the topmost one. */
static struct keyed
count_v2(struct host *h, const struct place *p)
{
	static const char *const keys[] = { "nr_descendants" };
	struct keyed v;
	struct text text;

	if (place_read(h, p, "", "cgroup.stat", &text) < 0 || keyed_parse(text, keys, 1, &v) == 0)
		return (struct keyed){ 0 };
	return keyed_of(v.v + 1);
}

/* Whether the newest list has all cgroups. A recording needs the directories, and only a live host tells
 * their links. */
static bool
has_all(const struct groups_watch *w, struct host *h)
{
	const struct place *p = &w->place[w->family];
	size_t n = w->lists[w->newest].n;
	uint64_t links, lists = host_lists(h);

	if (n > 0 && lists > 0)
		return lists == w->lists[w->newest].lists;
	if (!w->counts || n == 0 || w->seen.removed || w->seen.unsure || h->elsewhere ||
	    host_links(h, p->top, &links) < 0)
		return false;
	struct keyed all = p->version == 1 ? count_v1(h, controller_of[w->family]) : count_v2(h, p);
	return all.known && all.v == n;
}

static void
list_all(struct groups_watch *w, struct host *h, struct groups *out)
{
	struct group_list *l = &w->lists[w->newest ^= 1];
	size_t cap = 0;

	arena_reset(&l->arena);
	w->seen.removed = w->seen.unsure = false;
	out->v = NULL;
	out->n = 0;
	add_group(out, &l->arena, &cap, w->family, "", -1);
	for (size_t i = 0; i < out->n; i++)
		add_children(h, &l->arena, out, &cap, w->family, (int)i);
	for (size_t i = 0; h->replay && i < out->n; i++)
		out->v[i].seats = arena_alloc(&l->arena, GROUP_SEATS * sizeof *out->v[i].seats);
	l->v = out->v;
	l->n = out->n;
	l->cut = out->cut;
	l->lists = host_lists(h);
}

/* A copy of the newest list, without the directories of families that are not looked at in this row. */
static void
take_list(const struct groups_watch *w, struct arena *a, struct groups *out)
{
	const struct group_list *l = &w->lists[w->newest];

	out->n = l->n;
	out->cut = l->cut;
	out->v = arena_alloc(a, l->n * sizeof *out->v);
	memcpy(out->v, l->v, l->n * sizeof *out->v);
	for (int f = 0; f < FAMILIES; f++)
		for (size_t i = 0; out->top[f].version == 0 && i < out->n; i++)
			out->v[i].rel[f] = NULL;
}

bool
groups_outdated(const struct groups_watch *w)
{
	return w->seen.removed && w->counts && w->target.all && !w->listed;
}

int
groups_read(struct groups_watch *w, struct host *h, struct arena *a, struct groups *out)
{
	*out = (struct groups){ 0 };
	if (locate_if_moved(w, h) < 0)
		return -1;
	out->from_root = w->from_root;
	out->levels = w->family;
	out->seen = &w->seen;
	for (int f = 0; f < FAMILIES; f++) {
		out->top[f] = w->place[f];
		if (out->top[f].version == 0)
			continue;
		out->top[f].top = arena_copy(a, text_of(w->place[f].top));
		out->top[f].root = arena_copy(a, text_of(w->place[f].root));
		out->top[f].rel = arena_copy(a, text_of(w->place[f].rel));
	}
	if (!w->target.all) {
		set_pressure(w, out);
		add_chain(w, a, out);
		return 0;
	}
	w->listed = !has_all(w, h);
	if (w->listed)
		list_all(w, h, out);
	set_pressure(w, out);
	take_list(w, a, out);
	return 0;
}

void
groups_name(struct groups_watch *w, struct host *h, struct groups *all)
{
	names_row(&w->names, h);
	for (size_t i = 0; i < all->n; i++) {
		struct group *g = &all->v[i];
		if (g->shown && g->read)
			g->names = names_of(&w->names, h, g->name);
	}
}

/* Notes what the result of reading a file says of the group, and returns that result. */
static int
note_read(const struct groups *all, const struct group *g, enum family f, int result)
{
	if (result < 0) {
		all->seen->removed |= f == all->levels && errno == ENODEV;
		all->seen->unsure |= f == all->levels && errno == ENOENT && g->parent >= 0;
	} else if (f == FAMILY_PRESSURE) {
		all->seen->pressure = true;
	}
	return result;
}

/* The first row sets them. */
static struct seat *
seat_of(const struct group *g, enum family f, const char *file)
{
	struct group_seat *s = g->seats;

	for (int i = 0; s && i < GROUP_SEATS; i++, s++) {
		if (!s->file)
			*s = (struct group_seat){ .file = file, .family = f };
		if (s->file == file && s->family == f)
			return &s->seat;
	}
	return NULL;
}

static struct path_parts
parts_of(const struct groups *all, const struct group *g, enum family f, const char *file)
{
	return (struct path_parts){ all->top[f].top, g->rel[f], file, seat_of(g, f, file) };
}

int
group_read(struct host *h, const struct groups *all, const struct group *g, enum family f,
    const char *file, struct text *text)
{
	if (!g->rel[f])
		return fail_with(ENODEV);
	struct path_parts path = parts_of(all, g, f, file);
	return note_read(all, g, f, host_read_parts(h, &path, text));
}

int
group_parse(struct host *h, const struct groups *all, const struct group *g, enum family f,
    const char *file, const struct parser *by, void *out)
{
	if (!g->rel[f])
		return fail_with(ENODEV);
	struct path_parts path = parts_of(all, g, f, file);
	return note_read(all, g, f, host_parse_parts(h, &path, by, out));
}

int
limit_parse(struct text t, struct keyed *out)
{
	struct text line;
	uint64_t v;

	*out = (struct keyed){ 0 };
	bool there = text_line(&t, &line);
	if (there && text_eq(line, "max"))
		return 0;
	if (!there || text_u64(line, &v) < 0) {
		errno = EINVAL;
		return -1;
	}
	*out = limit_unless_huge(keyed_of(v));
	return 0;
}

static int
parse_limit(struct text t, void *out)
{
	return limit_parse(t, out);
}

struct keyed
limit_unless_huge(struct keyed v)
{
	return v.known && v.v < (uint64_t)INT64_MAX / 2 ? v : (struct keyed){ 0 };
}

int
group_read_limit(struct host *h, const struct groups *all, const struct group *g, enum family f,
    const char *file, struct keyed *out)
{
	static const struct parser limit = { sizeof *out, .parse = parse_limit };

	*out = (struct keyed){ 0 };
	return group_parse(h, all, g, f, file, &limit, out);
}

static bool
is_named(const struct groups *all, size_t at, const char *name)
{
	return at < all->n && strcmp(all->v[at].name, name) == 0;
}

/* Outwards, as a cgroup that came or went shifts the others by one. */
int
groups_find(const struct groups *all, const char *name, size_t near)
{
	size_t most = near > all->n ? near : all->n;

	for (size_t d = 0; d <= most; d++) {
		if (is_named(all, near + d, name))
			return (int)(near + d);
		if (d <= near && is_named(all, near - d, name))
			return (int)(near - d);
	}
	return -1;
}

int
groups_before(const struct groups *from, const struct groups *to, size_t i)
{
	const struct group *g = &to->v[i];
	int before = g->shown && g->read ? groups_find(from, g->name, i) : -1;

	return before >= 0 && from->v[before].read ? before : -1;
}

void
groups_free(struct groups_watch *w)
{
	arena_free(&w->arena);
	for (int i = 0; i < 2; i++)
		arena_free(&w->lists[i].arena);
	names_free(&w->names);
	free(w->last);
}
