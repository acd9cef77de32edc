/*
 * causes: the rules of pq why. A rule is a function that reads the evidence and adds what it finds;
 * the list of rules is at the end. An unknown figure is NaN, and every comparison with NaN is false,
 * so a rule that needs it finds nothing. Write conditions so that NaN makes them fail:
 * `if (!(x > 5)) return;`. A sentence (base/sentence.h) takes known figures only.
 */
#include "commands/why/why.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* The finding is about the machine: with a target, those about the target come first. */
static void
set_of_machine(const struct evidence *e, struct finding *f)
{
	f->of_machine = evidence_has_target(e);
}

/* Differences of figures that were read one after the other. NaN stays. */
static double
not_negative(double x)
{
	return x < 0 ? 0 : x;
}

/* ---- CPU quota: of the cgroup itself or of a parent cgroup */

/* " -p 4242" of a command that shows more; without a target, `otherwise`. */
static struct figure
command_option(const struct evidence *e, const char *otherwise)
{
	return figure_words(evidence_has_target(e) ? e->option : otherwise);
}

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

	if (sum_of(e->target, TASKS_THREADS) <= threads)
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
	struct finding *one =
	    finding_add(f, "throttled", pct >= 20 ? VERDICT_CRITICAL : VERDICT_WARNING,
		periods >= 10 ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM, held,
		"CPU throttled by quota[: {}]",
		name(evidence_has_target(e) ?
			NULL :
			throttle_brief(e->throttle, row, THROTTLE_CGROUP)));

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
		if ((!evidence_has_target(e) || i == most) &&
		    throttle_num(e->throttle, i, THROTTLE_THROTTLED_PCT) > 5 &&
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

	if (!(held > 0.05))
		return;
	struct finding *one = finding_add(f, "throttled-above",
	    held > 0.25 ? VERDICT_CRITICAL : VERDICT_WARNING, CONFIDENCE_HIGH, held,
	    "CPU throttled by the quota of a hidden parent cgroup", NO_FIGURE);
	finding_fact(one,
	    "{} CPUs of demand unmet on average; no quota visible from here accounts for it "
	    "(cpu.stat.local)",
	    fixed(held, 2));
	finding_advice(
	    one, "check the quota of the pod or slice on the node: pq throttle -a 1", NO_FIGURE);
}

/* ---- CPUs: all busy, one busy, stolen, or idle while a task waits */

/* CPUs of demand that quotas left unmet; NaN if there is a quota of which that is unknown. Throttled
 * threads wait too, but not for other tasks. */
static double
held_cpus(const struct evidence *e)
{
	double held = 0;

	for (size_t i = 0; i < throttle_count(e->throttle); i++) {
		double level = throttle_num(e->throttle, i, THROTTLE_HELD);
		if (isnan(level) && !isnan(throttle_num(e->throttle, i, THROTTLE_LIMIT)))
			return NAN;
		held = fmax(held, level);
	}
	return held;
}

/* The mean number of threads that waited; NaN if not all processes are visible. */
static double
sum_of_waits(const struct evidence *e)
{
	return evidence_answers(e, ASKS_PROCESSES) ? sum_of(e->tasks, TASKS_WAIT) / 100 : NAN;
}

/* The mean number of tasks that waited: counted by the kernel, else at least what is summed over the
 * visible processes, and what is estimated from the run queue. */
static double
waiting(const struct evidence *e)
{
	double exact = runq_num(e->runq, 0, RUNQ_WAITING), sum = sum_of_waits(e);
	double queue = runq_num(e->runq, 0, RUNQ_SZ) - evidence_cpus(e);

	return !isnan(exact) ? exact : fmax(not_negative(queue), sum);
}

static bool
saturated(const struct evidence *e)
{
	return evidence_busy(e, evidence_all_cpus(e)) > 90 &&
	    runq_num(e->runq, 0, RUNQ_SZ) > 1.1 * evidence_cpus(e) &&
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
			busiest = tasks_brief(e->tasks, i, TASKS_CGROUP);
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

	if (evidence_answers(e, ASKS_PROCESSES) && cgroup && most > 20)
		finding_fact(f,
		    "largest user by cgroup: {}, {} CPUs[; by process: {} (pid {}), {} CPUs]",
		    name(cgroup), fixed(most / 100, 2),
		    name(tasks_text(e->tasks, task, TASKS_COMM)),
		    name(tasks_text(e->tasks, task, TASKS_PID)),
		    fixed(tasks_num(e->tasks, task, TASKS_CPU) / 100, 2));
}

