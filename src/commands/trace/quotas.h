/* quotas: how long CPU quotas have throttled the cgroups of a trace. */
#ifndef PQ_TRACE_QUOTAS_H
#define PQ_TRACE_QUOTAS_H

#include "commands/throttled.h"
#include "trace/trace_file.h"

/* Zero-initialise. */
struct quota_list {
	struct throttled throttled;
	struct trace_quota *v;
	size_t n, room;
	size_t left_out; /* cgroups that the last reading has not: beyond THROTTLED_MOST */
};

/* Adds a reading of these cgroups, by their paths. */
void quotas_take(struct quota_list *l, struct host *host, const struct map *cgroups);

void quotas_put(const struct quota_list *l, struct trace_writer *w);

void quotas_drop(struct quota_list *l);

#endif
