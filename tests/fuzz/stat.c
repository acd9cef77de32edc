#include <stdlib.h>

#include "proc/machine.h"
#include "replay.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text t = { (const char *)data, n };
	struct arena a = { 0 };
	struct stat_file f;
	uint64_t blocked;

	if ((stat_parse(t, &a, &f) == 0) != (f.ncpus > 0 || f.has_blocked))
		abort();
	for (size_t i = 0; i < f.ncpus; i++)
		if (stat_find(&f, f.cpus[i].cpu, i) != &f.cpus[i])
			abort();
	if (f.has_blocked && (stat_parse_blocked(t, &blocked) < 0 || blocked != f.blocked))
		abort();
	arena_free(&a);
	return 0;
}
