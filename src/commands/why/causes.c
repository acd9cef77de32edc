/*
 * causes: the rules of pq why. A rule is a function that reads the evidence and adds what it finds;
 * the list of rules is at the end. An unknown figure is NaN, and every comparison with NaN is false,
 * so a rule that needs it finds nothing. Write conditions so that NaN makes them fail:
 * `if (!(x > 5)) return;`.
 */
#include "commands/why/why.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cgroup/quota.h"

/* The sum of a column over the rows that know it; NaN if none does. Rows of tasks that ended unseen
 * do not know all columns. */
static double
sum_of(struct tasks_rows tasks, enum tasks_column column)
{
	double sum = NAN;

	for (size_t i = 0; i < tasks_count(tasks); i++) {
		double x = tasks_num(tasks, i, column);
		if (!isnan(x))
			sum = isnan(sum) ? x : sum + x;
	}
	return sum;
}

/* ---- CPU quota: of the cgroup itself or of a parent cgroup */

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
 * cannot use it faster than the CPUs run. */
static void
tell_threads(const struct evidence *e, double limit, struct finding *f)
{
	double running = wanting(e), at_once = fmin(running, evidence_cpus(e));

	if (running > 1.2 * limit && at_once > limit)
		finding_fact(f,
		    "on average %.1f of its threads want to run; together they use up the quota in "
		    "about the first %.0f %% of each period",
		    running, 100 * limit / at_once);
}

/* "; limit 0.20 CPUs (98 % used), set on this cgroup" */
static const char *
limit_of(const struct evidence *e, size_t row, char out[128])
{
	const char *level = throttle_text(e->throttle, row, THROTTLE_LEVEL);
	bool own = strcmp(level, throttle_text(e->throttle, row, THROTTLE_CGROUP)) == 0;
	double limit = throttle_num(e->throttle, row, THROTTLE_LIMIT),
	       used_pct = throttle_num(e->throttle, row, THROTTLE_USED_PCT);
	char used[32] = "";

	if (isnan(limit))
		return "; limit unknown";
	if (!isnan(used_pct))
		snprintf(used, sizeof used, " (%.0f %% used)", used_pct);
	snprintf(out, 128, "; limit %.2f CPUs%s, set on %.60s", limit, used,
	    own ? "this cgroup" : level);
	return out;
}

static void
advise_quota(const struct evidence *e, double limit, struct finding *f)
{
	char threads[96] = "";

	if (!isnan(limit))
		snprintf(threads, sizeof threads,
		    "run at most %.0f worker thread%s (for Go: GOMAXPROCS=%.0f) or ",
		    quota_threads(limit), quota_threads(limit) > 1 ? "s" : "",
		    quota_threads(limit));
	finding_advice(f, "%sraise the quota; see: pq throttle%s 1", threads,
	    evidence_has_target(e) ? e->option : " -a");
}

static void
add_throttled(const struct evidence *e, size_t row, struct findings *f)
{
	char text[128];
	const char *cgroup = throttle_text(e->throttle, row, THROTTLE_CGROUP);
	double periods = throttle_num(e->throttle, row, THROTTLE_PERIODS),
	       throttled = throttle_num(e->throttle, row, THROTTLE_THROTTLED);
	double pct = throttle_num(e->throttle, row, THROTTLE_THROTTLED_PCT),
	       held = throttle_num(e->throttle, row, THROTTLE_HELD),
	       limit = throttle_num(e->throttle, row, THROTTLE_LIMIT);
	struct finding *one =
	    finding_add(f, "throttled", pct > 25 ? VERDICT_CRITICAL : VERDICT_WARNING,
		periods >= 10 ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM, held,
		"CPU throttled by quota%s%.50s", evidence_has_target(e) ? "" : ": ",
		evidence_has_target(e) ? "" : cgroup);

	finding_fact(one, "throttled in %.0f of %.0f periods; %.2f CPUs of demand unmet%s",
	    throttled, periods, held, limit_of(e, row, text));
	tell_threads(e, limit, one);
	advise_quota(e, limit, one);
}

