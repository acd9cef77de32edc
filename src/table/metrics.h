/* metrics: the text format of Prometheus, also for what is no table. What it looks like stands in
 * metrics.c. */
#ifndef PQ_TABLE_METRICS_H
#define PQ_TABLE_METRICS_H

#include <stdbool.h>

#include "base/buf.h"

struct report;
struct rows;

/* A family: one figure, of any number of things that labels tell apart. */
struct metric {
	const char *tool; /* NULL: the key has it */
	const char *key;  /* "throttled_pct": its ending is the unit, which is made a base unit */
	const char *help; /* one line, without a backslash */
	/* it only grows: "_total", and a value in base units already; else a gauge */
	bool counter;
	bool info;      /* "_info": its value is 1, and a label has what there is to say */
	const char *of; /* the column that a counter is of, or NULL */
	char name[128]; /* set by metrics_family: what each sample begins with */
	size_t n;
	double scale;
};

/* HELP, TYPE and UNIT. All samples of a family come behind this, and no other one's. */
void metrics_family(struct buf *b, struct metric *m);

/* A sample of it, behind metrics_family. The labels are without braces, as metrics_label writes
 * them; the value, which must be finite, is in the key's unit. */
void metrics_sample(struct buf *b, const struct metric *m, struct text labels, double value);

/* Adds key="value" to labels. The scratch is for reuse. */
void metrics_label(struct buf *labels, struct buf *scratch, const char *key, const char *value);

/* A sample's rows, without the end. */
void metrics_rows(struct buf *b, const struct report *r, const struct rows *rows);

void metrics_end(struct buf *b);

#endif
