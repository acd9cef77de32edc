#include "cli/request.h"

#include <string.h>

#include "base/fail.h"
#include "cli/option.h"
#include "cli/words.h"

static unsigned
number_of(const struct given *g, enum option_id id, unsigned otherwise, unsigned most,
    const char *name, const char *what)
{
	uint64_t n;

	if (!g->seen[id])
		return otherwise;
	if (text_u64(text_of(g->arg[id]), &n) < 0 || n == 0 || n > most)
		die(EXIT_USAGE, "%s %s: it takes %s, from 1 to %u", name, g->arg[id], what, most);
	return (unsigned)n;
}

static int64_t
time_of(const struct given *g, enum option_id id, int64_t otherwise, const char *name,
    const char *such_as)
{
	int64_t ns = otherwise;

	if (g->seen[id] && interval_parse(text_of(g->arg[id]), &ns) < 0)
		die(EXIT_USAGE, "%s %s: it takes a time such as %s, 1ms at least", name, g->arg[id],
		    such_as);
	return ns;
}

void
request_check_target(const struct target *t)
{
	uint64_t pid;

	if (t->pid && (text_u64(text_of(t->pid), &pid) < 0 || pid == 0 || pid > 4194304))
		die(EXIT_USAGE, "-p %s: it takes the number of a process", t->pid);
	if (t->cgroup && !*t->cgroup)
		die(EXIT_USAGE, "-g takes the name of a cgroup, such as /web, or its directory");
}

static void
set_target(struct target *t, const struct given *g)
{
	words_exclude(g, OPT_PID, OPT_CGROUP);
	words_exclude(g, OPT_PID, OPT_ALL);
	words_exclude(g, OPT_CGROUP, OPT_ALL);
	t->pid = g->arg[OPT_PID];
	t->cgroup = g->arg[OPT_CGROUP];
	t->all = g->seen[OPT_ALL];
	request_check_target(t);
}

static void
set_cpus(struct request *ask, const struct given *g)
{
	const char *list = g->arg[OPT_CPUS];

	ask->per_cpu = g->seen[OPT_CPUS];
	ask->all_cpus = !list || strcmp(list, "ALL") == 0 || strcmp(list, "all") == 0;
	if (!ask->all_cpus && cpulist_parse(text_of(list), &ask->cpus) < 0)
		die(EXIT_USAGE, "-P %s: it takes a list of CPUs such as 0,2-3, or ALL", list);
	ask->allowed = g->seen[OPT_ALLOWED];
	ask->busiest = number_of(g, OPT_BUSIEST, 0, CPULIST_MOST, "--busiest", "a number of CPUs");
}

/* Which tasks are shown, and how. */
static void
set_tasks(struct request *ask, const struct given *g, unsigned usual_rows)
{
	words_exclude(g, OPT_THREADS, OPT_BY_CGROUP);
	ask->threads = g->seen[OPT_THREADS];
	ask->by_cgroup = g->seen[OPT_BY_CGROUP];
	ask->comm = g->arg[OPT_COMM];
	if (ask->comm && !*ask->comm)
		die(EXIT_USAGE, "-C takes a part of a command's name, such as java");
	ask->most = number_of(g, OPT_MOST, usual_rows, 1000000, "-n", "a number of rows");
	ask->budget_ns = time_of(g, OPT_BUDGET, 50000000, "--budget", "20ms or 1s");
}

/* How waits are measured, and shown. */
static void
set_latency(struct request *ask, const struct given *g)
{
	static const char *const sources[] = { "", "bpf", "bpf-btf", "bpf-raw", "bpf-tp",
		"schedstat", "probe" };
	enum { SOURCES = sizeof sources / sizeof sources[0] };
	const char *name = g->arg[OPT_PROVENANCE];
	int i = 1;

	while (name && i < SOURCES && strcmp(name, sources[i]) != 0)
		i++;
	if (i == SOURCES)
		die(EXIT_USAGE,
		    "--source %s: it takes bpf (or one of bpf-btf, bpf-raw, bpf-tp), schedstat or "
		    "probe",
		    name);
	ask->source = name ? (enum latency_source)i : LATENCY_ANY;
	ask->period_ns = time_of(g, OPT_PERIOD, 10000000, "--period", "10ms");
	ask->histogram = g->seen[OPT_HISTOGRAM];
	ask->millis = g->seen[OPT_MILLIS];
	ask->verbose = g->seen[OPT_VERBOSE];
}

/* Threads that run may stand still in the kernel's figures for a tick of the scheduler: looking
 * oftener tells nothing. */
static void
set_waits(struct request *ask, const struct given *g)
{
	words_exclude(g, OPT_FOLDED, OPT_JSON);
	words_exclude(g, OPT_FOLDED, OPT_CSV);
	words_exclude(g, OPT_FOLDED, OPT_METRICS);
	words_exclude(g, OPT_FOLDED, OPT_SLOW);
	words_exclude(g, OPT_FOLDED, OPT_THREADS);
	words_exclude(g, OPT_FOLDED, OPT_MOST);
	ask->hz = number_of(g, OPT_HZ, 20, 100, "--hz", "how many times a second to look");
	ask->slow_ns = time_of(g, OPT_SLOW, 0, "--slow", "200ms or 1s");
	ask->idle = g->seen[OPT_IDLE];
	ask->folded = g->seen[OPT_FOLDED];
	if (ask->idle && !ask->slow_ns)
		die(EXIT_USAGE, "--idle is about --slow: without it, all waits are shown anyway");
	if (ask->slow_ns && ask->slow_ns < 2000000000 / (int64_t)ask->hz)
		die(EXIT_USAGE,
		    "--slow %s: threads are looked at %u times a second: give two looks' time, "
		    "%ums, or more, or a higher --hz",
		    g->arg[OPT_SLOW], ask->hz, 2000 / ask->hz);
	if ((ask->slow_ns || ask->folded) && !g->seen[OPT_MOST])
		ask->most = 0; /* rows are events, or add up */
}

void
request_parse(struct request *ask, const struct given *g, unsigned usual_rows)
{
	set_target(&ask->target, g);
	set_cpus(ask, g);
	set_tasks(ask, g, usual_rows);
	set_latency(ask, g);
	set_waits(ask, g);
}
