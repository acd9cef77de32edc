/* throttle: how long a CPU quota holds a cgroup back, and whose quota it is. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "cgroup/quota.h"
#include "tools/cgroup_rows.h"
#include "tools/tool.h"

static const struct column columns[] = {
	[THROTTLE_CGROUP] = { "cgroup", "cgroup", LABEL, NO_UNIT, 0, 0,
	    .help = "the cgroup, as this process sees its name" },
	[THROTTLE_LIMIT] = { "limit_cpus", "limit", GAUGE, CPUS, 7, 2,
	    .help = "CPUs it may use: the least quota of its own and all visible levels above "
		    "(cpu.max; cpu.cfs_quota_us)" },
	[THROTTLE_LEVEL] = { "limit_level", "level", LABEL, NO_UNIT, 9, 0, .remark = true,
	    .help = "the cgroup whose quota that is" },
	[THROTTLE_USED] = { "used_cpus", "used", RATE, CPUS, 7, 2,
	    .counter = "throttle_used_seconds",
	    .help = "CPUs it used, mean (cpu.stat usage_usec; cpuacct.usage)" },
	[THROTTLE_USED_PCT] = { "used_pct", "%limit", SHARE, PERCENT, 7, 1,
	    .help = "used, in % of limit" },
	[THROTTLE_PERIODS] = { "periods", "periods", COUNT, NO_UNIT, 8, 0,
	    .counter = "throttle_periods",
	    .help = "quota periods in which it was active (cpu.stat nr_periods)" },
	[THROTTLE_THROTTLED] = { "throttled", "thrtl", COUNT, NO_UNIT, 6, 0,
	    .counter = "throttle_throttled_periods",
	    .help = "periods in which its own quota held it back (cpu.stat nr_throttled)" },
	[THROTTLE_THROTTLED_PCT] = { "throttled_pct", "%thrtl", SHARE, PERCENT, 7, 1,
	    .help = "throttled, in % of periods" },
	[THROTTLE_HELD] = { "held_cpus", "held", GAUGE, CPUS, 6, 2,
	    .counter = "throttle_throttled_seconds",
	    .help = "CPUs held back, mean, by any level; may exceed 1 (cpu.stat throttled_usec, "
		    "cpu.stat.local)" },
	[THROTTLE_STALL] = { "stall_ms", "stall-ms", GAUGE, MILLISECONDS, 9, 1, .group = "more",
	    .help = "held back per throttled period, summed over CPUs (throttled_usec per "
		    "nr_throttled)" },
	[THROTTLE_BURSTS] = { "bursts", "bursts", COUNT, NO_UNIT, 7, 0, .group = "more",
	    .counter = "throttle_bursts",
	    .help = "periods that used time saved earlier (cpu.stat nr_bursts)" },
	[THROTTLE_SOME] = { "some_pct", "%some", SHARE, PERCENT, 6, 1, .group = "more",
	    .counter = "throttle_some_seconds",
	    .help = "time in which a task of it waited for a CPU or for quota (cpu.pressure, some "
		    "total; v2 only)" },
	[THROTTLE_FULL] = { "full_pct", "%full", SHARE, PERCENT, 6, 1, .group = "more",
	    .counter = "throttle_full_seconds",
	    .help = "time in which all of its tasks waited (cpu.pressure, full total)" },
	[THROTTLE_HIDDEN] = { "hidden_cpus", "hidden", GAUGE, CPUS, 7, 2, .group = "more",
	    .help = "CPUs held back by a level that cannot be seen from here (cpu.stat.local of "
		    "the topmost visible level)" },
	[THROTTLE_NOTE] = { "note", "", LABEL, NO_UNIT, 0, 0, .remark = true,
	    .help = "what is to be known of this row: see CGROUPS" },
	{ .key = NULL },
};

/* A cgroup at a moment. */
struct throttle_group {
	struct group_cpu cpu;
	struct cpu_quota limit; /* the least one, from here up */
	int level;              /* where that is */
};

struct throttle_snapshot {
	struct groups groups;
	struct throttle_group *v; /* groups.n of them */
};

