/*
 * When a thread left its CPU, for one that was not looked at in between: the kernel keeps that
 * time, but by a clock of each CPU, which the time that a hypervisor takes away makes lag behind.
 * How far it lags is learned from threads that have just run there.
 */
#include "tools/wait/look.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The lag grows. So often it is looked for, so long the least is kept, and so long it is better
 * than a guess. */
enum { LEARN_MS = 90, KEEP_MS = 300, HOLDS_MS = 1000 };

static struct wait_clock *
clock_of(struct watch *w, const struct wait_thread *t)
{
	struct wait_looks *s = w->state;

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

/* It left its CPU between the look before and this one: the least lag of some such is nearest to
 * the true one. */
static void
wait_clock_learn(struct watch *w, const struct wait_thread *t)
{
	struct wait_clock *c = clock_of(w, t);
	int64_t left;

	if (!c || w->now_ns - c->asked_ns < LEARN_MS * (int64_t)1000000 || !read_left(w, t, &left))
		return;
	int64_t lag = w->now_ns - left;
	c->asked_ns = w->now_ns;
	if (c->learned_ns && w->now_ns - c->learned_ns < KEEP_MS * (int64_t)1000000 &&
	    lag > c->lag_ns)
		return;
	c->lag_ns = lag;
	c->learned_ns = w->now_ns;
}

/* When the thread left its CPU, as a moment's mono_ns. False when it is not known. */
static bool
wait_clock_left(struct watch *w, const struct wait_thread *t, int64_t *ns)
{
	const struct wait_clock *c = clock_of(w, t);
	int64_t left;

	if (!c || !c->learned_ns || w->now_ns - c->learned_ns > HOLDS_MS * (int64_t)1000000 ||
	    !read_left(w, t, &left))
		return false;
	*ns = left + c->lag_ns;
	return true;
}

/* Time that a thread spent in a place, put down to what the rows tell apart. */

/* "" when it is not known. */
static const char *
process_name(const struct wait_looks *s, uint32_t pid)
{
	const struct wait_thread *leader = wait_threads_find(&s->threads, pid, pid);

	return leader ? leader->comm : "";
}

/* "socket:[4242]" is one of many: among all threads, what it is says more than which. */
static void
drop_number(char *where)
{
	const char *bracket = text_find(text_of(where), ":[");

	if (bracket && bracket[2] >= '0' && bracket[2] <= '9')
		where[bracket - where] = '\0';
}

/* A frame of a flame graph: "read(pipe)". */
static void
join(struct wait_place *p)
{
	char both[sizeof p->where + sizeof p->call + 2];

	if (!*p->call)
		return;
	snprintf(both, sizeof both, "%s(%s)", p->call, p->where);
	memcpy(p->where, both, sizeof p->where - 1);
	p->call[0] = p->wchan[0] = '\0';
}

/* The thread, its process, and their names. */
static void
wait_fill_whose(const struct wait_looks *s, const struct wait_thread *t, struct wait_whose *out)
{
	out->pid = t->pid;
	out->tid = t->tid;
	memcpy(out->comm, t->comm, sizeof out->comm);
	snprintf(out->process, sizeof out->process, "%s", process_name(s, t->pid));
}

/* What rows tell apart. */
static void
fill_sum(struct watch *w, const struct wait_thread *t, const struct wait_place *place,
    struct wait_sum *out)
{
	const struct wait_looks *s = w->state;

	*out = (struct wait_sum){ .place = *place };
	if (wait_options(w)->threads || wait_options(w)->folded)
		wait_fill_whose(s, t, &out->whose);
	if (wait_options(w)->threads)
		return;
	out->whose.pid = out->whose.tid = 0;
	drop_number(out->place.where);
	if (wait_options(w)->folded)
		join(&out->place);
}

/* Threads of the kernel that sleep wait for work: among all threads they would be most of the time,
 * and tell nothing. */
static bool
is_left_out(const struct watch *w, const struct wait_place *p)
{
	return p->kernel && p->idle && p->state == WAIT_BLOCKED && !w->ask->target.pid;
}

/* Adds time of the thread's to its place. It has stood still there for stood_ns; 0: it has not. */
static void
wait_count(struct watch *w, const struct wait_thread *t, const struct wait_place *place, int64_t ns,
    int64_t stood_ns)
{
	struct wait_looks *s = w->state;
	struct wait_sum like, *sum;

	if (ns <= 0 || wait_options(w)->slow_ns || is_left_out(w, place))
		return;
	fill_sum(w, t, place, &like);
	sum = wait_sums_find(&s->sums, &like);
	sum->ns += (double)ns;
	if (stood_ns > sum->longest_ns)
		sum->longest_ns = stood_ns;
}

static int64_t
at_most(uint64_t ns, int64_t most)
{
	return ns < (uint64_t)most ? (int64_t)ns : most;
}

static const struct wait_place running = { .state = WAIT_RUNNING, .where = "cpu" };
static const struct wait_place runnable = { .state = WAIT_RUNNABLE, .where = "cpu" };
static const struct wait_place asleep = { .state = WAIT_BLOCKED };

/* Of one that was ready at both looks it is not yet known where the rest went: a wait, or a run,
 * may go on and be added later. What was not by the next time is sleep. For a row it is decided
 * earlier: it is taken to wait. */
static void
wait_decide(struct watch *w, struct wait_thread *t)
{
	/* run_ns of one that runs is behind by a scheduler's tick */
	const int64_t lag_ns = 10000000;
	bool waits = t->open_ns > lag_ns;

	wait_count(w, t, waits ? &runnable : &running, t->open_ns, 0);
	t->pending_ns += waits ? t->open_ns : 0;
	t->open_ns = 0;
}

/* How the time since the look before was spent by one that has run in it. The kernel's wait_ns
 * grows when a wait ends, by all of it: what was counted of it before is not counted again. The
 * sleep was where it sleeps now; or, when it does not, where it slept before. */
static void
wait_split(struct watch *w, struct wait_thread *t, const struct task_sched *now,
    const struct wait_place *before)
{
	bool slept = t->place.state != WAIT_RUNNABLE || before->state != WAIT_RUNNABLE;
	int64_t left = w->now_ns - t->counted_ns, open = t->open_ns;
	uint64_t delay = now->wait_ns - t->sched.wait_ns, pending = (uint64_t)t->pending_ns;

	if (now->run_ns < t->sched.run_ns || now->wait_ns < t->sched.wait_ns || left <= 0)
		return; /* another thread under this number */
	left += open;
	int64_t run_ns = at_most(now->run_ns - t->sched.run_ns, left);
	wait_count(w, t, &running, run_ns, 0);
	left -= run_ns;
	int64_t wait_ns = at_most(delay > pending ? delay - pending : 0, left);
	wait_count(w, t, &runnable, wait_ns, 0);
	left -= wait_ns;
	if (left < open)
		open = left;
	wait_count(w, t, &asleep, open, 0);
	left -= open;
	t->open_ns = slept ? 0 : left;
	if (slept)
		wait_count(w, t, t->place.state != WAIT_RUNNABLE ? &t->place : before, left, 0);
}

/*
 * A thread whose schedstat stands still has not run at all since the look before: nothing else is
 * read of it then. One that has run spent the time between the two looks as schedstat says: so long
 * on a CPU, so long waiting for one, and asleep for the rest. Where it waits is read once, when it
 * is seen to have begun.
 */

enum { RAREST = 8, FEW = 200 };

/* It stood still up to then. */
static void
stand(struct watch *w, struct wait_thread *t, int64_t until_ns)
{
	int64_t ns = until_ns - t->counted_ns;

	if (!t->known || t->gone || ns <= 0)
		return;
	wait_count(w, t, &t->place, ns, until_ns - t->since_ns);
	if (t->place.state == WAIT_RUNNABLE)
		t->pending_ns += ns;
	t->counted_ns = until_ns;
}

/* The look is late by up to one tick, and so was the one at which it began: a wait that may have
 * been as long counts. */
static bool
is_slow(const struct watch *w, const struct wait_thread *t, int64_t ns)
{
	int64_t about_ns = 900000000 / (int64_t)wait_options(w)->hz;

	return wait_options(w)->slow_ns && t->known && !t->gone &&
	    ns + about_ns >= wait_options(w)->slow_ns && (wait_options(w)->idle || !t->place.idle);
}

static void
add_event(struct watch *w, const struct wait_thread *t, int64_t ns, bool lasting)
{
	struct wait_looks *s = w->state;

	if (s->nevents == WAIT_EVENTS_MOST) {
		watch_note(w, "more than %d long waits in an interval: the others are left out",
		    WAIT_EVENTS_MOST);
		return;
	}
	if (s->nevents == s->events_room) {
		s->events_room = s->events_room ? s->events_room * 2 : 16;
		s->events = xrealloc(s->events, s->events_room * sizeof *s->events);
	}
	struct wait_event *e = &s->events[s->nevents++];
	*e = (struct wait_event){ .place = t->place, .ns = ns, .lasting = lasting };
	wait_fill_whose(s, t, &e->whose);
}

/* When it is taken to have run, if it has: at this look, as that is how late all waits are seen to
 * begin and to end; or for a thread that was passed over in between, earlier by half of that. */
static int64_t
ran_ns(const struct watch *w, const struct wait_thread *t)
{
	const struct wait_looks *s = w->state;

	return w->now_ns - (t->known ? (s->seen_ns - t->looked_ns) / 2 : 0);
}

/* Its wait is over, now or shortly before. */
static void
end_wait(struct watch *w, const struct wait_thread *t)
{
	int64_t ns = ran_ns(w, t) - t->since_ns;

	if (is_slow(w, t, ns))
		add_event(w, t, ns, false);
}

static void
lose(struct watch *w, struct wait_thread *t)
{
	stand(w, t, t->looked_ns);
	wait_decide(w, t);
	end_wait(w, t);
	t->gone = true;
}

static void
lost(void *about, struct wait_thread *t)
{
	lose(about, t);
}

/* A wait of a thread that was passed over at the look before has begun earlier: if it may have to
 * be told, the kernel is asked when. Its clock is known to be late by less than a look, and so are
 * the ends of waits. */
static int64_t
began_ns(struct watch *w, const struct wait_thread *t)
{
	const struct wait_looks *s = w->state;
	bool late = t->known && t->looked_ns < s->seen_ns;
	int64_t left;

	if (!late && s->thins)
		wait_clock_learn(w, t);
	if (!late || t->thin || !wait_clock_left(w, t, &left))
		return ran_ns(w, t);
	return left < t->looked_ns ? t->looked_ns : left > w->now_ns ? w->now_ns : left;
}

static void
begin_wait(struct watch *w, struct wait_thread *t, const struct task_sched *now)
{
	const struct wait_looks *s = w->state;

	t->thin =
	    !wait_options(w)->slow_ns || (t->place.idle && !wait_options(w)->idle && s->thins);
	t->since_ns = began_ns(w, t);
	t->sched = *now;
	t->counted_ns = t->looked_ns = w->now_ns;
	t->pending_ns = 0;
	t->told = false;
	t->known = true;
}

/* Its state was read after its figures: it may have come and gone in between. One that is still
 * ready waits for a CPU. */
static void
check_runnable(struct watch *w, struct wait_thread *t)
{
	if (!wait_place_read(w, t))
		lose(w, t);
	if (t->place.state != WAIT_RUNNABLE)
		t->pending_ns = 0;
}

static void
look_at(struct watch *w, struct wait_thread *t)
{
	struct wait_looks *s = w->state;
	struct task_sched now;
	struct text text;

	if (wait_thread_read(w, t, "/schedstat", &text) < 0 || task_sched_parse(text, &now) < 0) {
		if (errno == EINVAL || errno == ERANGE)
			watch_note(w,
			    "/proc/PID/schedstat is not understood: threads with such a one are "
			    "left out");
		lose(w, t);
		return;
	}
	s->sched_seen |= now.run_ns > 0;
	if (t->known && memcmp(&now, &t->sched, sizeof now) == 0) {
		t->looked_ns = w->now_ns;
		if (t->place.state == WAIT_RUNNABLE)
			check_runnable(w, t);
		return;
	}
	struct wait_place before = t->place;
	stand(w, t, t->looked_ns);
	end_wait(w, t);
	bool there = wait_place_read(w, t);
	s->placed |= there || t->ended;
	if (t->known && there)
		wait_split(w, t, &now, &before);
	begin_wait(w, t, &now);
	t->gone = !there;
}

/* Listing costs as much as a look: new threads are found a little later when there are many. */
static void
list(struct watch *w)
{
	struct wait_looks *s = w->state;

	if (s->until_list > 0 && s->until_list-- > 0)
		return;
	s->error = wait_threads_list(w, &s->threads, lost, w) < 0 ? errno : 0;
	s->until_list = (unsigned)(s->threads.n / 64 < wait_options(w)->hz ? s->threads.n / 64 :
									     wait_options(w)->hz);
	if (s->threads.cut)
		watch_note(w,
		    "more than %d threads: the others are left out; -p and -g narrow it down",
		    WAIT_THREADS_MOST);
}

static unsigned
look_every(const struct watch *w, int64_t still_ns)
{
	const struct wait_looks *s = w->state;
	const int64_t second = 1000000000;

	if (still_ns < second)
		return 1;
	if (wait_options(w)->slow_ns)
		return s->rarest;
	return still_ns < 4 * second ? 2 : still_ns < 8 * second ? 4 : RAREST;
}

/* Looks at threads that rest are most of the cost where there are many. The longer one has stood
 * still the less often it is looked at, another part of them each time. With --slow that goes for
 * those whose wait is not to be told, and so often that none that is falls between two looks. */
static bool
is_resting(const struct watch *w, const struct wait_thread *t)
{
	const struct wait_looks *s = w->state;
	unsigned every = look_every(w, w->now_ns - t->since_ns);

	return every > 1 && t->known && t->thin && s->threads.n > FEW &&
	    (t->tid + s->round) % every != 0;
}

/* Of a wait between looks that are further apart the kernel must tell when it began, as it does
 * with CONFIG_SCHED_DEBUG. */
static void
learn_thinning(struct watch *w)
{
	struct wait_looks *s = w->state;
	int64_t ns, looks = wait_options(w)->slow_ns * wait_options(w)->hz / 1000000000;
	struct text text;

	s->rarest = looks < RAREST ? (unsigned)looks : RAREST;
	s->thins = wait_options(w)->slow_ns && host_read(w->host, "proc/self/sched", &text) == 0 &&
	    task_left_parse(text, &ns) == 0;
}

void
wait_look(struct watch *w)
{
	struct wait_looks *s = w->state;
	size_t there = 0;

	if (s->round == 0)
		learn_thinning(w);
	list(w);
	for (size_t i = 0; i < s->threads.n; i++) {
		struct wait_thread *t = &s->threads.v[i];
		if (!t->gone && !is_resting(w, t))
			look_at(w, t);
		there += !t->gone;
	}
	if (there == 0)
		s->until_list = 0;
	s->seen_ns = w->now_ns;
	s->round++;
	s->looks++;
}

void
wait_settle(struct watch *w)
{
	struct wait_looks *s = w->state;

	for (size_t i = 0; i < s->threads.n; i++) {
		stand(w, &s->threads.v[i], w->now_ns);
		wait_decide(w, &s->threads.v[i]);
	}
}

void
wait_add_lasting(struct watch *w)
{
	struct wait_looks *s = w->state;

	for (size_t i = 0; i < s->threads.n; i++) {
		struct wait_thread *t = &s->threads.v[i];
		if (t->told || !is_slow(w, t, w->now_ns - t->since_ns))
			continue;
		add_event(w, t, w->now_ns - t->since_ns, true);
		t->told = true;
	}
}
