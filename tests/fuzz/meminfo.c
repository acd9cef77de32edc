#include <stdlib.h>

#include "proc/machine.h"
#include "replay.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text t = { (const char *)data, n };
	struct meminfo m;
	struct vmstat v;

	if ((meminfo_parse(t, &m) == 0) != m.v[MEMINFO_TOTAL].known)
		abort();
	vmstat_parse(t, &v);
	return 0;
}
