/* triggers: decides when a condition fires. */
#include "commands/recorder/triggers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const int64_t UNKNOWN_MOST_NS = 1000000000;

/* Counts the sample. Returns whether the run is as long as `for` says. */
static bool
lasts(struct trigger *t, int64_t mono_ns)
{
	int64_t ns = expr_for_ns(t->when);

	if (t->run++ == 0)
		t->since_ns = mono_ns;
	return ns > 0 ? mono_ns - t->since_ns >= ns : t->run >= expr_for_samples(t->when);
}

static enum trigger_event
fire(struct trigger *t, int64_t mono_ns)
{
	t->disarmed = true;
	if (t->fired && mono_ns - t->fired_ns < t->cooldown_ns) {
		t->pending = true;
		t->suppressed++;
		return TRIGGER_SUPPRESSED;
	}
	t->pending = false;
	t->fired = true;
	t->fired_ns = mono_ns;
	return TRIGGER_FIRES;
}

/* Whether a suppressed condition is still true after the cool-down. */
static bool
is_overdue(
    const struct trigger *t, const struct expr_now *now, int64_t mono_ns, struct expr_hit *hit)
{
	return t->pending && mono_ns - t->fired_ns >= t->cooldown_ns &&
	    expr_eval(t->when, now, false, hit) == TRUTH_YES;
}

static enum trigger_event
step_unknown(struct trigger *t, int64_t mono_ns)
{
	t->unknown = true;
	if (mono_ns - t->known_ns > UNKNOWN_MOST_NS)
		t->run = 0;
	if (t->disarmed && mono_ns - t->held_ns > UNKNOWN_MOST_NS + expr_for_ns(t->when)) {
		/* with an idle cgroup among the rows, the condition may never be known to be
		 * false */
		t->disarmed = t->pending = false;
		t->run = 0;
	}
	return TRIGGER_NOTHING;
}

/* What is true as written is true relaxed too: a sample that arms a trigger cannot begin its next
 * run. */
enum trigger_event
trigger_step(struct trigger *t, const struct expr_now *now, int64_t mono_ns, struct expr_hit *hit)
{
	if (is_overdue(t, now, mono_ns, hit)) {
		t->suppressed--; /* this firing counted as suppressed */
		return fire(t, mono_ns);
	}
	enum truth truth = expr_eval(t->when, now, t->disarmed, hit);

	if (truth == TRUTH_UNKNOWN)
		return step_unknown(t, mono_ns);
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
		return fire(t, mono_ns);
	t->disarmed = t->pending = false;
	return TRIGGER_NOTHING;
}

bool
triggers_use(const struct plan *p, size_t tool)
{
	for (int i = 0; i < p->own->when.n; i++)
		if (p->expr[i] && expr_uses(p->expr[i], tool))
			return true;
	return false;
}

void
triggers_begin(struct triggers *t, struct saves *s)
{
	*t = (struct triggers){ .saves = s };
	for (int i = 0; i < s->plan->own->when.n; i++)
		t->v[i] = (struct trigger){ .when = s->plan->expr[i],
			.cooldown_ns = s->plan->own->cooldown_ns };
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
	snprintf(why->name, sizeof why->name, "%s", hit->brief ? hit->brief : "");
}

/* The column in the condition of which the tool has no value, as it is written: the first one. */
static struct text
written_column(const struct trigger *t, const struct plan *p, const char *when, size_t *tool)
{
	for (size_t i = 0; i < p->list.n; i++) {
		const char *at = expr_uses(t->when, i) ? strstr(when, p->list.tool[i]->name) : NULL;
		*tool = i;
		if (at)
			return (struct text){ at, strcspn(at, " \t<>=!+-*/()&|") };
	}
	return text_of(when);
}

/* Logs once that the condition was unknown. In a cgroup that is idle no quota period elapses, which
 * is no fault. */
