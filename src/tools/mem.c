/* mem: how close a cgroup is to its memory limit, and with what: page cache there is normal,
 * anonymous memory is deadly. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "cgroup/memory.h"
#include "tools/cgroup_rows.h"
#include "tools/tool.h"

static const struct column columns[] = {
	[MEM_CGROUP] = { "cgroup", "cgroup", LABEL, NO_UNIT, 0, 0,
	    .help =
		"the cgroup, as this process sees its name; machine: all of it (/proc/meminfo)" },
	[MEM_LIMIT] = { "limit_bytes", "limit", GAUGE, BYTES, 7, 0,
	    .help = "the least limit of its own, all levels above, and the machine's size "
		    "(memory.max; memory.limit_in_bytes)" },
	[MEM_LEVEL] = { "limit_level", "level", LABEL, NO_UNIT, 9, 0, .group = "parts",
	    .remark = true,
	    .help = "whose limit that is: a cgroup, machine, or hidden (v1 "
		    "hierarchical_memory_limit)" },
	[MEM_USED] = { "used_bytes", "used", GAUGE, BYTES, 7, 0,
	    .help = "all memory charged to it, page cache too (memory.current; "
		    "memory.usage_in_bytes)" },
	[MEM_WSET] = { "working_set_bytes", "wset", GAUGE, BYTES, 7, 0,
	    .help = "working set: used less inactive_file" },
	[MEM_WSET_PCT] = { "working_set_pct", "%wset", SHARE, PERCENT, 7, 1,
	    .help = "working set in % of limit" },
	[MEM_HARD] = { "hard_bytes", "hard", GAUGE, BYTES, 7, 0,
	    .help = "what cannot be reclaimed: used less page cache, slab_reclaimable, and anon "
		    "that swap has room for" },
	[MEM_HARD_PCT] = { "hard_pct", "%hard", SHARE, PERCENT, 7, 1,
	    .help = "hard in % of limit: at 100 comes the OOM killer" },
	[MEM_ANON] = { "anon_bytes", "anon", GAUGE, BYTES, 7, 0, .group = "parts",
	    .help = "heaps and stacks (memory.stat anon; total_rss)" },
	[MEM_FILE] = { "file_bytes", "file", GAUGE, BYTES, 7, 0, .group = "parts",
	    .help = "page cache, tmpfs too (memory.stat file; total_cache)" },
	[MEM_KERNEL] = { "kernel_bytes", "kernel", GAUGE, BYTES, 7, 0, .group = "parts",
	    .help = "slab, stacks, page tables (memory.stat kernel, or their sum; "
		    "memory.kmem.usage_in_bytes)" },
	[MEM_SOCK] = { "sock_bytes", "sock", GAUGE, BYTES, 7, 0, .group = "parts",
	    .help = "network buffers (memory.stat sock; memory.kmem.tcp.usage_in_bytes)" },
	[MEM_SHMEM] = { "shmem_bytes", "shmem", GAUGE, BYTES, 7, 0, .group = "parts",
	    .help = "shared memory and tmpfs, part of file, not reclaimable (memory.stat shmem)" },
	[MEM_SWAP] = { "swap_bytes", "swap", GAUGE, BYTES, 7, 0, .group = "parts",
	    .help = "swapped out (memory.swap.current; total_swap)" },
	[MEM_HIGH] = { "high", "high", COUNT, NO_UNIT, 6, 0, .group = "events",
	    .counter = "mem_high_events",
	    .help = "times it was slowed down above memory.high (memory.events)" },
	[MEM_MAX] = { "max", "max", COUNT, NO_UNIT, 6, 0, .counter = "mem_max_events",
	    .help = "times it ran into its limit (memory.events; memory.failcnt)" },
	[MEM_OOM] = { "oom", "oom", COUNT, NO_UNIT, 5, 0, .group = "events",
	    .counter = "mem_oom_events",
	    .help = "times nothing could be reclaimed (memory.events)" },
	[MEM_OOM_KILL] = { "oom_kill", "kill", COUNT, NO_UNIT, 5, 0, .counter = "mem_oom_kills",
	    .help = "processes killed (memory.events oom_kill; memory.oom_control; /proc/vmstat)" },
	[MEM_REFAULTS] = { "refaults_per_s", "refault/s", RATE, PER_SECOND, 10, 1,
	    .group = "events", .counter = "mem_refaults",
	    .help = "pages read again soon after they were dropped (memory.stat "
		    "workingset_refault_anon, _file)" },
	[MEM_MAJFAULTS] = { "majfaults_per_s", "majflt/s", RATE, PER_SECOND, 9, 1,
	    .group = "events", .counter = "mem_major_faults",
	    .help = "page faults that waited for a disk (memory.stat pgmajfault)" },
	[MEM_SOME] = { "some_pct", "%some", SHARE, PERCENT, 6, 1, .group = "events",
	    .counter = "mem_some_seconds",
	    .help = "time in which a task of it waited for memory (memory.pressure, some total; v2 "
		    "only)" },
	[MEM_FULL] = { "full_pct", "%full", SHARE, PERCENT, 6, 1, .group = "events",
	    .counter = "mem_full_seconds",
	    .help = "time in which all of its tasks waited (memory.pressure, full total)" },
	[MEM_NOTE] = { "note", "", LABEL, NO_UNIT, 0, 0, .remark = true,
	    .help = "what is to be known of this row: see CGROUPS" },
	{ .key = NULL },
};

/* A cgroup at a moment. */
struct mem_group {
	struct group_memory memory;
	struct keyed limit; /* the least one, from here up */
	const char *level;
	bool unreadable;  /* it, or one above */
	double swap_room; /* the least one */
};

