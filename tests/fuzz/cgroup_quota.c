#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup/quota.h"
#include "replay.h"

static void
check(int result, const struct cpu_quota *q)
{
	if ((result == 0) != q->known || (q->limited && !(isfinite(q->cpus) && q->cpus > 0)))
		abort();
}

/* The input as each of the files; as v1's two, its first line is the quota and the rest the
 * period. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text t = { (const char *)data, n }, rest = t, line = t;
	struct cpu_quota q;
	struct group_cpu c = { 0 };

	check(cpu_max_parse(t, &q), &q);
	text_line(&rest, &line);
	check(cfs_quota_parse(line, rest, &q), &q);
	cpu_stat_parse(t, &c);
	cpu_stat_local_parse(t, &c);
	return 0;
}
