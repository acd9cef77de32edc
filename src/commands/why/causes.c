/* Held back by a CPU quota, its own or that of a level above. */
#include "commands/why/causes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/human.h"

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

/* The CPUs: all busy, one busy, taken away, or free while somebody waits. */

/* What of the time of a CPU, or of all, was not idle, %; waiting for a disk is idle. Steal is
 * neither. */
static double
busy(const struct evidence *e, size_t row)
{
	return 100 - evidence_num(e, VIEW_CPUS, row, "idle_pct") -
	    evidence_num(e, VIEW_CPUS, row, "iowait_pct");
}

static size_t
all_row(const struct evidence *e)
{
	return evidence_find(e, VIEW_CPUS, "cpu", "all");
}

static double
sum_of(const struct evidence *e, enum view v, const char *key)
{
	size_t n = evidence_rows(e, v);
	double sum = n ? 0 : NAN;

	for (size_t i = 0; i < n; i++)
		/* rows of tasks that came and went have none */
		sum += fmax(0, evidence_num(e, v, i, key));
	return sum;
}

/* Waits for a CPU, not for quota: held back threads wait too, and must not be taken for it. */
static double
held_cpus(const struct evidence *e)
{
	double held = 0;

	for (size_t i = 0; i < evidence_rows(e, VIEW_THROTTLE); i++)
		held = fmax(held, evidence_num(e, VIEW_THROTTLE, i, "held_cpus"));
	return held;
}

/* Mean number of tasks that waited: exact where the kernel tells, else by the queue's length. */
static double
waiting(const struct evidence *e)
{
	double exact = evidence_num(e, VIEW_RUNQ, 0, "waiting"),
	       sum = sum_of(e, VIEW_TASKS, "wait_pct") / 100;
	double queue = evidence_num(e, VIEW_RUNQ, 0, "runq_sz") - evidence_cpus(e);

	return !isnan(exact) ? exact : !isnan(sum) ? sum : fmax(0, queue);
}

static bool
saturated(const struct evidence *e)
{
	return busy(e, all_row(e)) > 90 &&
	    evidence_num(e, VIEW_RUNQ, 0, "runq_sz") > 1.1 * evidence_cpus(e) &&
	    waiting(e) > 0.15 * evidence_cpus(e);
}

/* The cgroup whose processes used most together, and how much, %; NULL when none is known. */
static const char *
busiest_cgroup(const struct evidence *e, double *most)
{
	const char *busiest = NULL;

	*most = 0;
	for (size_t i = 0; i < evidence_rows(e, VIEW_TASKS); i++) {
		const char *cgroup = evidence_text(e, VIEW_TASKS, i, "cgroup");
		double sum = 0;
		for (size_t k = 0; *cgroup && k < evidence_rows(e, VIEW_TASKS); k++)
			if (strcmp(evidence_text(e, VIEW_TASKS, k, "cgroup"), cgroup) == 0)
				sum += fmax(0, evidence_num(e, VIEW_TASKS, k, "cpu_pct"));
		if (sum > *most) {
			*most = sum;
			busiest = cgroup;
		}
	}
	return busiest;
}

/* The one that used most, as evidence. */
static void
tell_busiest(const struct evidence *e, struct finding *f)
{
	size_t task = evidence_most(e, VIEW_TASKS, "cpu_pct");
	double most;
	const char *cgroup = busiest_cgroup(e, &most);

	if (cgroup && most > 20)
		finding_fact(f, "most by cgroup %.60s: %.2f CPUs; by process %.20s %.30s: %.2f",
		    cgroup, most / 100, evidence_text(e, VIEW_TASKS, task, "comm"),
		    evidence_text(e, VIEW_TASKS, task, "pid"),
		    evidence_num(e, VIEW_TASKS, task, "cpu_pct") / 100);
}

static void
tell_queue(const struct evidence *e, struct finding *f)
{
	finding_fact(f,
	    "the CPUs are %.0f %% busy, %.1f tasks run or wait on %.0f CPUs, %.1f of them wait",
	    busy(e, all_row(e)), evidence_num(e, VIEW_RUNQ, 0, "runq_sz"), evidence_cpus(e),
	    waiting(e));
}

