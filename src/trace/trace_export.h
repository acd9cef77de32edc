/*
 * trace_export: a trace in the format of another program: what perfetto.c and chrome.c have in common.
 * A format has a structure of its own that begins with this one. Counters stand beside the events.
 *
 *  struct trace_export *x = perfetto_new(fd, &trace);
 *  while ((e = trace_next(cursor)))
 *          x->ops->event(x, e);
 *  if (x->ops->end(x, &sums) < 0) ... errno ...
 */
#ifndef PQ_TRACE_TRACE_EXPORT_H
#define PQ_TRACE_TRACE_EXPORT_H

#include <stdint.h>

#include "base/text.h"
#include "trace/trace_file.h"

/* The value of a fact; empty if it is not there. */
struct text trace_fact(const struct trace_file *t, const char *key);

/* Whether the file may lack switches of this thread: it has only those of one process, of another. */
bool trace_outside(const struct trace_file *t, uint32_t tid, uint64_t at_ns);

struct trace_export {
	const struct export_ops *ops;
};

struct export_sums {
	uint64_t events;   /* written */
	uint64_t left_out; /* not written: of a CPU that readers reject, or out of order */
	uint64_t gaps;     /* switches that do not fit the one before, without a loss in the file */
	uint64_t bytes;    /* of the whole trace */
};

struct export_ops {
	/* The next event, in the order of the times of all CPUs. */
	void (*event)(struct trace_export *x, const struct sched_event *e);

	/* A named group of counters and groups, in the group `parent`; 0: none. Returns its number. */
	uint64_t (*group)(struct trace_export *x, uint64_t parent, const char *name);

	/* A counter in a group. The unit is "bytes", any other word, or NULL. Counters of a group that
	 * have the same `scale` are drawn with the same scale; NULL: its own. Returns its number. */
	uint64_t (*counter)(struct trace_export *x, uint64_t group, const char *name,
	    const char *unit, const char *scale);

	/* The counter has this value from at_ns on. A value that is not finite is unknown, and left
	 * out. */
	void (*value)(struct trace_export *x, uint64_t counter, uint64_t at_ns, double value);

	/* A moment to mark. Those of the file are marked already. */
	void (*mark)(struct trace_export *x, uint64_t at_ns, const char *words);

	/* Writes what is left, and frees x. 0, or -1 with the errno of the first failed write. */
	int (*end)(struct trace_export *x, struct export_sums *sums);
};

/* They begin a trace with what the file says beside its events: the system, the clocks, lost events,
 * marks. The descriptor stays the caller's; t must live until the end. */
struct trace_export *perfetto_new(int fd, const struct trace_file *t);
struct trace_export *chrome_new(int fd, const struct trace_file *t);

#endif
