/* process: what is known of the process itself: affinity, threads, open files, the variables that
 * tell runtimes what to use. */
#include <errno.h>

#include "proc/environ.h"
#include "proc/task.h"
#include "commands/limits/limits.h"

struct reader {
	struct host *host;
	struct arena *arena;
	const char *pid;
};

/* 0, or the errno. */
static int
read_of(const struct reader *r, const char *file, struct text *text)
{
	return host_read(r->host, arena_printf(r->arena, "proc/%s/%s", r->pid, file), text) < 0 ?
	    errno :
	    0;
}

static int
read_stat(const struct reader *r, struct process *p)
{
	struct task_stat stat;
	struct text text;
	int error = read_of(r, "stat", &text);

	if (error || task_stat_parse(text, &stat) < 0)
		return error;
	p->comm = arena_copy(r->arena, stat.comm);
	p->threads = stat.threads;
	return 0;
}

/* Cpus_allowed_list may have CPUs in it that are offline, or were never there; sched_getaffinity(2)
 * leaves them out. */
static struct cpu_count
read_affinity(const struct reader *r, const struct cpu_count *online)
{
	struct cpulist allowed, both;
	struct text text;

	if (read_of(r, "status", &text) || task_allowed_parse(text, &allowed) < 0)
		return (struct cpu_count){ 0 };
	both = allowed;
	for (size_t i = 0; online->n && i < CPULIST_MOST / 64; i++)
		both.bits[i] &= online->set.bits[i];
	return limits_count(r->arena, cpulist_count(&both) ? &both : &allowed);
}

/* Threads that run or wait for a CPU right now. */
static void
read_runnable(const struct reader *r, struct process *p)
{
	struct text names, tid, text;
	struct task_stat stat;
	uint64_t runnable = 0, seen = 0;

	if (host_list(r->host, arena_printf(r->arena, "proc/%s/task", r->pid), &names) < 0)
		return;
	names.s = arena_copy(r->arena, names); /* the host's text goes with the next read */
	for (int i = 0; i < LOOKS_MOST && text_line(&names, &tid); i++) {
		const char *path =
		    arena_printf(r->arena, "proc/%s/task/%.*s/stat", r->pid, (int)tid.n, tid.s);
		if (host_read(r->host, path, &text) < 0 || task_stat_parse(text, &stat) < 0)
			continue;
		seen++;
		runnable += stat.state == 'R';
	}
	if (seen > 0)
		p->runnable = keyed_of(runnable);
}

static void
read_files(const struct reader *r, bool asked, struct process *p)
{
	struct text text;
	uint64_t n;

	p->rlimits_error = read_of(r, "limits", &text);
	if (!p->rlimits_error && rlimits_parse(text, &p->rlimits) < 0)
		p->rlimits_error = errno;
	if (!asked)
		return; /* those of pq itself are of no interest */
	if (host_count(r->host, arena_printf(r->arena, "proc/%s/fd", r->pid), &n) == 0)
		p->open_files = keyed_of(n);
	else
		p->open_files_error = errno;
}

/* All that is looked for in an environment. Of a list of options only these. */
static const struct {
	const char *name, *option;
} wanted[] = {
	{ "GOMAXPROCS", NULL },
	{ "GOMEMLIMIT", NULL },
	{ "DOTNET_PROCESSOR_COUNT", NULL },
	{ "DOTNET_GCHeapHardLimit", NULL },
	{ "TOKIO_WORKER_THREADS", NULL },
	{ "RAYON_NUM_THREADS", NULL },
	{ "UV_THREADPOOL_SIZE", NULL },
	{ "PYTHON_CPU_COUNT", NULL },
	{ "NODE_OPTIONS", "--max-old-space-size=" },
	{ "JAVA_TOOL_OPTIONS", "-XX:ActiveProcessorCount=" },
	{ "JAVA_TOOL_OPTIONS", "-XX:MaxRAMPercentage=" },
	{ "JDK_JAVA_OPTIONS", "-XX:ActiveProcessorCount=" },
	{ "JDK_JAVA_OPTIONS", "-XX:MaxRAMPercentage=" },
	{ "_JAVA_OPTIONS", "-XX:ActiveProcessorCount=" },
	{ "_JAVA_OPTIONS", "-XX:MaxRAMPercentage=" },
};

enum { WANTED = sizeof wanted / sizeof wanted[0] };

static void
read_settings(const struct reader *r, struct process *p)
{
	struct text text, value;

	p->environ_error = read_of(r, "environ", &text);
	if (p->environ_error)
		return;
	p->settings = arena_alloc(r->arena, WANTED * sizeof *p->settings);
	for (size_t i = 0; i < WANTED; i++) {
		if (!environ_find(text, wanted[i].name, &value) ||
		    (wanted[i].option && !environ_option(value, wanted[i].option, &value)))
			continue;
		p->settings[p->nsettings++] = (struct setting){ wanted[i].name, wanted[i].option,
			arena_copy(r->arena, value) };
	}
}

int
process_gather(struct host *h, struct arena *a, struct limits *out)
{
	const char *pid = out->target.pid;
	struct reader r = { h, a, pid ? pid : "self" };
	struct process *p = &out->process;

	int error = read_stat(&r, p);
	out->affinity = read_affinity(&r, &out->online);
	read_files(&r, pid != NULL, p);
	if (!pid)
		return 0; /* of pq itself nobody wants to know more */
	if (error == ESRCH || (error == ENOENT && !h->replay)) {
		errno = ESRCH; /* it ended meanwhile */
		return -1;
	}
	read_runnable(&r, p);
	read_settings(&r, p);
	return 0;
}
