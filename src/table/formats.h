/* formats: what happens to rows. Text, JSON, CSV and metrics each write a moment's rows into a
 * buffer, which goes out in one piece. */
#ifndef PQ_TABLE_FORMATS_H
#define PQ_TABLE_FORMATS_H

#include <stdint.h>

#include "base/buf.h"
#include "table/table.h"

enum { SCHEMA = 1, COLUMNS_MOST = 64 };

/* What is shown, and how. */
struct report {
	const char *tool;
	const struct column *columns;
	int shown[COLUMNS_MOST]; /* indices into columns, in the order to be shown */
	int nshown;
	bool utc;
	bool terminal;       /* the header is repeated per screen, and what is too wide is cut */
	bool fractions;      /* text shows milliseconds */
	int width, rows;     /* of the terminal */
	int lines_left;      /* text: until the next header is due */
	int64_t learned_for; /* for which quarter of an hour, UTC or not, the next two hold */
	long offset_s;       /* of the time zone from UTC */
	long clock_s;        /* what the clock shows less what has passed of the day in UTC */
};

/* A moment's rows. */
struct rows {
	const struct table *table;
	int64_t real_ns;      /* when */
	int64_t from_real_ns; /* when the interval began: the header shows it, as sar's does */
	double span_s;        /* the measured interval */
};

struct format {
	void (*begin)(struct buf *, struct report *);
	void (*rows)(struct buf *, struct report *, const struct rows *);
	bool for_people; /* a summary at the end */
};

extern const struct format format_text, format_json, format_csv, format_folded, format_metrics;

/* The header line of text, with `time` in the place of the time. */
void text_header(struct buf *b, const struct report *r, const char *time);

/* A row of text, with `time` in the place of the time. */
void text_row(struct buf *b, const struct report *r, const char *time, const struct cell *row);

/* "17:12:01" or "17:12:01.250". */
const char *clock_text(char out[16], struct report *r, int64_t real_ns);

/* "2026-11-22T17:12:01.250+01:00" */
void buf_iso_time(struct buf *b, struct report *r, int64_t real_ns);

/* A JSON string, quotes included. Bytes that are not UTF-8 stand as the characters U+0080 to
 * U+00FF, so that none is lost. */
void buf_json_string(struct buf *b, const char *s);

/* A member's key, and the comma before it unless it is the first of its object. */
void buf_json_key(struct buf *b, const char *key);

/* A figure for machines: at most three digits after the point and no zeros at their end. */
void buf_number(struct buf *b, const struct column *c, double x);

#endif
