#include "cgroup/bounds.h"

#include <errno.h>

#include "cgroup/memory.h"

/* v1 writes no limit as the largest number of whole pages: nobody has a limit half as large. */
static struct keyed
unless_huge(struct keyed v)
{
	return v.known && v.v < (uint64_t)INT64_MAX / 2 ? v : (struct keyed){ 0 };
}

/* A file of one number, or "max", which is not known. 0, or -1 with errno. */
static int
read_figure(struct host *h, const struct groups *all, const struct group *g, enum family f,
    const char *file, struct keyed *out)
{
	struct text text;

	*out = (struct keyed){ 0 };
	if (group_read(h, all, g, f, file, &text) < 0 || memory_limit_parse(text, out) < 0)
		return -1;
	*out = unless_huge(*out);
	return 0;
}

/* The limit itself: one that is not there is none. */
static int
read_limit(struct host *h, const struct groups *all, const struct group *g, enum family f,
    const char *file, struct keyed *out, bool *unreadable)
{
	if (read_figure(h, all, g, f, file, out) == 0 || errno == ENOENT)
		return 0;
	*unreadable = true;
	return -1;
}

int
group_read_cpu_bounds(
    struct host *h, const struct groups *all, const struct group *g, struct cpu_bounds *out)
{
	bool v1 = all->top[FAMILY_CPU].version == 1;
	struct keyed idle;

	*out = (struct cpu_bounds){ 0 };
	int result = group_read_quota(h, all, g, &out->quota);
	int error = errno;
	read_figure(h, all, g, FAMILY_CPU, v1 ? "cpu.shares" : "cpu.weight", &out->weight);
	if (out->quota.limited)
		read_figure(h, all, g, FAMILY_CPU, v1 ? "cpu.cfs_burst_us" : "cpu.max.burst",
		    &out->burst_us);
	out->idle =
	    read_figure(h, all, g, FAMILY_CPU, "cpu.idle", &idle) == 0 && idle.known && idle.v == 1;
	errno = error;
	return result;
}

static void
read_more_v1(
    struct host *h, const struct groups *all, const struct group *g, struct memory_bounds *out)
{
	struct keyed both;

	if (out->max.known &&
	    read_figure(h, all, g, FAMILY_MEMORY, "memory.memsw.limit_in_bytes", &both) == 0 &&
	    both.known && both.v >= out->max.v)
		out->swap = keyed_of(both.v - out->max.v);
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

static void
read_more_v2(
    struct host *h, const struct groups *all, const struct group *g, struct memory_bounds *out)
{
	read_figure(h, all, g, FAMILY_MEMORY, "memory.high", &out->high);
	read_figure(h, all, g, FAMILY_MEMORY, "memory.low", &out->low);
	read_figure(h, all, g, FAMILY_MEMORY, "memory.min", &out->min);
	read_figure(h, all, g, FAMILY_MEMORY, "memory.swap.max", &out->swap);
}

int
group_read_memory_bounds(
    struct host *h, const struct groups *all, const struct group *g, struct memory_bounds *out)
{
	bool v1 = all->top[FAMILY_MEMORY].version == 1;

	*out = (struct memory_bounds){ 0 };
	int result = read_limit(h, all, g, FAMILY_MEMORY,
	    v1 ? "memory.limit_in_bytes" : "memory.max", &out->max, &out->unreadable);
	int error = errno;
	(v1 ? read_more_v1 : read_more_v2)(h, all, g, out);
	errno = error;
	return result;
}

int
group_read_pids_bounds(
    struct host *h, const struct groups *all, const struct group *g, struct pids_bounds *out)
{
	*out = (struct pids_bounds){ 0 };
	int result = read_limit(h, all, g, FAMILY_PIDS, "pids.max", &out->max, &out->unreadable);
	int error = errno;
	read_figure(h, all, g, FAMILY_PIDS, "pids.current", &out->current);
	errno = error;
	return result;
}

/* v1 had no effective ones before 3.17; a list that is empty there is one that was never set. */
int
group_read_cpuset(
    struct host *h, const struct groups *all, const struct group *g, struct cpulist *out)
{
	bool v1 = all->top[FAMILY_CPUSET].version == 1;
	struct text text, line;

	if (group_read(h, all, g, FAMILY_CPUSET,
		v1 ? "cpuset.effective_cpus" : "cpuset.cpus.effective", &text) < 0 &&
	    (!v1 || group_read(h, all, g, FAMILY_CPUSET, "cpuset.cpus", &text) < 0))
		return -1;
	if (text_line(&text, &line))
		return cpulist_parse(line, out);
	errno = EINVAL;
	return -1;
}
