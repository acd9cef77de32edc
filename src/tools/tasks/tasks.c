/* tasks: which processes or threads waited for a CPU, the worst first. */
#include <stdlib.h>

#include "tools/tasks/tasks.h"
#include "tools/tasks/tasks_rows.h"

static const struct column columns[] = {
	[T_PID] = { "pid", "PID", LABEL, NO_UNIT, 8, 0, .help = "the process" },
	[T_TID] = { "tid", "TID", LABEL, NO_UNIT, 8, 0, .group = "thread",
	    .help = "the thread, with -t" },
	[T_CPU] = { "cpu_pct", "%CPU", GAUGE, PERCENT, 6, 1,
	    .help = "time on a CPU, in % of elapsed time, summed over threads: may exceed 100 "
		    "(/proc/PID/task/TID/schedstat, field 1)" },
	[T_WAIT] = { "wait_pct", "%wait", GAUGE, PERCENT, 6, 1,
	    .help = "time runnable and on no CPU, in % of elapsed time, summed over threads; a "
		    "wait counts when it ends (schedstat, field 2)" },
	[T_WAITS] = { "waits_per_s", "waits/s", RATE, PER_SECOND, 8, 1,
	    .help = "times that it got a CPU (schedstat, field 3)" },
	[T_WAIT_US] = { "wait_us", "wait-us", GAUGE, MICROSECONDS, 8, 1, .spare = true,
	    .help = "the mean wait before it got one: wait by waits" },
	[T_VCSW] = { "vcsw_per_s", "cswch/s", RATE, PER_SECOND, 8, 1,
	    .help = "voluntary switches: it slept (/proc/PID/task/TID/status, "
		    "voluntary_ctxt_switches of all threads)" },
	[T_IVCSW] = { "ivcsw_per_s", "nvcswch/s", RATE, PER_SECOND, 10, 1, .spare = true,
	    .help = "involuntary ones: its CPU was given to another (nonvoluntary_ctxt_switches)" },
	[T_THREADS] = { "threads", "thr", GAUGE, NO_UNIT, 5, 0, .spare = true,
	    .help = "its threads" },
	[T_STUCK] = { "stuck", "stuck", GAUGE, NO_UNIT, 6, 0, .group = "more",
	    .help = "threads that waited for a CPU all the time and still do: that wait is not yet "
		    "in %wait" },
	[T_RUNNING] = { "running", "run", GAUGE, NO_UNIT, 5, 0, .group = "more",
	    .help = "threads in state R: they run, or wait for a CPU" },
	[T_BLOCKED] = { "blocked", "blk", GAUGE, NO_UNIT, 5, 0, .group = "more",
	    .help = "threads in state D: they wait and cannot be interrupted" },
	[T_SLEEPING] = { "sleeping", "slp", GAUGE, NO_UNIT, 5, 0, .group = "more",
	    .help = "threads in state S or I: they wait for something to do" },
	[T_BORN] = { "born", "born", COUNT, NO_UNIT, 6, 0, .group = "more",
	    .help = "threads that began in the interval" },
	[T_ENDED] = { "ended", "ended", COUNT, NO_UNIT, 6, 0, .group = "more",
	    .help = "threads that ended; what they did since the row before is not known" },
	[T_MAJFLT] = { "majflt_per_s", "majflt/s", RATE, PER_SECOND, 9, 1, .group = "more",
	    .help = "major faults: pages that were read from a disk (/proc/PID/stat, field 12)" },
	[T_BLKIO] = { "blkio_pct", "%blkio", GAUGE, PERCENT, 7, 1, .group = "more",
	    .help = "time that it waited for block I/O, in % of elapsed time, summed over threads "
		    "(stat, field 42; kernel.task_delayacct)" },
	[T_QUOTA] = { "quota_pct", "%quota", GAUGE, PERCENT, 7, 1, .group = "split",
	    .help = "of %wait, what was for want of CPU quota; unknown where that is not certain: "
		    "see QUOTA OR CONTENTION" },
	[T_CONTENTION] = { "contention_pct", "%cont", GAUGE, PERCENT, 7, 1, .group = "split",
	    .help = "of %wait, the rest: others had the CPU" },
	[T_COMM] = { "comm", "Command", LABEL, NO_UNIT, 0, 0, .room = 11, .help = "its name" },
	[T_CGROUP] = { "cgroup", "cgroup", LABEL, NO_UNIT, 0, 0, .group = "cgroup",
	    .help = "its cgroup, of the controller cpu (/proc/PID/cgroup)" },
	{ .key = NULL },
};

/* A cgroup has neither number nor name, and a thread is one. */
static const char *
view(const struct request *ask)
{
	if (ask->by_cgroup)
		return "cpu_pct,wait_pct,waits_per_s,wait_us,vcsw_per_s,ivcsw_per_s,threads,cgroup";
	if (ask->threads)
		return "pid,tid,cpu_pct,wait_pct,waits_per_s,wait_us,vcsw_per_s,ivcsw_per_s,comm";
	return NULL;
}

static void *
read_tasks(struct watch *w, struct arena *a)
{
	struct state *state = w->state;
	struct snapshot *s = tasks_scan(w, a);

	if (!s)
		return NULL;
	if (s->first && !state->delayacct && watch_shows(w, T_BLKIO) &&
	    w->nshown < (int)columns_count(columns))
		watch_note(w,
		    "delay accounting is off (sysctl kernel.task_delayacct=1): %%blkio is unknown");
	tasks_detail(w, a, s);
	state->last = s;
	return s;
}

static void
release(struct watch *w)
{
	struct state *state = w->state;

	free(state->room[0]);
	free(state->room[1]);
	tasks_split_end(state);
	whose_free(&state->whose);
}

const struct tool tool_tasks = {
	.name = "tasks",
	.brief = "which processes or threads wait for a CPU",
	.examples = "  pq tasks 1              the processes that waited most, every second\n"
		    "  pq tasks -t -p 4242 1   the threads of a process\n"
		    "  pq tasks -G 10          by cgroup: who disturbs whom\n",
	.columns = columns,
	.takes = TAKES_PID | TAKES_CGROUP | TAKES_THREADS | TAKES_MOST | TAKES_COMM |
	    TAKES_BY_CGROUP | TAKES_BUDGET,
	.state_size = sizeof(struct state),
	.costly = true,
	.fleeting = true,
	.view = view,
	.read = read_tasks,
	.rows = tasks_rows,
	.release = release,
};
