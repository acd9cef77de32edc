/* chrome: writes a trace as JSON in Chrome's trace event format, which speedscope, Perfetto and other
 * viewers read. Each CPU has a row with the threads that ran, each thread a row with what it did:
 * "running", "runnable" (with its waker, and an arrow from it) and "uninterruptible". Times are in
 * us. */
#include "trace/trace_export.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fail.h"
#include "base/map.h"

/* The viewers have rows by process and thread. CPUs are threads of a process 0, counters belong to
 * processes of numbers that the kernel does not give. */
enum { WRITE_AT = 1 << 16, CPUS_PID = 0, GROUPS_PID = (1 << 22) + 1 };

#define NOBODY UINT32_MAX /* it is not known who runs */

enum state { UNKNOWN, RUNS, WAITS, BLOCKED };

/* What a thread has done since since_ns. */
struct task {
	uint32_t tid, cpu;
	enum state state;
	uint64_t since_ns;
	uint32_t waker; /* WAITS: NOBODY: it was not woken up, but had to stop, or yielded */
	bool irq, preempted;
	uint64_t arrow; /* its number; 0: none */
	const struct trace_thread *thread;
};

struct lane {
	uint32_t now;
	uint64_t since_ns;
	uint64_t last_ns;     /* of the last event */
	uint64_t complete_ns; /* where a loss ended; 0: there was none */
};

/* A group, or a counter in a group. */
struct track {
	uint64_t group;
	char *name, *unit;
};

struct chrome {
	struct trace_export x;
	int fd, error;
	const struct trace_file *t;
	size_t loss; /* the next one */
	struct lane *lanes;
	uint32_t nlanes;
	struct map tids; /* the numbers of tasks */
	struct task *tasks;
	size_t room;
	bool *named; /* by number of the thread */
	struct track *tracks;
	size_t ntracks, tracks_room;
	uint64_t arrows;
	bool part_only; /* the file has only events of one process */
	bool any;       /* an event was written */
	struct export_sums sums;
	struct buf out;
};

static void
write_out(struct chrome *c)
{
	if (!c->error && write_whole(c->fd, c->out.s, c->out.n) < 0)
		c->error = errno;
	c->sums.bytes += c->out.n;
	c->out.n = 0;
}

/* ---- JSON */

static void
put_key(struct chrome *c, const char *key)
{
	if (c->out.s[c->out.n - 1] != '{')
		buf_char(&c->out, ',');
	buf_char(&c->out, '"');
	buf_text(&c->out, key);
	buf_text(&c->out, "\":");
}

static void
put_number(struct chrome *c, const char *key, uint64_t v)
{
	put_key(c, key);
	buf_u64(&c->out, v, 1);
}

static void
put_text(struct chrome *c, const char *key, const char *text)
{
	put_key(c, key);
	buf_json_string(&c->out, text);
}

/* In us, to the ns. */
static void
put_time(struct chrome *c, const char *key, uint64_t ns)
{
	put_number(c, key, ns / 1000);
	buf_char(&c->out, '.');
	buf_u64(&c->out, ns % 1000, 3);
}

/* Begins an event. Its members follow, then those of "args", then end_event. */
static void
begin_event(struct chrome *c, const char *phase, uint32_t pid, uint32_t tid, const char *name)
{
	if (c->out.n >= WRITE_AT)
		write_out(c);
	buf_text(&c->out, c->any ? ",\n{" : "\n{");
	put_text(c, "ph", phase);
	put_number(c, "pid", pid);
	put_number(c, "tid", tid);
	put_text(c, "name", name);
	c->any = true;
}

static void
begin_args(struct chrome *c)
{
	put_key(c, "args");
	buf_char(&c->out, '{');
}

static void
end_event(struct chrome *c)
{
	buf_text(&c->out, "}}");
}

/* Names a process or thread. */
static void
put_name(struct chrome *c, const char *what, uint32_t pid, uint32_t tid, const char *name)
{
	begin_event(c, "M", pid, tid, what);
	begin_args(c);
	put_text(c, strcmp(what, "process_labels") == 0 ? "labels" : "name", name);
	end_event(c);
}

