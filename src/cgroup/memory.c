/* Files of the memory controller, and those of the machine. */
#include "cgroup/memory.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "cgroup/pressure.h"
#include "proc/machine.h"

static int
invalid(void)
{
	errno = EINVAL;
	return -1;
}

/* a + b; an unknown number counts as 0, unless both are unknown. */
static struct keyed
sum(struct keyed a, struct keyed b)
{
	uint64_t x = a.known ? a.v : 0, y = b.known ? b.v : 0;

	return (struct keyed){ (a.known || b.known) && x <= UINT64_MAX - y, x + y };
}

/* a + b, if both are known. */
static struct keyed
both(struct keyed a, struct keyed b)
{
	return a.known && b.known ? sum(a, b) : (struct keyed){ 0 };
}

static struct keyed
first_known(struct keyed a, struct keyed b)
{
	return a.known ? a : b;
}

/* What a limit leaves after a use: at least 0, as a limit may be set below the use. */
static struct keyed
left_of(struct keyed limit, struct keyed used)
{
	if (!limit.known || !used.known)
		return (struct keyed){ 0 };
	return keyed_of(limit.v > used.v ? limit.v - used.v : 0);
}

/* A whole without a part; unknown if the part is larger. */
static struct keyed
difference(struct keyed a, struct keyed b)
{
	double rest = a.known && b.known ? keyed_rest((double)a.v, (double)b.v) : NAN;

	if (isnan(rest))
		return (struct keyed){ 0 };
	return keyed_of(a.v > b.v ? a.v - b.v : 0);
}

/* Makes each part unknown that is larger than all memory that is charged, or used. */
static void
check_parts(struct group_memory *m, const char *file)
{
	struct memory_stat *s = &m->stat;
	struct keyed *const parts[] = { &s->anon, &s->file, &s->shmem, &s->kernel,
		&s->inactive_file, &s->active_file, &s->slab_reclaimable };

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		if (!m->current.known || !parts[i]->known ||
		    !isnan(keyed_rest((double)m->current.v, (double)parts[i]->v)))
			continue;
		*parts[i] = (struct keyed){ 0 };
		m->damaged = file;
	}
}

enum {
	ANON,
	FILE_,
	SHMEM,
	SOCK,
	KERNEL,
	SLAB,
	STACK,
	TABLES,
	PERCPU,
	INACTIVE_FILE,
	ACTIVE_FILE,
	SLAB_RECLAIMABLE,
	SWAP,
	REFAULT,
	REFAULT_ANON,
	REFAULT_FILE,
	MAJFAULT,
	HIERARCHICAL,
	KEYS
};

/* "": none. */
static const char *const stat_keys_v2[KEYS] = {
	[ANON] = "anon",
	[FILE_] = "file",
	[SHMEM] = "shmem",
	[SOCK] = "sock",
	[KERNEL] = "kernel", /* 5.18 */
	[SLAB] = "slab",
	[STACK] = "kernel_stack",
	[TABLES] = "pagetables",
	[PERCPU] = "percpu",
	[INACTIVE_FILE] = "inactive_file",
	[ACTIVE_FILE] = "active_file",
	[SLAB_RECLAIMABLE] = "slab_reclaimable",
	[SWAP] = "",
	[REFAULT] = "workingset_refault",
	[REFAULT_ANON] = "workingset_refault_anon", /* 5.9 */
	[REFAULT_FILE] = "workingset_refault_file",
	[MAJFAULT] = "pgmajfault",
	[HIERARCHICAL] = "",
};

static const char *const stat_keys_v1[KEYS] = {
	[ANON] = "total_rss",
	[FILE_] = "total_cache",
	[SHMEM] = "total_shmem",
	[SOCK] = "",
	[KERNEL] = "",
	[SLAB] = "",
	[STACK] = "",
	[TABLES] = "",
	[PERCPU] = "",
	[INACTIVE_FILE] = "total_inactive_file",
	[ACTIVE_FILE] = "total_active_file",
	[SLAB_RECLAIMABLE] = "",
	[SWAP] = "total_swap",
	[REFAULT] = "total_workingset_refault",
	[REFAULT_ANON] = "total_workingset_refault_anon",
	[REFAULT_FILE] = "total_workingset_refault_file",
	[MAJFAULT] = "total_pgmajfault",
	[HIERARCHICAL] = "hierarchical_memory_limit",
};