/* With a target: the level that throttled it most. Without: each cgroup. */
static void
throttled(const struct evidence *e, struct findings *f)
{
	size_t n = throttle_count(e->throttle),
	       most = throttle_most(e->throttle, THROTTLE_THROTTLED_PCT);

	for (size_t i = 0; i < n; i++)
		if ((!evidence_has_target(e) || i == most) &&
		    throttle_num(e->throttle, i, THROTTLE_THROTTLED_PCT) > 5 &&
		    throttle_num(e->throttle, i, THROTTLE_HELD) > 0.02)
			add_throttled(e, i, f);
}

/* A parent cgroup that is not visible from inside a container: cpu.stat of the visible levels is 0,
 * but cpu.stat.local counts its throttling too. */
static void
throttled_from_above(const struct evidence *e, struct findings *f)
{
	size_t row = throttle_most(e->throttle, THROTTLE_HIDDEN);
	double held = throttle_num(e->throttle, row, THROTTLE_HIDDEN);

	if (!(held > 0.05))
		return;
	struct finding *one =
	    finding_add(f, "throttled-above", held > 0.25 ? VERDICT_CRITICAL : VERDICT_WARNING,
		CONFIDENCE_HIGH, held, "CPU throttled by the quota of a hidden parent cgroup");
	finding_fact(one,
	    "%.2f CPUs of demand unmet on average; no quota visible from here accounts for it "
	    "(cpu.stat.local)",
	    held);
	finding_advice(one, "check the quota of the pod or slice on the node: pq throttle -a 1");
}

/* ---- CPUs: all busy, one busy, stolen, or idle while a task waits */

/* The busy share of a CPU, or of all, in %. Waiting for a disk counts as idle, and steal as busy. */
static double
busy(const struct evidence *e, size_t row)
{
	return 100 - cpu_num(e->cpus, row, CPU_IDLE) - cpu_num(e->cpus, row, CPU_IOWAIT);
}

static size_t
all_row(const struct evidence *e)
{
	return cpu_find(e->cpus, CPU_NAME, "all");
}

/* CPUs of demand that quotas left unmet. Throttled threads wait too, but not for other tasks. */
static double
held_cpus(const struct evidence *e)
{
	double held = 0;

	for (size_t i = 0; i < throttle_count(e->throttle); i++)
		held = fmax(held, throttle_num(e->throttle, i, THROTTLE_HELD));
	return held;
}

/* The mean number of tasks that waited: counted by the kernel, else estimated from the run queue. */
static double
waiting(const struct evidence *e)
{
	double exact = runq_num(e->runq, 0, RUNQ_WAITING), sum = sum_of(e->tasks, TASKS_WAIT) / 100;
	double queue = runq_num(e->runq, 0, RUNQ_SZ) - evidence_cpus(e);

	return !isnan(exact) ? exact : !isnan(sum) ? sum : fmax(0, queue);
}

static bool
saturated(const struct evidence *e)
{
	return busy(e, all_row(e)) > 90 && runq_num(e->runq, 0, RUNQ_SZ) > 1.1 * evidence_cpus(e) &&
	    waiting(e) > 0.15 * evidence_cpus(e);
}

/* The cgroup whose processes used most CPU time together, and how much in %; NULL if none is
 * known. */
static const char *
busiest_cgroup(const struct evidence *e, double *most)
{
	const char *busiest = NULL;

	*most = 0;
	for (size_t i = 0; i < tasks_count(e->tasks); i++) {
		const char *cgroup = tasks_text(e->tasks, i, TASKS_CGROUP);
		double sum = 0;
		for (size_t k = 0; *cgroup && k < tasks_count(e->tasks); k++)
			if (strcmp(tasks_text(e->tasks, k, TASKS_CGROUP), cgroup) == 0)
				sum += fmax(0, tasks_num(e->tasks, k, TASKS_CPU));
		if (sum > *most) {
			*most = sum;
			busiest = cgroup;
		}
	}
	return busiest;
}