static void
begin_slice(
    struct chrome *c, uint32_t pid, uint32_t tid, const char *name, uint64_t from, uint64_t to)
{
	begin_event(c, "X", pid, tid, name);
	put_time(c, "ts", from);
	put_time(c, "dur", to > from ? to - from : 0);
	begin_args(c);
}

/* ---- Threads */

/* A thread whose process is unknown has one of its own. */
static uint32_t
pid_of(const struct task *k)
{
	return k->thread && k->thread->pid ? k->thread->pid : k->tid;
}

static const char *
name_of(const struct task *k)
{
	return k->thread && *k->thread->comm ? k->thread->comm : "?";
}

static void
introduce_process(struct chrome *c, const struct trace_thread *t)
{
	put_name(c, "process_name", t->tid, t->tid, t->comm);
	if (t->cgroup < c->t->ncgroups && *c->t->cgroups[t->cgroup])
		put_name(c, "process_labels", t->tid, t->tid, c->t->cgroups[t->cgroup]);
}

/* Names the thread once, with its process. In a file that somebody made, a chain of threads may lead there. */
static void
introduce(struct chrome *c, const struct trace_thread *t, uint64_t at_ns)
{
	while (t && !c->named[t - c->t->threads]) {
		bool first = !t->pid || t->pid == t->tid;
		c->named[t - c->t->threads] = true;
		put_name(c, "thread_name", t->pid ? t->pid : t->tid, t->tid, t->comm);
		if (first)
			introduce_process(c, t);
		t = first ? NULL : trace_find(c->t, t->pid, at_ns);
	}
}

/* The thread of that number. Valid until the next call. */
static struct task *
task_of(struct chrome *c, uint32_t tid, uint64_t at_ns)
{
	uint32_t known = c->tids.n;
	uint32_t i = map_put(&c->tids, (struct text){ (const char *)&tid, sizeof tid });

	if (i == known) {
		c->tasks = xgrow(c->tasks, i, &c->room, sizeof *c->tasks);
		c->tasks[i] = (struct task){ .tid = tid, .waker = NOBODY };
		c->tasks[i].thread = trace_find(c->t, tid, at_ns);
		introduce(c, c->tasks[i].thread, at_ns);
	}
	return &c->tasks[i];
}

static const char *
thread_name(struct chrome *c, uint32_t tid, uint64_t at_ns)
{
	return tid == 0 ? "idle" : name_of(task_of(c, tid, at_ns));
}

/* ---- What threads do */

static const char *
end_state(char state)
{
	static const char *const names[] = {
		['R'] = "preempted or yielded",
		['P'] = "preempted",
		['S'] = "sleeping",
		['D'] = "uninterruptible",
		['T'] = "stopped",
		['t'] = "traced",
		['X'] = "dead",
		['Z'] = "zombie",
		['I'] = "idle",
	};
	size_t i = (unsigned char)state;

	return i < sizeof names / sizeof names[0] && names[i] ? names[i] : "unknown";
}

/* An arrow from the waker to where the thread ran then. */
static void
put_arrow(struct chrome *c, const char *phase, const struct task *k, uint64_t id, uint64_t at_ns)
{
	begin_event(c, phase, pid_of(k), k->tid, "wakes up");
	put_time(c, "ts", at_ns);
	put_text(c, "cat", "sched");
	put_number(c, "id", id);
	if (*phase == 'f')
		put_text(c, "bp", "e");
	begin_args(c);
	end_event(c);
}

static void
put_runnable(struct chrome *c, struct task k, uint64_t at_ns)
{
	const char *waker = k.waker == NOBODY ? NULL : thread_name(c, k.waker, at_ns);

	begin_slice(c, pid_of(&k), k.tid, "runnable", k.since_ns, at_ns);
	if (waker) {
		put_number(c, "waker_tid", k.waker);
		put_text(c, k.irq ? "interrupted" : "waker", waker);
	} else {
		put_text(c, "because", k.preempted ? "preempted" : "preempted or yielded");
	}
	end_event(c);
	if (k.arrow)
		put_arrow(c, "f", &k, k.arrow, at_ns);
}