static void
tell_queue(const struct evidence *e, struct finding *f)
{
	double exact = runq_num(e->runq, 0, RUNQ_WAITING), sum = sum_of_waits(e);

	finding_fact(f, "the CPUs are {} % busy", fixed(evidence_busy(e, evidence_all_cpus(e)), 0));
	finding_fact(f,
	    "the run queue, sampled, has {} running or waiting tasks on average for {} CPUs",
	    fixed(runq_num(e->runq, 0, RUNQ_SZ), 1), fixed(evidence_cpus(e), 0));
	if (!isnan(exact))
		finding_fact(f,
		    "{} tasks wait for a CPU on average, by the kernel's count (/proc/schedstat)",
		    fixed(exact, 1));
	else
		finding_fact(f,
		    "{} threads wait for a CPU on average, summed over all processes "
		    "(/proc/PID/schedstat)",
		    fixed(sum, 1));
}

static void
saturation(const struct evidence *e, struct findings *f)
{
	double excess = runq_num(e->runq, 0, RUNQ_SZ) / evidence_cpus(e);

	if (!saturated(e) || evidence_has_target(e))
		return;
	struct finding *one = finding_add(f, "cpu-saturated",
	    excess > 2 ? VERDICT_CRITICAL : VERDICT_WARNING, CONFIDENCE_HIGH, waiting(e),
	    "CPUs saturated: more tasks want to run than there are CPUs", NO_FIGURE);
	tell_queue(e, one);
	tell_busiest(e, one);
	finding_advice(one,
	    "move load to another machine or run fewer threads; top users: pq tasks -G 1; wait "
	    "times: pq runqlat 1",
	    NO_FIGURE);
}

/* The CPUs that the target may use, and what runs and waits there, in CPUs. */
struct contest {
	double cpus, busy;    /* how many; mean busy share in % */
	bool pinned;          /* they are not all */
	double own, queued;   /* CPUs used by its threads; mean number of them that wait */
	double others_queued; /* threads of others that wait, spread evenly over all CPUs */
	double others;        /* CPUs used there by others */
};

static void
measure_cpus(const struct evidence *e, struct contest *c)
{
	size_t all = evidence_all_cpus(e);
	double sum = 0;

	*c = (struct contest){ .cpus = evidence_cpus(e), .busy = evidence_busy(e, all) };
	if (!e->allowed_known)
		return;
	c->cpus = 0;
	for (size_t i = 0; i < cpu_count(e->cpus); i++) {
		unsigned long cpu = strtoul(cpu_text(e->cpus, i, CPU_NAME), NULL, 10);
		if (i == all || !cpulist_has(&e->allowed, (unsigned)cpu))
			continue;
		c->cpus++;
		sum += evidence_busy(e, i);
	}
	c->busy = c->cpus > 0 ? sum / c->cpus : NAN;
	c->pinned = c->cpus < evidence_cpus(e);
}

/* A quota holds back threads too, but they do not wait for other threads. That is subtracted to judge,
 * but not to print: it comes from another source. */
static struct contest
contest(const struct evidence *e)
{
	struct contest c;
	double wait = sum_of(e->target, TASKS_WAIT) / 100;
	/* the run queue is sampled: of threads that wake up together it shows too many or too few */
	double all = isnan(sum_of_waits(e)) ? waiting(e) : sum_of_waits(e);

	measure_cpus(e, &c);
	c.own = sum_of(e->target, TASKS_CPU) / 100;
	c.queued = wait - held_cpus(e);
	c.others = not_negative(c.busy / 100 * c.cpus - c.own);
	c.others_queued = not_negative(all - wait) * c.cpus / evidence_cpus(e);
	return c;
}

/* Whether its threads wait for each other. If they want no more than the CPUs, others are in the way,
 * unless they all want to run at once. Else it depends on whose threads are queued; but others that
 * hardly run here are queued elsewhere. */
static bool
is_by_itself(const struct contest *c)
{
	if (c->own + c->queued <= 1.05 * c->cpus)
		return c->others + c->others_queued < c->queued;
	return c->queued >= c->others_queued || c->others < 0.1 * c->own;
}

/* The CPUs that it may use are busy, or so many of its threads wait that they must have woken up
 * together, if no quota holds them. */
