/*
 * sample: samples every thread many times per second, and counts its time since the previous
 * sample.
 *
 * Rows of BPF (task_source) have the schedstat, state and name of all threads. Without them, files of
 * each thread do.
 *
 * A thread whose schedstat has not changed has not run, and nothing else of it is read. If it has
 * changed, it says how long the thread ran and how long it waited for a CPU; it slept for the rest.
 * The place in which a thread waits is read once per wait, when the wait is first seen.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "tools/hidden.h"
#include "tools/wait/wait.h"

static const int64_t second_ns = 1000000000;

/* ---- When a wait began
 *
 * A thread that was not in the previous sample may have begun its wait long ago. The kernel keeps
 * the time at which it left its CPU, by a clock of that CPU. Time that a hypervisor takes away makes
 * this clock lag. Threads that have just run on the same CPU show by how much. */

/* The lag grows. It is measured this often; the smallest value is kept this long; and after this
 * long without one, the middle of the two samples is a better guess. */
enum { MEASURE_MS = 90, KEEP_MS = 300, HOLDS_MS = 1000 };

struct wait_clock {
	int64_t lag_ns;
	int64_t measured_ns; /* when the lag was measured; 0: never */
	int64_t tried_ns;    /* when it was last tried */
};

static struct wait_clock *
clock_of(struct watch *w, const struct wait_thread *t)
{
	struct waits *s = w->state;

	if (t->cpu >= CPULIST_MOST)
		return NULL;
	if (!s->clocks)
		s->clocks = arena_alloc(&w->arena, CPULIST_MOST * sizeof *s->clocks);
	return &s->clocks[t->cpu];
}

static bool
read_left(struct watch *w, const struct wait_thread *t, int64_t *ns)
{
	struct text text;

	return wait_thread_read(w, t, "/sched", &text) == 0 && task_left_parse(text, ns) == 0;
}

/* The thread left its CPU after the previous sample, so a measurement is the lag and the short time
 * since then. The smallest of several is nearest to the true lag. */
static void
measure_lag(struct watch *w, const struct wait_thread *t)
{
	struct wait_clock *c = clock_of(w, t);
	int64_t left;

	if (!c || w->now_ns - c->tried_ns < MEASURE_MS * (int64_t)1000000 ||
	    !read_left(w, t, &left))
		return;
	int64_t lag = w->now_ns - left;
	c->tried_ns = w->now_ns;
	if (c->measured_ns && w->now_ns - c->measured_ns < KEEP_MS * (int64_t)1000000 &&
	    lag > c->lag_ns)
		return;
	c->lag_ns = lag;
	c->measured_ns = w->now_ns;
}

/* When the thread left its CPU, on the clock of the samples. False when that is unknown. */
static bool
left_cpu(struct watch *w, const struct wait_thread *t, int64_t *ns)
{
	const struct wait_clock *c = clock_of(w, t);
	int64_t left;

	if (!c || !c->measured_ns || w->now_ns - c->measured_ns > HOLDS_MS * (int64_t)1000000 ||
	    !read_left(w, t, &left))
		return false;
	*ns = left + c->lag_ns;
	return true;
}

/* About when the thread ran last, if it ran since its last sample. Waits are seen one sample late,
 * both when they begin and when they end, so this sample will do. If the thread was not in the
 * previous sample, the middle of the time in between is nearer. */
static int64_t
ran_ns(const struct watch *w, const struct wait_thread *t)
{
	const struct waits *s = w->state;

	return w->now_ns - (t->known ? (s->seen_ns - t->sampled_ns) / 2 : 0);
}

static int64_t
began_ns(struct watch *w, const struct wait_thread *t)
{
	const struct waits *s = w->state;
	bool late = t->known && t->sampled_ns < s->seen_ns;
	int64_t left;

	if (!late && s->thins)
		measure_lag(w, t);
	if (!late || t->thin || !left_cpu(w, t, &left))
		return ran_ns(w, t);
	return left < t->sampled_ns ? t->sampled_ns : left > w->now_ns ? w->now_ns : left;
}

/* ---- How a thread spent its time */

static const struct wait_place running = { .state = WAIT_RUNNING, .where = "cpu" };
static const struct wait_place runnable = { .state = WAIT_RUNNABLE, .where = "cpu" };
static const struct wait_place asleep = { .state = WAIT_BLOCKED };

