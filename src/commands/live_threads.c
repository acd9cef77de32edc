/* live_threads: walks over the threads in /proc. */
#include "commands/live_threads.h"

#include <string.h>

#include "base/arena.h"
#include "cgroup/process.h"
#include "proc/task.h"

bool
live_thread_read(struct host *h, uint32_t pid, uint32_t tid, struct trace_thread *out)
{
	uint64_t ticks_per_s = h->facts.ticks_per_s;
	struct task_stat stat;
	struct text text;
	char file[64];

	if (host_read(h, task_path(file, pid, tid, "/stat"), &text) < 0 ||
	    task_stat_parse(text, &stat) < 0)
		return false;
	size_t n = stat.comm.n < TRACE_COMM ? stat.comm.n : TRACE_COMM - 1;
	memset(out->comm, 0, sizeof out->comm);
	memcpy(out->comm, stat.comm.s, n);
	out->kernel = stat.kernel;
	out->start_ns = stat.start_ticks.known && ticks_per_s > 0 ?
	    stat.start_ticks.v * (1000000000 / ticks_per_s) :
	    0;
	return true;
}

struct walk {
	struct host *host;
	live_thread_sink *sink;
	live_cgroup_sink *cgroup_sink;
	void *ctx;
	struct arena arena; /* of the process */
};

static void
walk_process(struct walk *w, uint32_t pid)
{
	struct trace_thread t = { .pid = pid, .cgroup = TRACE_NO_CGROUP };
	struct text names, cgroup = { "", 0 };
	char path[64];

	arena_reset(&w->arena);
	if (process_cpu_cgroup(w->host, pid, &cgroup))
		cgroup.s = arena_copy(&w->arena, cgroup);
	if (host_list(w->host, task_path(path, pid, 0, "/task"), &names) < 0)
		return;
	names.s = arena_copy(&w->arena, names);
	while (task_next_number(&names, &t.tid))
		if (live_thread_read(w->host, pid, t.tid, &t))
			w->sink(w->ctx, &t, cgroup);
}

static void
walk_cgroup(struct walk *w, uint32_t pid)
{
	struct text cgroup;

	if (process_cpu_cgroup(w->host, pid, &cgroup))
		w->cgroup_sink(w->ctx, cgroup);
}

/* Calls a function for this process, or for all (0). */
static void
walk(struct walk *w, uint32_t pid, void (*process)(struct walk *, uint32_t))
{
	struct arena a = { 0 };
	struct text names;

	if (pid) {
		process(w, pid);
	} else if (host_list(w->host, "proc", &names) == 0) {
		names.s = arena_copy(&a, names);
		while (task_next_number(&names, &pid))
			process(w, pid);
	}
	arena_free(&a);
}

void
live_threads(struct host *h, uint32_t pid, live_thread_sink *sink, void *ctx)
{
	struct walk w = { .host = h, .sink = sink, .ctx = ctx };

	walk(&w, pid, walk_process);
	arena_free(&w.arena);
}

void
live_cgroups(struct host *h, uint32_t pid, live_cgroup_sink *sink, void *ctx)
{
	struct walk w = { .host = h, .cgroup_sink = sink, .ctx = ctx };

	walk(&w, pid, walk_cgroup);
}
