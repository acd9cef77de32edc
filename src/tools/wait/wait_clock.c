/*
 * When a thread left its CPU, for one that was not looked at in between: the kernel keeps that
 * time, but by a clock of each CPU, which the time that a hypervisor takes away makes lag behind.
 * How far it lags is learned from threads that have just run there.
 */
#include "tools/wait/wait_look.h"

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
void
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

bool
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
