/* What is neither a CPU nor memory: disks, what threads hang in, and the making of processes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "commands/why/causes.h"

/* Memory that does not suffice makes disks busy: then that is the cause, and this what comes of
 * it. */
static void
io_pressure(const struct evidence *e, struct findings *f)
{
	char words[256];
	enum view v =
	    isnan(evidence_num(e, VIEW_TARGET_PSI, 0, "io_some_pct")) ? VIEW_PSI : VIEW_TARGET_PSI;
	double some = evidence_num(e, v, 0, "io_some_pct"),
	       full = evidence_num(e, v, 0, "io_full_pct");

	if (!(some > 20))
		return;
	bool follows = findings_has(f, "page-cache") || findings_has(f, "memory-limit") ||
	    findings_has(f, "swap");
	struct finding *one = finding_add(f, "io-pressure",
	    full > 20 && !follows ? SEVERITY_CRITICAL : SEVERITY_WARNING,
	    follows                  ? CONFIDENCE_LOW :
		v == VIEW_TARGET_PSI ? CONFIDENCE_HIGH :
				       CONFIDENCE_MEDIUM,
	    some / 100, "Tasks wait for disks (I/O pressure)");
	finding_fact(one,
	    "%.0f %% of the time some task waited for I/O, %.0f %% of the time nothing else could "
	    "run%s",
	    some, full, v == VIEW_PSI ? ", on the whole machine" : "");
	finding_fact(one, "%.1f tasks were blocked at the end of it",
	    fmax(0, evidence_num(e, VIEW_RUNQ, 0, "blocked")));
	finding_advice(one,
	    "which threads, and in what call: pq wait%s 1; which device: iostat -x 1",
	    evidence_words(e, words));
}

/* A place in which it is waited all the time. Threads that wait for something to do are many in a
 * healthy process; when all of them do nothing else, it hangs, or has nothing to do. */
static void
hangs(const struct evidence *e, struct findings *f)
{
	char words[256];
	size_t n = evidence_rows(e, VIEW_WAIT), most = evidence_most(e, VIEW_WAIT, "share_pct");
	double blocked = 0;

	for (size_t i = 0; i < n; i++)
		if (strcmp(evidence_text(e, VIEW_WAIT, i, "state"), "blocked") == 0)
			blocked += evidence_num(e, VIEW_WAIT, i, "share_pct");
	if (!(blocked > 99.5) ||
	    !(evidence_num(e, VIEW_WAIT, most, "duration_ms") > 900 * panel_span_s(&e->panel)))
		return;
	struct finding *one = finding_add(f, "blocked", SEVERITY_WARNING, CONFIDENCE_MEDIUM,
	    blocked / 100, "All its threads are blocked");
	finding_fact(one, "%.0f %% of their time in %s, on %.60s",
	    evidence_num(e, VIEW_WAIT, most, "share_pct"),
	    evidence_text(e, VIEW_WAIT, most, "call"), evidence_text(e, VIEW_WAIT, most, "where"));
	finding_advice(one, "it hangs there, or has nothing to do; each thread: pq wait -t%s 1",
	    evidence_words(e, words));
}

/* Threads that no signal wakes, for as long as it was looked. */
static void
uninterruptible(const struct evidence *e, struct findings *f)
{
	char words[256];

	for (size_t i = 0; i < evidence_rows(e, VIEW_WAIT); i++) {
		double ms = evidence_num(e, VIEW_WAIT, i, "duration_ms");
		if (evidence_num(e, VIEW_WAIT, i, "uninterruptible") != 1 ||
		    !(ms > 900 * panel_span_s(&e->panel)))
			continue;
		struct finding *one = finding_add(f, "uninterruptible", SEVERITY_CRITICAL,
		    CONFIDENCE_HIGH, ms / 1000, "Threads hang in the kernel (state D)");
		finding_fact(one, "%.1f of them in %s for %.1f s, on %.60s",
		    evidence_num(e, VIEW_WAIT, i, "threads"),
		    evidence_text(e, VIEW_WAIT, i, "call"), ms / 1000,
		    evidence_text(e, VIEW_WAIT, i, "where"));
		finding_advice(one,
		    "a disk or a network file system does not answer; see: pq wait -t%s 1, dmesg",
		    evidence_words(e, words));
		return;
	}
}

static void
forks(const struct evidence *e, struct findings *f)
{
	double born = 0;

	for (size_t i = 0; i < evidence_rows(e, VIEW_TASKS); i++)
		born += fmax(0, evidence_num(e, VIEW_TASKS, i, "born"));
	double per_s = born / panel_span_s(&e->panel);
	if (!(per_s > 200))
		return;
	size_t short_lived = evidence_find(e, VIEW_TASKS, "comm", "(came and went)");
	struct finding *one =
	    finding_add(f, "forks", per_s > 1000 ? SEVERITY_CRITICAL : SEVERITY_WARNING,
		CONFIDENCE_HIGH, per_s / 1000, "Many processes or threads are made");
	finding_fact(one, "%.0f a second; %.0f of them came and went within %.0f s", per_s,
	    fmax(0, evidence_num(e, VIEW_TASKS, short_lived, "born")), panel_span_s(&e->panel));
	finding_advice(one,
	    "a script in a loop, or a thread for each request: who, strace -fc -e clone,execve -p "
	    "PID; pq tasks -w more 1");
}

static void
too_many(const struct evidence *e, struct findings *f)
{
	double n = evidence_num(e, VIEW_RUNQ, 0, "plist_sz"), own = 0;

	for (size_t i = 0; i < evidence_rows(e, VIEW_TARGET); i++)
		own += fmax(0, evidence_num(e, VIEW_TARGET, i, "threads"));
	if (!(n > 30000) && !(own > 100 * evidence_cpus(e) && own > 1000))
		return;
	struct finding *one = finding_add(
	    f, "threads", SEVERITY_WARNING, CONFIDENCE_MEDIUM, n / 100000, "Very many threads");
	finding_fact(one, "%.0f on the machine%s", n, own > 0 ? "" : ", of all processes");
	if (own > 0)
		finding_fact(
		    one, "%.0f of them in what was asked for, on %.0f CPUs", own, evidence_cpus(e));
	finding_advice(
	    one, "each costs memory and makes scans slow: a pool with a bound; see: pq tasks 1");
}

cause_fn *const causes_waits[] = { io_pressure, uninterruptible, hangs, forks, too_many, NULL };
