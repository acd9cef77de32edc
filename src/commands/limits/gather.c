/*
 * gather: reads what limits a process or a cgroup: the process itself (affinity, threads, open files,
 * environment), each cgroup level and the machine. The lowest of these limits applies.
 */
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cgroup/locate.h"
#include "cgroup/process.h"
#include "commands/limits/limits.h"
#include "proc/machine.h"
#include "proc/task.h"

struct limits_reader {
	struct host *host;
	struct arena *arena;
	const char *pid;
};

/* Reads /proc/PID/FILE. 0 or the errno. */
static int
read_of(const struct limits_reader *r, const char *file, struct text *text)
{
	return host_read(r->host, arena_printf(r->arena, "proc/%s/%s", r->pid, file), text) < 0 ?
	    errno :
	    0;
}

static int
read_stat(const struct limits_reader *r, struct limits_process *p)
{
	struct task_stat stat;
	struct text text;
	int error = read_of(r, "stat", &text);

	if (error || task_stat_parse(text, &stat) < 0)
		return error;
	p->comm = arena_copy(r->arena, stat.comm);
	p->threads = stat.threads;
	return 0;
}

static struct cpu_count
limits_count(struct arena *a, const struct cpulist *set)
{
	char list[4096];

	cpulist_print(set, list, sizeof list);
	return (struct cpu_count){ cpulist_count(set), arena_copy(a, text_of(list)), *set };
}

/* The CPUs that exist, in the kernel's numbers. lxcfs gives the CPUs of a container other numbers: then
 * they come from the cpuset, if it is known. */
static struct cpulist
existing(const struct limits *l)
{
	struct cpulist set = { 0 };

	if (!l->online_by || strcmp(l->online_by, "lxcfs") != 0)
		return l->online.set;
	for (size_t i = l->cpuset.n; i > 0; i--)
		if (l->cpuset.v[i - 1].cpus &&
		    cpulist_parse(text_of(l->cpuset.v[i - 1].cpus), &set) == 0)
			return set;
	return (struct cpulist){ 0 };
}

/* Cpus_allowed_list includes CPUs that are offline or do not exist. They are left out, as in
 * sched_getaffinity(2). */
static struct cpu_count
read_affinity(const struct limits_reader *r, const struct limits *l)
{
	struct cpulist exist = existing(l);
	bool known = cpulist_count(&exist) > 0;
	struct cpulist allowed, both;
	struct text text;

	if (read_of(r, "status", &text) || task_allowed_parse(text, &allowed) < 0)
		return (struct cpu_count){ 0 };
	both = allowed;
	for (size_t i = 0; known && i < CPULIST_MOST / 64; i++)
		both.bits[i] &= exist.bits[i];
	return limits_count(r->arena, cpulist_count(&both) ? &both : &allowed);
}

/* How many threads run or wait for a CPU now: those in state R. */
static void
read_runnable(const struct limits_reader *r, struct limits_process *p)
{
	struct text names, tid, text;
	struct task_stat stat;
	uint64_t runnable = 0, seen = 0;

	if (host_list(r->host, arena_printf(r->arena, "proc/%s/task", r->pid), &names) < 0)
		return;
	names.s = arena_copy(r->arena, names); /* the next read overwrites the host's text */
	for (int i = 0; i < LOOKS_MOST && text_line(&names, &tid); i++) {
		const char *path =
		    arena_printf(r->arena, "proc/%s/task/%.*s/stat", r->pid, (int)tid.n, tid.s);
		if (host_read(r->host, path, &text) < 0 || task_stat_parse(text, &stat) < 0)
			continue;
		seen++;
		runnable += stat.state == 'R';
	}
	if (seen > 0)
		p->runnable = keyed_of(runnable);
}

/* Counts the threads whose names begin so; unknown if there are too many to read. */
static void
read_workers(const struct limits_reader *r, const char *begin, struct limits_process *p)
{
	enum { READ_MOST = 256 };
	struct text names, tid, comm;
	uint64_t found = 0;

	if (!begin || !p->threads.known || p->threads.v > READ_MOST ||
	    host_list(r->host, arena_printf(r->arena, "proc/%s/task", r->pid), &names) < 0)
		return;
	names.s = arena_copy(r->arena, names);
	while (text_line(&names, &tid)) {
		const char *path =
		    arena_printf(r->arena, "proc/%s/task/%.*s/comm", r->pid, (int)tid.n, tid.s);
		if (host_read(r->host, path, &comm) == 0)
			found += text_skip(&comm, begin);
	}
	p->workers = keyed_of(found);
}

