/* throttle: CPU quota throttling per cgroup, and which level sets the limit. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "cgroup/quota.h"
#include "tools/cgroup_rows.h"
#include "tools/tool.h"

static const struct column columns[] = {
	[THROTTLE_CGROUP] = { "cgroup", "cgroup", LABEL, NO_UNIT, 0, 0,
	    .help = "cgroup, by its name as pq sees it" },
	[THROTTLE_LIMIT] = { "limit_cpus", "limit", GAUGE, CPUS, 7, 2, .change = A_SETTING,
	    .help = "lowest CPU quota of this cgroup and its visible parents (cpu.max; "
		    "cpu.cfs_quota_us)" },
	[THROTTLE_LEVEL] = { "limit_level", "level", LABEL, NO_UNIT, 9, 0, .remark = true,
	    .help = "cgroup that sets the limit" },
	[THROTTLE_USED] = { "used_cpus", "used", RATE, CPUS, 7, 2, .full = 1,
	    .counter = "throttle_used_seconds", .bound = BY_CPUS,
	    .help = "mean number of CPUs used (cpu.stat usage_usec; cpuacct.usage)" },
	[THROTTLE_USED_PCT] = { "used_pct", "%limit", SHARE, PERCENT, 7, 1, .change = MORE_IS_WORSE,
	    .help = "CPUs used, in % of the limit" },
	[THROTTLE_PERIODS] = { "periods", "periods", COUNT, NO_UNIT, 8, 0, .spare = true,
	    .counter = "throttle_periods", .bound = BY_PERIODS,
	    .help = "quota periods that ended while the cgroup was active (cpu.stat nr_periods)" },
	[THROTTLE_THROTTLED] = { "throttled", "thrtl", COUNT, NO_UNIT, 6, 0,
	    .counter = "throttle_throttled_periods", .bound = BY_PERIODS, .change = MORE_IS_WORSE,
	    .help = "periods in which its own quota throttled it (cpu.stat nr_throttled)" },
	[THROTTLE_THROTTLED_PCT] = { "throttled_pct", "%thrtl", SHARE, PERCENT, 7, 1,
	    HURTS_FROM(THROTTLED_PCT), .change = MORE_IS_WORSE,
	    .help = "throttled periods, in % of periods" },
	[THROTTLE_HELD] = { "held_cpus", "held", GAUGE, CPUS, 6, 2, HURTS_FROM(HELD), .full = 1,
	    .counter = "throttle_throttled_seconds", .bound = BY_CPUS, .change = MORE_IS_WORSE,
	    .help = "mean CPUs held back by any level; can exceed 1 (cpu.stat throttled_usec, "
		    "cpu.stat.local)" },
	[THROTTLE_STALL] = { "stall_ms", "stall-ms", GAUGE, MILLISECONDS, 9, 1, .group = "more",
	    .change = MORE_IS_WORSE,
	    .help =
		"time held back per throttled period, summed over CPUs (cpu.stat throttled_usec)" },
	[THROTTLE_BURSTS] = { "bursts", "bursts", COUNT, NO_UNIT, 7, 0, .group = "more",
	    .counter = "throttle_bursts", .bound = BY_PERIODS,
	    .help = "periods that used quota saved earlier (cpu.stat nr_bursts)" },
	[THROTTLE_SOME] = { "cpu_some_pct", "%some", SHARE, PERCENT, 6, 1, .group = "more",
	    HURTS_FROM(CPU_SOME), .counter = "throttle_some_seconds", .bound = BY_TIME,
	    .was = "some_pct", .metric = "some_pct", .change = MORE_IS_WORSE,
	    .help = "time in which a task waited for a CPU or for quota (cpu.pressure some total; "
		    "v2)" },
	[THROTTLE_FULL] = { "cpu_full_pct", "%full", SHARE, PERCENT, 6, 1, .group = "more",
	    .counter = "throttle_full_seconds", .bound = BY_TIME, .was = "full_pct",
	    .metric = "full_pct", .change = MORE_IS_WORSE,
	    .help = "time in which all non-idle tasks waited (cpu.pressure full total; v2)" },
	[THROTTLE_HIDDEN] = { "hidden_cpus", "hidden", GAUGE, CPUS, 7, 2, .group = "more",
	    HURTS_FROM(HELD), .full = 1, .change = MORE_IS_WORSE,
	    .help = "mean CPUs held back by a parent cgroup that is not visible (cpu.stat.local)" },
	[THROTTLE_POD] = GROUP_NAME_COLUMNS,
	[THROTTLE_NOTE] = { "note", "", LABEL, NO_UNIT, 0, 0, .remark = true,
	    .help = "remark about the row: mount-root(guess), found-by-search, "
		    "process-not-listed or reset; see CGROUPS" },
	{ .key = NULL },
};

struct throttle_group {
	struct group_cpu cpu;
	struct cpu_quota limit; /* the lowest quota from here up */
	int level;              /* the index of the group that sets it */
};

