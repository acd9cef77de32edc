/*
 * table: rows of cells under columns, and the formats that print them.
 *
 * A tool declares each column once, in its column table. Text, JSON, CSV, metrics, --columns, the
 * completions, expressions and the summary follow from that. An unknown figure is NaN in a cell:
 * "-" in text, null in JSON, empty in CSV, never 0.
 */
#ifndef PQ_TABLE_TABLE_H
#define PQ_TABLE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

struct sparks;

enum column_kind {
	LABEL, /* text that names what the row is about, or remarks on it */
	GAUGE, /* a level, now or on average over the interval */
	COUNT, /* events in the interval */
	RATE,  /* events per second */
	SHARE, /* a part of a whole, in % */
	FLAG,  /* yes or no */
};

enum unit { NO_UNIT, CPUS, PERCENT, BYTES, MILLISECONDS, PER_SECOND, MICROSECONDS };

/* By how much the counter of a column can grow in a second, in base units: the counter of a column
 * that grew by more was damaged. */
enum column_bound {
	BY_EVENTS,  /* a billion */
	BY_TIME,    /* one second: of a CPU, of a thread, of pressure */
	BY_CPUS,    /* one second for each CPU */
	BY_TASKS,   /* one second for each task */
	BY_PERIODS, /* as often as the shortest period of a quota ends */
};

/* What a change of the figure means, when two recordings are compared. Of a column that says nothing, it
 * is neither good nor bad. */
enum change {
	CHANGE_NEUTRAL,
	MORE_IS_WORSE,
	LESS_IS_WORSE,
	A_SETTING,    /* a limit, which somebody sets: no measurement */
	NOT_COMPARED, /* an average over more time than the row, or a figure of the measurement */
};

/* NUMBER_OR_ROW: some rows have a word instead. Programs get it under the key "row", so that the
 * column has only numbers. */
enum number { NO_NUMBER, NUMBER, NUMBER_OR_ROW };

struct column {
	/* in JSON, CSV, -c and expressions: the heading in snake_case, with its unit */
	const char *key;
	const char *heading; /* in text */
	enum column_kind kind : 8;
	enum unit unit : 8;
	int8_t width;  /* in text, with the blank before it; 0: a label of any length, put last */
	int8_t digits; /* after the point, in text */
	int8_t room;   /* of a label of any length: its least width on a terminal */
	bool spare;    /* left out first where the text is too wide for the terminal */
	bool remark;   /* of a LABEL: it remarks on the row and does not name it */
	bool below; /* of a LABEL of any length: text has it in a line of its own below the row */
	/* of one that is below: items, each but the last followed by a newline. JSON has an array, CSV
	 * and lines for flame graphs have them with ';' between, and text folds them */
	bool list;
	bool extra; /* of a LABEL: another name of the row, in metrics only if asked for */
	enum change change : 8;
	/* the limits from which the figure hurts, and hurts much: a terminal shows it marked; 0: none.
	 * If `high` is above `very_high`, a figure hurts from there down */
	double high, very_high;
	double full;  /* --spark: the least top of the scale; 0: the figures decide, or 100 % */
	bool per_cpu; /* these three are for each CPU of the machine */
	/* of a LABEL: it names the row only while that lives, as a process ID does: other recordings
	 * have other ones */
	bool passing;
	enum number number : 8; /* of a LABEL: a number for programs, such as a process ID */
	const char *group;      /* NULL: shown by default; else shown with -w GROUP */
	/* of a RATE, COUNT or SHARE, for metrics: the name of the kernel's counter that it is
	 * computed from, in base units: "mem_some_seconds" */
	const char *counter;
	enum column_bound bound; /* of the kernel's counter, whether metrics have it or not */
	const char *metric;      /* the key in metrics; NULL: the same */
	const char
	    *was; /* the key in schema 1, for a hint to those who still use it; NULL: the same */
	/* one line: the meaning, and the kernel file and key it comes from */
	const char *help;
};

