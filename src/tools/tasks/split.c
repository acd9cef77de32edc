/*
 * split: which part of a wait was for quota, and which behind other tasks.
 *
 * The kernel counts how long a cgroup was throttled, summed over CPUs, and how long a task waited
 * for any reason. If one thread of the cgroup wants to run, the throttled time of the cgroup is
 * the wait of this thread for quota. If several do, the throttled time counts once per CPU, however
 * many of them wait there: it is a lower bound of their wait, and the split is unknown.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "proc/mountinfo.h"
#include "tools/tasks/tasks.h"

enum { PLACES_MOST = 256 }; /* threads whose cgroup a row may read */

struct splitter {
	struct watch *w;
	struct arena *arena;
	struct tasks_snapshot *s;
	int places_left;
};

static struct throttling *
find_throttling(const struct tasks_snapshot *s, const char *cgroup)
{
	for (size_t i = 0; s && i < s->nthrottling; i++)
		if (strcmp(s->throttling[i].cgroup, cgroup) == 0)
			return &s->throttling[i];
	return NULL;
}

void
tasks_free_located(struct tasks_state *state)
{
	for (size_t i = 0; i < state->nlocated; i++) {
		groups_free(&state->located[i].groups);
		free(state->located[i].name);
	}
	free(state->located);
	state->located = NULL;
	state->nlocated = 0;
}

/* A cgroup is located once. When there are too many, all are located again. */
static struct groups_watch *
locate(struct tasks_state *state, const char *cgroup)
{
	for (size_t i = 0; i < state->nlocated; i++)
		if (strcmp(state->located[i].name, cgroup) == 0)
			return &state->located[i].groups;
	if (state->nlocated == 2 * CGROUPS_MOST)
		tasks_free_located(state);
	if (!state->located)
		state->located = xmalloc(2 * CGROUPS_MOST * sizeof *state->located);
	struct located *new = &state->located[state->nlocated++];
	*new = (struct located){ .name = xstrdup(cgroup), .groups = { .family = FAMILY_CPU } };
	new->groups.target.cgroup = new->name;
	return &new->groups;
}

/* In a "domain", all threads of its processes are in it. In a "domain threaded", and on v1, each
 * thread may be in a cgroup of its own. */
static bool
keeps_threads(struct host *h, const struct groups *groups)
{
	const char *rel = groups->v[groups->n - 1].rel[FAMILY_CPU];
	struct text text, line;

	return rel && place_read(h, &groups->top[FAMILY_CPU], rel, "cgroup.type", &text) == 0 &&
	    text_line(&text, &line) && text_eq(line, "domain");
}

static void
read_throttling(struct splitter *r, struct throttling *h)
{
	struct host *host = r->w->host;

	if (groups_read(locate(r->w->state, h->cgroup), host, r->arena, &h->groups) < 0)
		return;
	h->keeps_threads = keeps_threads(host, &h->groups);
	h->cpu = arena_alloc(r->arena, h->groups.n * sizeof *h->cpu);
	h->known = true;
	for (size_t i = 0; i < h->groups.n; i++) {
		struct group *g = &h->groups.v[i];
		bool last = i + 1 == h->groups.n;
		g->rel[FAMILY_PRESSURE] = g->rel[FAMILY_CPUACCT] = NULL; /* not needed here */
		group_read_quota(host, &h->groups, g, &h->cpu[i].quota);
		if (!h->cpu[i].quota.known)
			h->known = false;
		if (h->cpu[i].quota.limited || last)
			group_read_cpu(host, &h->groups, g, last, &h->cpu[i]);
	}
}

static void
add_throttling(struct splitter *r, const char *cgroup)
{
	struct tasks_snapshot *s = r->s;

	if (find_throttling(s, cgroup) || s->nthrottling == CGROUPS_MOST)
		return;
	s->throttling = arena_grow(
	    r->arena, s->throttling, s->nthrottling, &s->throttlingcap, sizeof *s->throttling);
	struct throttling *h = &s->throttling[s->nthrottling++];
	*h = (struct throttling){ .cgroup = cgroup };
	read_throttling(r, h);
}

/* How long the cgroup was throttled between two snapshots, in ns, and by which level. NaN if that
 * is unknown, or if several levels throttled it, perhaps at the same time. cpu.stat.local, where
 * it exists, has all levels at once. */
