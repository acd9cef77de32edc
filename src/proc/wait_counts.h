/*
 * runqlat: how long tasks waited for a CPU, counted since a measurement began, and the text in
 * which a recording keeps it:
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
 * Events are runs of the programs that count, and the time they took: these two lines are there if
 * that is measured. The last line has the number and the count of each bucket that is not empty.
 * The kernel has no such file; src/bpf counts.
 */
#ifndef PQ_PROC_WAIT_COUNTS_H
#define PQ_PROC_WAIT_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

/* Buckets 0 to 7 are 1 ns wide; from there on each power of two is cut into 8 equal ones. The last
 * one ends at 2^41 ns, 37 minutes, and has the waits that were longer too. */
enum {
	RUNQLAT_STEPS = 8,
	RUNQLAT_OCTAVES = 41,
	RUNQLAT_BUCKETS = (RUNQLAT_OCTAVES - 2) * RUNQLAT_STEPS
};

/* Every count goes up only: what happened in an interval is a difference of two. */
struct runqlat_counts {
	uint64_t switches; /* context switches seen, of whatever tasks */
	uint64_t waits;    /* waits that ended: the sum of the buckets */
	/* their length: over a span of time, the mean number of tasks that wait */
	uint64_t sum_ns;
	/* waits that ended before they began, counted as 0 ns: clocks of CPUs that differ */
	uint64_t negative;
	/* waits that were forgotten, as another task took the place of the one that waited */
	uint64_t lost;
	/* runs of the programs, and the time that they took; both known, or none */
	struct keyed events, events_ns;
	uint64_t bucket[RUNQLAT_BUCKETS];
};

/* The name of a source: small letters, digits and '-'. */
enum { RUNQLAT_SOURCE = 24 };

/* The bucket of a wait. */
size_t runqlat_bucket(uint64_t ns);

/* A bucket has the waits from its low to below its high, in ns. b is below RUNQLAT_BUCKETS. */
uint64_t runqlat_low(size_t b);
uint64_t runqlat_high(size_t b);

/* to - from, each; a count that went backwards is 0. */
void runqlat_since(
    const struct runqlat_counts *from, const struct runqlat_counts *to, struct runqlat_counts *out);

/* How many of the waits were shorter than so many ns, linear within a bucket. */
double runqlat_below(const struct runqlat_counts *c, uint64_t ns);

/* The wait in ns below which a share q (0 to 1) of the waits lies, linear within its bucket; NaN
 * when there was none. */
double runqlat_quantile(const struct runqlat_counts *c, double q);

/* Appends the text. 0, or -1 with EINVAL when the source has no such name. */
int runqlat_print(const struct runqlat_counts *c, const char *source, struct buf *out);

/* Reads the text back. 0, or -1 with EINVAL: a line is missing, torn or damaged; ERANGE: a number
 * or the sum of the buckets is too large. Lines with other keys are skipped. Nothing in *c and
 * source is of use after -1. */
int runqlat_parse(struct text t, struct runqlat_counts *c, char source[RUNQLAT_SOURCE]);

#endif
