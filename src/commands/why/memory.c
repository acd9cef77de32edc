/* memory: the rules of pq why about memory: at its limit, growing towards it, slowed down, killed. */
#include "commands/why/why.h"

#include <math.h>
#include <string.h>

static const char *
cgroup(const struct evidence *e, size_t row)
{
	return mem_text(e->mem, row, MEM_CGROUP);
}

/* "64 MiB of 128 MiB (50 %) is unreclaimable" */
static void
tell_hard(const struct evidence *e, size_t row, struct finding *f)
{
	finding_fact(f, "{} of {} ({} %) is unreclaimable", bytes(mem_num(e->mem, row, MEM_HARD)),
	    bytes(mem_num(e->mem, row, MEM_LIMIT)), fixed(mem_num(e->mem, row, MEM_HARD_PCT), 0));
}

static bool
is_machine(const struct evidence *e, size_t row)
{
	return strcmp(cgroup(e, row), "machine") == 0;
}

/* What people call it. */
static struct figure
known_as(const struct evidence *e, size_t row)
{
	return name(mem_brief(e->mem, row, MEM_CGROUP));
}

/* The row's cgroup, or "the machine". */
static struct figure
whose(const struct evidence *e, size_t row)
{
	return is_machine(e, row) ? name("the machine") : known_as(e, row);
}

static void
tell_memory_phase(const struct evidence *e, const struct phase *p, struct finding *f)
{
	finding_fact(f,
	    "{} to {}[, limit {}]: [usage reached the limit {} times; ]at most {}[ ({} %)] "
	    "unreclaimable",
	    phase_time(e, p, p->from_ns, f), phase_time(e, p, p->to_ns, f), bytes(p->limit),
	    fixed(p->hits, 0), bytes(p->hard), fixed(p->hard_pct, 0));
}

static bool
memory_was_changed(const struct evidence *e, size_t row)
{
	const struct limit_change *last;

	return !is_machine(e, row) && changes_of(e, LIMIT_MEMORY, cgroup(e, row), &last) > 0;
}

/* Before and after a change, what is unreclaimable is a part of another limit. */
static void
tell_hard_phases(const struct evidence *e, size_t row, struct finding *f)
{
	const struct phases *v = &e->memory_phases;
	const struct phase *first = phase_first(v, cgroup(e, row)),
			   *last = phase_last(v, cgroup(e, row));

	if (!memory_was_changed(e, row)) {
		tell_hard(e, row, f);
		return;
	}
	tell_memory_phase(e, first, f);
	tell_change(e, LIMIT_MEMORY, cgroup(e, row), figure_words(""), f);
	if (last != first)
		tell_memory_phase(e, last, f);
}

static void
killed(const struct evidence *e, struct findings *f)
{
	size_t row = mem_most(e->mem, MEM_OOM_KILL);
	double kills = 0;

	/* A cgroup says more than the machine, which counts the same kills. */
	for (size_t i = 0; i < mem_count(e->mem); i++)
		if (!is_machine(e, i) && mem_num(e->mem, i, MEM_OOM_KILL) > kills) {
			kills = mem_num(e->mem, i, MEM_OOM_KILL);
			row = i;
		}
	kills = mem_num(e->mem, row, MEM_OOM_KILL);
	if (!(kills > 0))
		return;
	struct finding *one = finding_add(f, "oom-kill", VERDICT_CRITICAL, CONFIDENCE_HIGH, kills,
	    "The OOM killer killed processes", NO_FIGURE);
	if (is_machine(e, row))
		finding_of_machine(e, one);
	finding_fact(one, "the OOM killer killed {} process{}[ in {}]", fixed(kills, 0),
	    EITHER(kills == 1, "", "es"), is_machine(e, row) ? name(NULL) : known_as(e, row));
	tell_hard_phases(e, row, one);
	finding_advice(one,
	    "raise the memory limit, or lower the limit of the runtime (GOMEMLIMIT, "
	    "-XX:MaxRAMPercentage); see: pq mem -w all 1",
	    NO_FIGURE);
}

static void
tell_stalls(const struct evidence *e, size_t row, struct finding *f)
{
	finding_fact(f, "tasks stalled on memory {} % of the time",
	    fixed(mem_num(e->mem, row, MEM_SOME), 0));
}