static int
set_stat(const struct keyed *v, size_t n, void *out)
{
	struct keyed parts = sum(sum(v[SLAB], v[STACK]), sum(v[TABLES], v[PERCPU]));
	bool any = false;

	for (size_t i = 0; i < n; i++)
		any |= v[i].known;
	*(struct memory_stat *)out = (struct memory_stat){
		.anon = v[ANON],
		.file = v[FILE_],
		.shmem = v[SHMEM],
		.sock = v[SOCK],
		.kernel = first_known(v[KERNEL], v[SLAB].known ? parts : v[SLAB]),
		.inactive_file = v[INACTIVE_FILE],
		.active_file = v[ACTIVE_FILE],
		.slab_reclaimable = v[SLAB_RECLAIMABLE],
		.swap = v[SWAP],
		.refaults = first_known(v[REFAULT], both(v[REFAULT_ANON], v[REFAULT_FILE])),
		.majfaults = v[MAJFAULT],
		.hierarchical_limit = limit_unless_huge(v[HIERARCHICAL]),
	};
	return any ? 0 : invalid();
}

/* Of version 1 and of version 2. */
static const struct parser stat_parsers[] = {
	[1] = { sizeof(struct memory_stat), .keys = stat_keys_v1, .nkeys = KEYS, .set = set_stat },
	[2] = { sizeof(struct memory_stat), .keys = stat_keys_v2, .nkeys = KEYS, .set = set_stat },
};

int
memory_stat_parse(struct text t, int version, struct memory_stat *out)
{
	return parser_apply(&stat_parsers[version == 1 ? 1 : 2], t, out);
}

static int
set_events(const struct keyed *v, size_t n, void *out)
{
	(void)n;
	*(struct memory_events *)out = (struct memory_events){ v[0], v[1], v[2], v[3] };
	return v[0].known || v[1].known || v[2].known || v[3].known ? 0 : invalid();
}

static const char *const event_keys[] = { "high", "max", "oom", "oom_kill" };
static const struct parser events = { sizeof(struct memory_events), .keys = event_keys, .nkeys = 4,
	.set = set_events };

int
memory_events_parse(struct text t, struct memory_events *out)
{
	return parser_apply(&events, t, out);
}

/* A file of one number; unknown if it is not there. */
static struct keyed
number(struct host *h, const struct groups *all, const struct group *g, const char *file)
{
	struct keyed v;

	group_read_limit(h, all, g, FAMILY_MEMORY, file, &v);
	return v;
}

/* v1 limits memory and swap together, so that swap may hold the difference of the two limits. */
static struct keyed
swap_room_v1(struct host *h, const struct groups *all, const struct group *g, struct keyed limit)
{
	struct keyed both_limit = number(h, all, g, "memory.memsw.limit_in_bytes");

	if (!both_limit.known)
		return both_limit;
	struct keyed used = difference(number(h, all, g, "memory.memsw.usage_in_bytes"),
	    number(h, all, g, "memory.usage_in_bytes"));
	return left_of(left_of(both_limit, limit), used);
}

static struct keyed
swap_room_v2(struct host *h, const struct groups *all, const struct group *g)
{
	struct keyed most = number(h, all, g, "memory.swap.max");

	return most.known ? left_of(most, number(h, all, g, "memory.swap.current")) : most;
}

static const char *
limit_file(const struct groups *all)
{
	return all->top[FAMILY_MEMORY].version == 1 ? "memory.limit_in_bytes" : "memory.max";
}

