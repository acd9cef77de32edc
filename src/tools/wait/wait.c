/* wait: the rows, which show where the time of the threads went, and the tool. */
#include "tools/wait/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/out_file.h"
#include "table/table.h"
#include "tools/tool.h"

static const struct column columns[] = {
	[WAIT_PID] = { "pid", "PID", LABEL, NO_UNIT, 8, 0, .number = NUMBER, .spare = true,
	    .passing = true, .help = "process ID; with -t and --slow" },
	[WAIT_TID] = { "tid", "TID", LABEL, NO_UNIT, 8, 0, .number = NUMBER, .passing = true,
	    .help = "thread ID; with -t and --slow" },
	[WAIT_PROCESS] = { "process", "process", LABEL, NO_UNIT, 17, 0,
	    .help = "name of the process (/proc/PID/stat field 2)" },
	[WAIT_COMM] = { "comm", "thread", LABEL, NO_UNIT, 16, 0,
	    .help = "name of the thread (/proc/PID/task/TID/stat field 2)" },
	[WAIT_STATE] = { "state", "state", LABEL, NO_UNIT, 10, 0,
	    .help = "running, runnable, blocked or stopped (/proc/PID/task/TID/stat field 3)" },
	[WAIT_CALL] = { "call", "call", LABEL, NO_UNIT, 18, 0,
	    .help = "system call in which it is blocked; 'none' outside a call "
		    "(/proc/PID/task/TID/syscall)" },
	[WAIT_WHERE] = { "place", "where", LABEL, NO_UNIT, 0, 0, .room = 11, .was = "where",
	    .metric = "where",
	    .help = "file of the descriptor it waits for (/proc/PID/task/TID/fd), 'lock', 'timer', "
		    "else the kernel function" },
	[WAIT_WCHAN] = { "wchan", "wchan", LABEL, NO_UNIT, 24, 0,
	    .help = "kernel function in which it sleeps (/proc/PID/task/TID/wchan)" },
	[WAIT_UNINTERRUPTIBLE] = { "uninterruptible", "D", FLAG, NO_UNIT, 2, 0,
	    .help = "no signal ends this wait: state D (/proc/PID/task/TID/stat field 3)" },
	[WAIT_SHARE] = { "time_pct", "%time", SHARE, PERCENT, 7, 1, .bound = BY_TIME,
	    .was = "share_pct", .metric = "share_pct",
	    .help = "share of all threads' time; with -t, of the thread's time (schedstat and "
		    "samples)" },
	[WAIT_THREADS] = { "threads", "threads", GAUGE, NO_UNIT, 9, 2,
	    .help = "mean number of threads in this state and place" },
	[WAIT_DURATION] = { "duration_ms", "dur-ms", GAUGE, MILLISECONDS, 10, 0,
	    .change = MORE_IS_WORSE,
	    .help = "longest wait there without running; with --slow, this wait" },
	[WAIT_LASTING] = { "lasting", "+", FLAG, NO_UNIT, 2, 0,
	    .help = "the wait had not ended yet; with --slow" },
	[WAIT_STACK] = { "stack", "stack", LABEL, NO_UNIT, 0, 0, .remark = true, .below = true,
	    .list = true,
	    .help = "functions of the program, the innermost first (its memory and ELF files)" },
	[WAIT_KERNEL_STACK] = { "kernel_stack", "kernel-stack", LABEL, NO_UNIT, 0, 0,
	    .remark = true, .below = true, .list = true,
	    .help = "functions of the kernel, the innermost first (/proc/PID/task/TID/stack)" },
	[WAIT_SAMPLES] = { "samples", "samples", GAUGE, NO_UNIT, 9, 0, .change = NOT_COMPARED,
	    .help = "the same time in samples of --hz; this is what --folded counts" },
	[WAIT_LOCK] = { "lock", "lock", LABEL, NO_UNIT, 9, 0, .remark = true,
	    .help = "kind of the lock it waits for: mutex, PI-mutex, rwlock, stream; 'thread': for "
		    "its end" },
	[WAIT_OWNER_PID] = { "owner_pid", "own-PID", LABEL, NO_UNIT, 8, 0, .number = NUMBER,
	    .remark = true, .help = "process of the thread that holds the lock" },
	[WAIT_OWNER_TID] = { "owner_tid", "own-TID", LABEL, NO_UNIT, 8, 0, .number = NUMBER,
	    .remark = true,
	    .help = "thread that holds the lock in most samples (memory of the process)" },
	[WAIT_OWNER_COMM] = { "owner_comm", "owner", LABEL, NO_UNIT, 16, 0, .remark = true,
	    .help = "name of that thread (/proc/PID/task/TID/stat field 2)" },
	[WAIT_OWNER_SHARE] = { "owner_pct", "%owner", SHARE, PERCENT, 7, 1,
	    .help = "share of the samples of these waits in which it holds the lock" },
	[WAIT_OWNERS] = { "owners", "owners", GAUGE, NO_UNIT, 7, 0,
	    .help = "number of threads found holding it in the interval" },
	[WAIT_OWNER_DOING] = { "owner_doing", "owner-does", LABEL, NO_UNIT, 24, 0, .remark = true,
	    .help = "what it does, mostly; of a chain of owners, what the last one does" },
	[WAIT_CHAIN] = { "chain", "chain", LABEL, NO_UNIT, 16, 0, .remark = true,
	    .help = "thread IDs of the owners, if the owner waits for a lock itself: 7 -> 8" },
	[WAIT_DEADLOCK] = { "deadlock", "dl", FLAG, NO_UNIT, 3, 0,
	    .help = "the threads of the chain wait for each other" },
	[WAIT_HELD_BY] = { "held_by", "held-by", LABEL, NO_UNIT, 0, 0, .remark = true,
	    .below = true, .help = "the same as a sentence; text has it below the row" },
	[WAIT_SOURCE] = { "source", "source", LABEL, NO_UNIT, 0, 0, .remark = true,
	    .help = "where states and times come from: bpf-loop, bpf-iter or proc" },
	{ .key = NULL },
};