struct throttle_snapshot {
	struct groups groups;
	struct throttle_group *v; /* groups.n of them */
	double cpus;              /* as watch_cpus */
};

/* The quotas of all levels apply. If one cannot be read, the lowest is unknown. */
static void
find_limit(const struct groups *groups, struct throttle_group *v, size_t i)
{
	int parent = groups->v[i].parent;

	v[i].limit = v[i].cpu.quota;
	v[i].level = (int)i;
	if (parent < 0)
		return;
	if (!v[parent].limit.known)
		v[i].limit = (struct cpu_quota){ 0 };
	if (!v[i].limit.known || !v[parent].limit.limited)
		return;
	if (v[i].limit.limited && v[i].limit.cpus <= v[parent].limit.cpus)
		return;
	v[i].limit = v[parent].limit;
	v[i].level = v[parent].level;
}

static void
read_quota(struct watch *w, struct throttle_snapshot *s, size_t i)
{
	const struct group *g = &s->groups.v[i];

	if (group_read_quota(w->host, &s->groups, g, &s->v[i].cpu.quota) < 0 && errno != ENODEV)
		watch_note(w,
		    "cgroup %s: %s its CPU quota (cpu.max, or cpu.cfs_quota_us and "
		    "cpu.cfs_period_us)%s%s; limits from this level down are unknown",
		    g->name, errno == EINVAL ? "cannot understand" : "cannot read",
		    errno == EINVAL ? "" : ": ", errno == EINVAL ? "" : strerror(errno));
	find_limit(&s->groups, s->v, i);
}

/* Whether a parent, visible or hidden, may throttle the cgroup. Only then does cpu.stat.local say
 * more than cpu.stat. */
static bool
parent_may_throttle(const struct throttle_snapshot *s, size_t i)
{
	int parent = s->groups.v[i].parent;

	if (!s->groups.from_root)
		return true;
	return parent >= 0 && (s->v[parent].limit.limited || !s->v[parent].limit.known);
}

/* Whether there may be a quota here. One that was removed meanwhile has no files at all. */
static bool
unreadable(const struct throttle_snapshot *s, size_t i)
{
	return !s->v[i].cpu.quota.known && s->groups.v[i].rel[FAMILY_CPU];
}

/* A limit that is known is shown even if the counters cannot be read. */
static void
read_counters(struct watch *w, struct throttle_snapshot *s, size_t i)
{
	struct group *g = &s->groups.v[i];
	struct throttle_group *v = &s->v[i];

	g->read = group_read_cpu(w->host, &s->groups, g, parent_may_throttle(s, i), &v->cpu) == 0;
	if (g->read || errno == ENODEV ||
	    !(v->cpu.quota.limited || (v->limit.limited && errno == EACCES)))
		return;
	g->read = true;
	watch_note(w, "cgroup %s: cpu.stat: %s; only its limit is known", g->name, strerror(errno));
}

/* On v1 another hierarchy counts the CPU time, which may not be mounted. */
static void
note_no_usage(struct watch *w, const struct groups *all, const struct group *g)
{
	if (watch_shows(w, THROTTLE_USED) || watch_shows(w, THROTTLE_USED_PCT))
		watch_note(w, "cgroup %s: %s: used and %%limit are unknown", g->name,
		    all->top[FAMILY_CPUACCT].version == 0 ?
			"the cpuacct hierarchy is not visible (is it mounted?)" :
			"its CPU time cannot be read");
}

/* Shows the selected cgroup, and parents with a quota; with -a all cgroups with a quota, or with one
 * that cannot be read. False after watch_fail, or at the end. */
static bool
read_all(struct watch *w, struct arena *a, struct throttle_snapshot *s, bool *limited)
{
	if (!cgroups_read(w, FAMILY_CPU, a, &s->groups))
		return false;
	*limited = false;
	s->v = arena_alloc(a, s->groups.n * sizeof *s->v);
	for (size_t i = 0; i < s->groups.n; i++) {
		struct group *g = &s->groups.v[i];
		read_quota(w, s, i);
		g->shown = g->asked || s->v[i].cpu.quota.limited || unreadable(s, i);
		if (g->shown || i == 0) /* the topmost one says what hidden levels throttled */
			read_counters(w, s, i);
		if (g->asked && !cgroups_seen(w, g, "cpu.stat"))
			w->fail = EXIT_UNSUPPORTED;
		if (g->asked && g->read && !s->v[i].cpu.usage_ns.known)
			note_no_usage(w, &s->groups, g);
		if (g->asked && g->read && !s->v[i].cpu.some_us.known)
			cgroups_no_pressure(w, g, "cpu.pressure", THROTTLE_SOME, THROTTLE_FULL);
		*limited |= s->v[i].cpu.quota.limited;
	}
	return true;
}

