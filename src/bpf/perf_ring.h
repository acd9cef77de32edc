/*
 * perf_ring: a recorder of what the threads of one process do, for users without privileges. Perf events
 * of no kind (PERF_COUNT_SW_DUMMY) tell of each switch of these threads. There is an event for each
 * thread on each CPU, since only such events may be inherited by new threads and mapped. All of a CPU
 * share one ring, which is overwritten: nobody is woken up.
 *
 * The kernel limits the size of rings (perf_event_mlock_kb), so this process copies them now and then
 * into memory of its own.
 *
 * It needs Linux 4.3, a process of the same user, and kernel.perf_event_paranoid of at most 2.
 */
#ifndef PQ_BPF_PERF_RING_H
#define PQ_BPF_PERF_RING_H

#include "bpf/switch_slots.h"
#include "bpf/wait_counter.h"
#include "proc/cpulist.h"

struct perf_ring;

/* Begins to record the process with that number in this pid namespace, and its future threads. Keeps the
 * newest records in so many bytes, of all CPUs together, and in 4 KiB of each at least. 0; or -1 with errno
 * and *why. */
int perf_ring_open(struct perf_ring **out, uint32_t pid, uint64_t bytes,
    const struct cpulist *online, struct bpf_why *why);

/* Copies what is new. Returns after how many ns that should happen again, so that nothing is lost
 * unless there are suddenly much more switches. Child processes have what was copied before the fork. */
int64_t perf_ring_tend(struct perf_ring *r);

/* How many CPUs are recorded. */
size_t perf_ring_cpus(const struct perf_ring *r);

/* CLOCK_BOOTTIME when all threads were recorded. */
uint64_t perf_ring_opened_ns(const struct perf_ring *r);

/* CLOCK_BOOTTIME when it was copied last. */
uint64_t perf_ring_copied_ns(const struct perf_ring *r);

/* How many records a CPU has had so far, and how many are kept. Some are of other events. */
uint64_t perf_ring_records(const struct perf_ring *r, size_t cpu);
uint64_t perf_ring_keeps(const struct perf_ring *r);

/* Gives the sink the events of a CPU since since_ns that are copied. */
void perf_ring_read(const struct perf_ring *r, size_t cpu, uint64_t since_ns,
    const struct switch_sink *sink, struct switch_span *span);

/* Does nothing for NULL. */
void perf_ring_close(struct perf_ring *r);

#endif