static void
tell_busiest(const struct evidence *e, struct finding *f)
{
	size_t task = tasks_most(e->tasks, TASKS_CPU);
	double most;
	const char *cgroup = busiest_cgroup(e, &most);

	if (cgroup && most > 20)
		finding_fact(f,
		    "largest user by cgroup: %.60s, %.2f CPUs; by process: %.20s (pid %.30s), %.2f "
		    "CPUs",
		    cgroup, most / 100, tasks_text(e->tasks, task, TASKS_COMM),
		    tasks_text(e->tasks, task, TASKS_PID),
		    tasks_num(e->tasks, task, TASKS_CPU) / 100);
}

static void
tell_queue(const struct evidence *e, struct finding *f)
{
	double exact = runq_num(e->runq, 0, RUNQ_WAITING), sum = sum_of(e->tasks, TASKS_WAIT) / 100;

	finding_fact(f, "the CPUs are %.0f %% busy", busy(e, all_row(e)));
	finding_fact(f,
	    "the run queue, sampled, has %.1f running or waiting tasks on average for %.0f CPUs",
	    runq_num(e->runq, 0, RUNQ_SZ), evidence_cpus(e));
	if (!isnan(exact))
		finding_fact(f,
		    "%.1f tasks wait for a CPU on average, by the kernel's count (/proc/schedstat)",
		    exact);
	else if (!isnan(sum))
		finding_fact(f,
		    "%.1f threads wait for a CPU on average, summed over all processes "
		    "(/proc/PID/schedstat)",
		    sum);
}

static void
saturation(const struct evidence *e, struct findings *f)
{
	double excess = runq_num(e->runq, 0, RUNQ_SZ) / evidence_cpus(e);

	if (!saturated(e) || evidence_has_target(e))
		return;
	struct finding *one = finding_add(f, "cpu-saturated",
	    excess > 2 ? VERDICT_CRITICAL : VERDICT_WARNING, CONFIDENCE_HIGH, waiting(e),
	    "CPUs saturated: more tasks want to run than there are CPUs");
	tell_queue(e, one);
	tell_busiest(e, one);
	finding_advice(one,
	    "move load to another machine or run fewer threads; top users: pq tasks -G 1; wait "
	    "times: pq runqlat 1");
}

/* All CPUs are busy, and the target waits for them: they run its own threads, or others. What a
 * quota held back is subtracted to judge, but not to print: it comes from another source. */
static void
target_saturation(const struct evidence *e, struct findings *f)
{
	double own = sum_of(e->target, TASKS_CPU), wait = sum_of(e->target, TASKS_WAIT),
	       beside_quota = wait - 100 * held_cpus(e);
	double all = busy(e, all_row(e)) * evidence_cpus(e);
	bool by_itself = own > 0.6 * all;

	if (!saturated(e) || !(beside_quota > 10) || !(beside_quota > 0.1 * own))
		return;
	struct finding *one = finding_add(f,
	    by_itself ? "cpu-saturated-by-itself" : "cpu-saturated-by-others",
	    beside_quota > own ? VERDICT_CRITICAL : VERDICT_WARNING, CONFIDENCE_HIGH,
	    beside_quota / 100,
	    by_itself ? "CPUs saturated by its own threads" : "CPUs saturated by other processes");
	finding_fact(one,
	    "it used %.2f CPUs; on average %.2f of its threads were runnable but waiting for a "
	    "CPU%s",
	    own / 100, wait / 100, held_cpus(e) > 0 ? " or for quota" : "");
	tell_queue(e, one);
	if (!by_itself)
		tell_busiest(e, one);
	finding_advice(one,
	    by_itself ? "run fewer threads or give it more CPUs; see: pq tasks -t%s 1" :
			"raise its CPU weight or reserve CPUs for it (cpuset); see: pq tasks -G 1, "
			"pq runqlat%s 1",
	    e->option);
}