static void
read_files(const struct limits_reader *r, bool asked, struct limits_process *p)
{
	struct text text;
	uint64_t n;

	p->rlimits_error = read_of(r, "limits", &text);
	if (!p->rlimits_error && rlimits_parse(text, &p->rlimits) < 0)
		p->rlimits_error = errno;
	if (!asked)
		return; /* the open files of pq itself do not matter */
	if (host_count(r->host, arena_printf(r->arena, "proc/%s/fd", r->pid), &n) == 0)
		p->open_files = keyed_of(n);
	else
		p->open_files_error = errno;
}

/* Only these are read from an environment: the variable, or one option in its value. If several set
 * the same thing, the last one holds: the Java VM takes its variables in this order. */
static const struct {
	const char *name, *option;
} wanted[] = {
	{ "GODEBUG", "containermaxprocs=" },
	{ "GOMAXPROCS", NULL },
	{ "GOMEMLIMIT", NULL },
	{ "DOTNET_PROCESSOR_COUNT", NULL },
	{ "COMPlus_GCHeapHardLimit", NULL },
	{ "COMPlus_GCHeapHardLimitPercent", NULL },
	{ "DOTNET_GCHeapHardLimit", NULL },
	{ "DOTNET_GCHeapHardLimitPercent", NULL },
	{ "TOKIO_WORKER_THREADS", NULL },
	{ "RAYON_NUM_THREADS", NULL },
	{ "UV_THREADPOOL_SIZE", NULL },
	{ "PYTHON_CPU_COUNT", NULL },
	{ "OMP_NUM_THREADS", NULL },
	{ "OPENBLAS_NUM_THREADS", NULL },
	{ "LOKY_MAX_CPU_COUNT", NULL },
	{ "MC_CORES", NULL },
	{ "NODE_OPTIONS", "--max-old-space-size=" },
	{ "NODE_OPTIONS", "--max-old-space-size-percentage=" },
	{ "JAVA_TOOL_OPTIONS", "-XX:ActiveProcessorCount=" },
	{ "JAVA_TOOL_OPTIONS", "-XX:MaxRAMPercentage=" },
	{ "JAVA_TOOL_OPTIONS", "-XX:MaxHeapSize=" },
	{ "JAVA_TOOL_OPTIONS", "-Xmx" },
	{ "JDK_JAVA_OPTIONS", "-XX:ActiveProcessorCount=" },
	{ "JDK_JAVA_OPTIONS", "-XX:MaxRAMPercentage=" },
	{ "JDK_JAVA_OPTIONS", "-XX:MaxHeapSize=" },
	{ "JDK_JAVA_OPTIONS", "-Xmx" },
	{ "_JAVA_OPTIONS", "-XX:ActiveProcessorCount=" },
	{ "_JAVA_OPTIONS", "-XX:MaxRAMPercentage=" },
	{ "_JAVA_OPTIONS", "-XX:MaxHeapSize=" },
	{ "_JAVA_OPTIONS", "-Xmx" },
};

enum { WANTED = sizeof wanted / sizeof wanted[0] };

/* The options of GODEBUG have commas between them; the last one of a name holds. */
static bool
debug_option(struct text all, const char *prefix, struct text *out)
{
	struct text option;
	bool found = false;

	while (text_split(&all, ',', &option))
		if (text_skip(&option, prefix)) {
			*out = option;
			found = true;
		}
	return found;
}

static void
read_settings(const struct limits_reader *r, struct limits_process *p)
{
	struct text text, value, all;

	p->environ_error = read_of(r, "environ", &text);
	if (p->environ_error)
		return;
	p->settings = arena_alloc(r->arena, WANTED * sizeof *p->settings);
	for (size_t i = 0; i < WANTED; i++) {
		if (!environ_find(text, wanted[i].name, &all))
			continue;
		value = all;
		if (wanted[i].option &&
		    !(strcmp(wanted[i].name, "GODEBUG") == 0 ? debug_option : environ_option)(
			all, wanted[i].option, &value))
			continue;
		p->settings[p->nsettings++] = (struct setting){ wanted[i].name, wanted[i].option,
			arena_copy(r->arena, value), (size_t)(value.s - all.s) };
	}
}

