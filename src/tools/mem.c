/* mem: cgroup memory against its limit, and how much is unreclaimable: page cache at the limit is
 * normal, anonymous memory is not. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "cgroup/memory.h"
#include "tools/cgroup_rows.h"
#include "tools/hidden.h"
#include "tools/tool.h"

static const struct column columns[] = {
	[MEM_CGROUP] = { "cgroup", "cgroup", LABEL, NO_UNIT, 0, 0,
	    .help = "cgroup, by its name as pq sees it; 'machine' is the whole machine "
		    "(/proc/meminfo)" },
	[MEM_LIMIT] = { "limit_bytes", "limit", GAUGE, BYTES, 7, 0, .change = A_SETTING,
	    .help =
		"lowest limit of cgroup, parents and machine (memory.max; memory.limit_in_bytes)" },
	[MEM_LEVEL] = { "limit_level", "level", LABEL, NO_UNIT, 9, 0, .group = "parts",
	    .remark = true,
	    .help =
		"what sets the limit: a cgroup, 'machine', or 'hidden' (a level not visible; v1)" },
	[MEM_HIGH_BYTES] = { "high_bytes", "mhigh", GAUGE, BYTES, 7, 0, .spare = true,
	    .change = A_SETTING,
	    .help = "lowest memory.high of cgroup and parents: above it tasks are slowed down, "
		    "none is killed" },
	[MEM_USED] = { "used_bytes", "used", GAUGE, BYTES, 7, 0, .change = MORE_IS_WORSE,
	    .help = "memory charged, page cache included (memory.current; memory.usage_in_bytes)" },
	[MEM_WSET] = { "working_set_bytes", "wset", GAUGE, BYTES, 7, 0, .change = MORE_IS_WORSE,
	    .help = "working set: used - inactive_file (memory.stat)" },
	[MEM_WSET_PCT] = { "working_set_pct", "%wset", SHARE, PERCENT, 7, 1,
	    .change = MORE_IS_WORSE, .help = "working set, in % of the limit" },
	[MEM_HARD] = { "hard_bytes", "hard", GAUGE, BYTES, 7, 0, .change = MORE_IS_WORSE,
	    .help = "unreclaimable: used - active_file - inactive_file - slab_reclaimable - "
		    "swappable anon" },
	[MEM_HARD_PCT] = { "hard_pct", "%hard", SHARE, PERCENT, 7, 1, HURTS_FROM(HARD_PCT),
	    .change = MORE_IS_WORSE,
	    .help = "unreclaimable memory, in % of the limit; near 100 the OOM killer is near" },
	[MEM_ANON] = { "anon_bytes", "anon", GAUGE, BYTES, 7, 0, .group = "parts",
	    .help = "anonymous memory: heaps and stacks (memory.stat anon; total_rss)" },
	[MEM_FILE] = { "file_bytes", "file", GAUGE, BYTES, 7, 0, .group = "parts",
	    .help =
		"page cache, tmpfs and shared memory included (memory.stat file; total_cache)" },
	[MEM_KERNEL] = { "kernel_bytes", "kernel", GAUGE, BYTES, 7, 0, .group = "parts",
	    .help = "kernel memory: slab, stacks, page tables (memory.stat; "
		    "memory.kmem.usage_in_bytes)" },
	[MEM_SOCK] = { "sock_bytes", "sock", GAUGE, BYTES, 7, 0, .group = "parts",
	    .help = "network buffers (memory.stat sock; memory.kmem.tcp.usage_in_bytes)" },
	[MEM_SHMEM] = { "shmem_bytes", "shmem", GAUGE, BYTES, 7, 0, .group = "parts",
	    .help = "shared memory and tmpfs, unreclaimable part of file (memory.stat shmem)" },
	[MEM_SWAP] = { "swap_bytes", "swap", GAUGE, BYTES, 7, 0, .group = "parts",
	    .change = MORE_IS_WORSE,
	    .help = "memory swapped out (memory.swap.current; total_swap)" },
	[MEM_HIGH] = { "high", "high", COUNT, NO_UNIT, 6, 0, .group = "events",
	    .counter = "mem_high_events", .change = MORE_IS_WORSE,
	    .help = "times tasks were slowed down above memory.high (memory.events high)" },
	[MEM_MAX] = { "max", "max", COUNT, NO_UNIT, 6, 0, .counter = "mem_max_events",
	    .change = MORE_IS_WORSE,
	    .help = "times usage reached the limit (memory.events max; memory.failcnt)" },
	[MEM_OOM] = { "oom", "oom", COUNT, NO_UNIT, 5, 0, .group = "events", .high = ANY_EVENT,
	    .very_high = ANY_EVENT, .counter = "mem_oom_events", .change = MORE_IS_WORSE,
	    .help = "times nothing could be reclaimed at the limit (memory.events oom)" },
	[MEM_OOM_KILL] = { "oom_kill", "kill", COUNT, NO_UNIT, 5, 0, .counter = "mem_oom_kills",
	    .high = ANY_EVENT, .very_high = ANY_EVENT, .change = MORE_IS_WORSE,
	    .help =
		"processes killed by the OOM killer (memory.events oom_kill; memory.oom_control)" },
	[MEM_REFAULTS] = { "refaults_per_s", "refault/s", RATE, PER_SECOND, 10, 1,
	    .group = "events", .counter = "mem_refaults", .change = MORE_IS_WORSE,
	    .help = "pages read again soon after reclaim (memory.stat workingset_refault_anon, "
		    "_file)" },
	[MEM_MAJFAULTS] = { "majflt_per_s", "majflt/s", RATE, PER_SECOND, 9, 1, .group = "events",
	    .counter = "mem_major_faults", .was = "majfaults_per_s", .metric = "majfaults_per_s",
	    .change = MORE_IS_WORSE,
	    .help = "page faults that waited for a disk (memory.stat pgmajfault)" },
	[MEM_SOME] = { "mem_some_pct", "%some", SHARE, PERCENT, 6, 1, .group = "events",
	    HURTS_FROM(MEMORY_SOME), .counter = "mem_some_seconds", .bound = BY_TIME,
	    .was = "some_pct", .metric = "some_pct", .change = MORE_IS_WORSE,
	    .help = "time in which a task waited for memory (memory.pressure some total; v2)" },
	[MEM_FULL] = { "mem_full_pct", "%full", SHARE, PERCENT, 6, 1, .group = "events",
	    .high = FULL_VERY_HIGH, .very_high = FULL_VERY_HIGH, .counter = "mem_full_seconds",
	    .bound = BY_TIME, .was = "full_pct", .metric = "full_pct", .change = MORE_IS_WORSE,
	    .help = "time in which all non-idle tasks waited (memory.pressure full total; v2)" },
	[MEM_POD] = GROUP_NAME_COLUMNS,
	[MEM_NOTE] = { "note", "", LABEL, NO_UNIT, 0, 0, .remark = true,
	    .help = "remark about the row: mount-root(guess), found-by-search, "
		    "process-not-listed or reset; see CGROUPS" },
	{ .key = NULL },
};

struct mem_group {
	struct group_memory memory;
	struct keyed limit; /* the lowest from here up */
	const char *level;  /* what sets it */
	struct keyed high;  /* the lowest memory.high from here up */
	bool unreadable;    /* the limit of this level or of a parent cannot be read */
	double swap_room;   /* the least from here up */
};