int
group_read_limits(
    struct host *h, const struct groups *all, const struct group *g, struct group_memory *out)
{
	if (group_read_limit(h, all, g, FAMILY_MEMORY, limit_file(all), &out->limit) < 0) {
		out->limit_unreadable = errno != ENOENT;
		return errno == ENOENT ? 0 : -1;
	}
	if (all->top[FAMILY_MEMORY].version != 1) {
		out->swap_room = swap_room_v2(h, all, g);
		out->high = number(h, all, g, "memory.high");
	} else if (out->limit.known) {
		out->swap_room = swap_room_v1(h, all, g, out->limit);
	}
	return 0;
}

static void
read_v1(struct host *h, const struct groups *all, const struct group *g, struct group_memory *out)
{
	static const char *const oom_kill = "oom_kill";
	struct text text;

	/* the usage of the root excludes kernel memory: mem_cgroup_usage in mm/memcontrol-v1.c */
	if (!all->from_root || g->parent >= 0)
		out->stat.kernel = number(h, all, g, "memory.kmem.usage_in_bytes");
	out->stat.sock = number(h, all, g, "memory.kmem.tcp.usage_in_bytes");
	out->events.max = number(h, all, g, "memory.failcnt");
	if (group_read(h, all, g, FAMILY_MEMORY, "memory.oom_control", &text) == 0)
		keyed_parse(text, &oom_kill, 1, &out->events.oom_kill);
}

static void
read_v2(struct host *h, const struct groups *all, const struct group *g, struct group_memory *out)
{
	out->stat.swap = number(h, all, g, "memory.swap.current");
	group_parse(h, all, g, FAMILY_MEMORY, "memory.events", &events, &out->events);
}

static void
set_pressure(const struct psi *psi, struct group_memory *out)
{
	out->some_us = psi->some.total_us;
	out->full_us = psi->full.total_us;
}

int
group_read_memory(
    struct host *h, const struct groups *all, const struct group *g, struct group_memory *out)
{
	int version = all->top[FAMILY_MEMORY].version;
	const char *current = version == 1 ? "memory.usage_in_bytes" : "memory.current";
	struct text text;
	struct psi psi;

	out->current_read = group_read(h, all, g, FAMILY_MEMORY, current, &text) == 0;
	out->current_error = errno;
	if (!out->current_read && !out->limit.known && !out->high.known)
		return -1;
	if (out->current_read)
		limit_parse(text, &out->current);
	group_parse(h, all, g, FAMILY_MEMORY, "memory.stat", &stat_parsers[version == 1 ? 1 : 2],
	    &out->stat);
	(version == 1 ? read_v1 : read_v2)(h, all, g, out);
	check_parts(out, "memory.stat");
	if (group_parse(h, all, g, FAMILY_PRESSURE, "memory.pressure", &psi_parser, &psi) == 0)
		set_pressure(&psi, out);
	return 0;
}

static void
set_machine(const struct meminfo *m, struct group_memory *out)
{
	const struct keyed *v = m->v;
	struct keyed total = v[MEMINFO_SWAP_TOTAL], free = v[MEMINFO_SWAP_FREE];

	/* some containers subtract their swap from the machine's; no swap has no room */
	out->limit = v[MEMINFO_TOTAL];
	out->current = difference(v[MEMINFO_TOTAL], v[MEMINFO_FREE]);
	if (total.known && total.v == 0)
		free = total;
	else if (!total.known || !free.known || free.v > total.v)
		free = (struct keyed){ 0 };
	out->swap_room = free;
	out->stat = (struct memory_stat){
		.anon = v[MEMINFO_ANON],
		.file = sum(v[MEMINFO_CACHED], v[MEMINFO_BUFFERS]),
		.shmem = v[MEMINFO_SHMEM],
		.kernel = sum(sum(v[MEMINFO_SLAB], v[MEMINFO_KERNEL_STACK]),
		    sum(v[MEMINFO_PAGE_TABLES], v[MEMINFO_PERCPU])),
		.inactive_file = v[MEMINFO_INACTIVE_FILE],
		.active_file = v[MEMINFO_ACTIVE_FILE],
		.slab_reclaimable = v[MEMINFO_SRECLAIMABLE],
		.swap = difference(total, free),
	};
	check_parts(out, "/proc/meminfo");
	if ((v[MEMINFO_FREE].known && !out->current.known) ||
	    (total.known && v[MEMINFO_SWAP_FREE].known && !free.known))
		out->damaged = "/proc/meminfo";
}

