/* quotas: how much of the waits of parties is due to CPU quotas, by readings of what quotas throttled. */
#ifndef PQ_COMMANDS_WHO_QUOTAS_H
#define PQ_COMMANDS_WHO_QUOTAS_H

#include "commands/throttled.h"
#include "commands/who/parties.h"

struct quota_reading;

/* Zero-initialise, then set the first four. */
struct quotas {
	struct host *host;
	const struct parties *parties;
	struct blame *blame;
	bool sampled; /* which waits a quota may have caused is not known */
	struct throttled throttled;
	struct quota_reading *v; /* the last reading of each cgroup */
	size_t n, room;
	size_t left_out; /* cgroups that are not read: it is unknown what their quotas took */
};

/* At the start, and at the end of each interval: moves what quotas throttled since the last call. */
void quotas_read(struct quotas *q);

void quotas_free(struct quotas *q);

#endif