/* The quota of each level holds; where one of them cannot be read, nobody knows which is the
 * least. */
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

	if (group_read_quota(w->host, &s->groups, g, &s->v[i].cpu.quota) < 0 && errno == EINVAL)
		watch_note(w,
		    "cgroup %s: cpu.max, or cpu.cfs_quota_us by cpu.cfs_period_us, makes no sense: "
		    "no quota is taken from it",
		    g->name);
	else if (!s->v[i].cpu.quota.known && errno != ENODEV)
		watch_note(w,
		    "cgroup %s: its quota cannot be read: %s; limits from there on down are "
		    "unknown",
		    g->name, strerror(errno));
	find_limit(&s->groups, s->v, i);
}

/* Whether a level above, seen or not, may hold the group back: only then does cpu.stat.local tell
 * more than cpu.stat. */
static bool
others_may_hold(const struct throttle_snapshot *s, size_t i)
{
	int parent = s->groups.v[i].parent;

	if (!s->groups.from_root)
		return true;
	return parent >= 0 && (s->v[parent].limit.limited || !s->v[parent].limit.known);
}

/* Shown are: what was asked for, levels above it with a quota, and with -a all that have one. */
static void *
read_groups(struct watch *w, struct arena *a)
{
	struct throttle_snapshot *s = arena_alloc(a, sizeof *s);
	bool limited = false;

	if (!cgroups_read(w, FAMILY_CPU, a, &s->groups))
		return NULL;
	s->v = arena_alloc(a, s->groups.n * sizeof *s->v);
	for (size_t i = 0; i < s->groups.n; i++) {
		struct group *g = &s->groups.v[i];
		read_quota(w, s, i);
		g->shown = g->asked || s->v[i].cpu.quota.limited;
		if (g->shown || i == 0) /* the topmost one tells what is hidden above it */
			g->read = group_read_cpu(w->host, &s->groups, g, others_may_hold(s, i),
				      &s->v[i].cpu) == 0;
		if (g->asked && !cgroups_seen(w, g, "cpu.stat"))
			w->fail = EXIT_UNSUPPORTED;
		if (g->asked && g->read && !s->v[i].cpu.some_us.known)
			cgroups_no_pressure(w, g, "cpu.pressure", THROTTLE_SOME, THROTTLE_FULL);
		limited |= s->v[i].cpu.quota.limited;
	}
	if (w->ask->target.all && !limited)
		watch_note(w, "no cgroup that can be seen has a CPU quota");
	return w->fail ? NULL : s;
}

/* A cgroup at both ends of the interval. */
struct pair {
	const struct group_cpu *from, *to;
};

static double
throttled_by(struct pair p)
{
	return keyed_delta(p.from->throttled_ns, p.to->throttled_ns) * 1e-9;
}

static double
throttled_here(struct pair p)
{
	return keyed_delta(p.from->local_ns, p.to->local_ns) * 1e-9;
}

/* A counter that ran backwards is another cgroup's of the same name: then no difference means
 * anything. */
static const struct group_cpu unknown;

static bool
restarted(struct pair p)
{
	return keyed_restarted(p.from->periods, p.to->periods) ||
	    keyed_restarted(p.from->usage_ns, p.to->usage_ns) ||
	    keyed_restarted(p.from->throttled_ns, p.to->throttled_ns);
}

/* The group's counters say how long its own quota held it, cpu.stat.local how long any level's did.
 * Without the latter (before Linux 6.6), a level above that throttled leaves unknown how much of
 * that was this group's. */
static double
held_s(struct pair p, bool held_above)
{
	double own = throttled_by(p), here = throttled_here(p);

	if (isnan(here))
		return held_above ? NAN : own;
	return fmax(own, here);
}

/* The counter behind it, for metrics. */
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

/* Whether a visible level above was held back in the interval. */
static bool
held_above(const struct throttle_snapshot *a, const struct throttle_snapshot *b, size_t i)
{
	for (int up = b->groups.v[i].parent; up >= 0; up = b->groups.v[up].parent) {
		int before = groups_find(&a->groups, b->groups.v[up].name, (size_t)up);
		if (before >= 0 &&
		    throttled_by((struct pair){ &a->v[before].cpu, &b->v[up].cpu }) > 0)
			return true;
	}
	return false;
}