static void
at_limit(const struct evidence *e, size_t row, struct findings *f)
{
	double some = mem_num(e->mem, row, MEM_SOME), hits = mem_num(e->mem, row, MEM_MAX),
	       hard_pct = mem_num(e->mem, row, MEM_HARD_PCT);

	if (memory_was_changed(e, row)) {
		const struct phase *worst = phase_worst(&e->memory_phases, cgroup(e, row));
		hits = worst->hits;
		hard_pct = worst->hard_pct;
	}
	if (!(hits > 0) || !(hard_pct > HARD_PCT_HIGH) || is_machine(e, row))
		return;
	struct finding *one = finding_add(f, "memory-limit",
	    hard_pct > HARD_PCT_VERY_HIGH || some > MEMORY_SOME_VERY_HIGH ? VERDICT_CRITICAL :
									    VERDICT_WARNING,
	    CONFIDENCE_HIGH, hard_pct / 100, "Memory at its limit[: {}]", known_as(e, row));
	tell_hard_phases(e, row, one);
	if (!memory_was_changed(e, row))
		finding_fact(one, "usage reached the limit {} times", fixed(hits, 0));
	tell_stalls(e, row, one);
	finding_advice(one,
	    "raise the limit or use less memory: most of it is unreclaimable (such as heap), not "
	    "page cache; see: pq mem -w all 1",
	    NO_FIGURE);
}

/* Page cache up to the limit is normal. It is too small if the kernel drops pages and reads them
 * again. */
static void
churn(const struct evidence *e, size_t row, struct findings *f)
{
	double refaults = mem_num(e->mem, row, MEM_REFAULTS),
	       faults = mem_num(e->mem, row, MEM_MAJFAULTS);

	/* A machine has harmless refaults if its kernel drops cold pages early. */
	if (is_machine(e, row) && !(mem_num(e->mem, row, MEM_SOME) > 2))
		return;
	if (!(refaults > 100) || !(mem_num(e->mem, row, MEM_MAX) > 0 || is_machine(e, row)) ||
	    mem_num(e->mem, row, MEM_HARD_PCT) > HARD_PCT_HIGH)
		return;
	struct finding *one = finding_add(f, "page-cache", VERDICT_WARNING, CONFIDENCE_HIGH,
	    refaults / 1000, "Page cache too small[: {}]", whose(e, row));
	if (is_machine(e, row))
		finding_of_machine(e, one);
	finding_fact(one, "{} pages per second were read again soon after being dropped",
	    fixed(refaults, 0));
	finding_fact(one, "{} page faults per second waited for a disk", fixed(faults, 0));
	tell_hard(e, row, one);
	finding_advice(one,
	    "raise the limit or read less: the files it reads do not fit in the memory left for "
	    "page cache; see: pq mem -w events 1",
	    NO_FIGURE);
}

/* Whether memory.high makes tasks stall. A kernel without memory.pressure does not count stalls; there,
 * many events are a sign if pages are read again, or if most of the memory is unreclaimable. Page cache
 * alone causes events too, and is reclaimed in no time. */
static bool
is_slowed(const struct evidence *e, size_t row)
{
	double some = mem_num(e->mem, row, MEM_SOME),
	       per_s = mem_num(e->mem, row, MEM_HIGH) / session_span_s(&e->session),
	       faults = mem_num(e->mem, row, MEM_MAJFAULTS) + mem_num(e->mem, row, MEM_REFAULTS);

	if (!isnan(some))
		return some > MEMORY_SOME_HIGH && per_s > 0;
	return per_s > 5 &&
	    (faults > 100 || mem_num(e->mem, row, MEM_HARD) > 0.5 * mem_num(e->mem, row, MEM_USED));
}

static void
high(const struct evidence *e, size_t row, struct findings *f)
{
	double n = mem_num(e->mem, row, MEM_HIGH), some = mem_num(e->mem, row, MEM_SOME);

	if (!is_slowed(e, row))
		return;
	struct finding *one = finding_add(f, "memory-high",
	    some > MEMORY_SOME_VERY_HIGH ? VERDICT_CRITICAL : VERDICT_WARNING, CONFIDENCE_HIGH,
	    fmax(0, some) / 100, "Slowed down above memory.high[: {}]", known_as(e, row));
	finding_fact(one, "it was forced to reclaim memory {} times", fixed(n, 0));
	finding_fact(one, "{} of the {} that it uses are unreclaimable",
	    bytes(mem_num(e->mem, row, MEM_HARD)), bytes(mem_num(e->mem, row, MEM_USED)));
	tell_stalls(e, row, one);
	finding_advice(
	    one, "raise memory.high or use less memory; see: pq mem -w all 1", NO_FIGURE);
}

static void
each_group(const struct evidence *e, struct findings *f)
{
	for (size_t i = 0; i < mem_count(e->mem); i++) {
		at_limit(e, i, f);
		churn(e, i, f);
		high(e, i, f);
	}
}

