/* gather: the levels of each controller, and the machine. */
#include <errno.h>
#include <string.h>

#include "cgroup/mounts.h"
#include "proc/meminfo.h"
#include "proc/stat.h"
#include "commands/limits/limits.h"

struct gather {
	struct host *host;
	struct arena *arena;
	struct limits *out;
	struct atlas atlas; /* all mounts are read once: a node has thousands */
};

static void
read_cpuset(
    struct gather *g, const struct groups *all, const struct group *group, struct level *out)
{
	struct cpulist cpus;

	if (group_read_cpuset(g->host, all, group, &cpus) < 0)
		return;
	struct cpu_count n = limits_count(g->arena, &cpus);
	out->ncpus = n.n;
	out->cpus = n.list;
}

static void
read_level(struct gather *g, enum family f, const struct groups *all, const struct group *group,
    struct level *out)
{
	out->name = group->name;
	if (f == FAMILY_CPU)
		group_read_cpu_bounds(g->host, all, group, &out->cpu);
	else if (f == FAMILY_MEMORY)
		group_read_memory_bounds(g->host, all, group, &out->memory);
	else if (f == FAMILY_PIDS)
		group_read_pids_bounds(g->host, all, group, &out->pids);
	else
		read_cpuset(g, all, group, out);
}

/* A runtime asks its own mounts, and a container's show less than a node's. All levels are taken
 * for seen where that cannot be told; a process without any cgroup mount sees none. */
static size_t
first_seen(struct gather *g, enum family f, const struct chain *c)
{
	const struct target *t = &g->out->target;
	struct text text;

	if (t->cgroup)
		return 0;
	const struct cgroup_mount *m =
	    mounts_next(atlas_view(&g->atlas, t->pid ? 1 : 0), c->version, f, NULL);
	if (!m)
		return host_read(g->host, arena_printf(g->arena, "proc/%s/mountinfo", g->atlas.pid),
			   &text) == 0 ?
		    c->n :
		    0;
	if (!route_below(c->v[c->n - 1].name, m->root))
		return 0;
	size_t i = 0;
	while (!route_below(c->v[i].name, m->root))
		i++;
	return i;
}

static void
read_chain(struct gather *g, enum family f, struct chain *out)
{
	struct groups_watch w = { .target = g->out->target, .family = f, .shared = &g->atlas };
	struct groups all;

	if (!g->atlas.host || groups_read(&w, g->host, g->arena, &all) < 0) {
		out->error = g->atlas.host ? errno : ENODEV;
		groups_free(&w);
		return;
	}
	out->version = all.top[f].version;
	out->scope = all.top[f].scope;
	out->hidden = !all.from_root;
	out->n = all.n;
	out->v = arena_alloc(g->arena, all.n * sizeof *out->v);
	for (size_t i = 0; i < all.n; i++)
		read_level(g, f, &all, &all.v[i], &out->v[i]);
	if (f == FAMILY_MEMORY)
		out->tells_all =
		    group_read_memory_all(g->host, &all, &all.v[all.n - 1], &out->all) == 0;
	groups_free(&w);
	if (f == FAMILY_CPU || f == FAMILY_MEMORY)
		out->first_seen = first_seen(g, f, out);
}

/* /sys/devices/system/cpu/online "0-3"; where that is not there, the lines of /proc/stat. */
static void
read_online(struct gather *g)
{
	struct text text, line;
	struct cpulist cpus = { 0 };
	struct stat_file stat;

	if (host_read(g->host, "sys/devices/system/cpu/online", &text) == 0 &&
	    text_line(&text, &line) && cpulist_parse(line, &cpus) == 0) {
		g->out->online = limits_count(g->arena, &cpus);
		return;
	}
	if (host_read(g->host, "proc/stat", &text) < 0 || stat_parse(text, g->arena, &stat) < 0 ||
	    stat.ncpus == 0)
		return;
	cpus = (struct cpulist){ 0 };
	for (size_t i = 0; i < stat.ncpus; i++)
		cpulist_add(&cpus, stat.cpus[i].cpu);
	g->out->online = limits_count(g->arena, &cpus);
}

static void
read_machine(struct gather *g)
{
	struct meminfo m;
	struct text text;

	read_online(g);
	if (host_read(g->host, "proc/meminfo", &text) < 0 || meminfo_parse(text, &m) < 0)
		return;
	g->out->memory_total = m.v[MEM_TOTAL];
	g->out->swap_total = m.v[MEM_SWAP_TOTAL];
}

/* Whether the process is there, and may be looked at; where there are no cgroups there is an atlas
 * of none. */
static int
open_atlas(struct gather *g)
{
	const struct target *t = &g->out->target;

	if (atlas_open(&g->atlas, g->host, g->arena, t->pid ? t->pid : "self") == 0)
		return 0;
	g->atlas.host = NULL;
	if (!t->pid)
		return 0;
	if (errno == ENOENT)
		errno = ESRCH;
	return errno == ESRCH || errno == EACCES || errno == EPERM ? -1 : 0;
}

/* On v1 a group of that name need not be in all hierarchies. */
static int
check_cgroup(const struct limits *l)
{
	const struct chain *const chains[] = { &l->cpu, &l->cpuset, &l->memory, &l->pids };
	int error = ENODEV;

	for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++) {
		if (chains[i]->error == 0)
			return 0;
		if (chains[i]->error != ENODEV && error != EACCES)
			error = chains[i]->error;
	}
	errno = error;
	return -1;
}

struct cpu_count
limits_count(struct arena *a, const struct cpulist *set)
{
	char list[4096];

	cpulist_print(set, list, sizeof list);
	return (struct cpu_count){ cpulist_count(set), arena_copy(a, text_of(list)), *set };
}

int
limits_gather(struct host *h, struct arena *a, const struct target *t, struct limits *out)
{
	struct gather g = { .host = h, .arena = a, .out = out };

	*out = (struct limits){ .target = *t };
	if (open_atlas(&g) < 0)
		return -1;
	read_chain(&g, FAMILY_CPU, &out->cpu);
	read_chain(&g, FAMILY_CPUSET, &out->cpuset);
	read_chain(&g, FAMILY_MEMORY, &out->memory);
	read_chain(&g, FAMILY_PIDS, &out->pids);
	if (t->cgroup && check_cgroup(out) < 0)
		return -1;
	read_machine(&g);
	return t->cgroup ? 0 : process_gather(h, a, out);
}
