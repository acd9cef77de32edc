/* Memory: at its limit, growing towards it, slowed down, killed. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/human.h"
#include "commands/why/causes.h"

static double
num(const struct evidence *e, size_t row, const char *key)
{
	return evidence_num(e, VIEW_MEM, row, key);
}

static const char *
cgroup(const struct evidence *e, size_t row)
{
	return evidence_text(e, VIEW_MEM, row, "cgroup");
}

/* "64 MiB of 128 MiB (50 %) cannot be reclaimed" */
static void
tell_hard(const struct evidence *e, size_t row, struct finding *f)
{
	char hard[HUMAN_MOST], limit[HUMAN_MOST];

	if (!isnan(num(e, row, "hard_pct")))
		finding_fact(f, "%s of %s (%.0f %%) cannot be reclaimed",
		    human_size(num(e, row, "hard_bytes"), hard),
		    human_size(num(e, row, "limit_bytes"), limit), num(e, row, "hard_pct"));
}

static bool
is_machine(const struct evidence *e, size_t row)
{
	return strcmp(cgroup(e, row), "machine") == 0;
}

static void
killed(const struct evidence *e, struct findings *f)
{
	size_t row = evidence_most(e, VIEW_MEM, "oom_kill");
	double kills = num(e, row, "oom_kill");

	for (size_t i = 0; i < evidence_rows(e, VIEW_MEM);
	     i++) /* where it was says more than that it was */
		if (num(e, i, "oom_kill") > 0 && is_machine(e, row))
			row = i;
	if (!(kills > 0))
		return;
	struct finding *one = finding_add(f, "oom-kill", SEVERITY_CRITICAL, CONFIDENCE_HIGH, kills,
	    "Processes killed for want of memory (OOM)");
	finding_fact(one, "%.0f killed, in %.80s", kills, cgroup(e, row));
	tell_hard(e, row, one);
	finding_advice(one,
	    "raise the limit, or give the runtime a smaller one (GOMEMLIMIT, "
	    "-XX:MaxRAMPercentage); see: pq mem -w all 1");
}

/* What makes it hurt: stalls where the kernel tells them, else pages that are read anew from
 * disks. */
static double
stalled_pct(const struct evidence *e, size_t row)
{
	double some = num(e, row, "some_pct"),
	       faults = num(e, row, "majfaults_per_s") + num(e, row, "refaults_per_s");

	return !isnan(some) ? some : faults > 100 ? 10 : 0;
}

static void
at_limit(const struct evidence *e, size_t row, struct findings *f)
{
	double some = stalled_pct(e, row), hits = num(e, row, "max");

	if (!(hits > 0) || !(num(e, row, "hard_pct") > 80) || is_machine(e, row))
		return;
	struct finding *one = finding_add(f, "memory-limit",
	    num(e, row, "hard_pct") > 95 || some > 20 ? SEVERITY_CRITICAL : SEVERITY_WARNING,
	    CONFIDENCE_HIGH, num(e, row, "hard_pct") / 100, "Memory at its limit: %.40s",
	    cgroup(e, row));
	tell_hard(e, row, one);
	finding_fact(
	    one, "it ran into the limit %.0f times, and stalled %.0f %% of the time", hits, some);
	finding_advice(one,
	    "raise the limit, or use less: what is there is heap, not page cache; see: pq mem -w "
	    "all 1");
}

/* Page cache that does not fit is dropped and read again; used to the limit, it is as it should
 * be. */
static void
churn(const struct evidence *e, size_t row, struct findings *f)
{
	double refaults = num(e, row, "refaults_per_s");
	bool stalls_machine = num(e, row, "some_pct") >
	    2; /* a kernel that drops cold pages early has some without any harm */

	if (is_machine(e, row) && !stalls_machine)
		return;
	if (!(refaults > 100) || !(num(e, row, "max") > 0 || is_machine(e, row)) ||
	    num(e, row, "hard_pct") > 80)
		return;
	struct finding *one = finding_add(f, "page-cache", SEVERITY_WARNING, CONFIDENCE_HIGH,
	    refaults / 1000, "Page cache does not fit: %.40s", cgroup(e, row));
	finding_fact(one,
	    "%.0f pages a second were read again soon after they were dropped, %.0f stalls for a "
	    "disk a second",
	    refaults, fmax(0, num(e, row, "majfaults_per_s")));
	tell_hard(e, row, one);
	finding_advice(one,
	    "what it reads is larger than the memory that is left for it: raise the limit, or read "
	    "less; see: pq mem -w events 1");
}