static bool
is_queued(const struct evidence *e, const struct contest *c)
{
	return c->queued > 0.1 && c->queued > 0.1 * c->own && !isnan(c->others) &&
	    !isnan(c->others_queued) &&
	    (saturated(e) || (c->pinned && c->busy > 90) ||
		(c->queued > c->cpus && c->queued > 2 * c->others_queued && held_cpus(e) <= 0.02));
}

static void
tell_contest(const struct evidence *e, const struct contest *c, struct finding *f)
{
	char list[64];

	finding_fact(f,
	    "it used {} CPUs; on average {} of its threads were runnable but waiting for a "
	    "CPU{}",
	    fixed(c->own, 2), fixed(sum_of(e->target, TASKS_WAIT) / 100, 2),
	    EITHER(held_cpus(e) > 0, " or for quota", ""));
	if (c->pinned) {
		cpulist_print(&e->allowed, list, sizeof list);
		finding_fact(f, "its affinity allows {} of {} CPUs ({}), which are {} % busy",
		    fixed(c->cpus, 0), fixed(evidence_cpus(e), 0), name(list), fixed(c->busy, 0));
	}
	tell_queue(e, f);
}

/* The target waits for CPUs, behind its own threads or behind others. If others fill the CPUs of its
 * affinity while other CPUs are idle, wait_without_saturation says so. */
static void
target_saturation(const struct evidence *e, struct findings *f)
{
	const struct contest c = contest(e);
	bool by_itself = is_by_itself(&c);

	if (!is_queued(e, &c) || (!by_itself && !saturated(e)))
		return;
	struct finding *one =
	    finding_add(f, by_itself ? "cpu-saturated-by-itself" : "cpu-saturated-by-others",
		c.queued > c.own ? VERDICT_CRITICAL : VERDICT_WARNING,
		held_cpus(e) > 0.02 ? CONFIDENCE_MEDIUM : CONFIDENCE_HIGH, c.queued, "{} {}",
		EITHER(c.busy > 90, "CPUs saturated by", "CPUs too few at times for"),
		EITHER(by_itself, "its own threads", "other processes"));
	tell_contest(e, &c, one);
	if (!by_itself) {
		tell_busiest(e, one);
		finding_advice(one,
		    "raise its CPU weight or reserve CPUs for it (cpuset); see: pq tasks -G 1, "
		    "pq runqlat{} 1",
		    command_option(e, ""));
	} else {
		finding_advice(one, "run fewer threads at once{}; see: pq tasks -t{} 1",
		    EITHER(c.pinned, " or let them run on more CPUs (taskset -apc)",
			" or give it more CPUs"),
		    command_option(e, ""));
	}
}

/* The CPU with the largest share, and the mean share of the others. */
static size_t
hottest(const struct evidence *e, double (*of)(const struct evidence *, size_t), double *others)
{
	size_t all = evidence_all_cpus(e), n = cpu_count(e->cpus), best = n;
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

	if (!(programs(e, row) > 90) || !(others < 40) ||
	    (evidence_has_target(e) && !(sum_of(e->target, TASKS_CPU) > 50)))
		return;
	double wait = tasks_num(e->tasks, task, TASKS_WAIT);
	struct finding *one = finding_add(f, "one-hot-cpu", VERDICT_WARNING, CONFIDENCE_MEDIUM, 1,
	    "One CPU is busy while the others are mostly idle", NO_FIGURE);
	finding_fact(one, "CPU {} is {} % busy; the others are {} % busy on average",
	    name(cpu_text(e->cpus, row, CPU_NAME)), fixed(programs(e, row), 0), fixed(others, 0));
	if (tasks_num(e->tasks, task, TASKS_CPU) > 50 || evidence_answers(e, ASKS_PROCESSES))
		finding_fact(one, "the busiest process is {} (pid {}), at {} % of one CPU{}",
		    name(tasks_text(e->tasks, task, TASKS_COMM)),
		    name(tasks_text(e->tasks, task, TASKS_PID)),
		    fixed(tasks_num(e->tasks, task, TASKS_CPU), 0),
		    EITHER(wait > 20, "; it also waits for a CPU", ""));
	finding_advice(one,
	    "spread the work: one thread does all of it, or its threads are pinned to this CPU; "
	    "see: pq cpu -P ALL 1, pq tasks -t 1",
	    NO_FIGURE);
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
	    interrupts(e, row) / 100, "Interrupts concentrated on one CPU", NO_FIGURE);
	set_of_machine(e, one);
	finding_fact(one,
	    "CPU {} spends {} % of its time on interrupts ({} % soft); the others spend {} % on "
	    "average",
	    name(cpu_text(e->cpus, row, CPU_NAME)), fixed(interrupts(e, row), 0),
	    fixed(cpu_num(e->cpus, row, CPU_SOFT), 0), fixed(others, 0));
	finding_advice(one,
	    "spread the device's queues over the CPUs (RSS, RPS, /proc/irq/N/smp_affinity); see: "
	    "pq cpu -P ALL 1, /proc/interrupts",
	    NO_FIGURE);
}

