/*
 * switch_slots: the memory of switch_ring, which the programs fill in the kernel and this process reads
 * meanwhile. Each CPU overwrites a ring of slots in turn, without a lock. Event number i of a CPU is in
 * its slot i modulo their number. A program fills the slot, and then counts the event.
 *
 * A reader copies slots, and then asks how many events there are: a slot whose next event is due by
 * then may have been overwritten meanwhile, and is left out.
 */
#ifndef PQ_BPF_SWITCH_SLOTS_H
#define PQ_BPF_SWITCH_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proc/sched_event.h"

/* An event. `what`, from bit 0 on: 22 bits tid, 22 bits other, 16 bits the CPU `to`, the state or
 * the kin, 3 bits the kind, 1 bit a flag: of a switch, that it was preempted, and of a waking, in_irq. */
struct switch_slot {
	uint64_t at_ns, what;
};

enum { SLOT_TID = 0, SLOT_OTHER = 22, SLOT_MORE = 44, SLOT_KIND = 60, SLOT_FLAG = 63 };
enum { SLOT_TIDS = 1 << 22, SLOT_MORE_MASK = 0xffff, SLOT_NO_CPU = 0xffff };

/* What the programs keep of a CPU: a line of its cache. */
struct switch_head {
	uint64_t events;  /* so far */
	uint64_t lap;     /* the number of the event in the first slot: a multiple of `slots` */
	uint32_t first;   /* the first slot of this CPU */
	uint32_t slots;   /* 0: it has none, and its events are only counted */
	uint64_t clashes; /* events whose slot an interrupt took; they are in `events` */
	uint64_t irq_at;  /* where the kernel counts its interrupts; 0: not found */
	uint64_t unused[3];
};

/* What the programs keep of a thread, by its tid modulo the number of these, to know how long it waits
 * for a CPU. */
struct switch_wait {
	uint32_t tid;
	uint32_t queued;   /* 1: since it was stopped, and not since it was woken up */
	uint64_t since_ns; /* 0: it does not wait */
};

/* A thread that got a CPU after a wait that was longer than the limit. */
struct switch_alarm {
	uint64_t at_ns, wait_ns;
	uint32_t tid, unused;
};

/* The memory, and what its numbers mean. */
struct switch_slots {
	const struct switch_head *heads; /* by CPU */
	const struct switch_slot *slots;
	uint32_t cpus;
	bool field;        /* states are those of the tracepoint's field, not of the task */
	bool knows_irq;    /* the flag of a waking is known, */
	bool needs_irq_at; /* on CPUs whose irq_at was found */
	bool all; /* events of all processes, so that switches of a CPU follow on one another */
	uint64_t opened_ns; /* when the programs were attached */
	uint64_t shift_ns;  /* to add to the times of slots, modulo 2^64 */
};

/* Events of a CPU that are missing between two points in time. */
struct switch_loss {
	uint32_t cpu;
	uint64_t from_ns, to_ns, lost;
};

/* Who gets the events of a CPU, in the order of their times, and what is missing among them. */
struct switch_sink {
	void *ctx;
	void (*event)(void *ctx, const struct sched_event *e);
	void (*loss)(void *ctx, const struct switch_loss *l);
};

/* The time of which a CPU's events are there, but for those that are lost. */
struct switch_span {
	uint32_t cpu;
	uint64_t from_ns, to_ns;
	uint64_t events, lost;
	/* Switches that no program saw: at the next one, another thread runs than before. Some kernels
	 * hide processes from BPF. */
	uint64_t unseen;
};

/* The event in a slot. False if there is none. */
bool switch_slot_decode(const struct switch_slots *s, uint32_t cpu, const struct switch_slot *slot,
    struct sched_event *e);

/* How many events a CPU has so far. */
uint64_t switch_slots_events(const struct switch_slots *s, uint32_t cpu);

/* Reads the events of a CPU with numbers below `end`, as switch_slots_events said at now_ns, that are
 * from since_ns or later, and from opened_ns. They may be overwritten meanwhile. A slot that may still be
 * filled ends them: span->to_ns is earlier then. */
void switch_slots_read(const struct switch_slots *s, uint32_t cpu, uint64_t end, uint64_t since_ns,
    uint64_t now_ns, const struct switch_sink *sink, struct switch_span *span);

/* How far somebody has read the events of a CPU, who reads them on and on. Zero-initialise, and set
 * `runs` to SWITCH_NOBODY. */
struct switch_place {
	uint64_t next;    /* the number of the first event that is not read */
	uint64_t last_ns; /* the time of the one before; 0: none */
	uint32_t runs;    /* who runs on the CPU then */
};

#define SWITCH_NOBODY UINT32_MAX

/* Reads the events of a CPU from the place on, and moves it. What is overwritten between two readings
 * is lost. A slot that may still be filled is left for the next time: span->to_ns is earlier then. */
void switch_slots_follow(const struct switch_slots *s, uint32_t cpu, uint64_t end, uint64_t now_ns,
    struct switch_place *place, const struct switch_sink *sink, struct switch_span *span);

#endif