struct mem_snapshot {
	struct groups groups;
	struct mem_group *v; /* groups.n of them */
	struct mem_group machine;
	bool machine_read, show_machine;
	bool damaged; /* a limit makes no sense */
};

/* From the machine down, each level's own limit holds if it is less. */
static void
find_limit(const struct mem_snapshot *s, size_t i)
{
	const struct group *g = &s->groups.v[i];
	struct mem_group *o = &s->v[i];
	const struct mem_group *above = g->parent < 0 ? &s->machine : &s->v[g->parent];
	struct keyed own = o->memory.limit, all = o->memory.stat.hierarchical_limit;

	o->limit = above->limit;
	o->level = above->level;
	o->unreadable = above->unreadable || o->memory.limit_unreadable;
	if (own.known && (!o->limit.known || own.v < o->limit.v)) {
		o->limit = own;
		o->level = g->name;
	}
	if (all.known && (!o->limit.known || all.v < o->limit.v)) {
		o->limit = all;
		o->level = "hidden";
	}
	if (o->unreadable) {
		o->limit = (struct keyed){ 0 };
		o->level = NULL;
	}
	o->swap_room = o->memory.swap_room.known ?
	    fmin(above->swap_room, (double)o->memory.swap_room.v) :
	    above->swap_room;
}

static void
read_machine(struct watch *w, struct mem_snapshot *s)
{
	struct mem_group *o = &s->machine;

	s->machine_read = machine_read_memory(w->host, &o->memory) == 0;
	if (!s->machine_read)
		watch_note(w, "cannot read /proc/meminfo: %s; the machine's size is unknown",
		    strerror(errno));
	o->limit = o->memory.limit;
	o->level = o->limit.known ? "machine" : NULL;
	o->swap_room = o->memory.swap_room.known ? (double)o->memory.swap_room.v : NAN;
}

static void
show_one(struct watch *w, struct mem_snapshot *s, size_t i)
{
	struct group *g = &s->groups.v[i];

	g->shown = true;
	g->read = group_read_memory(w->host, &s->groups, g, &s->v[i].memory) == 0;
}