static void
swapping(const struct evidence *e, struct findings *f)
{
	size_t row = mem_most(e->mem, MEM_SWAP);
	double faults = mem_num(e->mem, row, MEM_MAJFAULTS);

	if (!(mem_num(e->mem, row, MEM_SWAP) > 16 << 20) || !(faults > 50))
		return;
	struct finding *one = finding_add(f, "swap", VERDICT_WARNING, CONFIDENCE_MEDIUM,
	    faults / 1000, "Swap is in use and is being read", NO_FIGURE);
	if (is_machine(e, row))
		finding_of_machine(e, one);
	finding_fact(
	    one, "{} has {} in swap", whose(e, row), bytes(mem_num(e->mem, row, MEM_SWAP)));
	finding_fact(one, "{} of its page faults per second wait for a disk", fixed(faults, 0));
	finding_advice(one, "add memory or use less of it; see: pq mem -w all 1", NO_FIGURE);
}

/* How soon growth must reach the limit. The machine's memory grows whenever a program starts. */
static double
soon_s(const struct growth *g)
{
	return strcmp(g->cgroup, "machine") == 0 ? 600 : 3600;
}

/* Unreclaimable memory that grew in every step. Page cache grows up to any limit, which says
 * nothing, and neither does the machine's memory about a target. */
static void
growing(const struct evidence *e, struct findings *f)
{
	for (size_t i = 0; i < e->ngrowth; i++) {
		const struct growth *g = &e->growth[i];
		double grown = g->last - g->first,
		       span_s = (double)(g->last_ns - g->first_ns) * 1e-9,
		       left_s = (g->limit - g->last) / (grown / span_s);
		if (g->steps < 3 || !(g->least_step > 0) || !(grown > 2 << 20) ||
		    !(left_s >= 0 && left_s < soon_s(g)) ||
		    (evidence_has_target(e) && strcmp(g->cgroup, "machine") == 0))
			continue;
		struct finding *one = finding_add(f, "memory-growth",
		    left_s < 120 ? VERDICT_CRITICAL : VERDICT_WARNING, CONFIDENCE_MEDIUM,
		    60 / left_s, "Memory grows towards its limit: {}", name(g->name));
		finding_fact(one,
		    "unreclaimable memory grew by {} in {} s; at that rate it reaches the limit "
		    "in {}",
		    bytes(grown), fixed(span_s, 0), seconds(left_s));
		finding_advice(one,
		    "look for a leak or an unbounded cache with a heap profile; see: pq mem -w "
		    "parts 1",
		    NO_FIGURE);
	}
}

static void
tell_pressure(const struct evidence *e, size_t row, struct finding *f)
{
	finding_fact(f, "{}: some task stalled on memory {} % of the time[, all tasks {} %]",
	    name(psi_brief(e->psi, row, PSI_CGROUP)),
	    fixed(psi_num(e->psi, row, PSI_MEMORY_SOME), 0),
	    fixed(psi_num(e->psi, row, PSI_MEMORY_FULL), 0));
}

/* Whether memory.high explains the stalls of that cgroup, of which a child also makes its parents
 * stall. */
static bool
is_explained(const struct evidence *e, const char *group)
{
	for (size_t i = 0; i < mem_count(e->mem); i++)
		if (is_slowed(e, i) &&
		    (strcmp(group, cgroup(e, i)) == 0 || strcmp(group, "machine") == 0))
			return true;
	return false;
}

/* Tasks stall on memory, for whatever reason: in the cgroup where it is worst, or on the machine. */
static void
stalls(const struct evidence *e, struct findings *f)
{
	size_t machine = psi_find(e->psi, PSI_CGROUP, "machine"),
	       row = psi_most(e->psi, PSI_MEMORY_FULL);
	double some = psi_num(e->psi, row, PSI_MEMORY_SOME),
	       full = psi_num(e->psi, row, PSI_MEMORY_FULL);

	if (!(some > 10) || evidence_has_target(e) ||
	    is_explained(e, psi_text(e->psi, row, PSI_CGROUP)))
		return;
	struct finding *one = finding_add(f, "memory-pressure",
	    full > FULL_VERY_HIGH ? VERDICT_CRITICAL : VERDICT_WARNING, CONFIDENCE_MEDIUM,
	    some / 100, "Tasks wait for memory[: {}]", name(psi_brief(e->psi, row, PSI_CGROUP)));
	tell_pressure(e, row, one);
	if (row != machine)
		tell_pressure(e, machine, one);
	finding_advice(one,
	    "find out whether it is above memory.high, at its limit, or the machine is short of "
	    "memory: pq psi -a 1, pq mem -a -w all 1",
	    NO_FIGURE);
}

void
memory_judge(const struct evidence *e, struct findings *f)
{
	killed(e, f);
	each_group(e, f);
	swapping(e, f);
	growing(e, f);
	stalls(e, f);
}