/* Counts the time up to then of a thread that has not run. */
static void
count_still(struct watch *w, struct wait_thread *t, int64_t until_ns)
{
	int64_t ns = until_ns - t->counted_ns;

	if (!t->known || t->gone || ns <= 0)
		return;
	wait_add_time(w, t, &t->place, ns, until_ns - t->since_ns);
	if (t->place.state == WAIT_RUNNABLE)
		t->pending_ns += ns;
	t->counted_ns = until_ns;
}

/* Counts the open time for a row, which cannot wait for the kernel to say what it was. */
static void
decide_open(struct watch *w, struct wait_thread *t)
{
	/* the run_ns of a running thread is late by up to one tick of the scheduler */
	const int64_t late_ns = 10000000;
	bool waits = t->open_ns > late_ns;

	wait_add_time(w, t, waits ? &runnable : &running, t->open_ns, 0);
	t->pending_ns += waits ? t->open_ns : 0;
	t->open_ns = 0;
}

static int64_t
at_most(uint64_t ns, int64_t most)
{
	return ns < (uint64_t)most ? (int64_t)ns : most;
}

/* Whether the counters of a thread that has run can be right. They decrease if another thread has the
 * same number. The kernel adds a wait for a CPU when it ends, and it may have begun when the thread
 * last ran; without the tick of the scheduler (nohz_full), it adds run_ns once per second. */
static bool
may_have_grown(struct watch *w, const struct wait_thread *t, const struct task_sched *now)
{
	const int64_t ten_years_ns = 300000000 * second_ns;
	int64_t since_ns = t->ran ? t->since_ns : w->now_ns - ten_years_ns;
	struct interval run = { .columns = tool_wait.columns,
		.span_s = (double)(w->now_ns - t->sampled_ns) * 1e-9,
		.late_s = 1 },
			wait = run;

	wait.late_s += since_ns < t->sampled_ns ? (double)(t->sampled_ns - since_ns) * 1e-9 : 0;
	double grown = interval_growth(&run, WAIT_SHARE, keyed_of(t->sched.run_ns),
			   keyed_of(now->run_ns), 1e-9) +
	    interval_growth(
		&wait, WAIT_SHARE, keyed_of(t->sched.wait_ns), keyed_of(now->wait_ns), 1e-9);
	if (run.jumped || wait.jumped)
		watch_note(w,
		    "some time of a thread is left out: its run time or wait grew by more than the "
		    "time allows (/proc/PID/task/TID/schedstat)");
	return !isnan(grown);
}

/* Counts the time since the last sample of a thread that has run. The kernel adds a whole wait for
 * a CPU when it ends, so what was counted of it before is subtracted. The rest is sleep, in the
 * place where the thread sleeps now, or else where it slept before. If it was runnable at both
 * samples, the rest stays open: it is a run or wait that the kernel may still add. Open time that
 * it has not added by the next sample was sleep. */
static void
count_ran(struct watch *w, struct wait_thread *t, const struct task_sched *now,
    const struct wait_place *before)
{
	bool slept = t->place.state != WAIT_RUNNABLE || before->state != WAIT_RUNNABLE;
	int64_t left = w->now_ns - t->counted_ns, open = t->open_ns;
	uint64_t delay = now->wait_ns - t->sched.wait_ns, pending = (uint64_t)t->pending_ns;

	if (!may_have_grown(w, t, now) || left <= 0)
		return;
	left += open;
	int64_t run_ns = at_most(now->run_ns - t->sched.run_ns, left);
	wait_add_time(w, t, &running, run_ns, 0);
	left -= run_ns;
	int64_t wait_ns = at_most(delay > pending ? delay - pending : 0, left);
	wait_add_time(w, t, &runnable, wait_ns, 0);
	left -= wait_ns;
	open = left < open ? left : open;
	wait_add_time(w, t, &asleep, open, 0);
	left -= open;
	t->open_ns = slept ? 0 : left;
	if (slept)
		wait_add_time(w, t, t->place.state != WAIT_RUNNABLE ? &t->place : before, left, 0);
}

/* ---- Long waits */

/* A wait is seen up to one sample late, at its start and at its end. One that may have been as long
 * as slow_ns counts. */
static bool
is_slow(const struct watch *w, const struct wait_thread *t, int64_t ns)
{
	const struct wait_options *o = wait_options(w);
	int64_t about_ns = 900000000 / (int64_t)o->hz;

	return o->slow_ns && t->known && !t->gone && ns + about_ns >= o->slow_ns &&
	    (o->idle || !t->place.idle);
}

