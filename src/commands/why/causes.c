/*
 * causes: the rules of pq why about busy CPUs and new processes, and at the end the list of all
 * rules. A rule is a function that reads the evidence and adds what it finds. An unknown figure is NaN, and every comparison with NaN is false,
 * so a rule that needs it finds nothing. Write conditions so that NaN makes them fail:
 * `if (!(x > 5)) return;`. A sentence (base/sentence.h) takes known figures only.
 */
#include "commands/why/why.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Differences of figures that were read one after the other. NaN stays. */
static double
not_negative(double x)
{
	return x < 0 ? 0 : x;
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
	return evidence_answers(e, ASKS_PROCESSES) ? tasks_sum(e->tasks, TASKS_WAIT) / 100 : NAN;
}

double
evidence_waiting(const struct evidence *e)
{
	double exact = runq_num(e->runq, 0, RUNQ_WAITING), sum = sum_of_waits(e);
	double queue = runq_num(e->runq, 0, RUNQ_SZ) - evidence_cpus(e);

	return !isnan(exact) ? exact : fmax(not_negative(queue), sum);
}

static bool
saturated(const struct evidence *e)
{
	return evidence_busy(e, evidence_all_cpus(e)) > 90 &&
	    runq_num(e->runq, 0, RUNQ_SZ) > RUNQ_HIGH * evidence_cpus(e) &&
	    evidence_waiting(e) > WAITING_HIGH * evidence_cpus(e);
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
		    "at least {} threads wait for a CPU on average, summed over the processes that "
		    "did not end (/proc/PID/schedstat)",
		    fixed(sum, 1));
}

static void
saturation(const struct evidence *e, struct findings *f)
{
	double excess = runq_num(e->runq, 0, RUNQ_SZ) / evidence_cpus(e);

	if (!saturated(e) || evidence_has_target(e))
		return;
	struct finding *one = finding_add(f, "cpu-saturated",
	    excess > RUNQ_VERY_HIGH ? VERDICT_CRITICAL : VERDICT_WARNING, CONFIDENCE_HIGH,
	    evidence_waiting(e), "CPUs saturated: more runnable tasks than CPUs", NO_FIGURE);
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
	double wait = tasks_sum(e->target, TASKS_WAIT) / 100;
	/* the run queue is sampled: of threads that wake up together it shows too many or too few */
	double all = isnan(sum_of_waits(e)) ? evidence_waiting(e) : sum_of_waits(e);

	measure_cpus(e, &c);
	c.own = tasks_sum(e->target, TASKS_CPU) / 100;
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
	    fixed(c->own, 2), fixed(tasks_sum(e->target, TASKS_WAIT) / 100, 2),
	    EITHER(held_cpus(e) > 0, " or for quota", ""));
	if (c->pinned) {
		cpulist_print(&e->allowed, list, sizeof list);
		finding_fact(f, "its affinity allows {} of {} CPUs ({}), which are {} % busy",
		    fixed(c->cpus, 0), fixed(evidence_cpus(e), 0), name(list), fixed(c->busy, 0));
	}
	tell_queue(e, f);
}

/* Behind whom the target waited, by the events of the scheduler: of its cgroup that waited most. */
struct blamed {
	double wait_ms, self, quota; /* shares in % */
	double elsewhere;            /* the share in which another CPU was idle */
	const char *neighbour;       /* the worst; NULL: none */
	double neighbour_share;
};

/* A share that is worth a word. */
static double
notable(double share)
{
	return share >= 5 ? share : NAN;
}

static struct blamed
blamed(const struct evidence *e)
{
	struct blamed b = { .wait_ms = who_num(e->who, 0, WHO_WAIT) };

	b.self = who_num(e->who, 0, WHO_SELF_MS) / b.wait_ms * 100;
	b.quota = who_num(e->who, 0, WHO_QUOTA_MS) / b.wait_ms * 100;
	b.elsewhere = who_num(e->who, 0, WHO_ELSEWHERE) / b.wait_ms * 100;
	for (size_t i = 1; i < who_count(e->who); i++) { /* the worst comes first */
		if (strcmp(who_text(e->who, i, WHO_BEHIND), "total") == 0)
			break;
		if (strcmp(who_text(e->who, i, WHO_BEHIND), "neighbour") != 0)
			continue;
		b.neighbour = who_text(e->who, i, WHO_CULPRIT);
		b.neighbour_share = who_num(e->who, i, WHO_SHARE);
		break;
	}
	return b;
}