/* The CPU with the largest share, and the mean share of the others. */
static size_t
hottest(const struct evidence *e, double (*of)(const struct evidence *, size_t), double *others)
{
	size_t all = all_row(e), n = cpu_count(e->cpus), best = n;
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		if (i == all || isnan(of(e, i)))
			continue;
		sum += of(e, i);
		best = best == n || of(e, i) > of(e, best) ? i : best;
	}
	*others =
	    best < n && evidence_cpus(e) > 1 ? (sum - of(e, best)) / (evidence_cpus(e) - 1) : NAN;
	return best;
}

static double
programs(const struct evidence *e, size_t row)
{
	return cpu_num(e->cpus, row, CPU_USR) + cpu_num(e->cpus, row, CPU_NICE) +
	    cpu_num(e->cpus, row, CPU_SYS);
}

static double
interrupts(const struct evidence *e, size_t row)
{
	return cpu_num(e->cpus, row, CPU_IRQ) + cpu_num(e->cpus, row, CPU_SOFT);
}

static void
one_hot_cpu(const struct evidence *e, struct findings *f)
{
	double others;
	size_t row = hottest(e, programs, &others), task = tasks_most(e->tasks, TASKS_CPU);

	if (!(programs(e, row) > 90) || !(others < 40))
		return;
	double wait = tasks_num(e->tasks, task, TASKS_WAIT);
	struct finding *one = finding_add(f, "one-hot-cpu", VERDICT_WARNING, CONFIDENCE_MEDIUM, 1,
	    "One CPU is busy while the others are mostly idle");
	finding_fact(one, "CPU %s is %.0f %% busy; the others are %.0f %% busy on average",
	    cpu_text(e->cpus, row, CPU_NAME), programs(e, row), others);
	if (task < tasks_count(e->tasks))
		finding_fact(one,
		    "the busiest process is %.30s (pid %.20s), at %.0f %% of one CPU%s",
		    tasks_text(e->tasks, task, TASKS_COMM), tasks_text(e->tasks, task, TASKS_PID),
		    tasks_num(e->tasks, task, TASKS_CPU),
		    wait > 20 ? "; it also waits for a CPU" : "");
	finding_advice(one,
	    "spread the work: one thread does all of it, or its threads are pinned to this CPU; "
	    "see: pq cpu -P ALL 1, pq tasks -t 1");
}

static void
interrupts_on_one_cpu(const struct evidence *e, struct findings *f)
{
	double others;
	size_t row = hottest(e, interrupts, &others);

	if (!(interrupts(e, row) > 30) || !(others < interrupts(e, row) / 3))
		return;
	struct finding *one = finding_add(f, "interrupts",
	    interrupts(e, row) > 80 ? VERDICT_CRITICAL : VERDICT_WARNING, CONFIDENCE_HIGH,
	    interrupts(e, row) / 100, "Interrupts concentrated on one CPU");
	finding_fact(one,
	    "CPU %s spends %.0f %% of its time on interrupts (%.0f %% soft); the others spend %.0f "
	    "%% on average",
	    cpu_text(e->cpus, row, CPU_NAME), interrupts(e, row), cpu_num(e->cpus, row, CPU_SOFT),
	    others);
	finding_advice(one,
	    "spread the device's queues over the CPUs (RSS, RPS, /proc/irq/N/smp_affinity); see: "
	    "pq cpu -P ALL 1, /proc/interrupts");
}

static void
steal(const struct evidence *e, struct findings *f)
{
	double pct = cpu_num(e->cpus, all_row(e), CPU_STEAL);

	if (!(pct > 10))
		return;
	struct finding *one = finding_add(f, "steal", pct > 40 ? VERDICT_CRITICAL : VERDICT_WARNING,
	    CONFIDENCE_HIGH, pct * evidence_cpus(e) / 100,
	    "The hypervisor gives this machine too little CPU time (steal)");
	finding_fact(one,
	    "%.0f %% of CPU time was stolen: a CPU had work, but the hypervisor ran something else",
	    pct);
	finding_advice(one,
	    "move to another host or a larger instance (nothing inside this machine helps); see: "
	    "pq cpu 1");
}

/* A task waits although CPUs are idle. It does not count when a quota throttles, which explains the
 * wait. */