struct cell {
	double num;        /* NaN: unknown */
	double weight;     /* of this figure in an average: its denominator */
	double raw;        /* the column's counter, in base units; NaN: unknown, or no counter */
	const char *label; /* NULL: unknown */
	const char *brief; /* what text shows instead of the label, without --full; or NULL */
	bool none;         /* a share that is unknown because it is 0 of 0 */
};

/* Zero-initialise, then set columns and ncolumns. */
struct table {
	const struct column *columns;
	size_t ncolumns;
	struct cell *cells; /* row by row */
	size_t nrows, cap;
	size_t pinned;   /* the first rows that are not ranked: the machine, or the sum of all */
	size_t left_out; /* rows that table_choose removed */
};

/* The number of columns of a tool's table, which ends with a column without a key. */
size_t columns_count(const struct column *columns);

/* The index of the column with that key, or -1. */
int columns_find(const struct column *columns, struct text key);

/* The columns that a comma-separated list of keys names, as bits. It may name columns with another name
 * of the row only.
 * Sets *unknown to the first key that is none of them, or to an empty text. */
uint64_t columns_extra(const struct column *columns, const char *list, struct text *unknown);

/* Tries all keys. The present key of a column that had this one in schema 1 is the nearest. */
void columns_nearest(struct nearest *near, const struct column *columns);

/* How much a figure hurts. */
enum level { LEVEL_USUAL, LEVEL_HIGH, LEVEL_VERY_HIGH };

/* By the column's limits, on a machine of so many CPUs, of which 0 are unknown. An unknown figure is
 * usual. */
enum level column_level(const struct column *c, double x, double cpus);

/* Removes all rows and keeps the memory. */
void table_clear(struct table *t);

/* Adds a row of unknown cells. It is valid until the next row is added. */
struct cell *table_row(struct table *t);

const struct cell *table_at(const struct table *t, size_t row);

/* Sorts the rows from `first` on by a key, the largest first and unknown ones (NaN) last. Rows with
 * the same key keep their order. */
void table_sort(struct table *t, size_t first, double (*key)(const struct cell *row));

/* Removes all rows after the first n. */
void table_keep(struct table *t, size_t n);

/* Which rows are printed. */
struct choice {
	int by;                                  /* sort by this column; -1: see worst */
	double (*worst)(const struct cell *row); /* sort by this, the largest first; or NULL */
	size_t most;                             /* keep the first so many; 0: all */
};

/* Sorts, then removes rows; pinned rows stay first, and do not count. Numbers come in descending
 * order, names, CPUs and processes in ascending order. */
void table_choose(struct table *t, const struct choice *c);

void table_free(struct table *t);

/* ---- Setting a cell */

void cell_label(struct cell *c, const char *label);

/* The same; text shows the brief label unless it is NULL. */
void cell_brief(struct cell *c, const char *label, const char *brief);

void cell_flag(struct cell *c, bool yes);

/* A level that held for span_s seconds. */
void cell_gauge(struct cell *c, double value, double span_s);

/* part/whole in %; unknown if whole is 0. Its average is the sum of the parts over the sum of the
 * wholes. */
void cell_share(struct cell *c, double part, double whole);

/* ---- Counters between two readings */

/* The time between two readings, and what there was to grow in it. */
struct interval {
	const struct column *columns;
	double span_s;
	double cpus, tasks; /* of BY_CPUS and BY_TASKS */
	/* the kernel may add now what was due since this long before the first reading */
	double late_s;
	/* columns, as bits, whose counter grew by more than its bound, or decreased */
	uint64_t jumped, fell;
};

/* The most that the counter of the column can have grown. The clock and the file are not read at the
 * same time, and clocks differ, so it is more than the bound times span_s. */
double interval_most(const struct interval *t, int column);

/* How much the counter of the column grew, times scale, which turns it into base units. NaN if a
 * reading is unknown, if it decreased, or if it grew by more than it can: sets t->fell and
 * t->jumped. */
double interval_growth(
    struct interval *t, int column, struct keyed from, struct keyed to, double scale);

/* These set a column of a row, and its raw counter unless that has jumped. */

