#include "commands/record/trigger.h"

static const int64_t UNKNOWN_MOST_NS = 1000000000;

/* Counts a sample of the run; whether the run is long enough. */
static bool
lasts(struct trigger *t, int64_t mono_ns)
{
	int64_t ns = expr_for_ns(t->when);

	if (t->run++ == 0)
		t->since_ns = mono_ns;
	return ns > 0 ? mono_ns - t->since_ns >= ns : t->run >= expr_for_samples(t->when);
}

static enum trigger_event
fire(struct trigger *t, int64_t mono_ns, const struct trigger_rules *rules)
{
	t->disarmed = true;
	if (t->fired && mono_ns - t->fired_ns < rules->cooldown_ns) {
		t->pending = true;
		t->suppressed++;
		return TRIGGER_SUPPRESSED;
	}
	t->pending = false;
	t->fired = true;
	t->fired_ns = mono_ns;
	return TRIGGER_FIRES;
}

/* What was suppressed and lasts until the cool-down is over fires then. */
static bool
is_overdue(const struct trigger *t, const struct expr_now *now, int64_t mono_ns,
    const struct trigger_rules *rules, struct expr_hit *hit)
{
	return t->pending && mono_ns - t->fired_ns >= rules->cooldown_ns &&
	    expr_eval(t->when, now, false, hit) == TRUTH_YES;
}

/* What holds as written holds relaxed too: a sample that arms it again cannot be the first of the
 * next run. */
enum trigger_event
trigger_step(struct trigger *t, const struct expr_now *now, int64_t mono_ns,
    const struct trigger_rules *rules, struct expr_hit *hit)
{
	if (is_overdue(t, now, mono_ns, rules, hit)) {
		t->suppressed--; /* it is told now */
		return fire(t, mono_ns, rules);
	}
	enum truth truth = expr_eval(t->when, now, t->disarmed, hit);

	if (truth == TRUTH_UNKNOWN) {
		t->unknown = true;
		if (mono_ns - t->known_ns > UNKNOWN_MOST_NS)
			t->run = 0;
		if (t->disarmed && mono_ns - t->held_ns > UNKNOWN_MOST_NS + expr_for_ns(t->when)) {
			/* with an idle cgroup among the rows it may never be known that none of
			 * them holds */
			t->disarmed = t->pending = false;
			t->run = 0;
		}
		return TRIGGER_NOTHING;
	}
	t->known_ns = mono_ns;
	if (truth == TRUTH_YES)
		t->held_ns = mono_ns;
	if (truth != (t->disarmed ? TRUTH_NO : TRUTH_YES)) {
		t->run = 0;
		return TRIGGER_NOTHING;
	}
	if (!lasts(t, mono_ns))
		return TRIGGER_NOTHING;
	t->run = 0;
	if (!t->disarmed)
		return fire(t, mono_ns, rules);
	t->disarmed = t->pending = false;
	return TRIGGER_NOTHING;
}
