/* format: the bytes of a saved trace that its writer and its reader share. pq-trace(5) describes
 * them. */
#ifndef PQ_TRACE_FORMAT_H
#define PQ_TRACE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
	TRACE_VERSION = 1,
	TRACE_HEADER = 16, /* stored twice */
	TRACE_HEAD = 12,   /* of a block */
	TRACE_PAYLOAD_MOST = (1 << 24) - 1
};

/* Times are below this: about 146 years. */
#define TRACE_TIME_MOST ((uint64_t)1 << 62)

enum trace_kind {
	TRACE_EVENTS = 1,
	TRACE_FACTS,
	TRACE_CLOCKS,
	TRACE_CGROUPS,
	TRACE_THREADS,
	TRACE_LOSSES,
	TRACE_MARKS,
	TRACE_END,
	TRACE_QUOTAS,
	TRACE_KINDS = 32 /* a reader skips the others below this */
};

/* The first byte of an event. Its three lowest bits are an enum sched_kind, or TRACE_OF_OTHER. */
enum {
	TRACE_OF_OTHER = 7, /* a switch from a thread that did not run here, as far as known */
	TRACE_KIND_BITS = 7,
	TRACE_STATE_SHIFT = 3, /* of a switch: the upper bits are an index of TRACE_STATES */
	/* of other events */
	TRACE_IN_IRQ = 8,
	TRACE_BY_RUNNING = 16, /* `other` is the thread that runs on this CPU */
	TRACE_IS_RUNNING = 32, /* tid is */
	TRACE_TO_HERE = 64     /* `to` is this CPU */
};

/* States by their index. Index 0: the state is the next byte. */
#define TRACE_STATES "?RPSDTtXZIKWN"

void trace_put_header(unsigned char out[TRACE_HEADER]);

/* 0, or -1 with errno: EINVAL not a header, ENOTSUP of a later version. */
int trace_get_header(const unsigned char in[TRACE_HEADER]);

/* Appends a block. The payload has at most TRACE_PAYLOAD_MOST bytes. */
void trace_put_block(struct buf *out, enum trace_kind kind, const struct buf *payload);

struct trace_head {
	unsigned kind;
	size_t n; /* bytes of the payload */
	uint32_t crc;
};

/* False if these bytes are not the head of a block. */
bool trace_get_head(const unsigned char in[TRACE_HEAD], struct trace_head *h);

#endif
