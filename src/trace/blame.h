/*
 * blame: how long runnable threads waited for a CPU, and who ran on that CPU meanwhile.
 *
 *  struct blame *b = blame_new(who_is, about, slow_ns);
 *  for each event, in the order of their times: blame_event(b, e);
 *  blame_end(b);
 *  ... blame_victim(b, i), blame_pair(b, i) ...
 *  blame_free(b);
 *
 * A wait begins when a thread is woken or created, or has to stop although it is runnable. It ends
 * when a CPU switches to the thread. All the time the thread is in the queue of one CPU, and each
 * piece of the wait is charged to whoever runs on that CPU. So the parts of a wait add up to it, to
 * the nanosecond. That is also what the kernel adds to run_delay (/proc/PID/schedstat), except that
 * the kernel starts when the thread is in the queue, which is about a microsecond after sched_waking.
 *
 * A wait whose start is unknown, or during which events were lost, is left out and counted, except for
 * the pieces that were cut before. Time that interrupts and a hypervisor take is not in the events: unless
 * blame_taken tells it, it counts for whoever was on the CPU.
 *
 * Memory: about 90 bytes a thread, 24 KiB a CPU, and 80 bytes a pair of a victim and a culprit;
 * all three have a limit.
 */
#ifndef PQ_TRACE_BLAME_H
#define PQ_TRACE_BLAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proc/sched_event.h"
#include "trace/wait_sums.h"

/* The number of the party (see trace/wait_sums.h) of a thread at that time. */
typedef uint32_t blame_who(void *about, uint32_t tid, uint64_t at_ns);

/* What is not in the sums, and why. */
struct blame_losses {
	uint64_t unknown_start; /* waits: the events do not show their start */
	uint64_t across_gap;    /* waits during which events were lost */
	uint64_t gaps;          /* of blame_gap */
	/* switches that are missing, as the next one of the CPU shows: who ran meanwhile is unknown */
	uint64_t unseen;
	uint64_t invalid; /* events with a number that no kernel has, or threads beyond the limit */
	uint64_t disordered; /* events earlier than the one before: taken as of its time */
};

struct blame;

/* slow_ns: which waits are slow; 0: none. */
struct blame *blame_new(blame_who *who, void *about, uint64_t slow_ns);

/* The events are only those of one process: other threads run unseen. Who ran is unknown where the
 * events of a CPU do not fit, and only waits of that process are right. To be called first. */
void blame_partial(struct blame *b);

/* Of the time of the next events on that CPU, interrupts and a hypervisor take these shares, from 0 to 1.
 * That has parts of its own then. */
void blame_taken(struct blame *b, uint32_t cpu, double irq, double steal);

/* Takes the next event. */
void blame_event(struct blame *b, const struct sched_event *e);

/* Events of that CPU between these times are lost. To be called before the first event after from_ns.
 * All waits that overlap it are left out, also on other CPUs: the events that are lost could have been
 * about any thread. */
void blame_gap(struct blame *b, uint32_t cpu, uint64_t from_ns, uint64_t to_ns);

/* Ends at that time, or at the last event if that is later. Threads that still wait have waited up to
 * then. */
void blame_end(struct blame *b, uint64_t at_ns);

/* Threads that wait have waited up to that time, and go on to wait: ends an interval before
 * blame_clear. What a wait takes is divided among the intervals. */
void blame_cut(struct blame *b, uint64_t at_ns);

/* Without events: adds waits of that party, of which each culprit has its part. */
void blame_add(struct blame *b, uint32_t party, uint64_t waits, const struct part *parts, size_t n);

/* Removes all sums and losses, for the next interval. */
void blame_clear(struct blame *b);

/* The thread is of another party now: asks again which. */
void blame_moved(struct blame *b, uint32_t tid);

/*
 * Quota. The kernel has no event for it: a throttled thread is runnable, and its CPU runs others or
 * is idle. Only cpu.stat says how long the queues of a cgroup were throttled, summed over the CPUs.
 *
 * blame_limited tells, before the first event, that a party has a quota. After the last event, or a cut,
 * blame_throttled hands in its throttled time, which may be 0 of others, and moves so much of its waits to
 * BLAME_QUOTA. Several
 * threads that wait in one throttled queue all wait for the quota, so waits are weighed by their
 * share of the queue. Waits that saw the CPU idle for 1 ms or more come first: a CPU with a runnable
 * thread in its queue is idle so long if that thread is throttled, and else only if a hypervisor does
 * not run the CPU. Then come those behind other parties, the longest first. Time behind the own
 * party is never moved.
 */
void blame_limited(struct blame *b, uint32_t party);
void blame_throttled(struct blame *b, uint32_t party, uint64_t throttled_ns);

/* Parties that waited, or had waits left out, are numbers below blame_victims. */
uint32_t blame_victims(const struct blame *b);
const struct blame_victim *blame_victim(const struct blame *b, uint32_t party);

size_t blame_pairs(const struct blame *b);
const struct blame_pair *blame_pair(const struct blame *b, size_t i);

const struct blame_losses *blame_losses(const struct blame *b);

void blame_free(struct blame *b);

#endif
