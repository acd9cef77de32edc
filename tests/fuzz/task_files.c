#include <stdlib.h>

#include "proc/task.h"
#include "replay.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text t = { (const char *)data, n };
	struct task_sched sched;
	struct task_status status;

	task_sched_parse(t, &sched);
	if (task_status_parse(t, &status) == 0 && !status.state)
		abort();
	return 0;
}