struct wait_snapshot {
	const char *source;
	struct wait_sum *sums;
	size_t nsums;
	struct wait_event *events;
	size_t nevents;
	double all_ns;
};

const struct wait_options wait_usual_options = { .rows = OPTION_ROWS_UNSET, .hz = 20 };

/* The kernel updates the figures of a running thread once per tick of its scheduler, which can be
 * 10 ms: more samples per second would tell nothing new. */
static const struct option options[] = {
	{ 't', NULL, NULL, OPTION_FLAG, offsetof(struct wait_options, threads),
	    .help = "one row per thread", .group = "thread" },
	{ 'n', NULL, "N", OPTION_ROWS, offsetof(struct wait_options, rows),
	    .help = "at most N rows, largest first (text: 20; --slow: all)",
	    .want = "a number of rows", .most = 1000000 },
	{ 0, "hz", "N", OPTION_NUMBER, offsetof(struct wait_options, hz),
	    .help = "samples per second of each thread (default 20)",
	    .want = "a number of samples per second", .most = 100 },
	{ 0, "slow", "TIME", OPTION_TIME, offsetof(struct wait_options, slow_ns),
	    .help = "one row per wait of at least TIME, such as 200ms" },
	{ 0, "idle", NULL, OPTION_FLAG, offsetof(struct wait_options, idle),
	    .help = "with --slow, --stacks: include threads waiting for work" },
	{ 0, "folded", NULL, OPTION_FLAG, offsetof(struct wait_options, folded),
	    .help = "print process;thread;…;where count, for flame graphs",
	    .format = &format_folded, .not_with = "--json --csv --metrics --slow -t -n" },
	{ 0, "stacks", NULL, OPTION_FLAG, offsetof(struct wait_options, stacks),
	    .help = "show the functions in which threads wait", .not_with = "--slow --metrics" },
	{ 0, "svg", "FILE", OPTION_PATH, offsetof(struct wait_options, svg),
	    .help = "draw --folded as a flame graph in FILE ('-': on stdout)",
	    .format = &format_none, .writes = true,
	    .not_with = "--folded --json --csv --metrics --slow -t -n -c" },
	{ 0, "source", "NAME", OPTION_CHOICE, offsetof(struct wait_options, source),
	    .help = "bpf, bpf-loop, bpf-iter or proc", .choices = task_sources },
	{ .type = OPTION_END },
};

/* Rows of --slow are events, and lines of --folded are summed later: -n alone limits them. */
static bool
settle(void *own, char why[200])
{
	struct wait_options *o = own;

	o->folded |= o->svg != NULL;
	if (o->idle && !o->slow_ns && !o->stacks) {
		snprintf(
		    why, 200, "--idle needs --slow or --stacks: otherwise, all waits are shown");
		return false;
	}
	if (o->slow_ns && o->slow_ns < 2000000000 / (int64_t)o->hz) {
		snprintf(why, 200,
		    "--slow is too short: threads are sampled %u times a second; want two samples, "
		    "%ums, or more, or a higher --hz",
		    o->hz, 2000 / o->hz);
		return false;
	}
	if ((o->slow_ns || o->folded) && o->rows == OPTION_ROWS_UNSET)
		o->rows = 0;
	return true;
}

