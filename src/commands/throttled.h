/* throttled: how long CPU quotas have throttled cgroups: their own quota, and those of the levels above. */
#ifndef PQ_COMMANDS_THROTTLED_H
#define PQ_COMMANDS_THROTTLED_H

#include "base/map.h"
#include "cgroup/locate.h"

struct throttled_level;

/* Of so many cgroups callers read it at most; of further ones it is unknown. */
enum { THROTTLED_MOST = 4096 };

/* Zero-initialise. */
struct throttled {
	bool sought;      /* for the hierarchy */
	struct place top; /* version 0: there is none, or levels above it are hidden */
	struct map paths; /* of levels, below the top */
	struct throttled_level *v;
	size_t room;
	uint32_t reading;
	struct arena arena;
};

/* A reading of one cgroup: its queues on all CPUs together. */
struct throttled_time {
	struct keyed ns; /* throttled since the cgroup was made; 0 also if no level has a quota */
	bool limited;    /* some level has or had a quota */
};

/* Begins a reading. Files are read once in each. */
void throttled_begin(struct throttled *t, struct host *h);

/* The cgroup of that path in /proc/PID/cgroup. */
struct throttled_time throttled_read(struct throttled *t, struct host *h, const char *path);

void throttled_free(struct throttled *t);

#endif