static void
add_event(struct watch *w, const struct wait_thread *t, int64_t ns, bool lasting)
{
	struct waits *s = w->state;

	if (s->nevents == WAIT_EVENTS_MOST) {
		watch_note(w, "more than %d long waits in one interval: the others are omitted",
		    WAIT_EVENTS_MOST);
		return;
	}
	if (s->nevents == s->events_room) {
		s->events_room = s->events_room ? s->events_room * 2 : 16;
		s->events = xrealloc(s->events, s->events_room * sizeof *s->events);
	}
	struct wait_event *e = &s->events[s->nevents++];
	const struct wait_holder *h = wait_locks_holder(s, t, lasting);
	*e = (struct wait_event){ .place = t->place, .ns = ns, .lasting = lasting };
	e->holder = h ? wait_holder_label(h, &s->told_holders) : NULL;
	wait_set_owner(s, t, &e->owner);
}

/* ---- Samples of one thread */

static void
end_wait(struct watch *w, const struct wait_thread *t)
{
	int64_t ns = ran_ns(w, t) - t->since_ns;

	if (is_slow(w, t, ns))
		add_event(w, t, ns, false);
}

void
wait_thread_end(struct watch *w, struct wait_thread *t)
{
	count_still(w, t, t->sampled_ns);
	decide_open(w, t);
	end_wait(w, t);
	t->gone = true;
}

static void
begin_wait(struct watch *w, struct wait_thread *t, const struct task_sched *now)
{
	const struct wait_options *o = wait_options(w);
	const struct waits *s = w->state;

	t->thin = !o->slow_ns || (t->place.idle && !o->idle && s->thins);
	t->ran |= t->known;
	t->since_ns = began_ns(w, t);
	t->sched = *now;
	t->counted_ns = t->sampled_ns = w->now_ns;
	t->pending_ns = 0;
	t->told = false;
	t->known = true;
}

/* The state of a thread is read after its schedstat: it may have run in between, and be asleep by
 * now. A thread that is still runnable waits for a CPU. */
static void
check_runnable(struct watch *w, struct wait_thread *t)
{
	if (!wait_place_read(w, t))
		wait_thread_end(w, t);
	if (t->place.state != WAIT_RUNNABLE)
		t->pending_ns = 0;
}

/* False when the thread has ended. */
static bool
read_sched(struct watch *w, const struct wait_thread *t, struct task_sched *now)
{
	const struct task_row *row = ((const struct waits *)w->state)->row;
	struct text text;

	if (row) {
		*now = (struct task_sched){ row->run_ns, row->wait_ns, row->slices };
		return true;
	}
	if (wait_thread_read(w, t, "/schedstat", &text) == 0 && task_sched_parse(text, now) == 0)
		return true;
	if (errno == EINVAL || errno == ERANGE)
		watch_note(w, "/proc/PID/schedstat: unknown format; its threads are omitted");
	return false;
}

static void
sample_thread(struct watch *w, struct wait_thread *t)
{
	struct waits *s = w->state;
	struct task_sched now;

	if (!read_sched(w, t, &now)) {
		wait_thread_end(w, t);
		return;
	}
	s->sched_seen |= now.run_ns > 0;
	/* another thread has taken over the number */
	if (t->ended && memcmp(&now, &t->sched, sizeof now) != 0)
		*t = (struct wait_thread){ .pid = t->pid, .tid = t->tid };
	if (t->known && memcmp(&now, &t->sched, sizeof now) == 0) {
		t->sampled_ns = w->now_ns;
		if (t->place.state == WAIT_RUNNABLE)
			check_runnable(w, t);
		t->starved = t->place.state == WAIT_RUNNABLE;
		wait_locks_look(w, t);
		return;
	}
	struct wait_place before = t->place;
	count_still(w, t, t->sampled_ns);
	end_wait(w, t);
	bool there = wait_place_read(w, t);
	s->placed |= there || t->ended;
	wait_stack_look(w, t, &now);
	t->placed = s->round;
	t->starved = t->known && now.wait_ns - t->sched.wait_ns > now.run_ns - t->sched.run_ns;
	t->look = 0;
	wait_locks_look(w, t);
	if (t->known && there)
		count_ran(w, t, &now, &before);
	begin_wait(w, t, &now);
	t->gone = !there;
}

