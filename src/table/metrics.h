/* metrics: the text format of Prometheus, for tables and for other figures. metrics.c shows what it
 * looks like. */
#ifndef PQ_TABLE_METRICS_H
#define PQ_TABLE_METRICS_H

#include <stdbool.h>

#include "base/buf.h"

struct report;
struct rows;

/* A family: all samples of one name, which differ by their labels. */
struct metric {
	const char *tool; /* NULL: the key begins with it */
	const char *key;  /* "throttled_pct": the ending is the unit, and becomes a base unit */
	const char *help; /* one line, without a backslash */
	bool counter;     /* ends in "_total", and its values are in base units; else a gauge */
	bool info;        /* ends in "_info": the value is 1, and a label has the information */
	const char *of;   /* the column that a counter belongs to, or NULL */
	/* set by metrics_family: what each sample begins with, and the factor to base units */
	char name[128];
	size_t n;
	double scale;
};

/* Appends the lines HELP, TYPE and UNIT. All samples of the family must follow before the next
 * family begins. */
void metrics_family(struct buf *b, struct metric *m);

/* Appends a sample. The labels have no braces, as metrics_label writes them. The value must be
 * finite, and is in the unit of the key. */
void metrics_sample(struct buf *b, const struct metric *m, struct text labels, double value);

/* Appends key="value" to labels. Control characters, newlines too, and bytes that are not UTF-8
 * become \ooo. `scratch` is overwritten. */
void metrics_label(struct buf *labels, struct buf *scratch, const char *key, const char *value);

/* Appends the rows of a sample, without the end. */
void metrics_rows(struct buf *b, const struct report *r, const struct rows *rows);

/* Appends the last line. */
void metrics_end(struct buf *b);

#endif