static void
wait_without_saturation(const struct evidence *e, struct findings *f)
{
	struct tasks_rows rows = evidence_has_target(e) ? e->target : e->tasks;
	size_t row = tasks_most(rows, TASKS_WAIT);
	double wait = tasks_num(rows, row, TASKS_WAIT);

	if (!(busy(e, all_row(e)) < 75) || !(wait > 25) || held_cpus(e) > 0.05)
		return;
	struct finding *one = finding_add(f, "wait-beside-idle", VERDICT_WARNING, CONFIDENCE_HIGH,
	    wait / 100, "A task waits for a CPU while other CPUs are idle");
	finding_fact(one, "on average %.2f threads of %.30s (pid %.20s) were waiting for a CPU",
	    wait / 100, tasks_text(rows, row, TASKS_COMM), tasks_text(rows, row, TASKS_PID));
	finding_fact(one, "the CPUs are %.0f %% busy", busy(e, all_row(e)));
	finding_advice(one,
	    "check its affinity (taskset -pc %.20s), cpuset and CPU weight; see: pq cpu --allowed "
	    "-p %.20s 1",
	    tasks_text(rows, row, TASKS_PID), tasks_text(rows, row, TASKS_PID));
}

/* ---- Memory: at its limit, growing towards it, slowed down, killed */

static const char *
cgroup(const struct evidence *e, size_t row)
{
	return mem_text(e->mem, row, MEM_CGROUP);
}

/* "64 MiB of 128 MiB (50 %) is unreclaimable" */
static void
tell_hard(const struct evidence *e, size_t row, struct finding *f)
{
	char hard[HUMAN_MOST], limit[HUMAN_MOST];

	if (!isnan(mem_num(e->mem, row, MEM_HARD_PCT)))
		finding_fact(f, "%s of %s (%.0f %%) is unreclaimable",
		    human_size(mem_num(e->mem, row, MEM_HARD), hard),
		    human_size(mem_num(e->mem, row, MEM_LIMIT), limit),
		    mem_num(e->mem, row, MEM_HARD_PCT));
}

static bool
is_machine(const struct evidence *e, size_t row)
{
	return strcmp(cgroup(e, row), "machine") == 0;
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
	    "The OOM killer killed processes");
	finding_fact(one, "the OOM killer killed %.0f process%s in %.80s", kills,
	    kills == 1 ? "" : "es", cgroup(e, row));
	tell_hard(e, row, one);
	finding_advice(one,
	    "raise the memory limit, or lower the limit of the runtime (GOMEMLIMIT, "
	    "-XX:MaxRAMPercentage); see: pq mem -w all 1");
}

/* Whether a shortage makes tasks stall. A kernel without memory.pressure (cgroup v1) does not count
 * stalls; there, pages that are read again are the sign. */
static bool
hurts(const struct evidence *e, size_t row)
{
	double some = mem_num(e->mem, row, MEM_SOME),
	       faults = mem_num(e->mem, row, MEM_MAJFAULTS) + mem_num(e->mem, row, MEM_REFAULTS);

	return isnan(some) ? faults > 100 : some > 5;
}

static void
tell_stalls(const struct evidence *e, size_t row, struct finding *f)
{
	double some = mem_num(e->mem, row, MEM_SOME);

	if (!isnan(some))
		finding_fact(f, "tasks stalled on memory %.0f %% of the time", some);
}