static void
steal(const struct evidence *e, struct findings *f)
{
	double pct = cpu_num(e->cpus, evidence_all_cpus(e), CPU_STEAL);

	if (!(pct > 10))
		return;
	struct finding *one = finding_add(f, "steal", pct > 40 ? VERDICT_CRITICAL : VERDICT_WARNING,
	    CONFIDENCE_HIGH, pct / 100,
	    "The hypervisor gives this machine too little CPU time (steal)", NO_FIGURE);
	set_of_machine(e, one);
	finding_fact(one,
	    "{} % of CPU time was stolen: a CPU had work, but the hypervisor ran something else",
	    fixed(pct, 0));
	finding_advice(one,
	    "move to another host or a larger instance (nothing inside this machine helps); see: "
	    "pq cpu 1",
	    NO_FIGURE);
}

/* A task waits although CPUs are idle. It does not count when a quota throttles, which explains the
 * wait. */
static void
wait_without_saturation(const struct evidence *e, struct findings *f)
{
	struct tasks_rows rows = evidence_has_target(e) ? e->target : e->tasks;
	size_t row = tasks_most(rows, TASKS_WAIT);
	double wait = tasks_num(rows, row, TASKS_WAIT);

	if (!(evidence_busy(e, evidence_all_cpus(e)) < 75) || !(wait > 25) ||
	    !(held_cpus(e) <= 0.05) || findings_has(f, "cpu-saturated-by-itself"))
		return;
	struct finding *one = finding_add(f, "wait-beside-idle", VERDICT_WARNING, CONFIDENCE_HIGH,
	    wait / 100, "A task waits for a CPU while other CPUs are idle", NO_FIGURE);
	finding_fact(one, "on average {} threads of {}[ (pid {})] were waiting for a CPU",
	    fixed(wait / 100, 2), name(tasks_text(rows, row, TASKS_COMM)),
	    name(tasks_text(rows, row, TASKS_PID)));
	finding_fact(
	    one, "the CPUs are {} % busy", fixed(evidence_busy(e, evidence_all_cpus(e)), 0));
	finding_advice(one,
	    "check its affinity[ (taskset -pc {})], cpuset and CPU weight[; see: pq cpu --allowed "
	    "-p {} 1]",
	    name(tasks_text(rows, row, TASKS_PID)), name(tasks_text(rows, row, TASKS_PID)));
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
		set_of_machine(e, one);
	finding_fact(one, "the OOM killer killed {} process{}[ in {}]", fixed(kills, 0),
	    EITHER(kills == 1, "", "es"), is_machine(e, row) ? name(NULL) : known_as(e, row));
	tell_hard(e, row, one);
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
	double some = mem_num(e->mem, row, MEM_SOME), hits = mem_num(e->mem, row, MEM_MAX);

	if (!(hits > 0) || !(mem_num(e->mem, row, MEM_HARD_PCT) > 80) || is_machine(e, row))
		return;
	struct finding *one = finding_add(f, "memory-limit",
	    mem_num(e->mem, row, MEM_HARD_PCT) > 95 || some > 20 ? VERDICT_CRITICAL :
								   VERDICT_WARNING,
	    CONFIDENCE_HIGH, mem_num(e->mem, row, MEM_HARD_PCT) / 100, "Memory at its limit[: {}]",
	    known_as(e, row));
	tell_hard(e, row, one);
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
	    mem_num(e->mem, row, MEM_HARD_PCT) > 80)
		return;
	struct finding *one = finding_add(f, "page-cache", VERDICT_WARNING, CONFIDENCE_HIGH,
	    refaults / 1000, "Page cache too small[: {}]", whose(e, row));
	if (is_machine(e, row))
		set_of_machine(e, one);
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
		return some > 5 && per_s > 0;
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
	    some > 20 ? VERDICT_CRITICAL : VERDICT_WARNING, CONFIDENCE_HIGH, fmax(0, some) / 100,
	    "Slowed down above memory.high[: {}]", known_as(e, row));
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
		set_of_machine(e, one);
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
	    full > 20 ? VERDICT_CRITICAL : VERDICT_WARNING, CONFIDENCE_MEDIUM, some / 100,
	    "Tasks wait for memory[: {}]", name(psi_brief(e->psi, row, PSI_CGROUP)));
	tell_pressure(e, row, one);
	if (row != machine)
		tell_pressure(e, machine, one);
	finding_advice(one,
	    "find out whether it is above memory.high, at its limit, or the machine is short of "
	    "memory: pq psi -a 1, pq mem -a -w all 1",
	    NO_FIGURE);
}