struct mem_snapshot {
	struct groups groups;
	struct mem_group *v; /* groups.n of them */
	struct mem_group machine;
	bool machine_read, show_machine;
	bool damaged;   /* a limit is invalid or cannot be read */
	bool no_groups; /* none is visible, and the machine is shown alone */
};

/* From the machine down, the limit of a level applies if it is lower. */
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
	o->high = above->high;
	if (o->memory.high.known && (!o->high.known || o->memory.high.v < o->high.v))
		o->high = o->memory.high;
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

struct mem_state {
	struct groups_watch groups; /* first, as cgroups_read wants it */
	bool no_groups;             /* none is visible */
};

static void
tell_damaged(struct watch *w, const struct group_memory *m, const char *name)
{
	if (m->damaged)
		watch_note(w,
		    "%s: a part of the memory is larger than the whole (%s); it is unknown, and "
		    "what is computed from it",
		    name, m->damaged);
}

static void
read_machine(struct watch *w, struct mem_snapshot *s)
{
	struct mem_group *o = &s->machine;

	s->machine_read = machine_read_memory(w->host, &o->memory) == 0;
	if (!s->machine_read)
		watch_note(w, "cannot read /proc/meminfo: %s; the machine's memory size is unknown",
		    hidden_error(w, errno, "is /proc mounted?"));
	tell_damaged(w, &o->memory, "machine");
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
	if (g->read && !s->v[i].memory.current_read)
		watch_note(w, "cgroup %s: %s: %s; what it uses is unknown", g->name,
		    s->groups.top[FAMILY_MEMORY].version == 1 ? "memory.usage_in_bytes" :
								"memory.current",
		    strerror(s->v[i].memory.current_error));
	tell_damaged(w, &s->v[i].memory, g->name);
}

