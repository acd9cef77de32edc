/* disk: what the two forms of pq disk share. */
#ifndef PQ_TOOLS_DISK_DISK_H
#define PQ_TOOLS_DISK_DISK_H

#include "tools/tool.h"

struct disk_options {
	int64_t tick_ns;
	bool all, partitions;
};

/* -G, -g and -p: rows per cgroup and disk. -G is a target of all cgroups. */
extern const struct tool disk_of_groups;

#endif