static void
at_limit(const struct evidence *e, size_t row, struct findings *f)
{
	double some = mem_num(e->mem, row, MEM_SOME), hits = mem_num(e->mem, row, MEM_MAX);

	if (!(hits > 0) || !(mem_num(e->mem, row, MEM_HARD_PCT) > 80) || is_machine(e, row))
		return;
	struct finding *one = finding_add(f, "memory-limit",
	    mem_num(e->mem, row, MEM_HARD_PCT) > 95 || some > 20 ? VERDICT_CRITICAL :
								   VERDICT_WARNING,
	    CONFIDENCE_HIGH, mem_num(e->mem, row, MEM_HARD_PCT) / 100, "Memory at its limit: %.40s",
	    cgroup(e, row));
	tell_hard(e, row, one);
	finding_fact(one, "usage reached the limit %.0f times", hits);
	tell_stalls(e, row, one);
	finding_advice(one,
	    "raise the limit or use less memory: most of it is unreclaimable (such as heap), not "
	    "page cache; see: pq mem -w all 1");
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
	    mem_num(e->mem, row, MEM_HARD_PCT) > 80)
		return;
	struct finding *one = finding_add(f, "page-cache", VERDICT_WARNING, CONFIDENCE_HIGH,
	    refaults / 1000, "Page cache too small: %.40s", cgroup(e, row));
	finding_fact(
	    one, "%.0f pages per second were read again soon after being dropped", refaults);
	if (!isnan(faults))
		finding_fact(one, "%.0f page faults per second waited for a disk", faults);
	tell_hard(e, row, one);
	finding_advice(one,
	    "raise the limit or read less: the files it reads do not fit in the memory left for "
	    "page cache; see: pq mem -w events 1");
}

static void
high(const struct evidence *e, size_t row, struct findings *f)
{
	double n = mem_num(e->mem, row, MEM_HIGH), some = mem_num(e->mem, row, MEM_SOME);

	if (!(n > 0) || !hurts(e, row))
		return;
	struct finding *one = finding_add(f, "memory-high",
	    some > 20 ? VERDICT_CRITICAL : VERDICT_WARNING, CONFIDENCE_HIGH, fmax(0, some) / 100,
	    "Slowed down by memory.high: %.40s", cgroup(e, row));
	finding_fact(one, "it was forced to reclaim memory %.0f times", n);
	tell_stalls(e, row, one);
	finding_advice(one, "raise memory.high or use less memory; see: pq mem -w all 1");
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
	char swap[HUMAN_MOST];
	double faults = mem_num(e->mem, row, MEM_MAJFAULTS);

	if (!(mem_num(e->mem, row, MEM_SWAP) > 16 << 20) || !(faults > 50))
		return;
	struct finding *one = finding_add(f, "swap", VERDICT_WARNING, CONFIDENCE_MEDIUM,
	    faults / 1000, "Swap is in use and is being read");
	finding_fact(one, "%.60s has %s in swap", cgroup(e, row),
	    human_size(mem_num(e->mem, row, MEM_SWAP), swap));
	finding_fact(one, "%.0f of its page faults per second wait for a disk", faults);
	finding_advice(one, "add memory or use less of it; see: pq mem -w all 1");
}

/* Unreclaimable memory that grew in every step. Page cache grows up to any limit, which says
 * nothing. */
static void
growing(const struct evidence *e, struct findings *f)
{
	for (size_t i = 0; i < e->ngrowth; i++) {
		const struct growth *g = &e->growth[i];
		double grown = g->last - g->first,
		       span_s = (double)(g->last_ns - g->first_ns) * 1e-9,
		       left_s = (g->limit - g->last) / (grown / span_s);
		char size[HUMAN_MOST], left[HUMAN_MOST];
		if (g->steps < 3 || !(g->least_step > 0) || !(grown > 2 << 20) || !(left_s < 3600))
			continue;
		struct finding *one = finding_add(f, "memory-growth",
		    left_s < 120 ? VERDICT_CRITICAL : VERDICT_WARNING, CONFIDENCE_MEDIUM,
		    60 / left_s, "Memory grows towards its limit: %.30s", g->cgroup);
		finding_fact(one,
		    "unreclaimable memory grew by %s in %.0f s; at that rate it reaches the limit "
		    "in %s",
		    human_size(grown, size), span_s, human_duration(left_s, left));
		finding_advice(one,
		    "look for a leak or an unbounded cache with a heap profile; see: pq mem -w "
		    "parts 1");
	}
}

