#include "request.h"

#include <string.h>

#include "base/fail.h"
#include "words.h"

static void
set_target(struct target *t, const struct given *g)
{
	uint64_t pid;

	words_exclude(g, OPT_PID, OPT_CGROUP);
	words_exclude(g, OPT_PID, OPT_ALL);
	words_exclude(g, OPT_CGROUP, OPT_ALL);
	t->pid = g->arg[OPT_PID];
	t->cgroup = g->arg[OPT_CGROUP];
	t->all = g->seen[OPT_ALL];
	if (t->pid && (text_u64(text_of(t->pid), &pid) < 0 || pid == 0 || pid > 4194304))
		die(EXIT_USAGE, "-p %s: it takes the number of a process", t->pid);
	if (t->cgroup && !*t->cgroup)
		die(EXIT_USAGE, "-g takes the name of a cgroup, such as /web, or its directory");
}

static void
set_cpus(struct request *ask, const struct given *g)
{
	const char *list = g->arg[OPT_CPUS];
	uint64_t n;

	ask->per_cpu = g->seen[OPT_CPUS];
	ask->all_cpus = !list || strcmp(list, "ALL") == 0 || strcmp(list, "all") == 0;
	if (!ask->all_cpus && cpulist_parse(text_of(list), &ask->cpus) < 0)
		die(EXIT_USAGE, "-P %s: it takes a list of CPUs such as 0,2-3, or ALL", list);
	ask->allowed = g->seen[OPT_ALLOWED];
	if (!g->seen[OPT_BUSIEST])
		return;
	if (text_u64(text_of(g->arg[OPT_BUSIEST]), &n) < 0 || n == 0 || n > CPULIST_MOST)
		die(EXIT_USAGE, "--busiest %s: it takes a number of CPUs, 1 or more", g->arg[OPT_BUSIEST]);
	ask->busiest = (unsigned)n;
}

void
request_parse(struct request *ask, const struct given *g)
{
	set_target(&ask->target, g);
	set_cpus(ask, g);
}