static void *
read_groups(struct watch *w, struct arena *a)
{
	struct throttle_snapshot *s = arena_alloc(a, sizeof *s);
	struct groups_watch *state = w->state;
	bool limited;

	state->counts = true;
	if (!read_all(w, a, s, &limited))
		return NULL;
	if (groups_outdated(state) && !read_all(w, a, s, &limited))
		return NULL;
	s->cpus = watch_cpus(w);
	groups_name(w->state, w->host, &s->groups);
	if (w->ask->target.all && !limited)
		watch_note(w, "no visible cgroup has a CPU quota");
	return w->fail ? NULL : s;
}

/* The readings of a cgroup at both ends of the interval, and its limit. */
struct pair {
	const struct group_cpu *from, *to;
	struct cpu_quota limit;
	struct interval *t;
};

/* Throttled time is added when a thread may run again: mostly at the end of a period. A CPU that
 * used more than its part, up to some ticks of the scheduler, is held back until the quota of later
 * periods has paid for that. */
static double
held_before_s(struct pair p)
{
	const double overrun_s = 0.04, longest_s = 60;

	if (!p.limit.limited) /* of a hidden parent, or removed */
		return fmin(longest_s, 1 + p.t->cpus);
	return fmin(
	    longest_s, (double)p.limit.period_us * 1e-6 + p.t->cpus * overrun_s / p.limit.cpus);
}

/* How long a cgroup was throttled in the interval, in seconds. */
struct held {
	double own;  /* by its own quota */
	double here; /* by its own quota or that of a parent; unknown before Linux 6.6 */
	bool jumped; /* one of their counters grew by more than it can */
};

static struct held
held_in(struct pair p)
{
	struct interval t = *p.t;

	t.late_s = held_before_s(p);
	t.jumped = 0;
	struct held h = {
		interval_growth(&t, THROTTLE_HELD, p.from->throttled_ns, p.to->throttled_ns, 1e-9),
		interval_growth(&t, THROTTLE_HELD, p.from->local_ns, p.to->local_ns, 1e-9),
		t.jumped != 0,
	};
	p.t->jumped |= t.jumped;
	return h;
}

/* How long any level throttled it. Before Linux 6.6, if a parent was throttled, the share of this
 * cgroup in that is unknown. */
static double
held_s(struct pair p, const struct held *h, bool held_above)
{
	bool has_local = p.from->local_ns.known && p.to->local_ns.known;

	if (!has_local)
		return held_above ? NAN : h->own;
	return isnan(h->own) || isnan(h->here) ? NAN : fmax(h->own, h->here);
}

/* The counter of the same, for metrics. */
static double
counter_s(const struct group_cpu *c)
{
	if (!c->throttled_ns.known)
		return NAN;
	return (double)(c->local_ns.known && c->local_ns.v > c->throttled_ns.v ?
		       c->local_ns.v :
		       c->throttled_ns.v) *
	    1e-9;
}

static struct pair
pair_of(const struct throttle_snapshot *a, const struct throttle_snapshot *b, size_t before,
    size_t i, struct interval *t)
{
	const struct cpu_quota *was = &a->v[before].limit, *is = &b->v[i].limit;

	return (struct pair){ &a->v[before].cpu, &b->v[i].cpu, is->limited ? *is : *was, t };
}

/* Whether a visible parent was throttled in the interval, or may have been. */
static bool
held_above(const struct throttle_snapshot *a, const struct throttle_snapshot *b, size_t i,
    struct interval *t)
{
	for (int up = b->groups.v[i].parent; up >= 0; up = b->groups.v[up].parent) {
		int before = groups_find(&a->groups, b->groups.v[up].name, (size_t)up);
		if (before < 0 || !a->v[before].cpu.throttled_ns.known ||
		    !b->v[up].cpu.throttled_ns.known)
			continue;
		if (held_in(pair_of(a, b, (size_t)before, (size_t)up, t)).own != 0)
			return true;
	}
	return false;
}

/* How long hidden levels throttled it: what throttled the topmost visible level beyond its own
 * quota. */
static double
hidden_s(const struct throttle_snapshot *a, const struct throttle_snapshot *b, struct interval *t,
    const struct held *h)
{
	if (b->groups.from_root)
		return 0;
	struct held top = held_in(pair_of(a, b, 0, 0, t));
	double beyond_top = top.here - top.own, beyond_own = h->here - h->own;
	if (isnan(beyond_top) || isnan(beyond_own))
		return NAN;
	return fmax(0, fmin(beyond_top, beyond_own));
}

/* The share of periods that were throttled. The kernel counts both at once, but they may be read one
 * apart. */