/* Writes what the thread has done, and begins what it does next. `state`: in which it stopped. */
static void
enter(struct chrome *c, uint32_t tid, enum state next, char state, uint64_t at_ns)
{
	struct task k = *task_of(c, tid, at_ns);

	if (k.state == RUNS) {
		begin_slice(c, pid_of(&k), tid, "running", k.since_ns, at_ns);
		put_number(c, "cpu", k.cpu);
		put_text(c, "then", end_state(state));
		end_event(c);
	} else if (k.state == WAITS) {
		put_runnable(c, k, at_ns);
	} else if (k.state == BLOCKED) {
		begin_slice(c, pid_of(&k), tid, "uninterruptible", k.since_ns, at_ns);
		end_event(c);
	}
	k.state = next;
	k.since_ns = at_ns > k.since_ns ? at_ns : k.since_ns;
	k.waker = NOBODY;
	k.arrow = 0;
	k.preempted = state == SCHED_PREEMPTED;
	*task_of(c, tid, at_ns) = k;
}

/* ---- What CPUs do */

static struct lane *
lane_of(struct chrome *c, uint32_t cpu)
{
	if (cpu >= c->nlanes) {
		c->lanes = xrealloc(c->lanes, (cpu + (size_t)1) * sizeof *c->lanes);
		for (; c->nlanes <= cpu; c->nlanes++)
			c->lanes[c->nlanes] = (struct lane){ .now = NOBODY };
	}
	return &c->lanes[cpu];
}

static enum state
state_after(char state)
{
	switch (state) {
	case 'R':
	case SCHED_PREEMPTED:
		return WAITS;
	case 'D':
		return BLOCKED;
	default:
		return UNKNOWN;
	}
}

/* The thread that has run on the CPU stops, in this state; 0: unknown. */
static void
stop(struct chrome *c, uint32_t cpu, char state, uint64_t at_ns)
{
	struct lane l = *lane_of(c, cpu);

	c->lanes[cpu].now = NOBODY;
	if (l.now == NOBODY || l.now == 0)
		return;
	const char *name = thread_name(c, l.now, at_ns);
	begin_slice(c, CPUS_PID, cpu, name, l.since_ns, at_ns);
	put_number(c, "tid", l.now);
	end_event(c);
	enter(c, l.now, state_after(state), state, at_ns);
}

static void
start(struct chrome *c, uint32_t cpu, uint32_t tid, uint64_t at_ns)
{
	struct lane *l = lane_of(c, cpu);

	l->now = tid;
	l->since_ns = at_ns;
	l->complete_ns = 0;
	if (tid == 0)
		return;
	enter(c, tid, RUNS, 0, at_ns);
	task_of(c, tid, at_ns)->cpu = cpu;
}

/* A loss that ended: nobody is known to have run meanwhile. */
static void
lose(struct chrome *c, const struct trace_loss *loss)
{
	struct lane *l = lane_of(c, loss->cpu);
	uint64_t from = loss->from_ns > l->last_ns ? loss->from_ns : l->last_ns;

	stop(c, loss->cpu, 0, from);
	c->lanes[loss->cpu].complete_ns = loss->to_ns;
	begin_slice(c, CPUS_PID, loss->cpu, "events lost", from, loss->to_ns);
	if (loss->lost > 0)
		put_number(c, "events", loss->lost);
	end_event(c);
}

/* The thread, or 0, of which nothing is drawn, if it is not recorded when it stops. */
static uint32_t
inside(struct chrome *c, uint32_t tid, uint64_t at_ns)
{
	bool known = tid != SCHED_TID_UNKNOWN && !c->part_only;

	return !known && trace_outside(c->t, tid, at_ns) ? 0 : tid;
}

/* After a loss, the thread that stops now has run since its end. A switch that does not fit the one
 * before it is a loss that nobody told. At the start, it is unknown since when a thread has run. */
