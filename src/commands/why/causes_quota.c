/* Held back by a CPU quota, its own or that of a level above. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "commands/why/causes.h"

/* How many threads to run: all that the quota feeds. */
static double
workers(double limit_cpus)
{
	return fmax(1, ceil(limit_cpus - 0.01));
}

/* How many threads of whom was asked for wanted to run, mean; NaN without one, or when it is not
 * known. */
static double
wanting(const struct evidence *e)
{
	double n = 0;

	if (evidence_rows(e, VIEW_TARGET) == 0)
		return NAN;
	for (size_t i = 0; i < evidence_rows(e, VIEW_TARGET); i++)
		n += evidence_num(e, VIEW_TARGET, i, "cpu_pct") +
		    evidence_num(e, VIEW_TARGET, i, "wait_pct");
	return n / 100;
}

static double
target_threads(const struct evidence *e)
{
	double n = 0;

	for (size_t i = 0; i < evidence_rows(e, VIEW_TARGET); i++)
		n += evidence_num(e, VIEW_TARGET, i, "threads");
	return n;
}

/* Many threads use up a period's quota in its first part, and then all wait for the next. */
static void
tell_threads(const struct evidence *e, double limit, struct finding *f)
{
	double running = wanting(e), threads = target_threads(e);

	if (running > 1.2 * limit)
		finding_fact(f,
		    "%.0f of its %.0f threads want to run, on %.1f CPUs of quota: bursts use up a "
		    "period in its first %.0f %%",
		    ceil(running), threads, limit, 100 * limit / fmax(running, limit));
}

static void
add_throttled(const struct evidence *e, size_t row, struct findings *f)
{
	char words[256], used[32] = "by";
	const char *cgroup = evidence_text(e, VIEW_THROTTLE, row, "cgroup"),
		   *level = evidence_text(e, VIEW_THROTTLE, row, "limit_level");
	double periods = evidence_num(e, VIEW_THROTTLE, row, "periods"),
	       throttled = evidence_num(e, VIEW_THROTTLE, row, "throttled");
	double pct = evidence_num(e, VIEW_THROTTLE, row, "throttled_pct"),
	       held = evidence_num(e, VIEW_THROTTLE, row, "held_cpus");
	double limit = evidence_num(e, VIEW_THROTTLE, row, "limit_cpus"),
	       used_pct = evidence_num(e, VIEW_THROTTLE, row, "used_pct");
	struct finding *one =
	    finding_add(f, "throttled", pct > 25 ? SEVERITY_CRITICAL : SEVERITY_WARNING,
		periods >= 10 ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM, held,
		"CPU throttled by quota%s%.50s", evidence_has_target(e) ? "" : ": ",
		evidence_has_target(e) ? "" : cgroup);

	if (!isnan(used_pct))
		snprintf(used, sizeof used, "at %.0f %% of", used_pct);
	finding_fact(one,
	    "%.0f of %.0f periods throttled, %.2f CPUs held back on average, %s the quota of %.2f "
	    "(set by %s)",
	    throttled, periods, held, used, limit, strcmp(level, cgroup) == 0 ? "itself" : level);
	tell_threads(e, limit, one);
	finding_advice(one,
	    "run at most %.0f worker thread%s (GOMAXPROCS=%.0f), or raise the quota; see: pq "
	    "throttle%s%s 1",
	    workers(limit), workers(limit) > 1 ? "s" : "", workers(limit), evidence_words(e, words),
	    evidence_has_target(e) ? "" : " -a");
}

/* Of the levels of one target the one that held it back most; without a target each group. */
static void
throttled(const struct evidence *e, struct findings *f)
{
	size_t n = evidence_rows(e, VIEW_THROTTLE),
	       most = evidence_most(e, VIEW_THROTTLE, "throttled_pct");

	for (size_t i = 0; i < n; i++)
		if ((!evidence_has_target(e) || i == most) &&
		    evidence_num(e, VIEW_THROTTLE, i, "throttled_pct") > 5 &&
		    evidence_num(e, VIEW_THROTTLE, i, "held_cpus") > 0.02)
			add_throttled(e, i, f);
}

/* A level that cannot be seen from inside a container: its own figures are 0, those of
 * cpu.stat.local are not. */
static void
throttled_from_above(const struct evidence *e, struct findings *f)
{
	size_t row = evidence_most(e, VIEW_THROTTLE, "hidden_cpus");
	double held = evidence_num(e, VIEW_THROTTLE, row, "hidden_cpus");

	if (!(held > 0.05))
		return;
	struct finding *one =
	    finding_add(f, "throttled-above", held > 0.25 ? SEVERITY_CRITICAL : SEVERITY_WARNING,
		CONFIDENCE_HIGH, held, "CPU throttled by a level above that cannot be seen");
	finding_fact(one,
	    "%.2f CPUs held back on average, and no quota that can be seen from here did it "
	    "(cpu.stat.local)",
	    held);
	finding_advice(
	    one, "look at the quota of the pod, or of the slice, on the node: pq throttle -a 1");
}

cause_fn *const causes_quota[] = { throttled, throttled_from_above, NULL };