static double
throttled_ns(const struct throttling *from, const struct throttling *to, size_t *level)
{
	size_t last = to->groups.n - 1;
	double local = keyed_delta(from->cpu[from->groups.n - 1].local_ns, to->cpu[last].local_ns),
	       sum = 0;

	*level = last;
	if (!isnan(local))
		return local;
	if (!to->groups.from_root || from->groups.n != to->groups.n)
		return NAN;
	for (size_t i = 0; i <= last; i++) {
		if (!to->cpu[i].quota.limited && !from->cpu[i].quota.limited)
			continue;
		double grown = keyed_delta(from->cpu[i].throttled_ns, to->cpu[i].throttled_ns);
		if (isnan(grown) || (grown > 0 && sum > 0))
			return NAN;
		sum += grown;
		*level = grown > 0 ? i : *level;
	}
	return sum;
}

/* Whether only one thread in the cgroup at that level, or below it, wanted to run. All processes
 * there must have been read. */
static bool
is_alone(const struct splitter *r, const struct throttling *h, size_t level)
{
	const struct place *top = &h->groups.top[FAMILY_CPU];
	const char *rel = h->groups.v[level].rel[FAMILY_CPU];
	const struct task *t;
	uint32_t *pids;
	size_t n, active = 0;

	if (!rel || targets_of_cgroup(r->w->host, r->arena, top, rel, &pids, &n) < 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct tasks_process *p = tasks_find(r->s, pids[i]);
		if (!p || p->skipped || p->ended)
			return false;
		for (size_t k = 0; (t = tasks_next(r->s, p, &k));)
			active += t->moved || t->stuck;
	}
	return active == 1;
}

/* Whether the threads that ran or waited are in the cgroup of their process. */
static bool
is_in_one_cgroup(struct splitter *r, const struct tasks_unit *u)
{
	struct task_row room[2];
	const struct task_row *first =
	    u->p->by_row ? tasks_row(r->w, tasks_of(r->s, u->p), &room[0]) : NULL;
	struct text text, cgroup;
	const struct task *t;
	char path[64];

	for (size_t i = 0; (t = tasks_unit_next(r->s, u, &i));) {
		if (t->tid == u->p->pid || !(t->moved || t->stuck))
			continue;
		if (first && first->cgroup[0] &&
		    memcmp(tasks_row(r->w, t, &room[1])->cgroup, first->cgroup,
			sizeof first->cgroup) == 0)
			continue;
		if (r->places_left-- <= 0 ||
		    host_read(r->w->host, task_path(path, u->p->pid, t->tid, "/cgroup"), &text) <
			0 ||
		    !pidcgroup_find(text, "cpu", &cgroup) || !text_eq(cgroup, u->p->cgroup))
			return false;
	}
	return true;
}

static double
quota_ns(struct splitter *r, const struct tasks_unit *u)
{
	const struct throttling *to = find_throttling(r->s, u->p->cgroup);
	const struct throttling *from = to ? find_throttling(r->s->before, to->cgroup) : NULL;
	const struct task *t;
	double wait_ns = 0;
	size_t level;

	if (u->p->skipped || !from || !from->known || !to->known)
		return NAN;
	double throttled = throttled_ns(from, to, &level);
	if (isnan(throttled) || (throttled > 0 && !is_alone(r, to, level)) ||
	    !(to->keeps_threads || is_in_one_cgroup(r, u)))
		return NAN;
	for (size_t i = 0; (t = tasks_unit_next(r->s, u, &i));)
		wait_ns += growth_of(t)->grown[WAIT_NS];
	return isnan(wait_ns) ? NAN : fmin(throttled, wait_ns);
}

void
tasks_split_waits(struct watch *w, struct arena *a, struct tasks_snapshot *s)
{
	struct splitter r = { w, a, s, PLACES_MOST };

	for (size_t i = 0; i < s->nunits; i++)
		if (s->units[i].p->cgroup)
			add_throttling(&r, s->units[i].p->cgroup);
	for (size_t i = 0; i < s->nunits && s->before; i++)
		if (s->units[i].p->cgroup)
			s->units[i].quota_ns = quota_ns(&r, &s->units[i]);
}
