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

bool
triggers_use(const struct plan *p, size_t tool)
{
	for (size_t i = 0; i < (size_t)p->own->when.n; i++)
		if (expr_uses(p->expr[i], tool))
			return true;
	return false;
}

void
triggers_begin(struct triggers *t, const struct plan *p, struct saves *s, struct journal *j)
{
	*t = (struct triggers){ .plan = p, .saves = s, .journal = j };
	for (size_t i = 0; i < (size_t)p->own->when.n; i++)
		t->v[i].when = p->expr[i];
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
tell_unknown(
    const struct triggers *all, struct trigger *t, const char *when, const struct sample *m)
{
	char message[400];

	if (!t->unknown || t->told)
		return;
	snprintf(message, sizeof message,
	    "no value yet for %s; the trigger cannot fire until there is one", when);
	journal_begin(all->journal, m->real_ns, "unknown", message);
	journal_text(all->journal, "expr", when);
	journal_end(all->journal);
	t->told = true;
}

static void
step(struct triggers *all, size_t i, const struct expr_now *now, const struct sample *m)
{
	const struct trigger_rules rules = { all->plan->own->cooldown_ns };
	const char *when = all->plan->own->when.v[i];
	struct trigger *t = &all->v[i];
	struct expr_hit hit = { .value = NAN, .threshold = NAN };
	struct reason why;

	if (trigger_step(t, now, m->mono_ns, &rules, &hit) == TRIGGER_FIRES) {
		fill_reason(&why, when, &hit, t->suppressed);
		t->suppressed = 0;
		saves_ask(all->saves, m, &why, true);
	}
	tell_unknown(all, t, when, m);
}

/* At the first sample there is nothing yet to be known. */
void
triggers_step(struct triggers *t, const struct session *s)
{
	const struct table *tables[SAMPLERS_MOST];
	const uint64_t cpus = s->host->facts.cpus;
	const struct expr_now now = { tables, cpus ? (double)cpus : NAN };

	for (size_t i = 0; i < s->n; i++)
		tables[i] = sampler_table(s->v[i]);
	for (size_t i = 0; i < (size_t)t->plan->own->when.n && s->rows > 0; i++)
		step(t, i, &now, &s->now);
}
