/*
 * rules: of each runtime what it takes for its CPUs. quota / period is q, the CPUs of the affinity
 * N; "leaf" is the process's own cgroup. As they were in these versions:
 *
 *   Go             runtime/cgroup_linux.go, 1.25: min(N, max(2, ceil q)) of the leaf; before it
 *                  knew no cgroups
 *   automaxprocs   1.6: max(1, floor q) of the leaf, not held to N
 *   Java           HotSpot: min(N, ceil q); of all levels since 24, and in updates of 21; before of
 *                  the leaf
 *   .NET           min(N, ceil q) of the leaf
 *   Rust           std::thread::available_parallelism: min(N, max(1, floor q)) of all levels; the
 *                  library num_cpus: ceil, of the leaf
 *   libuv          1.51: on v2 min(N, max(1, floor q)) of the topmost level that has one; on v1 it
 *                  looks in a wrong place
 *   Envoy          since 2025: min(N, max(1, floor q)) of the leaf
 *   nginx          worker_processes auto: the CPUs that are online
 *   Python         os.cpu_count: those online; since 3.13 pools ask os.process_cpu_count: N
 */
#include "commands/limits/runtimes.h"

#include <math.h>
#include <stddef.h>

/* Both known, or unknown: fmin would take the one that is. */
static double
least(double a, double b)
{
	return isnan(a) || isnan(b) ? (double)NAN : fmin(a, b);
}

static double
up(double quota)
{
	return isnan(quota) ? quota : fmax(1, ceil(quota));
}

static double
down(double quota)
{
	return isnan(quota) ? quota : fmax(1, floor(quota));
}

static double
affinity_only(const struct sight *s)
{
	return s->affinity;
}

static double
online_only(const struct sight *s)
{
	return s->online;
}

static double
go_125(const struct sight *s)
{
	return least(s->affinity, isnan(s->leaf) ? s->leaf : fmax(2, ceil(s->leaf)));
}

static double
automaxprocs(const struct sight *s)
{
	return isinf(s->leaf) ? s->affinity : down(s->leaf);
}

static double
up_of_leaf(const struct sight *s)
{
	return least(s->affinity, up(s->leaf));
}

static double
up_of_all(const struct sight *s)
{
	return least(s->affinity, up(s->least));
}

static double
down_of_leaf(const struct sight *s)
{
	return least(s->affinity, down(s->leaf));
}

static double
down_of_all(const struct sight *s)
{
	return least(s->affinity, down(s->least));
}

static double
libuv(const struct sight *s)
{
	return s->cpu_version == 1 ? s->affinity : least(s->affinity, down(s->topmost));
}

static double
four(const struct sight *s)
{
	(void)s;
	return 4;
}

const struct runtime rules_cpus[] = {
	{ "go", "Go 1.25 and later", go_125, LOOKS_AT_LEAF, "2 is its least", "GOMAXPROCS=", "",
	    1 },
	{ "go_old", "Go before 1.25", affinity_only, LOOKS_NOWHERE, NULL, "GOMAXPROCS=", "", 1 },
	{ "automaxprocs", "Go, automaxprocs", automaxprocs, LOOKS_AT_LEAF, NULL, "GOMAXPROCS=", "",
	    1 },
	{ "java", "Java 24 and later", up_of_all, LOOKS_AT_ALL, NULL,
	    "-XX:ActiveProcessorCount=", "", 1 },
	{ "java_old", "Java 10 to 23", up_of_leaf, LOOKS_AT_LEAF, NULL,
	    "-XX:ActiveProcessorCount=", "", 1 },
	{ "dotnet", ".NET", up_of_leaf, LOOKS_AT_LEAF, NULL, "DOTNET_PROCESSOR_COUNT=", "", 1 },
	{ "tokio", "Rust std, tokio", down_of_all, LOOKS_AT_ALL, NULL, "TOKIO_WORKER_THREADS=", "",
	    1 },
	{ "rayon", "Rust rayon", down_of_all, LOOKS_AT_ALL, NULL, "RAYON_NUM_THREADS=", "", 1 },
	{ "num_cpus", "Rust num_cpus", up_of_leaf, LOOKS_AT_LEAF, NULL,
	    "threads: ", " (in its code)", 1 },
	{ "libuv", "Node.js, libuv", libuv, LOOKS_AT_TOPMOST, NULL, "workers: ", " (in its code)",
	    1 },
	/* A pool of one would stand still for each slow file or name server. */
	{ "libuv_pool", "Node.js file pool", four, LOOKS_FIXED, "4 unless it is set",
	    "UV_THREADPOOL_SIZE=", "", 2 },
	{ "envoy", "Envoy", down_of_leaf, LOOKS_AT_LEAF, NULL, "--concurrency ", "", 1 },
	{ "nginx", "nginx, auto", online_only, LOOKS_NOWHERE, NULL, "worker_processes ", ";", 1 },
	{ "python", "Python 3.13", affinity_only, LOOKS_NOWHERE, NULL, "PYTHON_CPU_COUNT=", "", 1 },
	{ "python_old", "Python before 3.13", online_only, LOOKS_NOWHERE, NULL,
	    "workers: ", " (in its code)", 1 },
	{ .key = NULL },
};

