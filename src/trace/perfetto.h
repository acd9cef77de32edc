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

#include "trace/trace_export.h"

/* The reader rejects a trace that has a CPU with this number or a higher one. */
enum { PERFETTO_CPUS = 1024 };

/* No task has this priority. It stands for all priorities: pq does not record them. */
enum { PERFETTO_PRIO = 140 };

/* On each CPU a thread of this number plus that of the CPU runs while events are lost. The kernel
 * gives no thread such a number. */
enum { PERFETTO_LOST = (1 << 22) + 1 };

/* In a trace of one process, the same for the threads of others: when these stop is not recorded. */
enum { PERFETTO_OUTSIDE = PERFETTO_LOST + PERFETTO_CPUS };

#endif