static void
saturation(const struct evidence *e, struct findings *f)
{
	double excess = evidence_num(e, VIEW_RUNQ, 0, "runq_sz") / evidence_cpus(e);

	if (!saturated(e) || evidence_has_target(e))
		return;
	struct finding *one = finding_add(f, "cpu-saturated",
	    excess > 2 ? SEVERITY_CRITICAL : SEVERITY_WARNING, CONFIDENCE_HIGH, waiting(e),
	    "CPUs saturated: more wants to run than there are CPUs");
	tell_queue(e, one);
	tell_busiest(e, one);
	finding_advice(one,
	    "move load away, or have fewer threads; who it is: pq tasks -G 1; how long they wait: "
	    "pq runqlat 1");
}

/* Whom was asked for waits on CPUs that are all busy: with its own threads, or with others. */
static void
target_saturation(const struct evidence *e, struct findings *f)
{
	char words[256];
	double own = sum_of(e, VIEW_TARGET, "cpu_pct"),
	       wait = sum_of(e, VIEW_TARGET, "wait_pct") - 100 * held_cpus(e);
	double all = busy(e, all_row(e)) * evidence_cpus(e);
	bool by_itself = own > 0.6 * all;

	if (!saturated(e) || !(wait > 10) || !(wait > 0.1 * own))
		return;
	struct finding *one =
	    finding_add(f, by_itself ? "cpu-saturated-by-itself" : "cpu-saturated-by-others",
		wait > own ? SEVERITY_CRITICAL : SEVERITY_WARNING, CONFIDENCE_HIGH, wait / 100,
		by_itself ? "CPUs saturated by its own threads" : "CPUs saturated by others");
	finding_fact(one, "it ran on %.2f CPUs and waited for %.2f more, not for its quota",
	    own / 100, wait / 100);
	tell_queue(e, one);
	if (!by_itself)
		tell_busiest(e, one);
	finding_advice(one,
	    by_itself ?
		"fewer threads, or more CPUs; see: pq tasks -t%s 1" :
		"give it more weight, or CPUs of its own; see: pq tasks -G 1, pq runqlat%s 1",
	    evidence_words(e, words));
}

/* The busiest of the CPUs, and how busy the others are, mean. */
static size_t
hottest(const struct evidence *e, double (*of)(const struct evidence *, size_t), double *others)
{
	size_t all = all_row(e), n = evidence_rows(e, VIEW_CPUS), best = n;
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
	return evidence_num(e, VIEW_CPUS, row, "usr_pct") +
	    evidence_num(e, VIEW_CPUS, row, "nice_pct") +
	    evidence_num(e, VIEW_CPUS, row, "sys_pct");
}

static double
interrupts(const struct evidence *e, size_t row)
{
	return evidence_num(e, VIEW_CPUS, row, "irq_pct") +
	    evidence_num(e, VIEW_CPUS, row, "soft_pct");
}

static void
one_hot_cpu(const struct evidence *e, struct findings *f)
{
	double others;
	size_t row = hottest(e, programs, &others), task = evidence_most(e, VIEW_TASKS, "cpu_pct");

	if (!(programs(e, row) > 90) || !(others < 40))
		return;
	double wait = evidence_num(e, VIEW_TASKS, task, "wait_pct");
	struct finding *one = finding_add(f, "one-hot-cpu", SEVERITY_WARNING, CONFIDENCE_MEDIUM, 1,
	    "One CPU is busy while others are idle");
	finding_fact(one, "CPU %s is %.0f %% busy, the others %.0f %% on average",
	    evidence_text(e, VIEW_CPUS, row, "cpu"), programs(e, row), others);
	finding_fact(one, "the busiest process is %.30s %.20s, at %.0f %% of a CPU%s",
	    evidence_text(e, VIEW_TASKS, task, "comm"), evidence_text(e, VIEW_TASKS, task, "pid"),
	    evidence_num(e, VIEW_TASKS, task, "cpu_pct"), wait > 20 ? ", and it waits too" : "");
	finding_advice(one,
	    "a single thread is the limit, or it is pinned: spread its work; see: pq cpu -P ALL 1, "
	    "pq tasks -t 1");
}

