/* loadavg: /proc/loadavg, "0.51 0.62 0.71 2/112 4242". */
#ifndef PQ_PROC_LOADAVG_H
#define PQ_PROC_LOADAVG_H

#include <stdint.h>

#include "base/text.h"

struct loadavg {
	/* mean number of tasks running or in uninterruptible sleep, over 1, 5 and 15 minutes */
	double load[3];
	/* tasks that run or wait for a CPU now: the reader is one of them, throttled ones are
	 * not */
	uint64_t running;
	uint64_t threads; /* all tasks of the machine, kernel threads too */
};

/* 0, or -1 with EINVAL. */
int loadavg_parse(struct text t, struct loadavg *out);

#endif