/* ---- Samples of all threads */

/* Where there are many threads, sampling those that have not run for a while would be most of the
 * cost. Up to FEW are sampled every time, and each at least once in RAREST samples, or in RAREST_SLOW with
 * --slow. */
enum { RAREST = 32, RAREST_SLOW = 8, FEW = 200 };

/* After so long without running, a thread is sampled half as often, and half as often again whenever that time
 * has doubled. At 20 Hz it is sampled at least once in a twentieth of that time. */
static const int64_t STILL_NS = 4000000000;

static unsigned
sample_every(const struct watch *w, int64_t still_ns)
{
	const struct waits *s = w->state;

	if (still_ns < second_ns)
		return 1;
	if (wait_options(w)->slow_ns)
		return s->rarest;
	unsigned every = 2;
	for (int64_t ns = STILL_NS; every < RAREST && still_ns >= ns; ns *= 2)
		every *= 2;
	return every;
}

/* The first round, from this one on, in which the thread is sampled if it does not run until then. The longer a
 * thread has not run, the more rounds skip it, each round another part of the threads. With --slow, only threads
 * whose wait is not shown are skipped, and so rarely that no long wait is missed. */
static uint64_t
due_from(const struct watch *w, const struct wait_thread *t, uint64_t round)
{
	const struct waits *s = w->state;
	unsigned every = sample_every(w, w->now_ns - t->since_ns);

	if (!t->known || !t->thin || s->nthreads <= FEW)
		return round;
	return round + (every - (t->tid + round) % every) % every;
}

static bool
is_skipped(const struct watch *w, const struct wait_thread *t)
{
	const struct waits *s = w->state;

	return due_from(w, t, s->round) > s->round;
}

/* The next round in which the thread is sampled, or its lock is read. Until the thread runs, later rounds only
 * skip it more often, so this one does not come too late. */
static uint64_t
next_turn(const struct watch *w, const struct wait_thread *t)
{
	const struct waits *s = w->state;
	uint64_t due = due_from(w, t, s->round + 1), look = wait_locks_next(s, t);

	return look < due ? look : due;
}

/* A recording without wait has rows of other samples. */
static bool
may_use_rows(const struct watch *w)
{
	return !w->host->replay || !*w->host->tools || strstr(w->host->tools, "wait");
}

/* Lists the rows of the threads that are not skipped; none: all rows are wanted. */
static void
list_wanted(struct watch *w)
{
	struct waits *s = w->state;
	size_t n = 0;

	s->nwanted = 0;
	if (!s->source.now || !w->ask->target.pid || s->nthreads <= FEW)
		return;
	if (s->nthreads > s->wanted_room) {
		s->wanted_room = s->nthreads + s->nthreads / 4;
		s->wanted = xrealloc(s->wanted, s->wanted_room * sizeof *s->wanted);
		s->due = xrealloc(s->due, s->wanted_room * sizeof *s->due);
	}
	const struct task_row *next = s->source.now->v;
	for (size_t i = 0; i < s->nthreads; i++) {
		if (s->turn[i] > s->round)
			continue;
		const struct wait_thread *t = &s->threads[i];
		if (wait_thread_over(t) || is_skipped(w, t))
			continue;
		const struct task_row *row = wait_thread_row(s, t, &next);
		if (!row)
			return;
		s->due[n] = (uint32_t)i;
		s->wanted[n++] = (uint32_t)(row - s->source.now->v);
	}
	s->nwanted = n <= s->nthreads / 2 ? n : 0;
}

/* The rows of this sample. Without the process of -p there are none, and its files tell more. */
static void
read_rows(struct watch *w)
{
	struct waits *s = w->state;
	bool all = true;

	if (!*s->source.file)
		return;
	list_wanted(w);
	int status = s->nwanted ?
	    task_source_read_some(&s->source, w, s->wanted, s->nwanted, &all) :
	    task_source_read(&s->source, w);
	s->partly = !all;
	if (status < 0 && errno != ESRCH)
		watch_fail(w, EXIT_FAILED, "cannot read the tasks by BPF: %s", strerror(errno));
}

/* With --slow, threads may be skipped only if the kernel tells when their next wait began, which it
 * does with CONFIG_SCHED_DEBUG. */