static void
fill_throttled(struct cell *row, double throttled, double periods)
{
	if (throttled > periods)
		throttled = throttled <= periods + 1 ? periods : NAN;
	cell_share(&row[THROTTLE_THROTTLED_PCT], throttled, periods);
}

static void
fill_usage(struct cell *row, struct pair p, const struct held *h, double limit)
{
	struct interval *t = p.t;

	cell_gauge(&row[THROTTLE_LIMIT], limit, t->span_s);
	cell_rate(row, THROTTLE_USED, t, p.from->usage_ns, p.to->usage_ns, 1e-9);
	cell_share(&row[THROTTLE_USED_PCT], row[THROTTLE_USED].num * t->span_s, limit * t->span_s);
	cell_count(row, THROTTLE_PERIODS, t, p.from->periods, p.to->periods);
	cell_count(row, THROTTLE_THROTTLED, t, p.from->throttled, p.to->throttled);
	double throttled = row[THROTTLE_THROTTLED].num;
	fill_throttled(row, throttled, row[THROTTLE_PERIODS].num);
	cell_gauge(&row[THROTTLE_STALL], throttled > 0 ? h->own * 1e3 / throttled : NAN, throttled);
	cell_count(row, THROTTLE_BURSTS, t, p.from->bursts, p.to->bursts);
	cell_stalled(row, THROTTLE_SOME, t, p.from->some_us, p.to->some_us);
	cell_stalled(row, THROTTLE_FULL, t, p.from->full_us, p.to->full_us);
}

static struct falls
falls_of(const struct group_cpu *a, const struct group_cpu *b)
{
	struct falls f = { .fallen = 0 };

	falls_add(&f, a->usage_ns, b->usage_ns);
	falls_add(&f, a->periods, b->periods);
	falls_add(&f, a->throttled, b->throttled);
	falls_add(&f, a->throttled_ns, b->throttled_ns);
	falls_add(&f, a->local_ns, b->local_ns);
	return f;
}

static bool
fill_row(const struct cgroups_interval *c, size_t before, size_t i, struct cell *row)
{
	static const struct group_cpu unknown;
	const struct throttle_snapshot *a = c->from, *b = c->to;
	const struct throttle_group *v = &b->v[i];
	struct interval *t = c->time;
	struct pair p = pair_of(a, b, before, i, t);
	struct falls falls = falls_of(p.from, p.to);

	t->cpus = fmax(a->cpus, b->cpus);
	if (falls_all(&falls))
		p.from = &unknown;
	struct held h = held_in(p);
	fill_usage(row, p, &h, v->limit.limited ? v->limit.cpus : NAN);
	if (v->limit.limited)
		cell_level(&row[THROTTLE_LEVEL], &b->groups, i, b->groups.v[v->level].name);
	double held = held_s(p, &h, held_above(a, b, i, t));
	cell_gauge(&row[THROTTLE_HELD], held / t->span_s, t->span_s);
	row[THROTTLE_HELD].raw = h.jumped ? NAN : counter_s(&v->cpu);
	cell_gauge(&row[THROTTLE_HIDDEN], hidden_s(a, b, t, &h) / t->span_s, t->span_s);
	return falls.fallen > 0;
}

/* By the CPUs held back, then by the share of throttled periods: old kernels may know only that. */
static double
worst(const struct cell *row)
{
	double often =
	    isnan(row[THROTTLE_THROTTLED_PCT].num) ? 0 : row[THROTTLE_THROTTLED_PCT].num * 1e-6;

	return (isnan(row[THROTTLE_HELD].num) ? 0 : row[THROTTLE_HELD].num) + often;
}

static void
rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct throttle_snapshot *a = from, *b = to;
	struct interval t = { .columns = columns, .span_s = span_s };

	cgroups_rows(w, &(struct cgroups_interval){ a, b, &a->groups, &b->groups, &t }, FAMILY_CPU,
	    fill_row, out);
	if (w->ask->target.all)
		table_sort(out, 0, worst);
}

const struct tool tool_throttle = {
	.name = "throttle",
	.recorded_ns = 200000000,
	.brief = "CPU quota throttling per cgroup, and which level sets the limit",
	.examples = "  pq throttle 1           this container and the parent cgroups with a quota\n"
		    "  pq throttle -p 4242 1   the container of a process\n"
		    "  pq throttle -a 10       every cgroup with a quota, most held back first\n",
	.columns = columns,
	.spark = "held_cpus",
	.shared = (const struct option *const[]){ &option_pid, &option_cgroup, &option_all,
	    &option_most, &option_sort, NULL },
	.shared_help = { .pid = "the cgroup of this process, and its parents",
	    .cgroup = "this cgroup and its parents: /web, or its directory",
	    .all = "every cgroup with a quota, most held back first" },
	.state_size = sizeof(struct groups_watch),
	.read = read_groups,
	.adds_up = true,
	.rows = rows,
	.worst = worst,
	.release = cgroups_release,
};
