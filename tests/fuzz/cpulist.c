#include <stdlib.h>

#include "proc/cpulist.h"
#include "replay.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct cpulist l;
	bool any = false;

	if (cpulist_parse((struct text){ (const char *)data, n }, &l) < 0)
		return 0;
	for (unsigned cpu = 0; cpu < CPULIST_MOST; cpu++)
		any |= cpulist_has(&l, cpu);
	if (!any || cpulist_has(&l, CPULIST_MOST))
		abort();
	return 0;
}
