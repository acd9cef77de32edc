/* quota: the rules of pq why about CPU quotas: of the cgroup itself or of a parent cgroup. */
#include "commands/why/why.h"

#include <math.h>
#include <string.h>

#include "cgroup/quota.h"

/* How many threads of the target wanted to run on average; NaN without a target, or if a row does
 * not know it. */
static double
wanting(const struct evidence *e)
{
	double n = 0;

	if (tasks_count(e->target) == 0)
		return NAN;
	for (size_t i = 0; i < tasks_count(e->target); i++)
		n += tasks_num(e->target, i, TASKS_CPU) + tasks_num(e->target, i, TASKS_WAIT);
	return n / 100;
}

/* Many threads use up the quota at the start of each period, and then all wait for the next. They
 * cannot use it faster than the CPUs run. Of a process it is not known who else uses the quota. */
static void
tell_threads(const struct evidence *e, double limit, struct finding *f)
{
	double running = wanting(e), at_once = fmin(running, evidence_cpus(e));

	if (running > 1.2 * limit && at_once > limit)
		finding_fact(f,
		    "on average {} of its threads want to run[; together they use up the quota in "
		    "about the first {} % of each period]",
		    fixed(running, 1), fixed(e->about->cgroup ? 100 * limit / at_once : NAN, 0));
}

static void
advise_quota(const struct evidence *e, double limit, struct finding *f)
{
	double threads = isnan(limit) ? NAN : quota_threads(limit);

	if (tasks_sum(e->target, TASKS_THREADS) <= threads)
		threads = NAN; /* it has no more */
	finding_advice(f,
	    "[run at most {} worker thread{} (for Go: GOMAXPROCS={}) or ]raise the quota; see: pq "
	    "throttle{} 1",
	    fixed(threads, 0), EITHER(threads > 1, "s", ""), fixed(threads, 0),
	    command_option(e, " -a"));
}

static void
add_throttled(const struct evidence *e, size_t row, struct findings *f)
{
	const char *cgroup = throttle_text(e->throttle, row, THROTTLE_CGROUP),
		   *level = throttle_text(e->throttle, row, THROTTLE_LEVEL);
	double periods = throttle_num(e->throttle, row, THROTTLE_PERIODS),
	       throttled = throttle_num(e->throttle, row, THROTTLE_THROTTLED);
	double pct = throttle_num(e->throttle, row, THROTTLE_THROTTLED_PCT),
	       held = throttle_num(e->throttle, row, THROTTLE_HELD),
	       limit = throttle_num(e->throttle, row, THROTTLE_LIMIT);
	struct finding *one = finding_add(f, "throttled",
	    pct >= THROTTLED_PCT_VERY_HIGH ? VERDICT_CRITICAL : VERDICT_WARNING,
	    periods >= 10 ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM, held,
	    "CPU throttled by quota[: {}]",
	    name(
		evidence_has_target(e) ? NULL : throttle_brief(e->throttle, row, THROTTLE_CGROUP)));

	finding_fact(one,
	    "throttled in {} of {} periods; {} CPUs of demand unmet; limit {}[{} CPUs][ ({} % "
	    "used)][, set on {}]",
	    fixed(throttled, 0), fixed(periods, 0), fixed(held, 2),
	    EITHER(isnan(limit), "unknown", ""), fixed(limit, 2),
	    fixed(throttle_num(e->throttle, row, THROTTLE_USED_PCT), 0),
	    name(isnan(limit)                  ? NULL :
		    strcmp(level, cgroup) == 0 ? "this cgroup" :
						 throttle_brief(e->throttle, row, THROTTLE_LEVEL)));
	if (pct < 50 && throttle_num(e->throttle, row, THROTTLE_USED_PCT) < 90)
		finding_fact(one,
		    "held back {} ms per throttled period; Linux counts an idle period after each "
		    "burst, so 33 % can mean every request",
		    fixed(throttle_num(e->throttle, row, THROTTLE_STALL), 0));
	tell_threads(e, limit, one);
	advise_quota(e, limit, one);
}

static double
share(const struct phase *p)
{
	return p->periods > 0 ? 100 * p->throttled / p->periods : 0;
}

static void
tell_phase(const struct evidence *e, const struct phase *p, struct finding *f)
{
	finding_fact(f,
	    "{} to {}[, limit {} CPUs]: throttled in {} of {} periods; {} CPUs of demand unmet",
	    phase_time(e, p, p->from_ns, f), phase_time(e, p, p->to_ns, f), fixed(p->limit, 2),
	    fixed(p->throttled, 0), fixed(p->periods, 0), fixed(p->held_s / p->span_s, 2));
}

/* A quota that was changed: the rows before are judged by the old one, and those after by the new
 * one. What followed is said only where rows show it. */
