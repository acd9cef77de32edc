/*
 * probe: what a thread feels that has little to do. On each CPU one sleeps to deadlines, and counts
 * by how much it wakes up too late: the wait for the CPU, and some 10 to 50 us of timer and wakeup.
 * It needs no privilege, and it is held back with the cgroup that it is in.
 */
#ifndef PQ_RUNQLAT_PROBE_H
#define PQ_RUNQLAT_PROBE_H

#include "proc/cpulist.h"
#include "proc/wait_counts.h"

struct probe;

/* Starts a thread on each of these CPUs that this process may run on. 0, or -1 with errno. */
int probe_open(struct probe **out, const struct cpulist *cpus, int64_t period_ns);

/* What was counted since: how late each wakeup was; and in `corrected` also how late the deadlines
 * were that passed meanwhile, at which a request might have come as well (without them a long wait
 * counts once, however long it is). */
void probe_read(
    const struct probe *p, struct runqlat_counts *each, struct runqlat_counts *corrected);

/* Ends the threads; NULL is nothing. */
void probe_close(struct probe *p);

#endif
