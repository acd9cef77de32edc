#include <stdlib.h>

#include "proc/machine.h"
#include "replay.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { 0 };
	struct schedstat s;

	if ((schedstat_parse((struct text){ (const char *)data, n }, &a, &s) == 0) != (s.ncpus > 0))
		abort();
	for (size_t i = 0; i < s.ncpus; i++)
		if (schedstat_find(&s, s.cpus[i].cpu, i) != &s.cpus[i])
			abort();
	arena_free(&a);
	return 0;
}
