/*
 * perf_records: what perf_event_open(2) tells of the threads of one process on one CPU: when they run
 * and stop, begin and end. It does not tell who woke them, nor who else runs.
 *
 * The kernel writes the records of a ring backwards, the newest first. Here they are kept in the order
 * of their times.
 */
#ifndef PQ_BPF_PERF_RECORDS_H
#define PQ_BPF_PERF_RECORDS_H

#include "base/buf.h"
#include "base/text.h"
#include "bpf/switch_slots.h"

/* The length of a record of a switch; others have about twice as many bytes. */
enum { PERF_RECORD_BYTES = 24 };

/* Appends to `out`, oldest first, what is whole of the records in `bytes`, newest first. Returns how
 * many bytes that is. */
size_t perf_records_turn(struct buf *out, struct text bytes);

/* Appends a record that says that so many are missing before it. */
void perf_records_lose(struct buf *out, uint64_t lost, uint64_t at_ns);

/* The length of the first records, together at least n bytes. */
size_t perf_records_skip(struct text records, size_t n);

/* The time of the first record. False if there is none. */
bool perf_records_time(struct text records, uint64_t *at_ns);

/* Which events are wanted: of a process, by its number where the records come from, of a time. */
struct perf_records_of {
	uint32_t cpu, pid;
	uint64_t since_ns, until_ns;
};

/* Gives the sink the events. span->cpu, from_ns and to_ns are the caller's. */
void perf_records_read(struct text records, const struct perf_records_of *of,
    const struct switch_sink *sink, struct switch_span *span);

#endif
