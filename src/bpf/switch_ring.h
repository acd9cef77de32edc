/*
 * switch_ring: a flight recorder of the scheduler. BPF programs write what it does into rings of 16
 * bytes an event, one for each CPU, in memory that this process shares. Rings are overwritten: nobody
 * is woken up, nothing is locked or copied until somebody reads. The programs are bound to descriptors
 * of this process: they are gone when it ends, however it ends.
 *
 * It needs Linux 5.5, and CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN. Threads have their numbers in the
 * first pid namespace. CPUs that were offline when it was opened have no ring: their events are counted
 * as lost.
 *
 * Where BPF is not available, perf events can record one process (bpf/perf_ring.h). Then there are only
 * switches, where one side is unknown, new threads, exec and exit; threads have their numbers in the pid
 * namespace of this process; and switch_ring_tend has to be called in between.
 */
#ifndef PQ_BPF_SWITCH_RING_H
#define PQ_BPF_SWITCH_RING_H

#include "base/text.h"
#include "bpf/bpf.h"
#include "bpf/switch_slots.h"
#include "bpf/wait_counter.h"
#include "proc/cpulist.h"

struct switch_ring_options {
	enum bpf_mode mode;
	uint64_t bytes; /* of all rings together; each has at least 4 KiB */
	/* Only switches from or to this process, and what happens to its threads, by its pid in the first
	 * pid namespace; 0: all. MODE_TP records all nevertheless. */
	uint32_t tgid;
	/* The same process by its number in the pid namespace of this process: perf events may record it if
	 * BPF is not available, or always. They do not tell of long waits. 0: no. */
	uint32_t perf_pid;
	bool only_perf;
	/* Tell waits of a thread for a CPU that are longer, from when it is woken up, born or preempted
	 * (Linux 5.8); 0: none. */
	uint64_t wait_over_ns;
};

struct switch_ring;

/* Loads and attaches the programs, in that mode or the first that works. `online` and `possible` are
 * the CPUs in the files of /sys/devices/system/cpu. 0; or -1 with errno and *why. If perf events are
 * used because BPF is not available, *why says why it is not; else it is empty. */
int switch_ring_open(struct switch_ring **out, const struct switch_ring_options *o,
    const struct cpulist *online, const struct cpulist *possible, struct bpf_why *why);

/* Does what the rings need meanwhile. Returns in how many ns it is to be called again; INT64_MAX: never,
 * as nothing is to be done. */
int64_t switch_ring_tend(struct switch_ring *r);

/* How much happens, and how long the rings last. */
struct switch_ring_rate {
	uint64_t events; /* since it was opened */
	double per_s;    /* the mean since then */
	double lasts_s;  /* the CPU with most events overwrites its ring in that time; INFINITY */
	uint64_t bytes;  /* of all rings */
};

void switch_ring_rate(const struct switch_ring *r, struct switch_ring_rate *out);

/* What a reading found, of all CPUs. */
struct switch_ring_found {
	uint64_t events, lost, unseen; /* see struct switch_span */
	/* Events that the kernel did not pass to the programs, since it was opened (Linux 5.12). They are
	 * not in `lost`, as their CPU and time are unknown. */
	struct keyed missed;
	/* CPUs that have no ring, as they came online after it was opened, and have events: these are in
	 * `lost`. */
	uint32_t late_cpus;
	/* All CPUs have their events, but those that are lost, since from_ns. */
	uint64_t from_ns, to_ns;
};

/* Gives the sink the events since since_ns of CLOCK_BOOTTIME (0: all that are there) of each CPU in
 * turn, up to now, or to an event that is being written. The programs go on meanwhile: what they
 * overwrite before it is read is lost. */
void switch_ring_read(struct switch_ring *r, uint64_t since_ns, const struct switch_sink *sink,
    struct switch_ring_found *found);

/* The same for who reads on and on: gives the sink the events since the last call, or since it was
 * opened. Events of CPUs in turn are not in the order of their times, and a CPU may count one up to a
 * millisecond after its time. */
void switch_ring_follow(
    struct switch_ring *r, const struct switch_sink *sink, struct switch_ring_found *found);

/* A descriptor for poll(2): there is a wait that was too long; -1: nobody asked. While such a wait is not
 * taken, others wake nobody up. */
int switch_ring_alarm_fd(const struct switch_ring *r);

/* Takes the next wait that was too long, when the thread got a CPU. False: there is none. Of some 100 that
 * nobody took the last are left out. */
bool switch_ring_take_alarm(struct switch_ring *r, struct switch_alarm *out);

/* Whether in_irq of wakings is known. */
bool switch_ring_knows_irq(const struct switch_ring *r);

/* Whether threads have the numbers that this process sees in /proc. */
bool switch_ring_knows_pids(const struct switch_ring *r);

/* "bpf-btf", "bpf-raw", "bpf-tp" or "perf" */
const char *switch_ring_mode(const struct switch_ring *r);

/* Detaches the programs. Does nothing for NULL. */
void switch_ring_close(struct switch_ring *r);

#endif