static void
tell_unknown(const struct saves *s, struct trigger *t, const char *when, const struct sample *m)
{
	const struct plan *p = s->plan;
	struct journal *j = s->journal;
	size_t tool = 0;
	char message[400];

	if (!t->unknown || t->told)
		return;
	struct text column = written_column(t, p, when, &tool);
	bool idle = p->list.tool[tool] == &tool_throttle;
	snprintf(message, sizeof message,
	    "no value yet for %.*s%s; the trigger cannot fire until there is one", (int)column.n,
	    column.s, idle ? " (no quota period elapsed)" : "");
	journal_begin(j, m->real_ns, "note", message);
	journal_text(j, "expr", when);
	journal_end(j);
	t->told = true;
}

/* Whether this sample has new rows of a tool that the condition uses. */
static bool
has_news(const struct expr *when, const struct session *s)
{
	bool any = false, used = false;

	for (size_t i = 0; i < s->n; i++) {
		if (!expr_uses(when, i))
			continue;
		used = true;
		any |= s->v[i]->sampled;
	}
	return any || !used;
}

static void
step(struct triggers *all, int i, const struct expr_now *now, const struct sample *m)
{
	const char *when = all->saves->plan->own->when.v[i];
	struct trigger *t = &all->v[i];
	struct expr_hit hit = { .value = NAN, .threshold = NAN };
	struct reason why;

	if (trigger_step(t, now, m->mono_ns, &hit) == TRIGGER_FIRES) {
		fill_reason(&why, when, &hit, t->suppressed);
		t->suppressed = 0;
		saves_ask(all->saves, m, &why, true);
	}
	tell_unknown(all->saves, t, when, m);
}

void
triggers_step(struct triggers *t, const struct session *s)
{
	const struct table *tables[SAMPLERS_MOST];
	const uint64_t cpus = s->host->facts.cpus;
	const struct expr_now now = { tables, cpus ? (double)cpus : NAN };

	if (s->rows == 0) /* the first sample has no rows yet: nothing is unknown */
		return;
	for (size_t i = 0; i < s->n; i++)
		tables[i] = sampler_table(s->v[i]);
	for (int i = 0; i < t->saves->plan->own->when.n; i++)
		if (t->v[i].when && has_news(t->v[i].when, s))
			step(t, i, &now, &s->now);
}

/* Whatever the cool-down, since saving makes threads wait too. */
static int64_t
wait_cooldown_ns(const struct trigger *t)
{
	const int64_t least_ns = 1000000000;

	return t->cooldown_ns > least_ns ? t->cooldown_ns : least_ns;
}

int64_t
triggers_waits_from_ns(const struct triggers *t)
{
	const struct plan *p = t->saves->plan;
	int64_t from_ns = INT64_MAX;

	for (int i = 0; i < p->own->when.n; i++) {
		const struct trigger *v = &t->v[i];
		int64_t ns = v->fired ? v->fired_ns + wait_cooldown_ns(v) : 0;
		if (!p->expr[i] && ns < from_ns)
			from_ns = ns;
	}
	return from_ns;
}

static bool
fires(struct trigger *t, int64_t mono_ns)
{
	if (t->fired && mono_ns - t->fired_ns < wait_cooldown_ns(t)) {
		t->suppressed++;
		return false;
	}
	t->fired = true;
	t->fired_ns = mono_ns;
	return true;
}

void
triggers_waited(struct triggers *t, const struct sample *m, const struct waited *w)
{
	const struct plan *p = t->saves->plan;

	for (int i = 0; m->mono_ns >= t->from_ns && i < p->own->when.n; i++) {
		struct reason why = { .expr = p->own->when.v[i],
			.column = "wait_ms",
			.value = (double)w->ns * 1e-6,
			.threshold = (double)p->over_ns[i] * 1e-6 };
		if (p->expr[i] || w->ns <= p->over_ns[i] || !fires(&t->v[i], m->mono_ns))
			continue;
		w->name(w->ctx, w->tid, why.label, sizeof why.label);
		why.suppressed = t->v[i].suppressed;
		t->v[i].suppressed = 0;
		saves_ask(t->saves, m, &why, true);
	}
}