/* Shows the selected cgroup, and parents with a limit or memory.high; with -a all cgroups that have
 * one of them. */
static void
read_one(struct watch *w, struct mem_snapshot *s, size_t i)
{
	const struct group *g = &s->groups.v[i];
	struct mem_group *o = &s->v[i];
	bool invalid = group_read_limits(w->host, &s->groups, g, &o->memory) < 0 && errno == EINVAL;

	if (invalid)
		watch_note(w, "cgroup %s: invalid memory.max (or memory.limit_in_bytes): ignored",
		    g->name);
	else if (o->memory.limit_unreadable && errno != ENODEV)
		watch_note(w,
		    "cgroup %s: cannot read its memory limit: %s; limits from this level down are "
		    "unknown",
		    g->name, strerror(errno));
	s->damaged |= invalid || o->memory.limit_unreadable;
	if (g->asked || o->memory.limit.known || o->memory.high.known)
		show_one(w, s, i);
	bool v2_root = i == 0 && s->groups.from_root && s->groups.top[FAMILY_MEMORY].version == 2;
	if (g->asked && !v2_root)
		cgroups_seen(w, g, "memory.current");
	if (g->asked && g->read && !o->memory.some_us.known)
		cgroups_no_pressure(w, g, "memory.pressure", MEM_SOME, MEM_FULL);
	find_limit(s, i);
}

/* If the controller is not enabled, the nearest parent that has it accounts the memory. */
static void
show_parent(struct watch *w, struct mem_snapshot *s)
{
	const struct groups_watch *state = w->state;

	for (size_t i = s->groups.n; i > 1 && !s->groups.v[i - 1].read && !state->was_read; i--)
		show_one(w, s, i - 2);
}

/* Whether only the size of the machine limits the cgroups: then the machine gets a row. It does not
 * replace a cgroup that was removed. */
static bool
only_machine_limits(const struct watch *w, const struct mem_snapshot *s)
{
	const struct groups_watch *state = w->state;

	if (s->no_groups)
		return true;
	if (s->groups.n == 0 ||
	    (state->was_read && !s->groups.v[s->groups.n - 1].read && !w->ask->target.all))
		return false;
	for (size_t i = 0; i < s->groups.n; i++) {
		const struct mem_group *o = &s->v[i];
		if (s->groups.v[i].shown &&
		    (o->unreadable || o->high.known ||
			(o->level && strcmp(o->level, "machine") != 0)))
			return false;
	}
	return true;
}

/* False if there is none: the machine still has its row, unless the user selected a cgroup. */
static bool
read_cgroups(struct watch *w, struct arena *a, struct mem_snapshot *s)
{
	struct mem_state *state = w->state;
	bool selected = w->ask->target.pid || w->ask->target.cgroup;

	if (state->no_groups || cgroups_read(w, FAMILY_MEMORY, a, &s->groups))
		return !state->no_groups;
	state->no_groups = w->fail == EXIT_UNSUPPORTED && !selected && !*w->host->tools;
	if (state->no_groups)
		w->fail = EXIT_DONE;
	s->groups = (struct groups){ 0 };
	return false;
}

static void *
read_groups(struct watch *w, struct arena *a)
{
	struct mem_snapshot *s = arena_alloc(a, sizeof *s);

	s->no_groups = !read_cgroups(w, a, s);
	if (w->fail || w->ended)
		return NULL;
	read_machine(w, s);
	if (s->no_groups && !s->machine_read) {
		w->fail = EXIT_UNSUPPORTED;
		return NULL;
	}
	s->v = arena_alloc(a, s->groups.n * sizeof *s->v);
	for (size_t i = 0; i < s->groups.n; i++)
		read_one(w, s, i);
	if (!w->ask->target.all && !s->no_groups)
		show_parent(w, s);
	groups_name(w->state, w->host, &s->groups);
	s->show_machine = only_machine_limits(w, s);
	if (s->show_machine)
		machine_read_events(w->host, &s->machine.memory);
	if (s->show_machine && !s->damaged && !s->no_groups)
		watch_note(w,
		    "no visible cgroup level has a memory limit: the machine's memory size is the "
		    "limit");
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
	double wset = keyed_rest(used, value(m->stat.inactive_file));
	double hard = keyed_rest(used, memory_reclaimable(m, o->swap_room));

	cell_gauge(&row[MEM_LIMIT], limit, span_s);
	cell_label(&row[MEM_LEVEL], o->level);
	cell_gauge(&row[MEM_HIGH_BYTES], value(o->high), span_s);
	cell_gauge(&row[MEM_USED], used, span_s);
	cell_gauge(&row[MEM_WSET], wset, span_s);
	cell_share(&row[MEM_WSET_PCT], row[MEM_WSET].num, limit);
	cell_gauge(&row[MEM_HARD], hard, span_s);
	cell_share(&row[MEM_HARD_PCT], row[MEM_HARD].num, limit);
	cell_gauge(&row[MEM_ANON], value(m->stat.anon), span_s);
	cell_gauge(&row[MEM_FILE], value(m->stat.file), span_s);
	cell_gauge(&row[MEM_KERNEL], value(m->stat.kernel), span_s);
	cell_gauge(&row[MEM_SOCK], value(m->stat.sock), span_s);
	cell_gauge(&row[MEM_SHMEM], value(m->stat.shmem), span_s);
	cell_gauge(&row[MEM_SWAP], value(m->stat.swap), span_s);
}

