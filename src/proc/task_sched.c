#include "proc/task_sched.h"

#include <errno.h>

int
task_sched_parse(struct text t, struct task_sched *out)
{
	struct text line;
	struct task_sched s;

	if (!text_whole_line(&t, &line)) {
		errno = EINVAL;
		return -1;
	}
	if (text_next_u64(&line, &s.run_ns) < 0 || text_next_u64(&line, &s.wait_ns) < 0 ||
	    text_next_u64(&line, &s.slices) < 0)
		return -1;
	*out = s;
	return 0;
}