/* The part of limits_gather about the process. -1 with ESRCH if it is gone. */
static int
process_gather(struct host *h, struct arena *a, struct limits *out)
{
	const char *pid = out->target.pid;
	char living[PROCESS_NUMBER];
	struct limits_reader r = { h, a, pid ? pid : "self" };
	struct limits_process *p = &out->process;

	int error = read_stat(&r, p);
	snprintf(living, sizeof living, "%s", r.pid);
	process_living(h, living);
	r.pid = living;
	out->affinity = read_affinity(&r, out);
	read_files(&r, pid != NULL, p);
	if (!pid)
		return 0; /* the threads and environment of pq itself do not matter */
	if (error == ESRCH || (error == ENOENT && !h->replay)) {
		errno = ESRCH; /* it ended in between */
		return -1;
	}
	read_runnable(&r, p);
	read_settings(&r, p);
	limits_detect(h, a, living, p, &out->program);
	read_workers(&r, runtimes_threads(&out->program), p);
	return 0;
}

/* ---- The cgroup levels and the machine */

struct gather {
	struct host *host;
	struct arena *arena;
	struct limits *out;
	struct atlas atlas; /* shared: a node has thousands of mounts, which are read once */
};

static void
read_cpuset(
    struct gather *g, const struct groups *all, const struct group *group, struct limits_level *out)
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
    struct limits_level *out)
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

/* The first level that the process itself sees. A runtime reads its own mounts, and those of a
 * container show fewer levels than the node's. If the mounts are unknown, it sees all levels; a
 * process without a cgroup mount sees none. */
static size_t
first_seen(struct gather *g, enum family f, struct chain *c)
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
	c->point = m->point;
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
	out->disabled =
	    controller_of[f] && controller_is_disabled(g->host, &all.top[f], controller_of[f]);
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

/* A sandbox that answers in place of a kernel: gVisor has a release of its own, and before had the
 * same version and date everywhere. */
static const char *
sandbox(struct host *h)
{
	struct text t;

	if (strstr(h->facts.release, "gvisor"))
		return "gVisor";
	if (strcmp(h->facts.release, "4.4.0") == 0 && host_read(h, "proc/version", &t) == 0 &&
	    text_find(t, "#1 SMP Sun Jan 10 15:06:54 PST 2016"))
		return "gVisor";
	return NULL;
}

/* /sys/devices/system/cpu/online "0-3", else the CPUs of /proc/stat. */
static void
read_online(struct gather *g)
{
	struct text text, line;
	struct cpulist cpus = { 0 };
	struct stat_file stat;

	if (host_read(g->host, "sys/devices/system/cpu/online", &text) == 0 &&
	    text_line(&text, &line) && cpulist_parse(line, &cpus) == 0) {
		g->out->online = limits_count(g->arena, &cpus);
		g->out->online_from = "/sys/devices/system/cpu/online";
		g->out->online_by = g->atlas.lxcfs_online ? "lxcfs" : sandbox(g->host);
		return;
	}
	if (host_read(g->host, "proc/stat", &text) < 0 || stat_parse(text, g->arena, &stat) < 0 ||
	    stat.ncpus == 0)
		return;
	cpus = (struct cpulist){ 0 };
	for (size_t i = 0; i < stat.ncpus; i++)
		cpulist_add(&cpus, stat.cpus[i].cpu);
	g->out->online = limits_count(g->arena, &cpus);
	g->out->online_from = "/proc/stat";
	g->out->online_by = g->atlas.lxcfs_stat ? "lxcfs" : sandbox(g->host);
}

static void
read_machine(struct gather *g)
{
	struct meminfo m;
	struct text text;

	read_online(g);
	if (host_read(g->host, "proc/meminfo", &text) < 0 || meminfo_parse(text, &m) < 0)
		return;
	g->out->memory_by = g->atlas.lxcfs_meminfo ? "lxcfs" : sandbox(g->host);
	g->out->memory_total = m.v[MEMINFO_TOTAL];
	g->out->swap_total = m.v[MEMINFO_SWAP_TOTAL];
}

/* -1 with errno if the process does not exist or is not readable. Without cgroups the atlas is empty:
 * g->atlas.host is NULL. */
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

/* On v1 the cgroup need not exist in all hierarchies. -1 with errno if it is in none. */
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