static void
high(const struct evidence *e, size_t row, struct findings *f)
{
	double n = num(e, row, "high");

	if (!(n > 0) || !(stalled_pct(e, row) > 5))
		return;
	struct finding *one = finding_add(f, "memory-high",
	    stalled_pct(e, row) > 20 ? SEVERITY_CRITICAL : SEVERITY_WARNING, CONFIDENCE_HIGH,
	    stalled_pct(e, row) / 100, "Slowed down above memory.high: %.40s", cgroup(e, row));
	finding_fact(one, "%.0f times it was made to reclaim, and stalled %.0f %% of the time", n,
	    stalled_pct(e, row));
	finding_advice(one, "raise memory.high, or use less; see: pq mem -w all 1");
}

static void
each_group(const struct evidence *e, struct findings *f)
{
	for (size_t i = 0; i < evidence_rows(e, VIEW_MEM); i++) {
		at_limit(e, i, f);
		churn(e, i, f);
		high(e, i, f);
	}
}

static void
swapping(const struct evidence *e, struct findings *f)
{
	size_t row = evidence_most(e, VIEW_MEM, "swap_bytes");
	char swap[HUMAN_MOST];
	double faults = num(e, row, "majfaults_per_s");

	if (!(num(e, row, "swap_bytes") > 16 << 20) || !(faults > 50))
		return;
	struct finding *one = finding_add(f, "swap", SEVERITY_WARNING, CONFIDENCE_MEDIUM,
	    faults / 1000, "Swap is in use, and read from");
	finding_fact(one, "%.60s has %s in swap, and waits for a disk %.0f times a second",
	    cgroup(e, row), human_size(num(e, row, "swap_bytes"), swap), faults);
	finding_advice(one, "more memory, or less of it in use; see: pq mem -w all 1");
}

/* Growth in each step, of what cannot be reclaimed: page cache grows up to any limit, and that says
 * nothing. */
static void
growing(const struct evidence *e, struct findings *f)
{
	for (size_t i = 0; i < e->ngrowth; i++) {
		const struct growth *g = &e->growth[i];
		double grown = g->last - g->first, span_s = panel_span_s(&e->panel),
		       left_s = (g->limit - g->last) / (grown / span_s);
		char size[HUMAN_MOST], left[HUMAN_MOST];
		if (g->steps < 3 || !(g->least_step > 0) || !(grown > 2 << 20) || !(left_s < 3600))
			continue;
		struct finding *one = finding_add(f, "memory-growth",
		    left_s < 120 ? SEVERITY_CRITICAL : SEVERITY_WARNING, CONFIDENCE_MEDIUM,
		    60 / left_s, "Memory grows towards its limit: %.30s", g->cgroup);
		finding_fact(one,
		    "what cannot be reclaimed grew by %s in %.0f s: at that rate it is at the "
		    "limit in %s",
		    human_size(grown, size), span_s, human_duration(left_s, left));
		finding_advice(one,
		    "a leak, or a cache without a bound: take a heap profile; see: pq mem -w parts "
		    "1");
	}
}

/* Whose threads stand still for memory, whatever the reason: the cgroup where it is worst, or the
 * machine. */
static void
stalls(const struct evidence *e, struct findings *f)
{
	size_t machine = evidence_find(e, VIEW_PSI, "cgroup", "machine"),
	       row = evidence_most(e, VIEW_PSI, "memory_full_pct");
	double some = evidence_num(e, VIEW_PSI, row, "memory_some_pct"),
	       full = evidence_num(e, VIEW_PSI, row, "memory_full_pct");

	if (!(some > 10) || evidence_has_target(e))
		return;
	struct finding *one = finding_add(f, "memory-pressure",
	    full > 20 ? SEVERITY_CRITICAL : SEVERITY_WARNING, CONFIDENCE_MEDIUM, some / 100,
	    "Tasks wait for memory: %.40s", evidence_text(e, VIEW_PSI, row, "cgroup"));
	finding_fact(one,
	    "%.0f %% of the time some task of it stood still, %.0f %% of the time all; of the "
	    "whole machine: %.0f and %.0f %%",
	    some, full, evidence_num(e, VIEW_PSI, machine, "memory_some_pct"),
	    evidence_num(e, VIEW_PSI, machine, "memory_full_pct"));
	finding_advice(one,
	    "it is above memory.high, at its limit, or the machine is short of memory; see: pq psi "
	    "-a 1, pq mem -a -w all 1");
}

cause_fn *const causes_memory[] = { killed, each_group, swapping, growing, stalls, NULL };
