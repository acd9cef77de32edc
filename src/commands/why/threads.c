/*
 * threads: the rules of pq why about what the threads of the target do: wait for a lock, sleep
 * between two pieces of work, stay in one place, or do not run at all. As in causes.c, an unknown
 * figure fires no rule.
 */
#include "commands/why/why.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "proc/task.h"

static bool
is_in_state(const struct evidence *e, size_t row, const char *state)
{
	return strcmp(wait_text(e->wait, row, WAIT_STATE), state) == 0;
}

/* The mean number of threads in that state; NULL: in any. */
static double
threads_in(const struct evidence *e, const char *state)
{
	double sum = 0;

	for (size_t i = 0; i < wait_count(e->wait); i++)
		if (!state || is_in_state(e, i, state))
			sum += wait_num(e->wait, i, WAIT_SHARE) / 100;
	return sum;
}

static bool
all_blocked(const struct evidence *e)
{
	return threads_in(e, "blocked") > 0.995 * threads_in(e, NULL);
}

/* Whether the thread has been in this place nearly the whole time. */
static bool
lasts(const struct evidence *e, size_t row)
{
	return wait_num(e->wait, row, WAIT_DURATION) > 900 * session_span_s(&e->session);
}

static bool
in_deadlock(const struct evidence *e, size_t row)
{
	return wait_num(e->wait, row, WAIT_DEADLOCK) == 1;
}

static bool
stuck_in_kernel(const struct evidence *e, size_t row)
{
	return wait_num(e->wait, row, WAIT_UNINTERRUPTIBLE) == 1 && lasts(e, row);
}

/* The longest of the waits that are such, and how many threads are in these; the number of rows if there
 * is none. */
static size_t
longest_wait(
    const struct evidence *e, bool (*is_such)(const struct evidence *, size_t), double *threads)
{
	size_t n = wait_count(e->wait), longest = n;

	*threads = 0;
	for (size_t i = 0; i < n; i++) {
		if (!is_such(e, i))
			continue;
		*threads += wait_num(e->wait, i, WAIT_THREADS);
		if (longest == n ||
		    wait_num(e->wait, i, WAIT_DURATION) > wait_num(e->wait, longest, WAIT_DURATION))
			longest = i;
	}
	return longest;
}

/* The system call of a row. Another user's process does not show it; "none" is outside a call. */
static struct figure
call(const struct evidence *e, size_t row)
{
	const char *s = wait_text(e->wait, row, WAIT_CALL);

	return name(strcmp(s, "none") == 0 ? NULL : s);
}

/* ---- Locks */

static bool
is_lock(const struct evidence *e, size_t row)
{
	return strncmp(wait_text(e->wait, row, WAIT_WHERE), "lock:", 5) == 0;
}

struct lock {
	double waiters; /* mean number of threads that wait for it */
	size_t rows, lasting;
	const char *where;
	size_t held; /* the row whose waits its most frequent owner explains; none: the count */
	double held_most; /* the time of these waits */
};

/* The lock for which most threads wait. */
static struct lock
worst_lock(const struct evidence *e)
{
	size_t n = wait_count(e->wait);
	struct lock *locks = xmalloc((n + 1) * sizeof *locks), worst = { .waiters = 0, .held = n };
	struct map addresses = { .n = 0 };

	for (size_t i = 0; i < n; i++) {
		if (!is_lock(e, i))
			continue;
		const char *where = wait_text(e->wait, i, WAIT_WHERE);
		uint32_t known = addresses.n, k = map_put(&addresses, text_of(where));
		struct lock *l = &locks[k];
		if (k == known)
			*l = (struct lock){ .where = where, .held = n };
		double held =
		    wait_num(e->wait, i, WAIT_SHARE) * wait_num(e->wait, i, WAIT_OWNER_SHARE);
		if (held > l->held_most) {
			l->held_most = held;
			l->held = i;
		}
		l->waiters += wait_num(e->wait, i, WAIT_SHARE) / 100;
		l->rows++;
		l->lasting += lasts(e, i);
		if (l->waiters > worst.waiters)
			worst = *l;
	}
	map_free(&addresses);
	free(locks);
	return worst;
}

/* Says who holds the lock for which the thread of the row waits, if that is known. */
static void
add_owner(const struct evidence *e, size_t row, struct finding *one)
{
	double share = evidence_has_shares(e) ? wait_num(e->wait, row, WAIT_OWNER_SHARE) : NAN;

	finding_fact(one, "thread [{} ](TID {}) holds it[ in {} % of the samples][, {}]",
	    name(wait_text(e->wait, row, WAIT_OWNER_COMM)),
	    name(wait_text(e->wait, row, WAIT_OWNER_TID)), fixed(share, 0),
	    name(wait_text(e->wait, row, WAIT_OWNER_DOING)));
}

/* Recordings hold no stacks. */
static struct figure
where_they_wait(const struct finding *f)
{
	return EITHER(f->recording, "-t", "--stacks");
}

