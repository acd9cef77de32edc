/*
 * wait_counts: how long tasks waited for a CPU, counted in buckets since the measurement began, and
 * the text that keeps these counts in a recording:
 *
 *  source bpf-btf
 *  switches 81234
 *  waits 40211
 *  sum_ns 52377411
 *  negative 0
 *  lost 0
 *  events 161111
 *  events_ns 17400000
 *  buckets 87:12 88:340 104:7
 *
 * events and events_ns are runs of the BPF programs, and the time that they took; these lines are
 * there if that is measured. The last line has the number and the count of each bucket that is not
 * empty. The kernel has no such file: src/bpf makes it.
 */
#ifndef PQ_PROC_WAIT_COUNTS_H
#define PQ_PROC_WAIT_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

/* Buckets 0 to 7 are 1 ns wide; above them each power of two is divided into 8 equal buckets. The
 * last bucket ends at 2^41 ns, 37 minutes, and also counts longer waits. */
enum { WAIT_STEPS = 8, WAIT_OCTAVES = 41, WAIT_BUCKETS = (WAIT_OCTAVES - 2) * WAIT_STEPS };

/* Counters: an interval is the difference of two readings. */
struct wait_counts {
	uint64_t switches; /* context switches of all tasks */
	uint64_t waits;    /* waits that ended: the sum of the buckets */
	/* their total length; divided by elapsed time, the mean number of waiting tasks */
	uint64_t sum_ns;
	/* waits that ended before they began, as the clocks of CPUs differ; counted as 0 ns */
	uint64_t negative;
	/* waits that were dropped, as another task took the slot of the waiting one */
	uint64_t lost;
	/* runs of the BPF programs, and the time that they took; both known or both unknown */
	struct keyed events, events_ns;
	uint64_t bucket[WAIT_BUCKETS];
};

/* The size of a source's name, which has small letters, digits and '-'. */
enum { WAIT_COUNTS_SOURCE = 24 };

size_t wait_bucket(uint64_t ns);

/* Bucket b, which must be below WAIT_BUCKETS, counts waits from low to below high, in ns. */
uint64_t wait_bucket_low(size_t b);
uint64_t wait_bucket_high(size_t b);

/* to - from; a counter that decreased gives 0. */
void wait_counts_since(
    const struct wait_counts *from, const struct wait_counts *to, struct wait_counts *out);

/* The number of waits shorter than ns, assuming that waits are evenly distributed in a bucket. */
double wait_counts_below(const struct wait_counts *c, uint64_t ns);

/* The wait in ns that a share q (0 to 1) of the waits does not exceed, by the same assumption; NaN
 * without waits. */
double wait_counts_quantile(const struct wait_counts *c, double q);

/* Appends the text. 0, or -1 with EINVAL if the name of the source is invalid. */
int wait_counts_print(const struct wait_counts *c, const char *source, struct buf *out);

/* Parses the text; skips lines with other keys. 0, or -1 with errno, and *c and source undefined:
 * EINVAL a line is missing, truncated or damaged, ERANGE a number or the sum of the buckets is too
 * large. */
int wait_counts_parse(struct text t, struct wait_counts *c, char source[WAIT_COUNTS_SOURCE]);

#endif