int
machine_read_memory(struct host *h, struct group_memory *out)
{
	struct text text;
	struct meminfo m;

	*out = (struct group_memory){ 0 };
	if (host_read(h, "proc/meminfo", &text) < 0 || meminfo_parse(text, &m) < 0)
		return -1;
	set_machine(&m, out);
	return 0;
}

void
machine_read_events(struct host *h, struct group_memory *out)
{
	struct text text;
	struct vmstat vm;
	struct psi psi;

	if (host_read(h, "proc/vmstat", &text) == 0 && vmstat_parse(text, &vm) == 0) {
		out->stat.refaults = first_known(
		    vm.v[VM_REFAULT], both(vm.v[VM_REFAULT_ANON], vm.v[VM_REFAULT_FILE]));
		out->stat.majfaults = vm.v[VM_MAJFAULT];
		out->events.oom_kill = vm.v[VM_OOM_KILL];
	}
	if (host_parse(h, "proc/pressure/memory", &psi_parser, &psi) == 0)
		set_pressure(&psi, out);
}

double
memory_reclaimable(const struct group_memory *m, double swap_room)
{
	const struct memory_stat *s = &m->stat;

	if (!s->inactive_file.known || !s->active_file.known || isnan(swap_room) ||
	    (m->damaged && !(s->slab_reclaimable.known && s->anon.known)))
		return NAN;
	double cache = (double)s->inactive_file.v + (double)s->active_file.v;
	/* v1 has no such key */
	double slab = s->slab_reclaimable.known ? (double)s->slab_reclaimable.v : 0;
	double anon = s->anon.known ? (double)s->anon.v : 0;
	return cache + slab + fmin(anon, swap_room);
}

static void
read_bounds_v1(
    struct host *h, const struct groups *all, const struct group *g, struct memory_bounds *out)
{
	if (!out->max.known)
		return;
	struct keyed both_limit = number(h, all, g, "memory.memsw.limit_in_bytes");
	if (both_limit.known && both_limit.v >= out->max.v)
		out->swap = keyed_of(both_limit.v - out->max.v);
}

static void
read_bounds_v2(
    struct host *h, const struct groups *all, const struct group *g, struct memory_bounds *out)
{
	out->high = number(h, all, g, "memory.high");
	out->low = number(h, all, g, "memory.low");
	out->min = number(h, all, g, "memory.min");
	out->swap = number(h, all, g, "memory.swap.max");
}

void
group_read_memory_bounds(
    struct host *h, const struct groups *all, const struct group *g, struct memory_bounds *out)
{
	bool v1 = all->top[FAMILY_MEMORY].version == 1;

	*out = (struct memory_bounds){ 0 };
	out->unreadable =
	    group_read_limit(h, all, g, FAMILY_MEMORY, limit_file(all), &out->max) < 0 &&
	    errno != ENOENT;
	(v1 ? read_bounds_v1 : read_bounds_v2)(h, all, g, out);
}

int
group_read_memory_all(
    struct host *h, const struct groups *all, const struct group *g, struct keyed *out)
{
	struct memory_stat stat;
	struct text text;

	if (all->top[FAMILY_MEMORY].version != 1) {
		errno = ENOTSUP;
		return -1;
	}
	if (group_read(h, all, g, FAMILY_MEMORY, "memory.stat", &text) < 0 ||
	    memory_stat_parse(text, 1, &stat) < 0)
		return -1;
	*out = stat.hierarchical_limit;
	return 0;
}
