/*
 * split: which part of a wait was for quota, and which behind other tasks.
 *
 * The kernel counts how long a cgroup was throttled, summed over CPUs, and how long a task waited
 * for any reason. If one thread of the cgroup wants to run, the throttled time of the cgroup is
 * the wait of this thread for quota. If several do, the throttled time counts once per CPU, however
 * many of them wait there: it is a lower bound of their wait, and the split is unknown.
 *
 * Both counters grow when a thread may run again, and they are not read at once: either may have a
 * period, and what passed between the readings, that the other one lacks. In a row in which this is
 * much, the split is unknown, too.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "proc/mountinfo.h"
#include "tools/tasks/tasks.h"

#define CLOCK_FILE "pq/quotas_read"

/* PLACES_MOST: threads whose cgroup a row may read. TIMELY: a row is so many times longer than what one
 * of the counters may have and the other one may lack. */
enum { PLACES_MOST = 256, TIMELY = 4 };

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

static void
free_located(struct tasks_state *state)
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
		free_located(state);
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

/* How a cgroup was throttled between two snapshots. */
struct held {
	double ns;    /* NaN: unknown, or several levels throttled it, perhaps at the same time */
	size_t level; /* by whose quota; cpu.stat.local has all of them at once */
	bool at_all;  /* in some period, even if that held no thread back */
};

static struct held
compare_throttling(const struct throttling *from, const struct throttling *to)
{
	size_t last = to->groups.n - 1;
	struct held h = { .level = last };
	bool same = from->groups.n == to->groups.n;

	h.ns = keyed_delta(from->cpu[from->groups.n - 1].local_ns, to->cpu[last].local_ns);
	bool local = !isnan(h.ns);
	h.at_all = local ? h.ns > 0 : !to->groups.from_root || !same;
	if (!local && !h.at_all)
		h.ns = 0;
	for (size_t i = 0; i <= last && same; i++) {
		const struct group_cpu *a = &from->cpu[i], *b = &to->cpu[i];
		double grown = keyed_delta(a->throttled_ns, b->throttled_ns);
		if (!(a->quota.limited || b->quota.limited) ||
		    (grown == 0 && !(keyed_delta(a->throttled, b->throttled) > 0)))
			continue;
		if (!local) {
			h.ns = h.at_all ? NAN : grown;
			h.level = i;
		}
		h.at_all = true;
	}
	return h;
}

static bool
is_zero(struct keyed v)
{
	return v.known && v.v == 0;
}

/* Whether the cgroup has ever been throttled, or that is unknown. */
static bool
was_ever_throttled(const struct throttling *h)
{
	for (size_t i = 0; i < h->groups.n; i++)
		if (h->cpu[i].quota.limited &&
		    !(is_zero(h->cpu[i].throttled_ns) && is_zero(h->cpu[i].throttled)))
			return true;
	return !h->groups.from_root && !is_zero(h->cpu[h->groups.n - 1].local_ns);
}

static void
set_recent(struct splitter *r, struct throttling *h)
{
	const struct throttling *from = find_throttling(r->s->before, h->cgroup);

	if (h->known)
		h->recent = from && from->known ? compare_throttling(from, h).at_all :
						  was_ever_throttled(h);
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
	set_recent(r, h);
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
		if (first && first->cgroup[0] && first->cgroup[1] &&
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

static uint64_t
longest_period_us(const struct throttling *h)
{
	uint64_t most = 0;

	for (size_t i = 0; i < h->groups.n; i++)
		if (h->cpu[i].quota.limited && h->cpu[i].quota.period_us > most)
			most = h->cpu[i].quota.period_us;
	return most;
}

/* Whether the throttled time can be compared with waits of the same row. */
static bool
is_timely(const struct splitter *r, const struct throttling *from, const struct throttling *to)
{
	const struct tasks_snapshot *s = r->s;
	double late_ns =
		   (double)(s->late_ns > s->before->late_ns ? s->late_ns : s->before->late_ns),
	       period_ns =
		   1e3 * fmax((double)longest_period_us(from), (double)longest_period_us(to));

	return TIMELY * (late_ns + period_ns) <= (double)(s->at_ns - s->before->at_ns);
}

static double
quota_ns(struct splitter *r, const struct tasks_unit *u)
{
	const struct throttling *to = find_throttling(r->s, u->p->cgroup);
	const struct throttling *from = to ? find_throttling(r->s->before, to->cgroup) : NULL;
	const struct task *t;
	double wait_ns = 0;

	if (u->p->skipped || !from || !from->known || !to->known)
		return NAN;
	struct held held = compare_throttling(from, to);
	if (isnan(held.ns) || ((held.at_all || from->recent) && !is_timely(r, from, to)) ||
	    (held.at_all && !is_alone(r, to, held.level)) ||
	    !(to->keeps_threads || is_in_one_cgroup(r, u)))
		return NAN;
	for (size_t i = 0; (t = tasks_unit_next(r->s, u, &i));)
		wait_ns += growth_of(t)->grown[WAIT_NS];
	return isnan(wait_ns) ? NAN : fmin(held.ns, wait_ns);
}

/* ---- When the quotas were read */

static int
print_clock(void *ctx, struct buf *out)
{
	char line[24];
	int n = snprintf(line, sizeof line, "%lld\n", (long long)clock_ns(CLOCK_MONOTONIC));

	(void)ctx;
	buf_add(out, line, (size_t)n);
	return 0;
}

/* How long ago the sample began; it is a text so that it is recorded. 0: the recording does not have it. */
static int64_t
read_late_ns(struct watch *w)
{
	const struct provided clock = { .print = print_clock };
	struct tasks_state *state = w->state;
	struct text text, line;
	uint64_t now_ns;

	if (!w->host->replay && !state->clock_provided)
		state->clock_provided = host_provide(w->host, CLOCK_FILE, NULL) == 0 ||
		    host_provide(w->host, CLOCK_FILE, &clock) == 0;
	if (host_read(w->host, CLOCK_FILE, &text) < 0 || !text_line(&text, &line) ||
	    text_u64(line, &now_ns) < 0 || (int64_t)now_ns < w->now_ns)
		return 0;
	return (int64_t)now_ns - w->now_ns;
}

void
tasks_end_split(struct watch *w, struct tasks_state *state)
{
	if (state->clock_provided)
		host_unprovide(w->host, CLOCK_FILE);
	free_located(state);
}

static bool
has_quota(const struct tasks_snapshot *s)
{
	for (size_t i = 0; i < s->nthrottling; i++)
		if (s->throttling[i].known && longest_period_us(&s->throttling[i]) > 0)
			return true;
	return false;
}

void
tasks_split_waits(struct watch *w, struct arena *a, struct tasks_snapshot *s)
{
	struct splitter r = { w, a, s, PLACES_MOST };

	for (size_t i = 0; i < s->nunits; i++)
		if (s->units[i].p->cgroup)
			add_throttling(&r, s->units[i].p->cgroup);
	if (has_quota(s))
		s->late_ns = read_late_ns(w);
	for (size_t i = 0; i < s->nunits && s->before; i++)
		if (s->units[i].p->cgroup)
			s->units[i].quota_ns = quota_ns(&r, &s->units[i]);
}