static void
put_switch(struct chrome *c, const struct sched_event *e)
{
	struct lane *l = lane_of(c, e->cpu);
	uint32_t prev = inside(c, e->tid, e->at_ns), next = inside(c, e->other, e->at_ns);
	bool gap = l->now != NOBODY && l->now != prev;

	if (gap)
		stop(c, e->cpu, 0, l->last_ns);
	if (l->now == NOBODY && l->complete_ns > 0)
		start(c, e->cpu, prev, l->complete_ns);
	if (l->now == NOBODY && prev != 0) {
		task_of(c, prev, e->at_ns)->state = UNKNOWN;
		enter(c, prev, state_after(e->state), e->state, e->at_ns);
	}
	stop(c, e->cpu, e->state, e->at_ns);
	start(c, e->cpu, next, e->at_ns);
}

static void
wake(struct chrome *c, uint32_t tid, uint32_t waker, bool irq, uint64_t at_ns)
{
	enum state state = task_of(c, tid, at_ns)->state;

	if (state == RUNS || state == WAITS)
		return;
	enter(c, tid, WAITS, 'S', at_ns);
	struct task by = waker ? *task_of(c, waker, at_ns) : (struct task){ 0 };
	struct task *k = task_of(c, tid, at_ns);
	k->waker = waker;
	k->irq = irq;
	if (waker == 0)
		return;
	uint64_t arrow = k->arrow = ++c->arrows;
	put_arrow(c, "s", &by, arrow, at_ns);
}

static void
put_new(struct chrome *c, const struct sched_event *e)
{
	struct task *k = task_of(c, e->tid, e->at_ns);
	const struct trace_thread *t = k->thread = trace_find(c->t, e->tid, e->at_ns);

	k->state = UNKNOWN; /* of who had that number before */
	introduce(c, t, e->at_ns);
	wake(c, e->tid, e->other, false, e->at_ns);
}

static void
put_event(struct trace_export *x, const struct sched_event *e)
{
	struct chrome *c = (struct chrome *)x;

	for (; c->loss < c->t->nlosses && c->t->losses[c->loss].to_ns <= e->at_ns; c->loss++)
		lose(c, &c->t->losses[c->loss]);
	if (e->kind == SCHED_SWITCH)
		put_switch(c, e);
	else if (e->kind == SCHED_WAKING)
		wake(c, e->tid, e->other, e->in_irq, e->at_ns);
	else if (e->kind == SCHED_NEW)
		put_new(c, e);
	lane_of(c, e->cpu)->last_ns = e->at_ns;
	c->sums.events++;
}

/* ---- Counters and marks */

static uint64_t
add_track(struct chrome *c, uint64_t group, const char *name, const char *unit)
{
	c->tracks = xgrow(c->tracks, c->ntracks, &c->tracks_room, sizeof *c->tracks);
	c->tracks[c->ntracks] = (struct track){ group, xstrdup(name), xstrdup(unit) };
	return ++c->ntracks;
}

static uint32_t
group_pid(uint64_t group)
{
	return GROUPS_PID + (uint32_t)group;
}

/* Groups are not nested here: the name has that of the group above. */
static uint64_t
add_group(struct trace_export *x, uint64_t parent, const char *name)
{
	struct chrome *c = (struct chrome *)x;
	struct buf whole = { 0 };

	if (parent) {
		buf_text(&whole, c->tracks[parent - 1].name);
		buf_char(&whole, ' ');
	}
	buf_text(&whole, name);
	buf_char(&whole, '\0');
	uint64_t group = add_track(c, parent, whole.s, "");
	put_name(c, "process_name", group_pid(group), 0, whole.s);
	buf_free(&whole);
	return group;
}

static uint64_t
add_counter(
    struct trace_export *x, uint64_t group, const char *name, const char *unit, const char *scale)
{
	struct chrome *c = (struct chrome *)x;

	(void)scale;
	return add_track(c, group, name, unit ? unit : "value");
}

