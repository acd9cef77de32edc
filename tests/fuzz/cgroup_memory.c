#include <stdlib.h>

#include "cgroup/memory.h"
#include "replay.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text t = { (const char *)data, n };
	struct group_memory m = { 0 };

	if (limit_parse(t, &m.limit) < 0 && m.limit.known)
		abort();
	memory_events_parse(t, &m.events);
	for (int version = 1; version <= 2; version++)
		if (memory_stat_parse(t, version, &m.stat) == 0 && memory_reclaimable(&m, 1e9) < 0)
			abort();
	return 0;
}
