/*
 * probe: a light thread on each CPU, which sleeps until a deadline and measures how late it wakes
 * up: the wait for the CPU, and 10 to 50 us of timer latency. It needs no privileges, and is
 * throttled with the cgroup that it runs in.
 */
#ifndef PQ_RUNQLAT_PROBE_H
#define PQ_RUNQLAT_PROBE_H

#include "proc/cpulist.h"
#include "proc/wait_counts.h"

struct probe;

/* Starts a thread on each of these CPUs that this process may run on. 0, or -1 with errno. */
int probe_open(struct probe **out, const struct cpulist *cpus, int64_t period_ns);

/* Sets what was counted since then: in `each` how late each wake-up was, in `corrected` also how late
 * it was for the deadlines that passed before it. A request could have come at each of them. Without
 * them a long wait counts once, however long it is. */
void probe_read(const struct probe *p, struct wait_counts *each, struct wait_counts *corrected);

/* Ends the threads. Does nothing for NULL. */
void probe_close(struct probe *p);

#endif