static int64_t
tick_ns(const void *own)
{
	return 1000000000 / (int64_t)((const struct wait_options *)own)->hz;
}

/* Columns that a narrow terminal can leave out are on the right. */
static const char *
default_columns(const struct request *ask)
{
	const struct wait_options *o = ask->options;

	if (o->folded)
		return o->stacks ? "process,comm,stack,samples" :
				   "process,comm,state,place,samples";
	if (o->slow_ns)
		return ask->target.pid ?
		    "tid,comm,call,duration_ms,lasting,state,place,held_by" :
		    "pid,tid,comm,call,duration_ms,lasting,state,place,held_by";
	if (o->threads)
		return ask->target.pid ?
		    "tid,comm,state,call,time_pct,duration_ms,place,held_by,stack" :
		    "pid,tid,comm,state,call,time_pct,duration_ms,place,held_by,stack";
	return "state,call,uninterruptible,time_pct,threads,duration_ms,place,held_by,stack";
}

/* Before the first row: a profile must not be lost at its end. */
static bool
check_svg(struct watch *w)
{
	const char *path = wait_options(w)->svg;

	if (!path || ((const struct waits *)w->state)->rows > 0)
		return true;
	if (out_check(path) < 0)
		watch_fail(w, EXIT_FAILED, "cannot write %s: %s", out_name(path), strerror(errno));
	return !w->fail;
}

/* False when there are no rows (any more). When the target has ended, there is one more row, with
 * what was sampled up to its end. */
static bool
check_target(struct watch *w)
{
	struct waits *s = w->state;

	if (w->host->replay && wait_options(w)->stacks) {
		watch_fail(w, EXIT_UNSUPPORTED,
		    "--stacks: recordings do not hold stacks (they are read from the memory of "
		    "live processes)");
		return false;
	}
	if (s->told_end) {
		w->ended = true;
		return false;
	}
	if (s->list_error && !targets_explain(&s->targets, w, s->list_error) && w->fail)
		return false;
	s->told_end = w->ended;
	w->ended = false;
	if (!s->sched_seen && s->nthreads > 0)
		watch_fail(w, EXIT_UNSUPPORTED,
		    "/proc/PID/schedstat has no figures: cannot tell which threads run (it needs "
		    "CONFIG_SCHED_INFO)");
	else if (w->host->replay && !s->placed && s->nthreads > 0)
		watch_fail(w, EXIT_UNSUPPORTED,
		    "the recording has no /proc/PID/task/TID/stat (record it with: pq record "
		    "wait)");
	return !w->fail;
}

/* The sampler leaves out samples that would cost too much. The first two rows do not count, as their
 * samples open all files. */
static void
check_rate(struct watch *w)
{
	struct waits *s = w->state;
	uint64_t left_out = w->left_out - s->left_out;

	if (s->rows > 2 && (double)left_out > 0.3 * (double)(left_out + s->samples))
		watch_note(w,
		    "threads are sampled less often than --hz: it would take more than %u %% of "
		    "one CPU (select fewer threads with -p or -g)",
		    tool_wait.costly_tick);
	s->samples = 0;
	s->left_out = w->left_out;
	s->rows++;
}

static void
label_stacks(const struct waits *s, struct arena *a, struct wait_sum *sum)
{
	const char *stack = wait_stack_text(s, sum->place.stack),
		   *kernel = wait_stack_text(s, sum->place.kernel_stack);

	sum->stack = stack ? arena_copy(a, text_of(stack)) : NULL;
	sum->kernel_stack = kernel ? arena_copy(a, text_of(kernel)) : NULL;
}

static void
label_owner(struct arena *a, struct wait_owner *o)
{
	if (o->tid == 0)
		return;
	o->pid_label = arena_u64(a, o->pid);
	o->tid_label = arena_u64(a, o->tid);
}

/* Moves the sums to the snapshot. A flame graph counts whole samples; a rest below one sample is
 * counted in the next row. */
static void
take_sums(struct watch *w, struct arena *a, struct wait_snapshot *out)
{
	struct waits *s = w->state;
	bool folded = wait_options(w)->folded;
	double sample_ns = 1e9 / wait_options(w)->hz;

	out->nsums = s->keys.n;
	out->sums = arena_alloc(a, out->nsums * sizeof *out->sums);
	for (size_t i = 0; i < out->nsums; i++) {
		struct wait_sum *sum = &s->sums[i], *copy = &out->sums[i];
		*copy = *sum;
		if (folded)
			copy->ns = floor(sum->ns / sample_ns + 0.001) * sample_ns;
		sum->ns -= copy->ns;
		out->all_ns += copy->ns;
		label_owner(a, &copy->owner);
		label_stacks(s, a, copy);
		copy->holder = wait_locks_most(s, (uint32_t)i, a);
		sum->lock_samples = 0;
	}
	s->nholders = 0;
	if (!folded)
		map_clear(&s->keys);
}