static void
interrupts_on_one_cpu(const struct evidence *e, struct findings *f)
{
	double others;
	size_t row = hottest(e, interrupts, &others);

	if (!(interrupts(e, row) > 30) || !(others < interrupts(e, row) / 3))
		return;
	struct finding *one = finding_add(f, "interrupts",
	    interrupts(e, row) > 80 ? SEVERITY_CRITICAL : SEVERITY_WARNING, CONFIDENCE_HIGH,
	    interrupts(e, row) / 100, "Interrupts on one CPU");
	finding_fact(one,
	    "CPU %s spends %.0f %% on interrupts (soft %.0f %%), the others %.0f %% on average",
	    evidence_text(e, VIEW_CPUS, row, "cpu"), interrupts(e, row),
	    evidence_num(e, VIEW_CPUS, row, "soft_pct"), others);
	finding_advice(one,
	    "spread the device's queues (RSS, RPS, /proc/irq/N/smp_affinity); see: pq cpu -P ALL "
	    "1, /proc/interrupts");
}

static void
steal(const struct evidence *e, struct findings *f)
{
	double pct = evidence_num(e, VIEW_CPUS, all_row(e), "steal_pct");

	if (!(pct > 10))
		return;
	struct finding *one = finding_add(f, "steal",
	    pct > 40 ? SEVERITY_CRITICAL : SEVERITY_WARNING, CONFIDENCE_HIGH,
	    pct * evidence_cpus(e) / 100, "The hypervisor gives CPUs to others (steal)");
	finding_fact(
	    one, "%.0f %% of the time a CPU had work, and the hypervisor ran somebody else", pct);
	finding_advice(one,
	    "nothing in this machine helps: another host, or a larger instance; see: pq cpu 1");
}

/* There are idle CPUs, and somebody waits nevertheless; for quota, where that is used up. */
static void
wait_without_saturation(const struct evidence *e, struct findings *f)
{
	enum view v = evidence_has_target(e) ? VIEW_TARGET : VIEW_TASKS;
	size_t row = evidence_most(e, v, "wait_pct");
	double wait = evidence_num(e, v, row, "wait_pct");

	if (!(busy(e, all_row(e)) < 75) || !(wait > 25) || held_cpus(e) > 0.05)
		return;
	struct finding *one = finding_add(f, "wait-beside-idle", SEVERITY_WARNING, CONFIDENCE_HIGH,
	    wait / 100, "Waits for a CPU while others are idle");
	finding_fact(one, "%.30s %.20s waited %.0f %% of the time; the CPUs are %.0f %% busy",
	    evidence_text(e, v, row, "comm"), evidence_text(e, v, row, "pid"), wait,
	    busy(e, all_row(e)));
	finding_advice(one,
	    "it may run on few CPUs only (affinity, cpuset), or has little weight: taskset -pc "
	    "%.20s; see: pq cpu --allowed -p %.20s 1",
	    evidence_text(e, v, row, "pid"), evidence_text(e, v, row, "pid"));
}

cause_fn *const causes_cpu[] = { saturation, target_saturation, one_hot_cpu, interrupts_on_one_cpu,
	steal, wait_without_saturation, NULL };

/* Memory: at its limit, growing towards it, slowed down, killed. */

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
		double grown = g->last - g->first, span_s = session_span_s(&e->session),
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

/* What is neither a CPU nor memory: disks, what threads hang in, and the making of processes. */

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
	    !(evidence_num(e, VIEW_WAIT, most, "duration_ms") > 900 * session_span_s(&e->session)))
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
		    !(ms > 900 * session_span_s(&e->session)))
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
	double per_s = born / session_span_s(&e->session);
	if (!(per_s > 200))
		return;
	size_t short_lived = evidence_find(e, VIEW_TASKS, "comm", "(came and went)");
	struct finding *one =
	    finding_add(f, "forks", per_s > 1000 ? SEVERITY_CRITICAL : SEVERITY_WARNING,
		CONFIDENCE_HIGH, per_s / 1000, "Many processes or threads are made");
	finding_fact(one, "%.0f a second; %.0f of them came and went within %.0f s", per_s,
	    fmax(0, evidence_num(e, VIEW_TASKS, short_lived, "born")), session_span_s(&e->session));
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