static void
put_value(struct trace_export *x, uint64_t counter, uint64_t at_ns, double value)
{
	struct chrome *c = (struct chrome *)x;
	const struct track *k = &c->tracks[counter - 1];

	if (!isfinite(value))
		return;
	begin_event(c, "C", group_pid(k->group), 0, k->name);
	put_time(c, "ts", at_ns);
	begin_args(c);
	put_key(c, k->unit);
	buf_trimmed(&c->out, value, 6);
	end_event(c);
}

static void
put_mark(struct trace_export *x, uint64_t at_ns, const char *words)
{
	struct chrome *c = (struct chrome *)x;

	begin_event(c, "i", CPUS_PID, 0, words);
	put_time(c, "ts", at_ns);
	put_text(c, "s", "g");
	begin_args(c);
	end_event(c);
}

/* ---- The whole */

static void
put_facts(struct chrome *c)
{
	struct text facts = { c->t->facts.s, c->t->facts.n }, line, key;
	struct buf s = { 0 };

	while (text_line(&facts, &line)) {
		if (!text_split(&line, ' ', &key))
			continue;
		s.n = 0;
		buf_add(&s, key.s, key.n);
		buf_char(&s, '\0');
		size_t value = s.n;
		buf_add(&s, line.s, line.n);
		buf_char(&s, '\0');
		buf_text(&c->out, c->out.s[c->out.n - 1] == '{' ? "" : ",");
		buf_json_string(&c->out, s.s);
		buf_char(&c->out, ':');
		buf_json_string(&c->out, s.s + value);
	}
	buf_free(&s);
}

/* What goes on at the end of the trace is written up to there. */
static void
end_all(struct chrome *c)
{
	struct buf name = { 0 };
	uint64_t to = c->t->to_ns;

	for (; c->loss < c->t->nlosses; c->loss++)
		lose(c, &c->t->losses[c->loss]);
	for (uint32_t i = 0; i < c->nlanes; i++) {
		stop(c, i, 0, to > c->lanes[i].last_ns ? to : c->lanes[i].last_ns);
		name.n = 0;
		buf_text(&name, "CPU ");
		buf_u64(&name, i, 1);
		buf_char(&name, '\0');
		put_name(c, "thread_name", CPUS_PID, i, name.s);
	}
	for (uint32_t i = 0; i < c->tids.n; i++)
		enter(c, c->tasks[i].tid, UNKNOWN, 0, to);
	buf_free(&name);
}

static int
finish(struct trace_export *x, struct export_sums *sums)
{
	struct chrome *c = (struct chrome *)x;

	end_all(c);
	buf_text(&c->out, "\n]}\n");
	write_out(c);
	int error = c->error;
	*sums = c->sums;
	for (size_t i = 0; i < c->ntracks; i++) {
		free(c->tracks[i].name);
		free(c->tracks[i].unit);
	}
	free(c->tracks);
	free(c->lanes);
	free(c->tasks);
	free(c->named);
	map_free(&c->tids);
	buf_free(&c->out);
	free(c);
	return error ? fail_with(error) : 0;
}

struct trace_export *
chrome_new(int fd, const struct trace_file *t)
{
	static const struct export_ops ops = { put_event, add_group, add_counter, put_value,
		put_mark, finish };
	struct chrome *c = xmalloc(sizeof *c);

	*c = (struct chrome){ .x.ops = &ops,
		.fd = fd,
		.t = t,
		.part_only = trace_fact(t, "only").n > 0,
		.named = xmalloc(t->nthreads + 1) };
	memset(c->named, 0, t->nthreads + 1);
	buf_text(&c->out, "{\"displayTimeUnit\":\"ns\",\"otherData\":{");
	put_facts(c);
	buf_text(&c->out, "},\"traceEvents\":[");
	put_name(c, "process_name", CPUS_PID, 0, "CPUs");
	for (size_t i = 0; i < t->nmarks; i++)
		put_mark(&c->x, t->marks[i].at_ns, t->marks[i].words);
	return &c->x;
}