static void
take_events(struct waits *s, struct arena *a, struct wait_snapshot *out)
{
	out->nevents = s->nevents;
	out->events = arena_alloc(a, s->nevents * sizeof *out->events);
	for (size_t i = 0; i < s->nevents; i++) {
		struct wait_event *e = &out->events[i];
		*e = s->events[i];
		label_owner(a, &e->owner);
		if (e->holder)
			e->holder = wait_holder_label(e->holder, a);
	}
	arena_reset(&s->told_holders);
	s->nevents = 0;
}

static void *
read_wait(struct watch *w, struct arena *a)
{
	struct wait_snapshot *snap = arena_alloc(a, sizeof *snap);

	if (!check_svg(w) || !check_target(w))
		return NULL;
	check_rate(w);
	wait_close_row(w);
	wait_stacks_tell_hidden(w);
	take_sums(w, a, snap);
	take_events(w->state, a, snap);
	const struct task_source *from = &((const struct waits *)w->state)->source;
	snap->source = *from->file ? arena_copy(a, text_of(from->now->source)) : "proc";
	return snap;
}

static const char *
known(const char *s)
{
	return *s ? s : NULL;
}

static const char *const states[] = { [WAIT_RUNNING] = "running",
	[WAIT_RUNNABLE] = "runnable",
	[WAIT_BLOCKED] = "blocked",
	[WAIT_STOPPED] = "stopped",
	[WAIT_ENDED] = "ended" };

static void
set_labels(struct cell *row, const struct wait_owner *o, const struct wait_place *p)
{
	cell_label(&row[WAIT_PID], o->pid_label);
	cell_label(&row[WAIT_TID], o->tid_label);
	cell_label(&row[WAIT_PROCESS], known(o->process));
	cell_label(&row[WAIT_COMM], known(o->comm));
	cell_label(&row[WAIT_STATE], states[p->state]);
	cell_label(&row[WAIT_CALL], known(p->call));
	cell_label(&row[WAIT_WHERE], known(p->where));
	cell_label(&row[WAIT_WCHAN], known(p->wchan));
	cell_flag(&row[WAIT_UNINTERRUPTIBLE], p->uninterruptible);
}

static void
set_holder(struct cell *row, const struct wait_holder *h)
{
	if (!h)
		return;
	cell_label(&row[WAIT_LOCK], lock_kind_name(h->kind));
	cell_label(&row[WAIT_OWNER_PID], h->pid_label);
	cell_label(&row[WAIT_OWNER_TID], h->tid_label);
	cell_label(&row[WAIT_OWNER_COMM], known(h->comm));
	cell_share(&row[WAIT_OWNER_SHARE], h->found, h->samples);
	if (h->tid)
		cell_gauge(&row[WAIT_OWNERS], h->others + 1, 1);
	cell_label(&row[WAIT_OWNER_DOING], known(h->doing));
	cell_label(&row[WAIT_CHAIN], known(h->chain));
	cell_flag(&row[WAIT_DEADLOCK], h->deadlock);
	cell_label(&row[WAIT_HELD_BY], h->words);
}

/* Adds what --folded prints. */
static void
add_flames(struct watch *w, const struct wait_snapshot *from)
{
	struct waits *s = w->state;

	for (size_t i = 0; i < from->nsums; i++) {
		const struct wait_sum *sum = &from->sums[i];
		const struct wait_owner *o = &sum->owner;
		const char *state = states[sum->place.state], *where = sum->place.where;
		const char *stack = sum->stack ? sum->stack : "-";
		bool stacks = wait_options(w)->stacks;
		struct arena a = { 0 };
		if (sum->ns <= 0)
			continue;
		flame_add(&s->flame,
		    arena_printf(&a, "%s\n%s\n%s%s%s", *o->process ? o->process : "-",
			*o->comm ? o->comm : "-", stacks ? stack : state,
			stacks || !*where ? "" : "\n", stacks ? "" : where),
		    sum->ns * 1e-9);
		arena_free(&a);
	}
}

