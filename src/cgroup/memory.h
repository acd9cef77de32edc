/*
 * memory: what the memory controller tells of a cgroup, v1 and v2 side by side, and the machine's
 * memory in the same terms.
 *
 * v2  memory.current, memory.max ("max": none), memory.stat, memory.events, memory.swap.current,
 *       memory.swap.max
 * v1  memory.usage_in_bytes, memory.limit_in_bytes (no limit: LONG_MAX in pages), memory.stat
 *     (total_…: with the cgroups below; hierarchical_memory_limit: levels above included, hidden
 *     ones too), memory.failcnt, memory.oom_control, memory.memsw.… (memory and swap),
 *     memory.kmem.usage_in_bytes
 */
#ifndef PQ_CGROUP_MEMORY_H
#define PQ_CGROUP_MEMORY_H

#include "base/text.h"
#include "proc/machine.h"
#include "cgroup/groups.h"

/* Of memory.stat of either version, bytes; refaults and majfaults: events since the group was
 * made. */
struct memory_stat {
	struct keyed anon, file, shmem, sock, kernel, inactive_file, active_file, slab_reclaimable,
	    swap;
	struct keyed refaults, majfaults;
	struct keyed hierarchical_limit; /* v1 */
};

/* Of memory.events; v1 has max (failcnt) and oom_kill. */
struct memory_events {
	struct keyed high, max, oom, oom_kill;
};

struct group_memory {
	struct keyed limit;    /* of this level alone; not known: none */
	bool limit_unreadable; /* but there may be one */
	struct keyed current;  /* all memory charged to it */
	/* how much more of it may be swapped out, as far as this level's limit goes; not known: no
	 * limit */
	struct keyed swap_room;
	struct memory_stat stat;
	struct memory_events events;
	struct keyed some_us, full_us; /* memory pressure: stalled since the group was made */
};

/* memory.max and its like: "max" or bytes. 0 with *out known or, for "max", not known; -1 with
 * EINVAL. */
int memory_limit_parse(struct text t, struct keyed *out);

/* Either version's memory.stat; missing keys are unknown. 0, or -1 with EINVAL when no key is
 * known. */
int memory_stat_parse(struct text t, int version, struct memory_stat *out);

/* v2's memory.events. 0, or -1 with EINVAL. */
int memory_events_parse(struct text t, struct memory_events *out);

/* This level's own limits: limit and swap_room. 0, or -1 with errno: EINVAL what stands for limit
 * makes no sense, which is taken for none; else it cannot be read. */
int group_read_limits(
    struct host *h, const struct groups *all, const struct group *g, struct group_memory *out);

/* What the group uses, the cgroups below included. 0, or -1 with errno when not even that can be
 * read: the group is gone, or is v2's root, which has no such files. */
int group_read_memory(
    struct host *h, const struct groups *all, const struct group *g, struct group_memory *out);

/* The machine in the same terms: its limit is its size. 0, or -1 with errno of /proc/meminfo. Its
 * events and pressure are read apart, as they are not always wanted. */
int machine_read_memory(struct host *h, struct group_memory *out);
void machine_read_events(struct host *h, struct group_memory *out);

/* What can be given back without killing: page cache, reclaimable slab, and as much anonymous
 * memory as swap has room for (swap_room: bytes, NaN when it is not known). NaN when the group's
 * figures are not known. */
double memory_reclaimable(const struct group_memory *m, double swap_room);

#endif
