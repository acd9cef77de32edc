#include "commands/record/triggers.h"

#include <math.h>
#include <stdio.h>

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

void
lookout_begin(struct lookout *l, const struct plan *p, struct saves *s, struct journal *j)
{
	*l = (struct lookout){ .plan = p, .saves = s, .journal = j };
	for (size_t i = 0; i < p->whens; i++) {
		l->triggers[i].when = p->expr[i];
		for (size_t tool = 0; tool < p->tools; tool++)
			l->wanted[tool] |= expr_uses(p->expr[i], tool);
	}
}

static void
fill_reason(struct reason *why, const char *expr, const struct expr_hit *hit, uint64_t suppressed)
{
	*why = (struct reason){ .expr = expr,
		.value = hit->value,
		.threshold = hit->threshold,
		.suppressed = suppressed };
	if (hit->tool)
		snprintf(why->column, sizeof why->column, "%s.%s", hit->tool, hit->key);
	snprintf(why->label, sizeof why->label, "%s", hit->label ? hit->label : "");
}

/* It was unknown: said once. */
static void
tell_unknown(struct lookout *l, size_t i, const struct moment *m)
{
	struct trigger *t = &l->triggers[i];
	char message[400];

	if (!t->unknown || t->told)
		return;
	snprintf(message, sizeof message,
	    "%s: this is unknown here, at least at times; it does not fire then", l->plan->when[i]);
	journal_begin(l->journal, m->real_ns, "unknown", message);
	journal_text(l->journal, "expr", l->plan->when[i]);
	journal_end(l->journal);
	t->told = true;
}

static void
step(struct lookout *l, size_t i, const struct expr_now *now, const struct moment *m)
{
	const struct trigger_rules rules = { l->plan->cooldown_ns };
	struct trigger *t = &l->triggers[i];
	struct expr_hit hit = { .value = NAN, .threshold = NAN };
	struct reason why;

	if (trigger_step(t, now, m->mono_ns, &rules, &hit) == TRIGGER_FIRES) {
		fill_reason(&why, l->plan->when[i], &hit, t->suppressed);
		t->suppressed = 0;
		saves_ask(l->saves, m, &why, true);
	}
	tell_unknown(l, i, m);
}

void
lookout_step(struct lookout *l, struct sampler *samplers, double cpus, const struct moment *m)
{
	struct expr_now now = { l->tables, cpus };

	for (size_t i = 0; i < l->plan->tools; i++)
		l->tables[i] = sampler_table(&samplers[i]);
	for (size_t i = 0; i < l->plan->whens && l->begun; i++)
		step(l, i, &now, m);
	l->begun = true; /* at the first moment there is nothing yet to be known */
}