const char *
limits_cgroup(const struct limits *l)
{
	const struct chain *const chains[] = { &l->cpu, &l->memory, &l->cpuset, &l->pids };

	for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++)
		if (chains[i]->n > 0)
			return chains[i]->v[chains[i]->n - 1].name;
	return NULL;
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
	out->mounts_error = g.atlas.mounts_error;
	if (t->cgroup && check_cgroup(out) < 0)
		return -1;
	names_row(&out->names, h);
	out->known_as = names_of(&out->names, h, limits_cgroup(out) ? limits_cgroup(out) : "");
	read_machine(&g);
	return t->cgroup ? 0 : process_gather(h, a, out);
}

/* ---- The limits that apply */

double
known_or(struct keyed v, double otherwise)
{
	return v.known ? (double)v.v : otherwise;
}

const struct keyed *
level_limit(const struct limits_level *v, size_t at)
{
	return (const void *)((const char *)v + at);
}

double
known_or_nan(struct keyed v)
{
	return known_or(v, NAN);
}

double
cpus_or_nan(const struct cpu_count *c)
{
	return c->n > 0 ? (double)c->n : (double)NAN;
}

/* Of equal bounds the first one stays. */
static void
lower(struct bound *b, double value, const char *by, const char *level)
{
	if (isnan(value) || (!isnan(b->value) && value >= b->value))
		return;
	b->value = value;
	b->by = by;
	b->level = level;
}

static bool
is_uncertain(const struct chain *c)
{
	return c->error != 0 || c->hidden || c->scope >= SCOPE_UNLISTED;
}

/* A cpuset holds for the levels below too: the first level with as few CPUs as the last one set it. */
static void
lower_to_cpuset(struct bound *b, const struct chain *c)
{
	unsigned last = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].ncpus)
			last = c->v[i].ncpus;
	for (size_t i = 0; last && i < c->n; i++)
		if (c->v[i].ncpus == last) {
			lower(b, last, "cpuset", c->v[i].name);
			return;
		}
}

static struct bound
cpus(const struct limits *l)
{
	struct bound b = { .value = NAN, .at_most = is_uncertain(&l->cpu) };

	/* the CPUs that lxcfs shows are no limit by themselves: it makes them from the quota */
	if (!l->online_by || strcmp(l->online_by, "lxcfs") != 0 || !l->affinity.n)
		lower(&b, cpus_or_nan(&l->online), "machine", NULL);
	lower_to_cpuset(&b, &l->cpuset);
	lower(&b, cpus_or_nan(&l->affinity), "affinity", NULL);
	for (size_t i = 0; i < l->cpu.n; i++) {
		const struct cpu_quota *q = &l->cpu.v[i].cpu.quota;
		lower(&b, q->limited ? q->cpus : NAN, "quota", l->cpu.v[i].name);
		b.at_most |= !q->known;
	}
	return b;
}

/* On v1 hierarchical_memory_limit includes hidden levels. */
static struct bound
memory(const struct limits *l)
{
	struct bound b = { .value = NAN, .at_most = is_uncertain(&l->memory) };
	bool all_known = l->memory.tells_all && l->memory.scope < SCOPE_UNLISTED;

	lower(&b, known_or_nan(l->memory_total), "machine", NULL);
	for (size_t i = 0; i < l->memory.n; i++) {
		lower(&b, known_or_nan(l->memory.v[i].memory.max), "limit", l->memory.v[i].name);
		b.at_most |= l->memory.v[i].memory.unreadable;
	}
	lower(&b, known_or_nan(l->memory.all), "limit", "hidden");
	b.at_most &= !all_known;
	return b;
}

/* The lowest of one limit over all levels, at most what the machine has. */
static struct bound
least(const struct chain *c, double machine, size_t at)
{
	struct bound b = { .value = NAN, .at_most = is_uncertain(c) };

	lower(&b, machine, "machine", NULL);
	for (size_t i = 0; i < c->n; i++)
		lower(&b, known_or_nan(*level_limit(&c->v[i], at)), "limit", c->v[i].name);
	return b;
}

struct effective
limits_effective(const struct limits *l)
{
	return (struct effective){
		.cpus = cpus(l),
		.memory = memory(l),
		.high = least(&l->memory, NAN, LEVEL_AT(memory.high)),
		.swap = least(&l->memory, known_or_nan(l->swap_total), LEVEL_AT(memory.swap)),
		.pids = least(&l->pids, NAN, LEVEL_AT(pids.max)),
	};
}
