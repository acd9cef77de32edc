/* The probe: threads that measure how late they wake up. */
#include "tools/runqlat/probe.h"

#include <dirent.h>
#include <sched.h>
#include <time.h>

#include "base/clock.h"
#include "unit.h"

enum { TENTH_MS = 100000 };

static const int64_t second_ns = 1000000000;

/* The CPUs that this process may run on, as far as a cpu_set_t has them. */
static unsigned
allowed(struct cpulist *out)
{
	cpu_set_t set;
	unsigned n = 0;

	*out = (struct cpulist){ { 0 } };
	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof set, &set) < 0)
		return 0;
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set)) {
			cpulist_add(out, cpu);
			n++;
		}
	return n;
}

static unsigned
threads(void)
{
	DIR *d = opendir("/proc/self/task");
	unsigned n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n - 2;
}

static void
nap(void)
{
	clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ 0, 2000000 }, NULL);
}

static uint64_t
in_buckets(const struct wait_counts *c)
{
	uint64_t n = 0;

	for (size_t b = 0; b < WAIT_BUCKETS; b++)
		n += c->bucket[b];
	return n;
}

static bool
grew(const struct wait_counts *from, const struct wait_counts *to)
{
	for (size_t b = 0; b < WAIT_BUCKETS; b++)
		if (to->bucket[b] < from->bucket[b])
			return false;
	return to->waits >= from->waits && to->sum_ns >= from->sum_ns;
}

/* Reads again and again until so many waits are counted, for as long as a busy machine may take. */
static void
look(const struct probe *p, uint64_t wanted, unsigned cpus)
{
	struct wait_counts each = { 0 }, corrected = { 0 }, e, c;
	int64_t end_ns = clock_ns(CLOCK_MONOTONIC) + 60 * second_ns;

	while (each.waits < wanted && clock_ns(CLOCK_MONOTONIC) < end_ns) {
		probe_read(p, &e, &c);
		if (!CHECK(grew(&each, &e) && grew(&corrected, &c)) ||
		    !CHECK(e.waits == in_buckets(&e) && c.waits == in_buckets(&c)))
			return;
		each = e;
		corrected = c;
	}
	CHECK(each.waits >= wanted);
	CHECK(each.sum_ns > 0);
	/* a wakeup is in one before it is in the other */
	CHECK(corrected.waits + cpus >= each.waits);
	CHECK_U64(each.switches + each.lost + each.negative, 0);
	CHECK(!each.events.known);
}

static void
counts(void)
{
	struct cpulist cpus;
	struct probe *p = NULL;
	unsigned n = allowed(&cpus), before = threads();

	CHECK_INT(probe_open(&p, &cpus, TENTH_MS), 0);
	CHECK_INT(threads(), before + n);
	look(p, 5000, n);
	probe_close(p);
	for (int i = 0; i < 500 && threads() > before; i++)
		nap(); /* one that has been joined is listed a sample longer */
	CHECK_INT(threads(), before);
}

static void
closes_at_once(void)
{
	struct wait_counts each, corrected;
	struct cpulist cpus;
	struct probe *p = NULL;

	allowed(&cpus);
	CHECK_INT(probe_open(&p, &cpus, 1000 * second_ns), 0);
	nap();
	probe_read(p, &each, &corrected);
	CHECK_U64(each.waits, 0); /* nothing is due yet */
	CHECK_U64(corrected.waits, 0);
	probe_close(p); /* and does not wait until it is */
}

static void
without_cpus(void)
{
	struct wait_counts each, corrected;
	struct cpulist none = { { 0 } };
	struct probe *p = NULL;

	CHECK_INT(probe_open(&p, &none, TENTH_MS), 0);
	probe_read(p, &each, &corrected);
	CHECK_U64(each.waits, 0);
	probe_close(p);
	probe_close(NULL);
}

/* A CPU that this machine does not have: its thread ends, and nothing is counted. */
static void
absent_cpu(void)
{
	struct wait_counts each, corrected;
	struct cpulist one = { { 0 } };
	struct probe *p = NULL;

	cpulist_add(&one, CPULIST_MOST - 1);
	CHECK_INT(probe_open(&p, &one, TENTH_MS), 0);
	nap();
	probe_read(p, &each, &corrected);
	CHECK_U64(each.waits, 0);
	probe_close(p);
}

int
main(void)
{
	unit_test("counts grow and agree with their buckets; closing ends the threads", counts);
	unit_test("closing does not wait for a deadline", closes_at_once);
	unit_test("without CPUs the probe counts nothing", without_cpus);
	unit_test("a missing CPU counts nothing", absent_cpu);
	return unit_done();
}
