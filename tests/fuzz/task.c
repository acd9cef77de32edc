#include <stdlib.h>

#include "proc/task.h"
#include "replay.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text t = { (const char *)data, n };
	struct task_stat s;
	struct cpulist l;

	if (task_stat_parse(t, &s) == 0 &&
	    (!s.state || s.comm.s < t.s || s.comm.s + s.comm.n > t.s + n))
		abort();
	task_allowed_parse(t, &l);
	return 0;
}