static void
begin(struct watch *w)
{
	struct waits *s = w->state;
	int64_t ns, samples = wait_options(w)->slow_ns * wait_options(w)->hz / second_ns;
	struct task_stat stat;
	struct text text;

	s->source.calls = true;
	if (may_use_rows(w) && !task_source_begin(&s->source, w, wait_options(w)->source))
		return;
	s->rarest = samples < RAREST_SLOW ? (unsigned)samples : RAREST_SLOW;
	s->thins = !*s->source.file && wait_options(w)->slow_ns &&
	    host_read(w->host, "proc/self/sched", &text) == 0 && task_left_parse(text, &ns) == 0;
	if (!w->ask->target.pid && host_read(w->host, "proc/self/stat", &text) == 0 &&
	    task_stat_parse(text, &stat) == 0)
		s->self = stat.pid;
	if (!w->ask->target.pid && !w->ask->target.cgroup)
		hidden_tell(w);
}

/* The stack of a thread that has run and sleeps in the same call as before may be the same. */
static void
want_stack(struct watch *w, const struct wait_thread *t, const struct task_row *row)
{
	if (row && t->known && !t->gone && row->slices != t->sched.slices && row->state == 'S' &&
	    row->call && row->call == t->call_hash)
		wait_stacks_want(w, t);
}

/* Reads these stacks of the process whose first thread is `first`. */
static void
read_ahead(struct watch *w, const struct wait_thread *first, const struct task_row *next)
{
	const struct waits *s = w->state;
	const struct wait_thread *end = s->threads + s->nthreads;

	if (!wait_options(w)->stacks)
		return;
	wait_stacks_begin(w);
	if (!next || w->host->replay)
		return;
	for (size_t i = 0; s->partly && i < s->nwanted; i++)
		want_stack(w, &s->threads[s->due[i]], &s->source.now->v[s->wanted[i]]);
	for (const struct wait_thread *t = first; !s->partly && t < end && t->pid == first->pid;
	     t++)
		want_stack(w, t, wait_thread_row(s, t, &next));
	wait_stacks_read(w);
}

/* Samples the threads that are due. This sample has only their rows, and all belong to one process. */
static void
sample_due(struct watch *w)
{
	struct waits *s = w->state;
	size_t k = 0;

	read_ahead(w, s->threads, s->source.now->v);
	for (size_t i = 0; i < s->nthreads; i++) {
		if (s->turn[i] > s->round)
			continue;
		struct wait_thread *t = &s->threads[i];
		bool due = k < s->nwanted && s->due[k] == i;
		s->row = due ? &s->source.now->v[s->wanted[k++]] : NULL;
		if (due)
			sample_thread(w, t);
		else if (!t->gone)
			wait_locks_look(w, t);
		s->turn[i] = next_turn(w, t);
	}
}

static void
sample_all(struct watch *w)
{
	struct waits *s = w->state;
	const struct task_row *next = *s->source.file ? s->source.now->v : NULL;
	size_t there = 0;

	for (size_t i = 0; i < s->nthreads; i++) {
		struct wait_thread *t = &s->threads[i];
		if (i == 0 || t[-1].pid != t->pid)
			read_ahead(w, t, next);
		s->row = wait_thread_row(s, t, &next);
		if (!wait_thread_over(t) && (s->row || !is_skipped(w, t)))
			sample_thread(w, t);
		else if (!t->gone)
			wait_locks_look(w, t);
		there += !t->gone;
		s->turn[i] = 0;
	}
	if (there == 0)
		s->until_list = 0;
}

void
wait_sample(struct watch *w)
{
	struct waits *s = w->state;

	if (s->round == 0)
		begin(w);
	read_rows(w);
	if (w->fail)
		return;
	wait_threads_list(w);
	wait_locks_begin(w);
	(s->partly ? sample_due : sample_all)(w);
	s->row = NULL; /* what follows reads other threads: the owners of locks */
	wait_locks_end(w);
	s->seen_ns = w->now_ns;
	s->round++;
	s->samples++;
}

void
wait_close_row(struct watch *w)
{
	struct waits *s = w->state;

	for (size_t i = 0; i < s->nthreads; i++) {
		struct wait_thread *t = &s->threads[i];
		int64_t ns = w->now_ns - t->since_ns;
		count_still(w, t, w->now_ns);
		decide_open(w, t);
		if (t->told || !is_slow(w, t, ns))
			continue;
		add_event(w, t, ns, true);
		t->told = true;
	}
}
