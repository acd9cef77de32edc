/*
 * table: rows of cells under columns. What a column is stands once, in a tool's column table; text,
 * JSON, CSV, --columns, completion, the summary and later formats all follow from it. An unknown
 * figure is NaN in a cell, whatever its column: "-" in text, null in JSON, empty in CSV; never 0.
 */
#ifndef PQ_TABLE_TABLE_H
#define PQ_TABLE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

enum column_kind {
	LABEL, /* text: names what the row is about, or says something of it */
	GAUGE, /* a level, as it is now or on average over the interval */
	COUNT, /* events within the interval */
	RATE,  /* per second */
	SHARE, /* a part of a whole, in % */
	FLAG,  /* yes or no */
};

enum unit { NO_UNIT, CPUS, PERCENT, BYTES, MILLISECONDS, PER_SECOND, MICROSECONDS };

struct column {
	/* in JSON, CSV, -c and expressions: the heading in snake_case, with its unit */
	const char *key;
	const char *heading; /* in text */
	enum column_kind kind : 8;
	enum unit unit : 8;
	/* in text, with the blank before it; 0: a label of any length, put last */
	int8_t width;
	int8_t digits; /* after the point, in text */
	int8_t room;   /* of a label of any length: what a terminal leaves it at least */
	/* the first to be left out of text that is too wide for a terminal */
	bool spare;
	bool remark;       /* of a LABEL: it says something of the row, and does not name it */
	const char *group; /* NULL: in the default view; else shown with -w GROUP */
	/* the kernel's counter behind a RATE, COUNT or SHARE, for metrics: "mem_some_seconds", in
	 * base units */
	const char *counter;
	/* one line: the meaning, and the kernel file and key it comes from */
	const char *help;
};

struct cell {
	double num;    /* NaN: unknown */
	double weight; /* of this figure in an average: its denominator */
	/* the column's counter itself, in base units: it never runs backwards; NaN where there is
	 * none */
	double raw;
	const char *label; /* NULL: unknown */
	bool none;         /* a share of nothing, 0 of 0: that is why it is unknown */
};

/* Zero-initialise, then set columns and ncolumns. */
struct table {
	const struct column *columns;
	size_t ncolumns;
	struct cell *cells; /* row by row */
	size_t nrows, cap;
};

/* How many columns a tool's table has; it ends with a column without a key. */
size_t columns_count(const struct column *columns);

/* The column of that key, or -1. */
int columns_find(const struct column *columns, struct text key);

/* Empties the table. Its memory stays. */
void table_clear(struct table *t);

/* A new row, all cells unknown; valid until the next row is made. */
struct cell *table_row(struct table *t);

const struct cell *table_at(const struct table *t, size_t row);

/* Orders the rows from `first` on by a key, the largest first, unknown ones (NaN) last, otherwise
 * as they were. */
void table_sort(struct table *t, size_t first, double (*key)(const struct cell *row));

/* Drops all rows but the first n. */
void table_keep(struct table *t, size_t n);

void table_free(struct table *t);

void cell_label(struct cell *c, const char *label);
void cell_flag(struct cell *c, bool yes);

/* A level that held over seconds of span. */
void cell_gauge(struct cell *c, double value, double span_s);

/* part/whole in %, unknown when whole is 0; its average is the parts' sum over the wholes' sum. */
void cell_share(struct cell *c, double part, double whole);

/* What a counter grew by, times scale, per second of span. */
void cell_rate(struct cell *c, struct keyed from, struct keyed to, double scale, double span_s);

/* What a counter grew by. */
void cell_count(struct cell *c, struct keyed from, struct keyed to);

/* The growth of a counter of microseconds, as a share of the span; not above 100, as two clocks
 * never quite agree. */
void cell_stalled(struct cell *c, struct keyed from_us, struct keyed to_us, double span_s);

#endif