/* Threads that wait for each other go on waiting, whatever the others do. */
static void
deadlock(const struct evidence *e, struct findings *f)
{
	double stuck;
	size_t longest = longest_wait(e, in_deadlock, &stuck);

	if (longest == wait_count(e->wait))
		return;
	struct finding *one = finding_add(f, "deadlock", VERDICT_CRITICAL, CONFIDENCE_HIGH, stuck,
	    "Its threads wait for each other: a deadlock", NO_FIGURE);
	finding_fact(one,
	    "each of these threads (TID) waits for a lock that the next one holds: {}",
	    name(wait_text(e->wait, longest, WAIT_CHAIN)));
	finding_fact(one, "on average {} threads wait for one of these locks, for {} s at least",
	    fixed(stuck, 1), fixed(wait_num(e->wait, longest, WAIT_DURATION) / 1000, 1));
	finding_advice(one,
	    "only a restart of the process ends it; take the locks in the same order everywhere, "
	    "and find the places with: pq wait {}{} 1",
	    where_they_wait(one), figure_words(e->option));
}

/* If nothing moves at all, the process hangs: that is another rule. */
static void
lock_contention(const struct evidence *e, struct findings *f)
{
	struct lock l = worst_lock(e);

	if (!(l.waiters > 0.5) || (all_blocked(e) && l.lasting == l.rows) ||
	    findings_has(f, "deadlock"))
		return;
	struct finding *one =
	    finding_add(f, "lock-contention", l.waiters > 2 ? VERDICT_CRITICAL : VERDICT_WARNING,
		l.rows > 1 ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM, l.waiters,
		"Its threads wait for a lock", NO_FIGURE);
	finding_fact(one, "on average {} of its {} threads wait for the same lock, {}",
	    fixed(l.waiters, 1), fixed(threads_in(e, NULL), 0), name(l.where));
	add_owner(e, l.held, one);
	finding_fact(
	    one, "its threads run on {} CPUs on average", fixed(threads_in(e, "running"), 2));
	finding_advice(one,
	    "hold the lock for a shorter time or split it; find the code that takes it with: "
	    "pq wait {}{} 1",
	    where_they_wait(one), figure_words(e->option));
}

/* ---- Sleeping between two pieces of work */

static bool
sleeps(const struct evidence *e, size_t row)
{
	const char *s = wait_text(e->wait, row, WAIT_CALL);

	return strcmp(s, "clock_nanosleep") == 0 || strcmp(s, "nanosleep") == 0 ||
	    strcmp(wait_text(e->wait, row, WAIT_WHERE), "timer") == 0;
}

/* The row of the thread's sleep; the number of rows if it has none. */
static size_t
sleep_of(const struct evidence *e, const char *tid)
{
	size_t n = wait_count(e->wait), i = 0;

	while (i < n && !(sleeps(e, i) && strcmp(wait_text(e->wait, i, WAIT_TID), tid) == 0))
		i++;
	return i;
}

/* Whether the thread works each time when it wakes up. An idle daemon only looks around, which
 * takes some 50 us. */
static bool
works(const struct evidence *e, size_t thread)
{
	double cpu_us = tasks_num(e->threads, thread, TASKS_CPU) * 1e4,
	       switches = tasks_num(e->threads, thread, TASKS_VCSW),
	       wakes = isnan(switches) ? tasks_num(e->threads, thread, TASKS_WAITS) : switches;

	return cpu_us > 3000 && wakes > 1.5 && cpu_us > 300 * wakes;
}

static void
add_sleeping(const struct evidence *e, size_t thread, size_t row, struct findings *f)
{
	double share = wait_num(e->wait, row, WAIT_SHARE);
	struct finding *one = finding_add(f, "sleeping", VERDICT_WARNING, CONFIDENCE_LOW,
	    share / 100, "A thread that works sleeps in between", NO_FIGURE);

	finding_fact(one, "thread {} (TID {}) spent {} % of its time in {}",
	    name(wait_text(e->wait, row, WAIT_COMM)), name(wait_text(e->wait, row, WAIT_TID)),
	    fixed(share, 0), call(e, row));
	finding_fact(one, "it used {} % of one CPU, and began to run {} times per second",
	    fixed(tasks_num(e->threads, thread, TASKS_CPU), 1),
	    fixed(tasks_num(e->threads, thread, TASKS_WAITS), 1));
	finding_advice(one,
	    "look for a sleep or a fixed delay in the code that serves requests; a timer that "
	    "works now and then looks the same; see: pq wait -t{} 1",
	    figure_words(e->option));
}

/* Of the threads that sleep most of the time, but not for long, and work in between: the one that
 * uses most CPU time. */