static void
tell_pressure(const struct evidence *e, size_t row, struct finding *f)
{
	double some = psi_num(e->psi, row, PSI_MEMORY_SOME),
	       full = psi_num(e->psi, row, PSI_MEMORY_FULL);

	if (!isnan(some) && !isnan(full))
		finding_fact(f,
		    "%.60s: some task stalled on memory %.0f %% of the time, all tasks %.0f %%",
		    psi_text(e->psi, row, PSI_CGROUP), some, full);
}

/* Tasks stall on memory, for whatever reason: in the cgroup where it is worst, or on the machine. */
static void
stalls(const struct evidence *e, struct findings *f)
{
	size_t machine = psi_find(e->psi, PSI_CGROUP, "machine"),
	       row = psi_most(e->psi, PSI_MEMORY_FULL);
	double some = psi_num(e->psi, row, PSI_MEMORY_SOME),
	       full = psi_num(e->psi, row, PSI_MEMORY_FULL);

	if (!(some > 10) || evidence_has_target(e))
		return;
	struct finding *one = finding_add(f, "memory-pressure",
	    full > 20 ? VERDICT_CRITICAL : VERDICT_WARNING, CONFIDENCE_MEDIUM, some / 100,
	    "Tasks wait for memory: %.40s", psi_text(e->psi, row, PSI_CGROUP));
	tell_pressure(e, row, one);
	if (row != machine)
		tell_pressure(e, machine, one);
	finding_advice(one,
	    "find out whether it is above memory.high, at its limit, or the machine is short of "
	    "memory: pq psi -a 1, pq mem -a -w all 1");
}

/* ---- Disks, blocked threads, new processes */

/* A shortage of memory makes disks busy: then the disks are a consequence, not the cause. */
static void
io_pressure(const struct evidence *e, struct findings *f)
{
	bool own = !isnan(psi_num(e->target_psi, 0, PSI_IO_SOME));
	struct psi_rows rows = own ? e->target_psi : e->psi;
	double some = psi_num(rows, 0, PSI_IO_SOME), full = psi_num(rows, 0, PSI_IO_FULL);

	if (!(some > 20))
		return;
	bool follows = findings_has(f, "page-cache") || findings_has(f, "memory-limit") ||
	    findings_has(f, "swap");
	struct finding *one = finding_add(f, "io-pressure",
	    full > 20 && !follows ? VERDICT_CRITICAL : VERDICT_WARNING,
	    follows ? CONFIDENCE_LOW :
		own ? CONFIDENCE_HIGH :
		      CONFIDENCE_MEDIUM,
	    some / 100, "Tasks wait for disks (I/O pressure)");
	finding_fact(one,
	    "some task waited for I/O %.0f %% of the time, all non-idle tasks %.0f %%%s", some,
	    full, own ? "" : " (whole machine)");
	finding_advice(one,
	    "find the threads and their system calls with pq wait%s 1, the device with iostat -x 1",
	    e->option);
}

/* " in read, waiting on pipe:[123]", without the parts that are unknown: another user's process does
 * not show its system calls. */
static const char *
place(const struct evidence *e, size_t row, char out[128])
{
	const char *call = wait_text(e->wait, row, WAIT_CALL),
		   *where = wait_text(e->wait, row, WAIT_WHERE);

	if (strcmp(call, "none") == 0)
		call = "";
	snprintf(out, 128, "%s%s%s%.60s", *call ? " in " : "", call, *where ? ", waiting on " : "",
	    where);
	return out;
}

/* All threads are blocked, and one place blocks threads the whole time. A healthy process has many
 * threads that wait for work; if all of them do, it hangs or has nothing to do. */
static void
hangs(const struct evidence *e, struct findings *f)
{
	size_t n = wait_count(e->wait), most = wait_most(e->wait, WAIT_SHARE);
	double blocked = 0;
	char text[128];

	for (size_t i = 0; i < n; i++)
		if (strcmp(wait_text(e->wait, i, WAIT_STATE), "blocked") == 0)
			blocked += wait_num(e->wait, i, WAIT_SHARE);
	if (!(blocked > 99.5) ||
	    !(wait_num(e->wait, most, WAIT_DURATION) > 900 * session_span_s(&e->session)))
		return;
	struct finding *one = finding_add(f, "blocked", VERDICT_WARNING, CONFIDENCE_MEDIUM,
	    blocked / 100, "All its threads are blocked");
	finding_fact(one, "its threads were blocked %.0f %% of their time%s",
	    wait_num(e->wait, most, WAIT_SHARE), place(e, most, text));
	finding_advice(one,
	    "find out whether it hangs there or has no work; each thread: pq wait -t%s 1",
	    e->option);
}

