/* summary: the last rows of the output: averages, as sar prints them, and the percentiles that
 * averages hide. */
#ifndef PQ_TABLE_SUMMARY_H
#define PQ_TABLE_SUMMARY_H

#include "base/buf.h"
#include "base/hist.h"
#include "base/map.h"
#include "table/table.h"

enum { SERIES_MOST = 4096, SERIES_WITH_PERCENTILES = 8, ROWS_FOR_PERCENTILES = 10 };

struct series;

/* Zero-initialise to start. A series consists of the rows with the same first label. There are
 * averages of the first SERIES_MOST, and percentiles of the first SERIES_WITH_PERCENTILES. */
struct summary {
	struct map labels;
	struct series *series; /* by the label's number */
	size_t room;
	uint64_t samples;
	size_t pinned;     /* of the last table */
	uint64_t left_out; /* rows of further series */
};

/* Counts the rows of a sample. */
void summary_add(struct summary *s, const struct report *r, const struct table *t);

/* Appends average rows, and after at least ten samples also p50, p90, p99 and Max. Appends nothing
 * if nothing was counted. */
void summary_print(struct summary *s, struct buf *b, const struct report *r);

void summary_free(struct summary *s, const struct report *r);

#endif
