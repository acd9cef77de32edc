#include <stdlib.h>

#include "cgroup/io.h"
#include "replay.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text t = { (const char *)data, n };
	struct arena a = { 0 };
	struct group_io io = { 0 };

	io_stat_parse(t, &a, &io);
	io_max_parse(t, &a, &io);
	io_serviced_parse(t, &a, n % 2, &io);
	io_v1_limit_parse(t, &a, (enum io_limit)(n % IO_LIMITS), &io);
	for (size_t i = 0; i < io.n; i++)
		if (io_find(&io, io.v[i].major, io.v[i].minor) != &io.v[i])
			abort();
	arena_free(&a);
	return 0;
}
