/* events: the events of a saved trace, of one CPU and of all by time. What trace/reader.c found of a file. */
#ifndef PQ_TRACE_EVENTS_H
#define PQ_TRACE_EVENTS_H

#include "base/arena.h"
#include "trace/trace_file.h"

/* A block of events. */
struct trace_block {
	uint32_t cpu;
	uint64_t before, count; /* events of this CPU before it, and in it */
	uint64_t from_ns, to_ns;
	struct text events;
};

struct trace_blocks {
	struct buf bytes;      /* of the file */
	struct trace_block *v; /* by CPU, then time */
	size_t n;
	struct arena strings;
};

/* A place in the events of a CPU, and the event there. */
struct trace_stream {
	struct sched_event e;
	const struct trace_block *block,
	    *blocks_end;  /* the present one, and after the last of this CPU */
	struct text rest; /* of the present block */
	uint64_t left;    /* events there */
	uint32_t running;
	bool running_known;
	uint32_t *tids; /* by their numbers */
	size_t ntids, room;
};

/* Whether all events of the block are valid. Uses the stream's memory; its tids are to be freed. */
bool trace_block_check(struct trace_stream *s, const struct trace_block *b);

#endif