static void
add_changed(const struct evidence *e, size_t row, struct findings *f)
{
	const char *cgroup = throttle_text(e->throttle, row, THROTTLE_CGROUP);
	const struct phases *v = &e->quota_phases;
	const struct phase *first = phase_first(v, cgroup), *worst = phase_worst(v, cgroup),
			   *last = phase_last(v, cgroup);
	bool once = first != last && first->from_ns != last->from_ns,
	     ended = once && share(first) > THROTTLED_PCT_HIGH && last->periods > 0 &&
	    last->throttled == 0,
	     began = once && share(last) > THROTTLED_PCT_HIGH && first->periods > 0 &&
	    first->throttled == 0;
	struct finding *one = finding_add(f, "throttled",
	    share(worst) >= THROTTLED_PCT_VERY_HIGH ? VERDICT_CRITICAL : VERDICT_WARNING,
	    worst->periods >= 10 ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM,
	    worst->held_s / worst->span_s, "CPU throttled by quota[: {}]",
	    name(
		evidence_has_target(e) ? NULL : throttle_brief(e->throttle, row, THROTTLE_CGROUP)));

	tell_phase(e, first, one);
	if (worst->from_ns != first->from_ns && worst->from_ns != last->from_ns)
		tell_phase(e, worst, one);
	tell_change(e, LIMIT_QUOTA, cgroup,
	    figure_words(ended ? "; throttling ended then" :
		    began      ? "; throttling began then" :
				 ""),
	    one);
	if (last != first)
		tell_phase(e, last, one);
	if (share(last) > THROTTLED_PCT_HIGH)
		advise_quota(e, last->limit, one);
	else
		finding_advice(one, "[do not go back to a quota of {} CPUs; ]see: pq throttle{} 1",
		    fixed(worst->limit, 2), command_option(e, " -a"));
}

static bool
quota_was_changed(const struct evidence *e, size_t row)
{
	const struct limit_change *last;

	return changes_of(e, LIMIT_QUOTA, throttle_text(e->throttle, row, THROTTLE_CGROUP), &last) >
	    0;
}

static void
judge_changed(const struct evidence *e, size_t row, struct findings *f)
{
	const struct phase *worst =
	    phase_worst(&e->quota_phases, throttle_text(e->throttle, row, THROTTLE_CGROUP));

	if (share(worst) > THROTTLED_PCT_HIGH &&
	    (worst->held_s > 0.02 * worst->span_s || worst->held_s > 0.01 * worst->throttled))
		add_changed(e, row, f);
}

/* The kernel counts one idle period after each burst of activity: a cgroup whose every request is
 * throttled shows 33 %, and 20 % if every other one is. A rare request hardly changes the mean demand
 * that was unmet, but it waits long.
 * With a target: the level that throttled it most. Without: each cgroup. */
static void
throttled(const struct evidence *e, struct findings *f)
{
	size_t n = throttle_count(e->throttle),
	       most = throttle_most(e->throttle, THROTTLE_THROTTLED_PCT);

	for (size_t i = 0; i < n; i++)
		if (evidence_has_target(e) && i != most)
			continue;
		else if (quota_was_changed(e, i))
			judge_changed(e, i, f);
		else if (throttle_num(e->throttle, i, THROTTLE_THROTTLED_PCT) >
			THROTTLED_PCT_HIGH &&
		    (throttle_num(e->throttle, i, THROTTLE_HELD) > 0.02 ||
			throttle_num(e->throttle, i, THROTTLE_STALL) > 10))
			add_throttled(e, i, f);
}

/* A parent cgroup that is not visible from inside a container: cpu.stat of the visible levels is 0,
 * but cpu.stat.local counts its throttling too. */
static void
throttled_from_above(const struct evidence *e, struct findings *f)
{
	size_t row = throttle_most(e->throttle, THROTTLE_HIDDEN);
	double held = throttle_num(e->throttle, row, THROTTLE_HIDDEN);

	if (!(held > HELD_HIGH))
		return;
	struct finding *one = finding_add(f, "throttled-above",
	    held > HELD_VERY_HIGH ? VERDICT_CRITICAL : VERDICT_WARNING, CONFIDENCE_HIGH, held,
	    "CPU throttled by the quota of a hidden parent cgroup", NO_FIGURE);
	finding_fact(one,
	    "{} CPUs of demand unmet on average; no quota visible from here accounts for it "
	    "(cpu.stat.local)",
	    fixed(held, 2));
	finding_advice(
	    one, "check the quota of the pod or slice on the node: pq throttle -a 1", NO_FIGURE);
}

void
quota_judge(const struct evidence *e, struct findings *f)
{
	throttled(e, f);
	throttled_from_above(e, f);
}