static void
sleeping(const struct evidence *e, struct findings *f)
{
	size_t n = tasks_count(e->threads), worst = n, worst_row = 0;

	for (size_t i = 0; evidence_has_shares(e) && i < n; i++) {
		if (!works(e, i) ||
		    (worst < n &&
			!(tasks_num(e->threads, i, TASKS_CPU) >
			    tasks_num(e->threads, worst, TASKS_CPU))))
			continue;
		size_t row = sleep_of(e, tasks_text(e->threads, i, TASKS_TID));
		if (!(wait_num(e->wait, row, WAIT_SHARE) > 50) ||
		    wait_num(e->wait, row, WAIT_DURATION) > 500)
			continue;
		worst = i;
		worst_row = row;
	}
	if (worst < n)
		add_sleeping(e, worst, worst_row, f);
}

/* ---- Not running at all */

/* Threads that no signal could wake during the whole watch. */
static void
uninterruptible(const struct evidence *e, struct findings *f)
{
	double stuck;
	size_t longest = longest_wait(e, stuck_in_kernel, &stuck);

	if (longest == wait_count(e->wait))
		return;
	double s = wait_num(e->wait, longest, WAIT_DURATION) / 1000;
	struct finding *one = finding_add(f, "uninterruptible", VERDICT_CRITICAL, CONFIDENCE_HIGH,
	    s, "Threads are stuck in the kernel (state D)", NO_FIGURE);
	finding_fact(one, "on average {} threads were stuck for {} s[ in {}][, waiting on {}]",
	    fixed(stuck, 1), fixed(s, 1), call(e, longest),
	    name(wait_text(e->wait, longest, WAIT_WHERE)));
	finding_advice(one,
	    "check whether a disk or network file system has stopped answering; see: pq wait "
	    "-t{} 1, dmesg",
	    figure_words(e->option));
}

/* Of a cgroup; of a process, target.c says more. */
static void
stopped(const struct evidence *e, struct findings *f)
{
	double n = threads_in(e, "stopped");

	if (!(n > 0.5 * threads_in(e, NULL)) || !(n > 0) || findings_has(f, "stopped"))
		return;
	struct finding *one = finding_add(f, "stopped", VERDICT_CRITICAL, CONFIDENCE_HIGH, n,
	    "Its threads are stopped (state T)", NO_FIGURE);
	finding_fact(one, "on average {} of its {} threads were stopped", fixed(n, 1),
	    fixed(threads_in(e, NULL), 0));
	finding_advice(one,
	    "continue it with kill -CONT PID, unless a debugger holds it (TracerPid in "
	    "/proc/PID/status)",
	    NO_FIGURE);
}

/* How likely it is that the thread ought not to wait there: a thread without work waits for work,
 * a time, a signal or another thread, but not for a lock or a file. */
static int
suspicion(const struct evidence *e, size_t row)
{
	const char *s = wait_text(e->wait, row, WAIT_CALL);

	if (wait_num(e->wait, row, WAIT_UNINTERRUPTIBLE) == 1 || is_lock(e, row))
		return 3;
	return !*s ? 1 : syscall_is_idle(s) ? 0 : 2;
}

/* All threads are blocked, and one of them in one place the whole time. If all of them wait for
 * work, the process may have none; if one of those wakes up now and then, it is idle. */
static void
hangs(const struct evidence *e, struct findings *f)
{
	size_t n = wait_count(e->wait), worst = n, moving = 0;

	if (!all_blocked(e) || findings_has(f, "deadlock") || findings_has(f, "lock-contention") ||
	    findings_has(f, "sleeping"))
		return;
	for (size_t i = 0; i < n; i++) {
		moving += !lasts(e, i) && wait_num(e->wait, i, WAIT_SHARE) > 50;
		if (lasts(e, i) && (worst == n || suspicion(e, i) > suspicion(e, worst)))
			worst = i;
	}
	if (worst == n || (moving > 0 && suspicion(e, worst) == 0))
		return;
	struct finding *one = finding_add(f, "blocked", VERDICT_WARNING,
	    suspicion(e, worst) > 1 ? CONFIDENCE_MEDIUM : CONFIDENCE_LOW, threads_in(e, "blocked"),
	    "All its threads {}",
	    figure_words(suspicion(e, worst) > 0 ? "are blocked" : "sleep or wait for work"));
	finding_fact(one,
	    "thread {} (TID {}) was blocked {} % of its time[ in {}][, waiting on {}]",
	    name(wait_text(e->wait, worst, WAIT_COMM)), name(wait_text(e->wait, worst, WAIT_TID)),
	    fixed(wait_num(e->wait, worst, WAIT_SHARE), 0), call(e, worst),
	    name(wait_text(e->wait, worst, WAIT_WHERE)));
	if (is_lock(e, worst))
		add_owner(e, worst, one);
	finding_advice(one,
	    "find out whether it hangs there or has no work; each thread: pq wait -t{} 1",
	    figure_words(e->option));
}

void
threads_judge(const struct evidence *e, struct findings *f)
{
	deadlock(e, f);
	lock_contention(e, f);
	sleeping(e, f);
	uninterruptible(e, f);
	stopped(e, f);
	hangs(e, f);
}
