/*
 * Whether a wait was for a CPU or for quota. The kernel tells how long a cgroup was held back,
 * summed over CPUs, and of a task how long it waited for whatever reason. With one thread in the
 * group that wants to run, what the group was held back is what the thread waited for quota; with
 * several it counts once on a CPU, however many wait there, and nothing is known but that it was at
 * least so much: then the split is unknown.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "proc/mountinfo.h"
#include "tools/tasks/tasks.h"

/* Of so many threads it is read in a row in which cgroup they are. */
enum { PLACES_MOST = 256 };

static struct held *
find(const struct tasks_snapshot *s, const char *cgroup)
{
	for (size_t i = 0; s && i < s->nheld; i++)
		if (strcmp(s->held[i].cgroup, cgroup) == 0)
			return &s->held[i];
	return NULL;
}

/* Groups are located once. When there are too many, old ones have to go. */
static struct groups_watch *
watch_group(struct tasks_state *state, const char *cgroup)
{
	for (size_t i = 0; i < state->nwatched; i++)
		if (strcmp(state->watched[i].name, cgroup) == 0)
			return &state->watched[i].groups;
	if (state->nwatched == 2 * HELD_MOST)
		tasks_split_end(state);
	if (!state->watched)
		state->watched = xmalloc(2 * HELD_MOST * sizeof *state->watched);
	struct watched *new = &state->watched[state->nwatched++];
	*new = (struct watched){ .name = xstrdup(cgroup), .groups = { .family = FAMILY_CPU } };
	new->groups.target.cgroup = new->name;
	return &new->groups;
}

/* "domain": all threads of its processes are in it. In "domain threaded", and on v1, each may be in
 * a cgroup of its own. */
static bool
keeps_threads(struct host *h, const struct groups *groups, const struct group *g)
{
	struct text text, line;

	return g->rel[FAMILY_CPU] &&
	    place_read(h, &groups->top[FAMILY_CPU], g->rel[FAMILY_CPU], "cgroup.type", &text) ==
	    0 &&
	    text_line(&text, &line) && text_eq(line, "domain");
}

static void
read_held(struct watch *w, struct arena *a, struct held *h)
{
	if (groups_read(watch_group(w->state, h->cgroup), w->host, a, &h->groups) < 0)
		return;
	h->keeps_threads = keeps_threads(w->host, &h->groups, &h->groups.v[h->groups.n - 1]);
	h->cpu = arena_alloc(a, h->groups.n * sizeof *h->cpu);
	h->known = true;
	for (size_t i = 0; i < h->groups.n; i++) {
		struct group *g = &h->groups.v[i];
		bool last = i + 1 == h->groups.n;
		g->rel[FAMILY_PRESSURE] = g->rel[FAMILY_CPUACCT] = NULL; /* not wanted */
		group_read_quota(w->host, &h->groups, g, &h->cpu[i].quota);
		if (!h->cpu[i].quota.known)
			h->known = false;
		if (h->cpu[i].quota.limited || last)
			group_read_cpu(w->host, &h->groups, g, last, &h->cpu[i]);
	}
}

static struct held *
add(struct watch *w, struct arena *a, struct tasks_snapshot *s, const char *cgroup)
{
	struct held *h = find(s, cgroup);

	if (h || s->nheld == HELD_MOST)
		return h;
	s->held = arena_grow(a, s->held, s->nheld, &s->heldcap, sizeof *s->held);
	h = &s->held[s->nheld++];
	*h = (struct held){ .cgroup = cgroup };
	read_held(w, a, h);
	return h;
}

/* How long the group was held back between two moments, ns, and by which level: NaN where that is
 * not known, or where several levels did, which may be at the same time. cpu.stat.local, where
 * there is one, tells of all levels at once. */
static double
held_back(const struct held *from, const struct held *to, size_t *level)
{
	size_t last = to->groups.n - 1;
	double local = keyed_delta(from->cpu[from->groups.n - 1].local_ns, to->cpu[last].local_ns),
	       held = 0;

	*level = last;
	if (!isnan(local))
		return local;
	if (!to->groups.from_root || from->groups.n != to->groups.n)
		return NAN;
	for (size_t i = 0; i <= last; i++) {
		if (!to->cpu[i].quota.limited && !from->cpu[i].quota.limited)
			continue;
		double grown = keyed_delta(from->cpu[i].throttled_ns, to->cpu[i].throttled_ns);
		if (isnan(grown) || (grown > 0 && held > 0))
			return NAN;
		held += grown;
		*level = grown > 0 ? i : *level;
	}
	return held;
}

