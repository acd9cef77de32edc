/*
 * spark: sparklines: what a figure was in the last rows of the same CPU, cgroup or task. All sparklines
 * of a column have one scale, which its heading says. A row has the same names as an earlier one if all its
 * labels agree that name it. An interval that knows no figure of it is a hole.
 */
#ifndef PQ_TABLE_SPARK_H
#define PQ_TABLE_SPARK_H

#include "base/map.h"
#include "table/table.h"

enum {
	SPARK_CELLS = 8,
	SPARK_WIDTH = 1 + SPARK_CELLS, /* with a blank before it */
	SPARKS_MOST = 8,
	SPARK_ROWS_MOST = 4096
};

/* The last figures of a row, one for each cell; the newest is in the cell of `taken`. */
struct spark_row {
	uint64_t seen; /* when the row was last there */
	double value[SPARKS_MOST][SPARK_CELLS];
};

/* Zero-initialise, then set column, n and utf8. */
struct sparks {
	int column[SPARKS_MOST]; /* of which there are sparklines */
	int n;
	bool utf8;
	double top[SPARKS_MOST]; /* of the scale, which begins at 0 */
	bool rescaled;           /* a scale has changed since the last header */
	struct map names;
	struct spark_row *rows; /* by the number of the name */
	size_t room;
	uint64_t taken;    /* samples */
	int64_t real_ns;   /* when the last interval ended */
	uint64_t left_out; /* rows without sparklines: beyond SPARK_ROWS_MOST */
	struct buf name;
};

/* The number of the column's sparkline, or -1. */
int sparks_of(const struct sparks *s, int column);

/* Takes the figures of all rows of a sample, and sets the scales by them and those before. Forgets rows that
 * were not there for SPARK_CELLS samples. Time that no row covers is a hole. Several rows of the same names
 * count as one, with the largest figure. */
void sparks_take(struct sparks *s, const struct report *r, const struct rows *rows);

/* Appends the heading: "0..100%", "0..5", "0..64K"; "100..0%" of a share of which less is worse. */
void sparks_heading(struct buf *b, const struct sparks *s, const struct report *r, int spark);

/* Appends SPARK_CELLS characters, the newest last. */
void sparks_put(
    struct buf *b, struct sparks *s, const struct report *r, const struct cell *row, int spark);

void sparks_free(struct sparks *s);

#endif