/* Shown are, as in throttle: what was asked for, levels above it with a limit, and with -a all that
 * have one. */
static void
read_one(struct watch *w, struct mem_snapshot *s, size_t i)
{
	const struct group *g = &s->groups.v[i];
	struct mem_group *o = &s->v[i];

	bool nonsense =
	    group_read_limits(w->host, &s->groups, g, &o->memory) < 0 && errno == EINVAL;
	if (nonsense)
		watch_note(w,
		    "cgroup %s: memory.max, or memory.limit_in_bytes, makes no sense: no limit is "
		    "taken from it",
		    g->name);
	else if (o->memory.limit_unreadable && errno != ENODEV)
		watch_note(w,
		    "cgroup %s: its limit cannot be read: %s; limits from there on down are "
		    "unknown",
		    g->name, strerror(errno));
	s->damaged |= nonsense || o->memory.limit_unreadable;
	if (g->asked || o->memory.limit.known)
		show_one(w, s, i);
	bool v2_root = i == 0 && s->groups.from_root && s->groups.top[FAMILY_MEMORY].version == 2;
	if (g->asked && !v2_root)
		cgroups_seen(w, g, "memory.current");
	if (g->asked && g->read && !o->memory.some_us.known)
		cgroups_no_pressure(w, g, "memory.pressure", MEM_SOME, MEM_FULL);
	find_limit(s, i);
}

/* Where the controller is not on, memory counts for the next level above where it is. */
static void
show_level_above(struct watch *w, struct mem_snapshot *s)
{
	const struct groups_watch *state = w->state;

	for (size_t i = s->groups.n; i > 1 && !s->groups.v[i - 1].read && !state->was_read; i--)
		show_one(w, s, i - 2);
}

/* Without any limit but its size, the machine is what matters; but not in the place of a group that
 * has gone. */
static bool
nobody_limits(const struct watch *w, const struct mem_snapshot *s)
{
	const struct groups_watch *state = w->state;

	if (s->groups.n == 0 ||
	    (state->was_read && !s->groups.v[s->groups.n - 1].read && !w->ask->target.all))
		return false;
	for (size_t i = 0; i < s->groups.n; i++) {
		const struct mem_group *o = &s->v[i];
		if (s->groups.v[i].shown &&
		    (o->unreadable || (o->level && strcmp(o->level, "machine") != 0)))
			return false;
	}
	return true;
}

static void *
read_groups(struct watch *w, struct arena *a)
{
	struct mem_snapshot *s = arena_alloc(a, sizeof *s);

	if (!cgroups_read(w, FAMILY_MEMORY, a, &s->groups))
		return NULL;
	read_machine(w, s);
	s->v = arena_alloc(a, s->groups.n * sizeof *s->v);
	for (size_t i = 0; i < s->groups.n; i++)
		read_one(w, s, i);
	if (!w->ask->target.all)
		show_level_above(w, s);
	s->show_machine = nobody_limits(w, s);
	if (s->show_machine)
		machine_read_events(w->host, &s->machine.memory);
	if (s->show_machine && !s->damaged)
		watch_note(w,
		    "no memory limit is set on the levels that can be seen: the machine's size is "
		    "the limit");
	return s;
}

static double
value(struct keyed v)
{
	return v.known ? (double)v.v : NAN;
}

