#include "cgroup/memory.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "proc/machine.h"

static int
invalid(void)
{
	errno = EINVAL;
	return -1;
}

int
memory_limit_parse(struct text t, struct keyed *out)
{
	struct text line;
	uint64_t v;

	*out = (struct keyed){ 0 };
	if (!text_line(&t, &line))
		return invalid();
	if (text_eq(line, "max"))
		return 0;
	if (text_u64(line, &v) < 0)
		return invalid();
	*out = keyed_of(v);
	return 0;
}

/* a + b; what an old kernel does not tell of counts as 0. */
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

/* What is left of a limit; none when it is not known. */
static struct keyed
difference(struct keyed a, struct keyed b)
{
	if (!a.known || !b.known)
		return (struct keyed){ 0 };
	return keyed_of(a.v > b.v ? a.v - b.v : 0);
}

/* v1 writes no limit as the largest number of whole pages: nobody has a limit half as large. */
static struct keyed
unless_huge(struct keyed v)
{
	return v.known && v.v < (uint64_t)INT64_MAX / 2 ? v : (struct keyed){ 0 };
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

static const char *const keys_v2[KEYS] = {
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

static const char *const keys_v1[KEYS] = {
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

int
memory_stat_parse(struct text t, int version, struct memory_stat *out)
{
	struct keyed v[KEYS];

	*out = (struct memory_stat){ 0 };
	if (keyed_parse(t, version == 1 ? keys_v1 : keys_v2, KEYS, v) == 0)
		return invalid();
	struct keyed parts = sum(sum(v[SLAB], v[STACK]), sum(v[TABLES], v[PERCPU]));
	*out = (struct memory_stat){
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
		.hierarchical_limit = unless_huge(v[HIERARCHICAL]),
	};
	return 0;
}

int
memory_events_parse(struct text t, struct memory_events *out)
{
	static const char *const keys[] = { "high", "max", "oom", "oom_kill" };
	struct keyed v[4];

	*out = (struct memory_events){ 0 };
	if (keyed_parse(t, keys, 4, v) == 0)
		return invalid();
	*out = (struct memory_events){ v[0], v[1], v[2], v[3] };
	return 0;
}

static struct keyed
read_limit(struct host *h, const struct groups *all, const struct group *g, const char *file)
{
	struct text text;
	struct keyed v = { 0 };

	if (group_read(h, all, g, FAMILY_MEMORY, file, &text) == 0)
		memory_limit_parse(text, &v);
	return v;
}

/* v1 limits memory and swap together: swap may hold what that limit is above the one of memory. */
static struct keyed
swap_room_v1(struct host *h, const struct groups *all, const struct group *g, struct keyed limit)
{
	struct keyed both_limit = unless_huge(read_limit(h, all, g, "memory.memsw.limit_in_bytes"));

	if (!both_limit.known)
		return both_limit;
	struct keyed used = difference(read_limit(h, all, g, "memory.memsw.usage_in_bytes"),
	    read_limit(h, all, g, "memory.usage_in_bytes"));

	return difference(difference(both_limit, limit), used);
}

static struct keyed
swap_room_v2(struct host *h, const struct groups *all, const struct group *g)
{
	struct keyed most = read_limit(h, all, g, "memory.swap.max");

	return most.known ? difference(most, read_limit(h, all, g, "memory.swap.current")) : most;
}

int
group_read_limits(
    struct host *h, const struct groups *all, const struct group *g, struct group_memory *out)
{
	bool v1 = all->top[FAMILY_MEMORY].version == 1;
	struct text text;

	if (group_read(
		h, all, g, FAMILY_MEMORY, v1 ? "memory.limit_in_bytes" : "memory.max", &text) < 0) {
		out->limit_unreadable = errno != ENOENT;
		return out->limit_unreadable ? -1 : 0;
	}
	if (memory_limit_parse(text, &out->limit) < 0)
		return -1;
	out->limit = unless_huge(out->limit);
	if (!v1)
		out->swap_room = swap_room_v2(h, all, g);
	else if (out->limit.known)
		out->swap_room = swap_room_v1(h, all, g, out->limit);
	return 0;
}

static void
read_v1(struct host *h, const struct groups *all, const struct group *g, struct group_memory *out)
{
	static const char *const oom_kill = "oom_kill";
	struct text text;

	out->stat.kernel = read_limit(h, all, g, "memory.kmem.usage_in_bytes");
	out->stat.sock = read_limit(h, all, g, "memory.kmem.tcp.usage_in_bytes");
	out->events.max = read_limit(h, all, g, "memory.failcnt");
	if (group_read(h, all, g, FAMILY_MEMORY, "memory.oom_control", &text) == 0)
		keyed_parse(text, &oom_kill, 1, &out->events.oom_kill);
}

static void
read_v2(struct host *h, const struct groups *all, const struct group *g, struct group_memory *out)
{
	struct text text;

	out->stat.swap = read_limit(h, all, g, "memory.swap.current");
	if (group_read(h, all, g, FAMILY_MEMORY, "memory.events", &text) == 0)
		memory_events_parse(text, &out->events);
}

static void
set_pressure(struct text text, struct group_memory *out)
{
	struct psi psi;

	if (psi_parse(text, &psi) < 0)
		return;
	out->some_us = psi.some.total_us;
	out->full_us = psi.full.total_us;
}

int
group_read_memory(
    struct host *h, const struct groups *all, const struct group *g, struct group_memory *out)
{
	int version = all->top[FAMILY_MEMORY].version;
	const char *current = version == 1 ? "memory.usage_in_bytes" : "memory.current";
	struct text text;

	if (group_read(h, all, g, FAMILY_MEMORY, current, &text) < 0)
		return -1;
	memory_limit_parse(text, &out->current);
	if (group_read(h, all, g, FAMILY_MEMORY, "memory.stat", &text) == 0)
		memory_stat_parse(text, version, &out->stat);
	if (version == 1)
		read_v1(h, all, g, out);
	else
		read_v2(h, all, g, out);
	if (group_read(h, all, g, FAMILY_PRESSURE, "memory.pressure", &text) == 0)
		set_pressure(text, out);
	return 0;
}

static void
set_machine(const struct meminfo *m, struct group_memory *out)
{
	const struct keyed *v = m->v;

	out->limit = v[MEMINFO_TOTAL];
	out->current = difference(v[MEMINFO_TOTAL], v[MEMINFO_FREE]);
	out->swap_room = v[MEMINFO_SWAP_FREE];
	out->stat = (struct memory_stat){
		.anon = v[MEMINFO_ANON],
		.file = sum(v[MEMINFO_CACHED], v[MEMINFO_BUFFERS]),
		.shmem = v[MEMINFO_SHMEM],
		.kernel = sum(sum(v[MEMINFO_SLAB], v[MEMINFO_KERNEL_STACK]),
		    sum(v[MEMINFO_PAGE_TABLES], v[MEMINFO_PERCPU])),
		.inactive_file = v[MEMINFO_INACTIVE_FILE],
		.active_file = v[MEMINFO_ACTIVE_FILE],
		.slab_reclaimable = v[MEMINFO_SRECLAIMABLE],
		.swap = difference(v[MEMINFO_SWAP_TOTAL], v[MEMINFO_SWAP_FREE]),
	};
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

	if (host_read(h, "proc/vmstat", &text) == 0 && vmstat_parse(text, &vm) == 0) {
		out->stat.refaults = first_known(
		    vm.v[VM_REFAULT], both(vm.v[VM_REFAULT_ANON], vm.v[VM_REFAULT_FILE]));
		out->stat.majfaults = vm.v[VM_MAJFAULT];
		out->events.oom_kill = vm.v[VM_OOM_KILL];
	}
	if (host_read(h, "proc/pressure/memory", &text) == 0)
		set_pressure(text, out);
}

double
memory_reclaimable(const struct group_memory *m, double swap_room)
{
	const struct memory_stat *s = &m->stat;

	if (!s->inactive_file.known || !s->active_file.known)
		return NAN;
	if (isnan(swap_room))
		return NAN;
	double cache = (double)s->inactive_file.v + (double)s->active_file.v;
	/* v1 does not tell */
	double slab = s->slab_reclaimable.known ? (double)s->slab_reclaimable.v : 0;
	double anon = s->anon.known ? (double)s->anon.v : 0;
	return cache + slab + fmin(anon, swap_room);
}
