/*
 * perfetto: writes a trace as Perfetto's protobuf, which its viewer and trace_processor read: what
 * ran on each CPU, the states of threads with their wakers, processes and threads by name, lost
 * events, marks, and counters beside them.
 *
 * Switches and wakings are written in the compact form where it says all that is known, about 9 bytes
 * an event; others as whole ftrace events. The reader takes the thread that runs on a CPU from the
 * switches before it, so a whole switch comes first on each CPU, and after events were lost.
 */
#ifndef PQ_TRACE_PERFETTO_H
#define PQ_TRACE_PERFETTO_H

#include <stddef.h>
#include <stdint.h>

#include "trace/trace_file.h"

/* The reader rejects a trace that has a CPU with this number or a higher one. */
enum { PERFETTO_CPUS = 1024 };

/* No task has this priority. It stands for all priorities: pq does not record them. */
enum { PERFETTO_PRIO = 140 };

/* On each CPU a thread of this number plus that of the CPU runs while events are lost. The kernel
 * gives no thread such a number. */
enum { PERFETTO_LOST = (1 << 22) + 1 };

struct perfetto;

/* Begins a trace with what the file says beside its events: the system, the clocks, lost events and
 * marks. The descriptor stays the caller's; t must live until perfetto_end. */
struct perfetto *perfetto_new(int fd, const struct trace_file *t);

/* The next event, those of a CPU in the order of their times. */
void perfetto_event(struct perfetto *p, const struct sched_event *e);

/* A named group of counters and groups, in the group `parent`; 0: none. Returns its number. */
uint64_t perfetto_group(struct perfetto *p, uint64_t parent, const char *name);

/* A counter in a group. The unit is "bytes", any other word, or NULL. Counters of a group that have
 * the same `scale` are drawn with the same scale; NULL: its own. Returns the number of the counter. */
uint64_t perfetto_counter(
    struct perfetto *p, uint64_t group, const char *name, const char *unit, const char *scale);

/* The counter has this value from at_ns on. A value that is not finite is unknown, and left out. */
void perfetto_value(struct perfetto *p, uint64_t counter, uint64_t at_ns, double value);

/* A moment to mark. Those of the file are written by perfetto_new. */
void perfetto_mark(struct perfetto *p, uint64_t at_ns, const char *words);

struct perfetto_sums {
	uint64_t events;   /* written */
	uint64_t left_out; /* not written: of a CPU that the reader rejects, or out of order */
	uint64_t gaps;     /* switches that do not fit the one before, without a loss in the file */
	uint64_t bytes;    /* of the whole trace */
};

/* Writes what is left, and frees p. 0, or -1 with the errno of the first failed write. */
int perfetto_end(struct perfetto *p, struct perfetto_sums *sums);

#endif
