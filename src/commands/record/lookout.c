#include "commands/record/lookout.h"

#include <math.h>
#include <stdio.h>

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
		l->tables[i] = l->wanted[i] && !samplers[i].over && sampler_rows(&samplers[i]) ?
		    &samplers[i].table :
		    NULL;
	for (size_t i = 0; i < l->plan->whens && l->begun; i++)
		step(l, i, &now, m);
	l->begun = true; /* at the first moment there is nothing yet to be known */
}