/* Threads that no signal could wake during the whole watch. */
static void
uninterruptible(const struct evidence *e, struct findings *f)
{
	char text[128];

	for (size_t i = 0; i < wait_count(e->wait); i++) {
		double ms = wait_num(e->wait, i, WAIT_DURATION);
		if (wait_num(e->wait, i, WAIT_UNINTERRUPTIBLE) != 1 ||
		    !(ms > 900 * session_span_s(&e->session)))
			continue;
		struct finding *one = finding_add(f, "uninterruptible", VERDICT_CRITICAL,
		    CONFIDENCE_HIGH, ms / 1000, "Threads are stuck in the kernel (state D)");
		finding_fact(one, "on average %.1f threads were stuck for %.1f s%s",
		    wait_num(e->wait, i, WAIT_THREADS), ms / 1000, place(e, i, text));
		finding_advice(one,
		    "check whether a disk or network file system has stopped answering; see: pq "
		    "wait -t%s 1, dmesg",
		    e->option);
		return;
	}
}

static void
forks(const struct evidence *e, struct findings *f)
{
	double per_s = sum_of(e->tasks, TASKS_BORN) / session_span_s(&e->session);

	if (!(per_s > 200))
		return;
	double unseen =
	    tasks_num(e->tasks, tasks_find(e->tasks, TASKS_COMM, "(came and went)"), TASKS_BORN);
	struct finding *one =
	    finding_add(f, "forks", per_s > 1000 ? VERDICT_CRITICAL : VERDICT_WARNING,
		CONFIDENCE_HIGH, per_s / 1000, "Many processes or threads are created");
	finding_fact(one, "%.0f tasks were created per second", per_s);
	if (unseen > 0)
		finding_fact(one,
		    "%.0f tasks were created and ended within %.0f s before pq could see them",
		    unseen, session_span_s(&e->session));
	finding_advice(one,
	    "look for a script in a loop or one thread per request: strace -fc -e clone,execve -p "
	    "PID; see: pq tasks -w more 1");
}

static void
too_many(const struct evidence *e, struct findings *f)
{
	double n = runq_num(e->runq, 0, RUNQ_PLIST_SZ), own = sum_of(e->target, TASKS_THREADS);

	if (!(n > 30000) && !(own > 100 * evidence_cpus(e) && own > 1000))
		return;
	struct finding *one = finding_add(f, "threads", VERDICT_WARNING, CONFIDENCE_MEDIUM,
	    fmax(n, own) / 100000, "Very many threads");
	if (!isnan(n))
		finding_fact(one, "the machine has %.0f threads in all processes", n);
	if (own > 0)
		finding_fact(one, "the selected process or cgroup has %.0f threads, for %.0f CPUs",
		    own, evidence_cpus(e));
	finding_advice(one,
	    "use a bounded pool: each thread costs memory and slows down scans of /proc; see: pq "
	    "tasks 1");
}

/* Rules run in this order: io_pressure depends on what the memory rules found. */
void
causes_find(const struct evidence *e, struct findings *f)
{
	static void (*const rules[])(const struct evidence *, struct findings *) = {
		throttled,
		throttled_from_above,
		saturation,
		target_saturation,
		one_hot_cpu,
		interrupts_on_one_cpu,
		steal,
		wait_without_saturation,
		killed,
		each_group,
		swapping,
		growing,
		stalls,
		io_pressure,
		uninterruptible,
		hangs,
		forks,
		too_many,
	};

	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		rules[i](e, f);
	findings_sort(f);
}