/* The growth of a counter, per second. */
void cell_rate(struct cell *row, int column, struct interval *t, struct keyed from, struct keyed to,
    double scale);

/* The growth of a counter. */
void cell_count(
    struct cell *row, int column, struct interval *t, struct keyed from, struct keyed to);

/* The growth of a counter of microseconds as a share of the span. It may exceed the span by as much
 * as interval_most allows, and counts as 100 % then. */
void cell_stalled(
    struct cell *row, int column, struct interval *t, struct keyed from_us, struct keyed to_us);

/* ---- Formats: each appends the rows of a sample to a buffer, which is written at once */

enum { SCHEMA = 2, COLUMNS_MOST = 64 };

/* What is printed, and how. */
struct report {
	const char *tool;
	const struct column *columns;
	int shown[COLUMNS_MOST]; /* indices into columns, in the order of printing */
	int nshown;
	struct choice choice; /* of the averages */
	bool fit;             /* it is what fits the terminal: say how many rows are left out */
	bool full;            /* text shows no brief labels */
	uint64_t labels;      /* columns, as bits, that are labels of metrics besides the usual */
	bool utc;
	bool colour;           /* text marks figures that hurt, by escape sequences */
	double cpus;           /* of the machine; 0: unknown */
	struct sparks *sparks; /* text: the sparklines beside figures; NULL: none */
	bool on_terminal;      /* stdout is one: other people's bytes must not control it */
	bool terminal;       /* text on a terminal: a header on each screen, and no line too wide */
	bool fractions;      /* text prints milliseconds in its times */
	int width, rows;     /* of the terminal */
	int lines_left;      /* text: until the next header is due */
	int64_t learned_for; /* the quarter of an hour, and UTC or not, for which these two hold: */
	long offset_s;       /* of the time zone from UTC */
	long clock_s;        /* the local time of day minus that in UTC */
};

/* The rows of a sample. */
struct rows {
	struct table *table;
	int64_t real_ns;      /* when it was taken */
	int64_t from_real_ns; /* when its interval began: in the header, as sar prints it */
	double span_s;        /* the measured interval */
};

struct format {
	void (*begin)(struct buf *, struct report *); /* NULL: prints nothing before the rows */
	void (*rows)(struct buf *, struct report *, const struct rows *);
	bool for_people; /* it ends with a summary */
};

extern const struct format format_text, format_json, format_csv, format_folded, format_metrics,
    format_none; /* for a tool that writes a file of its own */

/* What gives text the colour of a level. */
const char *level_colour(enum level level);

/* Appends the header line of text, with `time` in place of the time. */
void text_header(struct buf *b, const struct report *r, const char *time);

/* Appends the rows as text, with `time` in place of the time, and without sparklines. */
void text_rows(struct buf *b, const struct report *r, const char *time, const struct table *t);

/* Prints the time as "17:12:01" or "17:12:01.250". Returns out. */
const char *clock_text(char out[16], struct report *r, int64_t real_ns);

/* Appends the time as "2026-11-22T17:12:01.250+01:00", or with -u as "2026-11-22T16:12:01.250Z". */
void buf_iso_time(struct buf *b, struct report *r, int64_t real_ns);

/* Appends a key of a JSON object, after a comma unless it is the first one. */
void buf_json_key(struct buf *b, const char *key);

/* Appends a member of a JSON object. The text may be NULL, and the number NaN: null. */
void buf_json_text(struct buf *b, const char *key, const char *text);
void buf_json_number(struct buf *b, const char *key, double x, int digits);
void buf_json_bool(struct buf *b, const char *key, bool yes);

/* Begins an object as all of pq's begin: {"tool", "schema", "time", "unix_s". */
void buf_json_begin(struct buf *b, const char *tool, struct report *times, int64_t real_ns);

/* How many digits after the point programs get of a column's figures. */
int column_digits(const struct column *c);

/* Appends a figure for JSON and CSV, without needless zeros. A figure that may have a fraction always
 * has a point, as readers guess types from the first rows: 0.0. */
void buf_number(struct buf *b, const struct column *c, double x);

#endif