static void
fill_levels(struct cell *row, const struct mem_group *o, double span_s)
{
	const struct group_memory *m = &o->memory;
	double limit = value(o->limit), used = value(m->current);
	double wset = used - value(m->stat.inactive_file),
	       hard = used - memory_reclaimable(m, o->swap_room);
	const struct {
		int column;
		double value;
	} gauges[] = {
		{ MEM_LIMIT, limit },
		{ MEM_USED, used },
		{ MEM_WSET, wset < 0 ? 0 : wset },
		{ MEM_HARD, hard < 0 ? 0 : hard },
		{ MEM_ANON, value(m->stat.anon) },
		{ MEM_FILE, value(m->stat.file) },
		{ MEM_KERNEL, value(m->stat.kernel) },
		{ MEM_SOCK, value(m->stat.sock) },
		{ MEM_SHMEM, value(m->stat.shmem) },
		{ MEM_SWAP, value(m->stat.swap) },
	};

	for (size_t i = 0; i < sizeof gauges / sizeof gauges[0]; i++)
		cell_gauge(&row[gauges[i].column], gauges[i].value, span_s);
	cell_share(&row[MEM_WSET_PCT], row[MEM_WSET].num, limit);
	cell_share(&row[MEM_HARD_PCT], row[MEM_HARD].num, limit);
	cell_label(&row[MEM_LEVEL], o->level);
}

static void
fill_events(
    struct cell *row, const struct group_memory *a, const struct group_memory *b, double span_s)
{
	cell_count(&row[MEM_HIGH], a->events.high, b->events.high);
	cell_count(&row[MEM_MAX], a->events.max, b->events.max);
	cell_count(&row[MEM_OOM], a->events.oom, b->events.oom);
	cell_count(&row[MEM_OOM_KILL], a->events.oom_kill, b->events.oom_kill);
	cell_rate(&row[MEM_REFAULTS], a->stat.refaults, b->stat.refaults, 1, span_s);
	cell_rate(&row[MEM_MAJFAULTS], a->stat.majfaults, b->stat.majfaults, 1, span_s);
	cell_stalled(&row[MEM_SOME], a->some_us, b->some_us, span_s);
	cell_stalled(&row[MEM_FULL], a->full_us, b->full_us, span_s);
}

/* A counter that ran backwards is another cgroup's of the same name: then no difference means
 * anything. */
static const struct mem_group unknown;

static bool
restarted(const struct group_memory *a, const struct group_memory *b)
{
	return keyed_restarted(a->events.max, b->events.max) ||
	    keyed_restarted(a->events.oom_kill, b->events.oom_kill) ||
	    keyed_restarted(a->stat.majfaults, b->stat.majfaults) ||
	    keyed_restarted(a->some_us, b->some_us);
}

static void
add_row(struct table *out, const char *name, const struct mem_group *from,
    const struct mem_group *to, double span_s, const char *note)
{
	struct cell *row = table_row(out);

	cell_label(&row[MEM_CGROUP], name);
	fill_levels(row, to, span_s);
	fill_events(row, &from->memory, &to->memory, span_s);
	cell_label(&row[MEM_NOTE], note);
}

static double
worst(const struct cell *row)
{
	return row[MEM_HARD_PCT].num;
}

static void
rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct mem_snapshot *a = from, *b = to;

	if (b->show_machine && a->machine_read && b->machine_read)
		add_row(out, "machine", &a->machine, &b->machine, span_s, NULL);
	for (size_t i = 0; i < b->groups.n; i++) {
		const struct group *g = &b->groups.v[i];
		int before = groups_before(&a->groups, &b->groups, i);
		if (before < 0)
			continue;
		bool anew = restarted(&a->v[before].memory, &b->v[i].memory);
		add_row(out, g->name, anew ? &unknown : &a->v[before], &b->v[i], span_s,
		    cgroups_note(&b->groups, FAMILY_MEMORY, anew));
	}
	if (w->ask->target.all)
		table_sort(out, 0, worst);
}

const struct tool tool_mem = {
	.name = "mem",
	.brief = "how close cgroups are to their memory limits",
	.examples = "  pq mem 1                this container, and levels above it with a limit\n"
		    "  pq mem -w parts,events  with what the memory is, and what happened to it\n"
		    "  pq mem -a 10            every cgroup with a limit, the fullest first\n",
	.columns = columns,
	.shared = (const struct option *const[]){ &option_pid, &option_cgroup, &option_all, NULL },
	.state_size = sizeof(struct groups_watch),
	.read = read_groups,
	.rows = rows,
	.release = cgroups_release,
};
