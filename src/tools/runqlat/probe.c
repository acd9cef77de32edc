/* probe: threads that measure how late they wake up. */
#include "tools/runqlat/probe.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "base/fail.h"

/* Written by one thread only, and read by another. */
struct counts {
	_Atomic uint64_t sum_ns;
	_Atomic uint64_t bucket[WAIT_BUCKETS];
};

struct pulse {
	pthread_t thread;
	const struct probe *probe;
	unsigned cpu;
	struct counts each, corrected;
};

struct probe {
	int64_t period_ns;
	atomic_bool stop;
	struct pulse *v;
	size_t n;
};

static void
add(_Atomic uint64_t *to, uint64_t v)
{
	atomic_store_explicit(
	    to, atomic_load_explicit(to, memory_order_relaxed) + v, memory_order_relaxed);
}

static void
count(struct counts *c, int64_t late_ns)
{
	uint64_t ns = late_ns > 0 ? (uint64_t)late_ns : 0;

	add(&c->sum_ns, ns);
	add(&c->bucket[wait_bucket(ns)], 1);
}

/* Binds the calling thread to a CPU. */
static int
stay_on(unsigned cpu)
{
	size_t size = CPU_ALLOC_SIZE(CPULIST_MOST);
	cpu_set_t *set = CPU_ALLOC(CPULIST_MOST);

	if (!set)
		out_of_memory();
	CPU_ZERO_S(size, set);
	CPU_SET_S(cpu, size, set);
	int result = sched_setaffinity(0, size, set);
	CPU_FREE(set);
	return result;
}

/* False when it woke up before the deadline: nothing else wakes the thread to end it, so it never
 * sleeps for long. */
static bool
sleep_until(int64_t due_ns)
{
	enum { LONGEST_NS = 100000000 };
	int64_t until_ns = clock_ns(CLOCK_MONOTONIC) + LONGEST_NS;
	struct timespec t;

	if (until_ns > due_ns)
		until_ns = due_ns;
	t = (struct timespec){ (time_t)(until_ns / 1000000000), (long)(until_ns % 1000000000) };
	return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == 0 && until_ns == due_ns;
}

static void *
beat(void *ctx)
{
	struct pulse *p = ctx;
	int64_t period_ns = p->probe->period_ns, due_ns = clock_ns(CLOCK_MONOTONIC) + period_ns;

	if (stay_on(p->cpu) < 0) /* the CPU has gone offline, or is not allowed */
		return NULL;
	prctl(PR_SET_TIMERSLACK, 1);
	while (!atomic_load_explicit(&p->probe->stop, memory_order_relaxed)) {
		if (!sleep_until(due_ns))
			continue;
		int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
		count(&p->each, now_ns - due_ns);
		for (; due_ns <= now_ns; due_ns += period_ns)
			count(&p->corrected, now_ns - due_ns);
	}
	return NULL;
}

/* Signals are blocked, as they are for the main thread. */
static int
start(struct pulse *p)
{
	pthread_attr_t attr;
	sigset_t all, before;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	int error = pthread_create(&p->thread, &attr, beat, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	errno = error;
	return error ? -1 : 0;
}

int
probe_open(struct probe **out, const struct cpulist *cpus, int64_t period_ns)
{
	struct probe *p = xmalloc(sizeof *p);
	unsigned n = 0;

	*p = (struct probe){ .period_ns = period_ns };
	for (unsigned cpu = 0; cpu < CPULIST_MOST; cpu++)
		n += cpulist_has(cpus, cpu);
	p->v = xmalloc((n + 1) * sizeof *p->v); /* threads hold pointers into it */
	memset(p->v, 0, (n + 1) * sizeof *p->v);
	for (unsigned cpu = 0; cpu < CPULIST_MOST; cpu++) {
		if (!cpulist_has(cpus, cpu))
			continue;
		p->v[p->n].probe = p;
		p->v[p->n].cpu = cpu;
		if (start(&p->v[p->n]) < 0) {
			int error = errno;
			probe_close(p);
			errno = error;
			return -1;
		}
		p->n++;
	}
	*out = p;
	return 0;
}

/* Counts the waits from the buckets, as a counter of its own might be one wait ahead of them. */
static void
sum_up(const struct counts *c, struct wait_counts *out)
{
	out->sum_ns += atomic_load_explicit(&c->sum_ns, memory_order_relaxed);
	for (size_t i = 0; i < WAIT_BUCKETS; i++) {
		uint64_t n = atomic_load_explicit(&c->bucket[i], memory_order_relaxed);
		out->bucket[i] += n;
		out->waits += n;
	}
}

void
probe_read(const struct probe *p, struct wait_counts *each, struct wait_counts *corrected)
{
	*each = *corrected = (struct wait_counts){ 0 };
	for (size_t i = 0; i < p->n; i++) {
		sum_up(&p->v[i].each, each);
		sum_up(&p->v[i].corrected, corrected);
	}
}

void
probe_close(struct probe *p)
{
	if (!p)
		return;
	atomic_store(&p->stop, true);
	for (size_t i = 0; i < p->n; i++)
		pthread_join(p->v[i].thread, NULL);
	free(p->v);
	free(p);
}
