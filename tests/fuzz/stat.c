#include <stdlib.h>

#include "proc/machine.h"
#include "replay.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text t = { (const char *)data, n };
	struct arena a = { 0 };
	struct stat_file f;
	uint64_t n_tasks;

	if ((stat_parse(t, &a, &f) == 0) != (f.ncpus > 0))
		abort();
	for (size_t i = 0; i < f.ncpus; i++)
		if (stat_find(&f, f.cpus[i].cpu, i) != &f.cpus[i])
			abort();
	stat_parse_blocked(t, &n_tasks);
	stat_parse_forks(t, &n_tasks);
	arena_free(&a);
	return 0;
}