static void
tell_blamed(const struct evidence *e, struct finding *f)
{
	const struct blamed b = blamed(e);

	if (!(b.wait_ms > 1))
		return;
	finding_fact(f,
	    "{} waited {} ms, by the scheduler's events[: {} % behind {}][; {} % behind own "
	    "threads][; {} % for quota]",
	    name(who_text(e->who, 0, WHO_VICTIM)), fixed(b.wait_ms, 0),
	    fixed(b.neighbour ? notable(b.neighbour_share) : NAN, 0), name(b.neighbour),
	    fixed(notable(b.self), 0), fixed(notable(b.quota), 0));
}

/* Whom to limit, if one neighbour has most of it. The root cgroup has no limits. */
static struct figure
culprit(const struct evidence *e)
{
	const struct blamed b = blamed(e);

	return name(b.neighbour && b.neighbour_share > 30 && strcmp(b.neighbour, "/") != 0 ?
		b.neighbour :
		NULL);
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
	tell_blamed(e, one);
	if (!by_itself) {
		tell_busiest(e, one);
		finding_advice(one,
		    "raise its CPU weight or reserve CPUs for it (cpuset)[, or limit {}]; see: pq "
		    "who{} 1, pq tasks -G 1",
		    culprit(e), command_option(e, ""));
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
	    (evidence_has_target(e) && !(tasks_sum(e->target, TASKS_CPU) > 50)))
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
	finding_of_machine(e, one);
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

	if (!(pct > STEAL_HIGH))
		return;
	struct finding *one = finding_add(f, "steal",
	    pct > STEAL_VERY_HIGH ? VERDICT_CRITICAL : VERDICT_WARNING, CONFIDENCE_HIGH, pct / 100,
	    "The hypervisor gives this machine too little CPU time (steal)", NO_FIGURE);
	finding_of_machine(e, one);
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
	tell_blamed(e, one);
	finding_fact(one, "for {} % of that time another CPU was idle",
	    fixed(notable(blamed(e).elsewhere), 0));
	finding_advice(one,
	    "check its affinity[ (taskset -pc {})], cpuset and CPU weight[; see: pq cpu --allowed "
	    "-p {} 1]",
	    name(tasks_text(rows, row, TASKS_PID)), name(tasks_text(rows, row, TASKS_PID)));
}

/* ---- New processes */

static void
forks(const struct evidence *e, struct findings *f)
{
	struct tasks_rows rows = evidence_has_target(e) ? e->target : e->tasks;
	double span_s = session_span_s(&e->session), per_s = tasks_sum(rows, TASKS_BORN) / span_s;

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
	double n = runq_num(e->runq, 0, RUNQ_PLIST_SZ), own = tasks_sum(e->target, TASKS_THREADS);

	if (!(n > 30000) && !(own > 100 * evidence_cpus(e) && own > 1000))
		return;
	struct finding *one = finding_add(f, "threads", VERDICT_WARNING, CONFIDENCE_MEDIUM,
	    fmax(n, own) / 100000, "Very many threads", NO_FIGURE);
	if (!(own > 1000))
		finding_of_machine(e, one);
	finding_fact(one, "the machine has {} threads in all processes", fixed(n, 0));
	if (own > 0)
		finding_fact(one, "the selected process or cgroup has {} threads[, for {} CPUs]",
		    fixed(own, 0), fixed(evidence_cpus(e), 0));
	finding_advice(one,
	    "use a bounded pool: each thread costs memory and slows down scans of /proc; see: pq "
	    "tasks 1",
	    NO_FIGURE);
}

/* Rules run in this order: those about disks depend on what the memory rules found. */
void
causes_find(const struct evidence *e, struct findings *f)
{
	static void (*const rules[])(const struct evidence *, struct findings *) = {
		target_judge,
		quota_judge,
		saturation,
		target_saturation,
		one_hot_cpu,
		interrupts_on_one_cpu,
		steal,
		wait_without_saturation,
		memory_judge,
		disks_judge,
		threads_judge,
		sockets_judge,
		forks,
		too_many,
	};

	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		rules[i](e, f);
	findings_sort(f);
}
