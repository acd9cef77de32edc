/* summary: what is said at the end: averages as sar prints them, and the percentiles that averages hide. */
#ifndef PQ_SUMMARY_H
#define PQ_SUMMARY_H

#include "../base/buf.h"
#include "../base/hist.h"
#include "format.h"

/* Averages are kept for so many series, percentiles for the first few when there are no more than these. */
enum { SERIES_MOST = 4096, SERIES_WITH_PERCENTILES = 8, ROWS_FOR_PERCENTILES = 10 };

struct series;

/* Zero-initialise to start. A series is the rows with the same first label. */
struct summary {
	struct series *series;
	size_t count, cap;
	size_t next;      /* where the next row's series is, if the order is as before */
	uint64_t moments;
	uint64_t left_out; /* rows of further series */
};

/* Counts the rows of a moment. */
void summary_add(struct summary *s, const struct report *r, const struct table *t);

/* Average rows, and with at least ten moments p50, p90, p99 and Max; nothing when nothing was counted. */
void summary_print(struct summary *s, struct buf *b, const struct report *r);

void summary_free(struct summary *s, const struct report *r);

#endif