static void
write_flames(struct watch *w)
{
	const char *path = wait_options(w)->svg;
	struct buf svg = { 0 };

	flame_print(&((const struct waits *)w->state)->flame, "pq wait: time of all threads", &svg);
	if (out_write(path, O_TRUNC, 0666, &svg) < 0)
		watch_fail(w, EXIT_FAILED, "cannot write %s: %s", out_name(path), strerror(errno));
	buf_free(&svg);
}

/* The flame graph of all rows so far: a file is complete after each row, however pq ends. */
static void
draw_flames(struct watch *w, const struct wait_snapshot *snap)
{
	add_flames(w, snap);
	((struct waits *)w->state)->drawn = true;
	if (!out_is_stdout(wait_options(w)->svg))
		write_flames(w);
}

static void
finish(struct watch *w)
{
	if (((const struct waits *)w->state)->drawn && out_is_stdout(wait_options(w)->svg))
		write_flames(w);
}

static double
share(const struct cell *row)
{
	return row[WAIT_SHARE].num;
}

static void
add_events(const struct wait_snapshot *s, double span_s, struct table *out)
{
	for (size_t i = 0; i < s->nevents; i++) {
		const struct wait_event *e = &s->events[i];
		struct cell *row = table_row(out);
		set_labels(row, &e->owner, &e->place);
		set_holder(row, e->holder);
		cell_label(&row[WAIT_SOURCE], s->source);
		cell_gauge(&row[WAIT_DURATION], (double)e->ns * 1e-6, span_s);
		cell_flag(&row[WAIT_LASTING], e->lasting);
	}
}

/* Shares are of all threads' time, or of the interval for one thread: then the time in which it did
 * not exist has no row. */
static void
rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct wait_snapshot *s = to;

	(void)from;
	if (wait_options(w)->svg)
		draw_flames(w, s);
	for (size_t i = 0; i < s->nsums; i++) {
		const struct wait_sum *sum = &s->sums[i];
		struct cell *row = table_row(out);
		set_labels(row, &sum->owner, &sum->place);
		cell_label(&row[WAIT_STACK], sum->stack);
		cell_label(&row[WAIT_KERNEL_STACK], sum->kernel_stack);
		set_holder(row, sum->holder);
		cell_label(&row[WAIT_SOURCE], s->source);
		cell_share(
		    &row[WAIT_SHARE], sum->ns, wait_options(w)->threads ? span_s * 1e9 : s->all_ns);
		cell_gauge(&row[WAIT_THREADS], sum->ns * 1e-9 / span_s, span_s);
		cell_gauge(&row[WAIT_SAMPLES], sum->ns * 1e-9 * wait_options(w)->hz, span_s);
		if (sum->longest_ns > 0)
			cell_gauge(&row[WAIT_DURATION], (double)sum->longest_ns * 1e-6, span_s);
	}
	table_sort(out, 0, share);
	add_events(s, span_s, out);
	if (w->ask->sort)
		tool_sort(w, out, NULL);
	if (wait_options(w)->rows)
		table_keep(out, wait_options(w)->rows);
}

static void
release(struct watch *w)
{
	struct waits *s = w->state;

	free(s->threads);
	free(s->turn);
	free(s->sums);
	free(s->wanted);
	free(s->due);
	free(s->events);
	wait_locks_free(w);
	map_free(&s->keys);
	wait_stacks_free(s);
	flame_free(&s->flame);
	arena_free(&s->listing);
	targets_free(&s->targets);
	task_source_end(&s->source, w);
}

const struct tool tool_wait = {
	.name = "wait",
	.brief = "what blocked threads are waiting for",
	.examples =
	    "  pq wait -p PID 1            what the threads of a process are waiting for\n"
	    "  pq wait -t -p PID 10 1      each thread, over ten seconds\n"
	    "  pq wait --slow 200ms 1      each wait of 200 ms or more, on the whole machine\n"
	    "  pq wait --stacks -p PID 1   the functions in which its threads wait\n"
	    "  pq wait --stacks --svg wait.svg -p PID 30 1\n",
	.columns = columns,
	.spark = "time_pct",
	.shared = (const struct option *const[]){ &option_pid, &option_cgroup, &option_sort, NULL },
	.shared_help = { .pid = "the threads of this process",
	    .cgroup = "threads in or below this cgroup: /web, or its directory" },
	.options = options,
	.options_size = sizeof(struct wait_options),
	.defaults = &wait_usual_options,
	.settle = settle,
	.state_size = sizeof(struct waits),
	.costly_tick = 5,
	.tick_walks = true,
	.costly = true,
	.fleeting = true,
	.default_columns = default_columns,
	.tick = wait_sample,
	.tick_ns = tick_ns,
	.read = read_wait,
	.rows = rows,
	.finish = finish,
	.release = release,
};