static void
fill_events(struct cell *row, const struct group_memory *a, const struct group_memory *b,
    struct interval *t)
{
	cell_count(row, MEM_HIGH, t, a->events.high, b->events.high);
	cell_count(row, MEM_MAX, t, a->events.max, b->events.max);
	cell_count(row, MEM_OOM, t, a->events.oom, b->events.oom);
	cell_count(row, MEM_OOM_KILL, t, a->events.oom_kill, b->events.oom_kill);
	cell_rate(row, MEM_REFAULTS, t, a->stat.refaults, b->stat.refaults, 1);
	cell_rate(row, MEM_MAJFAULTS, t, a->stat.majfaults, b->stat.majfaults, 1);
	cell_stalled(row, MEM_SOME, t, a->some_us, b->some_us);
	cell_stalled(row, MEM_FULL, t, a->full_us, b->full_us);
}

static struct falls
falls_of(const struct group_memory *a, const struct group_memory *b)
{
	struct falls f = { .fallen = 0 };

	falls_add(&f, a->events.high, b->events.high);
	falls_add(&f, a->events.max, b->events.max);
	falls_add(&f, a->events.oom, b->events.oom);
	falls_add(&f, a->events.oom_kill, b->events.oom_kill);
	falls_add(&f, a->stat.refaults, b->stat.refaults);
	falls_add(&f, a->stat.majfaults, b->stat.majfaults);
	falls_add(&f, a->some_us, b->some_us);
	falls_add(&f, a->full_us, b->full_us);
	return f;
}

static bool
fill_row(const struct cgroups_interval *c, size_t before, size_t i, struct cell *row)
{
	static const struct group_memory unknown;
	const struct mem_snapshot *a = c->from, *b = c->to;
	const struct group_memory *was = &a->v[before].memory, *is = &b->v[i].memory;
	struct falls falls = falls_of(was, is);

	fill_levels(row, &b->v[i], c->time->span_s);
	cell_level(&row[MEM_LEVEL], &b->groups, i, b->v[i].level);
	fill_events(row, falls_all(&falls) ? &unknown : was, is, c->time);
	return falls.fallen > 0;
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
	struct interval t = { .columns = columns, .span_s = span_s };

	if (b->show_machine && a->machine_read && b->machine_read) {
		struct cell *row = table_row(out);
		cell_label(&row[MEM_CGROUP], "machine");
		fill_levels(row, &b->machine, span_s);
		fill_events(row, &a->machine.memory, &b->machine.memory, &t);
		watch_tell_counters(w, &t, true);
	}
	cgroups_rows(w, &(struct cgroups_interval){ a, b, &a->groups, &b->groups, &t },
	    FAMILY_MEMORY, fill_row, out);
	if (w->ask->target.all)
		table_sort(out, 0, worst);
}

const struct tool tool_mem = {
	.name = "mem",
	.recorded_ns = 1000000000,
	.brief = "cgroup memory against its limit, and how much is unreclaimable",
	.examples = "  pq mem 1                this container and the parent cgroups with a limit\n"
		    "  pq mem -w parts,events  also kinds of memory, and events such as OOM\n"
		    "  pq mem -a 10            every cgroup with a limit, fullest first\n",
	.columns = columns,
	.spark = "hard_pct",
	.shared = (const struct option *const[]){ &option_pid, &option_cgroup, &option_all,
	    &option_most, &option_sort, NULL },
	.shared_help = { .pid = "the cgroup of this process, and its parents",
	    .cgroup = "this cgroup and its parents: /web, or its directory",
	    .all = "every cgroup with a limit, fullest first" },
	.state_size = sizeof(struct mem_state),
	.read = read_groups,
	.rows = rows,
	.worst = worst,
	.release = cgroups_release,
};
