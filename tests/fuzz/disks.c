#include <stdlib.h>

#include "proc/disks.h"
#include "replay.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text t = { (const char *)data, n }, word;
	struct arena a = { 0 };
	struct diskstats s;
	uint64_t in_flight;

	if ((diskstats_parse(t, &a, &s) == 0) != (s.n > 0))
		abort();
	for (size_t i = 0; i < s.n; i++)
		if (!diskstats_find(&s, &s.v[i], i) || (i == 0 && s.v[i].whole))
			abort();
	if (disk_inflight_parse(t, &in_flight) == 0 && in_flight > 2 * (uint64_t)UINT32_MAX)
		abort();
	if (disk_scheduler_parse(t, &word) == 0 &&
	    (word.s < t.s || word.s + word.n > t.s + t.n || word.n == 0))
		abort();
	arena_free(&a);
	return 0;
}
