/* Time that a thread spent in a place, put down to what the rows tell apart. */
#include <stdio.h>
#include <string.h>

#include "tools/wait/wait_look.h"

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
	char *bracket = strstr(where, ":[");

	if (bracket && bracket[2] >= '0' && bracket[2] <= '9')
		*bracket = '\0';
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

void
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
	if (w->ask->threads || w->ask->folded)
		wait_fill_whose(s, t, &out->whose);
	if (w->ask->threads)
		return;
	out->whose.pid = out->whose.tid = 0;
	drop_number(out->place.where);
	if (w->ask->folded)
		join(&out->place);
}

/* Threads of the kernel that sleep wait for work: among all threads they would be most of the time,
 * and tell nothing. */
static bool
is_left_out(const struct watch *w, const struct wait_place *p)
{
	return p->kernel && p->idle && p->state == WAIT_BLOCKED && !w->ask->target.pid;
}

void
wait_count(struct watch *w, const struct wait_thread *t, const struct wait_place *place, int64_t ns,
    int64_t stood_ns)
{
	struct wait_looks *s = w->state;
	struct wait_sum like, *sum;

	if (ns <= 0 || w->ask->slow_ns || is_left_out(w, place))
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

void
wait_decide(struct watch *w, struct wait_thread *t)
{
	/* run_ns of one that runs is behind by a scheduler's tick */
	const int64_t lag_ns = 10000000;
	bool waits = t->open_ns > lag_ns;

	wait_count(w, t, waits ? &runnable : &running, t->open_ns, 0);
	t->pending_ns += waits ? t->open_ns : 0;
	t->open_ns = 0;
}

void
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