/*
 * rules_memory: of each runtime how large it lets its heap grow. As they were in these versions:
 *
 *   Go       does not look; GOMEMLIMIT is a soft limit, of all memory that the runtime has
 *   Java     -XX:MaxRAMPercentage, 25 % of what it sees; half where that is little
 *            (MinRAMPercentage). On v2 it sees all levels since 24, before the leaf; on v1
 *            hierarchical_memory_limit
 *   .NET     75 % of the least level that it sees, 20 MiB at least; without a limit none
 *   Node.js  half of the lesser of the leaf's memory.max and memory.high, from 256 MiB to 2 GiB, 4
 *            GiB from 15 GiB of memory on (V8 on 64 bits, the old generation)
 */

static const double MIB = 1024.0 * 1024;

static double
nothing(const struct sight *s)
{
	(void)s;
	return INFINITY;
}

static double
java(const struct sight *s)
{
	return least(s->machine, s->memory_version == 1 ? s->all_max : s->least_max);
}

static double
java_old(const struct sight *s)
{
	return least(s->machine, s->memory_version == 1 ? s->all_max : s->own_max);
}

static double
dotnet(const struct sight *s)
{
	return s->memory_version == 1 ? s->all_max : s->least_max;
}

static double
node(const struct sight *s)
{
	return least(s->machine, least(s->own_max, s->own_high));
}

static double
unbounded(double seen)
{
	return seen;
}

/* A quarter, or half where that is less than what it takes at most on a 64-bit machine by itself
 * (MaxHeapSize). */
static double
java_heap(double seen)
{
	const double usual = 96 * 1.3 * MIB;

	if (isnan(seen))
		return seen;
	return seen / 2 < usual ? seen / 2 : fmax(seen / 4, usual);
}

static double
dotnet_heap(double seen)
{
	return isnan(seen) || isinf(seen) ? seen : fmax(20 * MIB, 0.75 * seen);
}

static double
node_heap(double seen)
{
	if (isnan(seen))
		return seen;
	return fmax(256 * MIB, fmin(seen / 2, (seen >= 15 * 1024 * MIB ? 4096 : 2048) * MIB));
}

/* "86MiB", or in KiB where that would be coarse. */
static const char *
set_go(struct arena *a, double room, double heap, double seen, double share)
{
	double bytes = room * (share > 0 ? share : 0.9);
	bool large = bytes >= 64 * MIB;

	(void)heap;
	(void)seen;
	return arena_printf(a, "GOMEMLIMIT=%.0f%s", floor(large ? bytes / MIB : bytes / 1024),
	    large ? "MiB" : "KiB");
}

/* A percentage is one of what it sees: of more than the limit none is right. */
static const char *
set_java(struct arena *a, double room, double heap, double seen, double share)
{
	double part = share > 0 ? share : 0.75;

	(void)heap;
	if (seen <= room)
		return arena_printf(a, "-XX:MaxRAMPercentage=%.0f", part * 100);
	return arena_printf(a, "-Xmx%.0fm", floor(room * part / MIB));
}

static const char *
set_dotnet(struct arena *a, double room, double heap, double seen, double share)
{
	(void)seen;
	if (heap <= room)
		return NULL;
	return arena_printf(a, "DOTNET_GCHeapHardLimit=0x%llx",
	    (unsigned long long)(room * (share > 0 ? share : 0.75)));
}

static const char *
set_node(struct arena *a, double room, double heap, double seen, double share)
{
	(void)seen;
	if (heap <= room)
		return NULL;
	return arena_printf(
	    a, "--max-old-space-size=%.0f", floor(room * (share > 0 ? share : 0.75) / MIB));
}

const struct memory_rule rules_memory[] = {
	{ "go", "Go", nothing, unbounded, set_go },
	{ "java", "Java 24 and later", java, java_heap, set_java },
	{ "java_old", "Java 10 to 23", java_old, java_heap, set_java },
	{ "dotnet", ".NET", dotnet, dotnet_heap, set_dotnet },
	{ "node", "Node.js", node, node_heap, set_node },
	{ .key = NULL },
};
