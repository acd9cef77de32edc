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
#include <math.h>
#include <stddef.h>

#include "commands/limits/runtimes.h"

static const double MIB = 1024.0 * 1024;

/* Both known, or unknown. */
static double
least(double a, double b)
{
	return isnan(a) || isnan(b) ? (double)NAN : fmin(a, b);
}

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
