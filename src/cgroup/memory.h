/*
 * memory: what the memory controller tells about a cgroup, v1 and v2 side by side, and the memory
 * of the machine in the same terms.
 *
 * v2  memory.current, memory.max ("max": no limit), memory.high, .low, .min, memory.stat,
 *     memory.events, memory.swap.current, memory.swap.max
 * v1  memory.usage_in_bytes, memory.limit_in_bytes, memory.stat (total_…: child cgroups included;
 *     hierarchical_memory_limit: the lowest of all levels, hidden ones included), memory.failcnt,
 *     memory.oom_control, memory.memsw.… (memory and swap together), memory.kmem.usage_in_bytes
 */
#ifndef PQ_CGROUP_MEMORY_H
#define PQ_CGROUP_MEMORY_H

#include "base/text.h"
#include "cgroup/groups.h"

/* From memory.stat of either version: bytes; refaults and majfaults are events since the cgroup was
 * created. */
struct memory_stat {
	struct keyed anon, file, shmem, sock, kernel, inactive_file, active_file, slab_reclaimable,
	    swap;
	struct keyed refaults, majfaults;
	struct keyed hierarchical_limit; /* v1 */
};

/* From memory.events; v1 has max (failcnt) and oom_kill. */
struct memory_events {
	struct keyed high, max, oom, oom_kill;
};

struct group_memory {
	struct keyed limit;    /* of this level alone; unknown: no limit */
	bool limit_unreadable; /* there may be a limit */
	struct keyed high;     /* v2: tasks above it are slowed down; unknown: no such limit */
	struct keyed current;  /* all memory charged to the cgroup */
	bool current_read;     /* false: it cannot be read, though a limit can: current_error */
	int current_error;
	/* the file of a part that is larger than its whole, so that the part is unknown; else NULL */
	const char *damaged;
	/* how much more this level's limit lets it swap out; unknown: no limit */
	struct keyed swap_room;
	struct memory_stat stat;
	struct memory_events events;
	struct keyed some_us, full_us; /* memory pressure since the cgroup was created */
};

/* memory.stat of either version; missing keys are unknown. 0, or -1 with EINVAL if no key is
 * known. */
int memory_stat_parse(struct text t, int version, struct memory_stat *out);

/* memory.events of v2. 0, or -1 with EINVAL. */
int memory_events_parse(struct text t, struct memory_events *out);

/* Reads the limits of this level: limit, high and swap_room. 0, or -1 with errno if the limit is
 * unknown: EINVAL its text is invalid. */
int group_read_limits(
    struct host *h, const struct groups *all, const struct group *g, struct group_memory *out);

/* Reads what the cgroup uses, child cgroups included. 0, or -1 with errno if even that cannot be
 * read and no limit is known: the cgroup was removed, or is the root of v2, which has no such
 * files. */
int group_read_memory(
    struct host *h, const struct groups *all, const struct group *g, struct group_memory *out);

/* The machine in the same terms; its limit is its size. 0, or -1 with the errno of /proc/meminfo.
 * Events and pressure are read separately, as not every row needs them. */
int machine_read_memory(struct host *h, struct group_memory *out);
void machine_read_events(struct host *h, struct group_memory *out);

/* What can be reclaimed without killing: page cache, reclaimable slab, and as much anonymous memory
 * as fits into swap_room (bytes; NaN: unknown). NaN if unknown. */
double memory_reclaimable(const struct group_memory *m, double swap_room);

/* All bounds of one level in bytes, for pq limits. Unknown: not set. */
struct memory_bounds {
	struct keyed max;      /* above this the OOM killer comes */
	struct keyed high;     /* above this tasks are slowed down */
	struct keyed low, min; /* up to this, memory is protected; 0: not set */
	struct keyed swap;     /* most that may be swapped out; v1: the limit of both minus max */
	bool unreadable;       /* there may be a max */
};

void group_read_memory_bounds(
    struct host *h, const struct groups *all, const struct group *g, struct memory_bounds *out);

/* v1: the lowest max of this level and all its parents, hidden ones included; unknown: no limit. 0,
 * or -1 with errno: ENOTSUP v2 has no such figure. */
int group_read_memory_all(
    struct host *h, const struct groups *all, const struct group *g, struct keyed *out);

#endif