/* ---- Disks, blocked threads, new processes */

/* A shortage of memory makes disks busy: then the disks are a consequence, not the cause. */
static void
io_pressure(const struct evidence *e, struct findings *f)
{
	bool own = !isnan(psi_num(e->target_psi, 0, PSI_IO_SOME)) &&
	    strcmp(psi_text(e->target_psi, 0, PSI_CGROUP), "machine") != 0;
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
	    some / 100, "Tasks wait for disks (I/O pressure)", NO_FIGURE);
	if (!own)
		set_of_machine(e, one);
	finding_fact(one, "some task waited for I/O {} % of the time[, all non-idle tasks {} %]{}",
	    fixed(some, 0), fixed(full, 0), EITHER(own, "", " (whole machine)"));
	finding_advice(one,
	    "find the threads and their system calls with pq wait{} 1, the device with iostat -x 1",
	    command_option(e, ""));
}

static void
forks(const struct evidence *e, struct findings *f)
{
	struct tasks_rows rows = evidence_has_target(e) ? e->target : e->tasks;
	double span_s = session_span_s(&e->session), per_s = sum_of(rows, TASKS_BORN) / span_s;

	if (!(per_s > 200))
		return;
	double unseen =
	    tasks_num(rows, tasks_find(rows, TASKS_COMM, "(came and went)"), TASKS_BORN);
	struct finding *one =
	    finding_add(f, "forks", per_s > 1000 ? VERDICT_CRITICAL : VERDICT_WARNING,
		CONFIDENCE_HIGH, per_s / 1000, "Many processes or threads are created", NO_FIGURE);
	finding_fact(one, "{} tasks were created per second", fixed(per_s, 0));
	if (unseen > 0)
		finding_fact(one,
		    "{} tasks were created and ended within {} s before pq could see them",
		    fixed(unseen, 0), fixed(span_s, 0));
	finding_advice(one,
	    "look for a script in a loop or one thread per request: strace -fc -e clone,execve -p "
	    "PID; see: pq tasks -w more 1",
	    NO_FIGURE);
}

static void
too_many(const struct evidence *e, struct findings *f)
{
	double n = runq_num(e->runq, 0, RUNQ_PLIST_SZ), own = sum_of(e->target, TASKS_THREADS);

	if (!(n > 30000) && !(own > 100 * evidence_cpus(e) && own > 1000))
		return;
	struct finding *one = finding_add(f, "threads", VERDICT_WARNING, CONFIDENCE_MEDIUM,
	    fmax(n, own) / 100000, "Very many threads", NO_FIGURE);
	if (!(own > 1000))
		set_of_machine(e, one);
	finding_fact(one, "the machine has {} threads in all processes", fixed(n, 0));
	if (own > 0)
		finding_fact(one, "the selected process or cgroup has {} threads[, for {} CPUs]",
		    fixed(own, 0), fixed(evidence_cpus(e), 0));
	finding_advice(one,
	    "use a bounded pool: each thread costs memory and slows down scans of /proc; see: pq "
	    "tasks 1",
	    NO_FIGURE);
}

/* Rules run in this order: io_pressure depends on what the memory rules found. */
void
causes_find(const struct evidence *e, struct findings *f)
{
	static void (*const rules[])(const struct evidence *, struct findings *) = {
		target_judge,
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
		threads_judge,
		forks,
		too_many,
	};

	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		rules[i](e, f);
	findings_sort(f);
}
