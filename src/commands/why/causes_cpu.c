/* The CPUs: all busy, one busy, taken away, or free while somebody waits. */
#include <math.h>
#include <string.h>

#include "commands/why/causes.h"

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