/* What the topmost visible level suffers beyond its own quota comes from above it. */
static double
hidden_s(const struct throttle_snapshot *a, const struct throttle_snapshot *b, struct pair p)
{
	struct pair top = { &a->v[0].cpu, &b->v[0].cpu };

	if (b->groups.from_root)
		return 0;
	double beyond_top = throttled_here(top) - throttled_by(top),
	       beyond_own = throttled_here(p) - throttled_by(p);
	if (isnan(beyond_top) || isnan(beyond_own))
		return NAN;
	return fmax(0, fmin(beyond_top, beyond_own));
}

static void
fill_row(struct cell *row, struct pair p, double limit, double span_s)
{
	double periods = keyed_delta(p.from->periods, p.to->periods);
	double throttled = keyed_delta(p.from->throttled, p.to->throttled);

	cell_gauge(&row[THROTTLE_LIMIT], limit, span_s);
	cell_rate(&row[THROTTLE_USED], p.from->usage_ns, p.to->usage_ns, 1e-9, span_s);
	cell_share(&row[THROTTLE_USED_PCT], row[THROTTLE_USED].num * span_s, limit * span_s);
	cell_count(&row[THROTTLE_PERIODS], p.from->periods, p.to->periods);
	cell_count(&row[THROTTLE_THROTTLED], p.from->throttled, p.to->throttled);
	cell_share(&row[THROTTLE_THROTTLED_PCT], throttled, periods);
	cell_gauge(&row[THROTTLE_STALL], throttled > 0 ? throttled_by(p) * 1e3 / throttled : NAN,
	    throttled);
	cell_count(&row[THROTTLE_BURSTS], p.from->bursts, p.to->bursts);
	cell_stalled(&row[THROTTLE_SOME], p.from->some_us, p.to->some_us, span_s);
	cell_stalled(&row[THROTTLE_FULL], p.from->full_us, p.to->full_us, span_s);
}

/* By the CPUs held back, or else by the share of periods, which is all that an old kernel tells of
 * some. */
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

	for (size_t i = 0; i < b->groups.n; i++) {
		const struct group *g = &b->groups.v[i];
		int before = groups_before(&a->groups, &b->groups, i);
		if (before < 0)
			continue;
		struct pair p = { &a->v[before].cpu, &b->v[i].cpu };
		bool anew = restarted(p);
		if (anew)
			p.from = &unknown;
		struct cell *row = table_row(out);
		cell_label(&row[THROTTLE_CGROUP], g->name);
		fill_row(row, p, b->v[i].limit.limited ? b->v[i].limit.cpus : NAN, span_s);
		if (b->v[i].limit.limited)
			cell_label(&row[THROTTLE_LEVEL], b->groups.v[b->v[i].level].name);
		cell_gauge(&row[THROTTLE_HELD], held_s(p, held_above(a, b, i)) / span_s, span_s);
		row[THROTTLE_HELD].raw = counter_s(&b->v[i].cpu);
		cell_gauge(&row[THROTTLE_HIDDEN], hidden_s(a, b, p) / span_s, span_s);
		cell_label(&row[THROTTLE_NOTE], cgroups_note(&b->groups, FAMILY_CPU, anew));
	}
	if (w->ask->target.all)
		table_sort(out, 0, worst);
}

const struct tool tool_throttle = {
	.name = "throttle",
	.brief = "how long CPU quotas hold cgroups back",
	.examples = "  pq throttle 1           this container, and levels above it with a quota\n"
		    "  pq throttle -p 4242 1   the container of a process\n"
		    "  pq throttle -a 10       every cgroup with a quota, the worst first\n",
	.columns = columns,
	.shared = (const struct option *const[]){ &option_pid, &option_cgroup, &option_all, NULL },
	.state_size = sizeof(struct groups_watch),
	.read = read_groups,
	.rows = rows,
	.release = cgroups_release,
};