/* Whether one thread alone wanted to run below that level: all its processes must have been looked
 * at. */
static bool
is_alone(struct watch *w, struct arena *a, const struct tasks_snapshot *s, const struct held *h,
    size_t level)
{
	uint32_t *pids;
	size_t n, active = 0;

	const struct group *g = &h->groups.v[level];
	if (!g->rel[FAMILY_CPU] ||
	    targets_of_cgroup(w->host, a, &h->groups.top[FAMILY_CPU], g->rel[FAMILY_CPU], &pids, &n) <
		0)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct tasks_process *p = tasks_find(s, pids[i]);
		if (!p || p->skipped || p->ended)
			return false;
		for (size_t k = p->first; k < p->first + p->n; k++)
			active += s->tasks[k].moved || s->tasks[k].stuck;
	}
	return active == 1;
}

/* Whether the threads that ran or waited are where their process is; *left is how many may still be
 * asked. */
static bool
is_in_one_cgroup(
    struct watch *w, const struct tasks_snapshot *s, const struct tasks_entry *u, int *left)
{
	size_t first = u->t ? (size_t)(u->t - s->tasks) : u->p->first, n = u->t ? 1 : u->p->n;
	struct text text, cgroup;
	char path[64];

	for (const struct task *t = s->tasks + first; t < s->tasks + first + n; t++) {
		if (t->tid == u->p->pid || !(t->moved || t->stuck))
			continue;
		if ((*left)-- <= 0 ||
		    host_read(w->host, task_path(path, u->p->pid, t->tid, "/cgroup"), &text) < 0 ||
		    !pidcgroup_find(text, "cpu", &cgroup) || !text_eq(cgroup, u->p->cgroup))
			return false;
	}
	return true;
}

/* What rows show as its wait: what ranks a process has more in it. */
static double
wait_ns(const struct tasks_snapshot *s, const struct tasks_entry *u)
{
	double ns = u->t ? u->t->grown[WAIT_NS] : 0;

	for (size_t k = u->p->first; !u->t && k < u->p->first + u->p->n; k++)
		ns += s->tasks[k].grown[WAIT_NS];
	return ns;
}

static double
quota_ns(struct watch *w, struct arena *a, const struct tasks_snapshot *s,
    const struct tasks_entry *u, int *left)
{
	const struct tasks_state *state = w->state;
	const struct held *to = u->p->cgroup ? find(s, u->p->cgroup) : NULL;
	const struct held *from = to ? find(state->last, to->cgroup) : NULL;
	size_t level;

	if (u->p->skipped || !from || !from->known || !to->known)
		return NAN;
	double held = held_back(from, to, &level);
	if (isnan(held) || (held > 0 && !is_alone(w, a, s, to, level)) ||
	    !(to->keeps_threads || is_in_one_cgroup(w, s, u, left)))
		return NAN;
	return fmin(held, wait_ns(s, u));
}

void
tasks_split(struct watch *w, struct arena *a, struct tasks_snapshot *s, size_t nunits)
{
	int left = PLACES_MOST;

	for (size_t i = 0; i < nunits; i++)
		if (s->units[i].p->cgroup)
			add(w, a, s, s->units[i].p->cgroup);
	for (size_t i = 0; i < nunits && !s->first; i++) {
		const struct tasks_entry *u = &s->units[i];
		double ns = quota_ns(w, a, s, u, &left);
		*(u->t ? &u->t->quota_ns : &u->p->quota_ns) = ns;
	}
}

void
tasks_split_end(struct tasks_state *state)
{
	for (size_t i = 0; i < state->nwatched; i++) {
		groups_free(&state->watched[i].groups);
		free(state->watched[i].name);
	}
	free(state->watched);
	state->watched = NULL;
	state->nwatched = 0;
}
