/*
 * report: what the parts of pq report share. series.c keeps figures over time in bounded memory, strips.c
 * says which tool makes which picture, verdict.c runs the rules of pq why, svg.c draws, page.c writes the
 * HTML, changes.c compares two recordings, and report.c is the command.
 */
#ifndef PQ_REPORT_REPORT_H
#define PQ_REPORT_REPORT_H

#include "base/buf.h"
#include "base/map.h"
#include "commands/diff/lines.h"
#include "commands/recorded.h"
#include "commands/why/why.h"
#include "tape/reader.h"

/* ---- Figures over time */

/* BUCKETS_MOST: of an axis. Each is a pixel at full width, and some of them when zoomed. */
enum { BUCKETS_MOST = 600, BUCKETS_CHUNK = 50, CHUNKS = BUCKETS_MOST / BUCKETS_CHUNK };

/* Time, in n equal buckets. CLOCK_REALTIME. */
struct axis {
	int64_t from_ns, to_ns;
	unsigned n;
};

double axis_width_ns(const struct axis *a);

/* The bucket of that time; of times outside, the first or the last one. */
unsigned axis_bucket(const struct axis *a, int64_t real_ns);

/* A span of time on the axis, for all values that hold in it. */
struct stretch {
	const struct axis *axis;
	int64_t from_ns, to_ns; /* cut to the axis */
	unsigned first, end;    /* its buckets; none if nothing of it is on the axis */
};

struct stretch axis_stretch(const struct axis *a, int64_t from_ns, int64_t to_ns);

/* What the samples of a bucket say. Of one without any, known_s is 0: it is a hole. */
struct bucket {
	double sum; /* of value times seconds */
	float min, max, known_s;
	uint32_t n;
};

/* Zero-initialise to start. */
struct series {
	struct bucket *chunk[CHUNKS]; /* NULL: nothing is known there */
	double sum, known_s, max, min;
	int64_t max_ns; /* when the largest value ended */
};

/* Adds a value that held all the time. NaN is unknown: it leaves a hole. */
void series_add(struct series *s, const struct stretch *t, double value);

/* NULL: a hole. */
const struct bucket *series_at(const struct series *s, unsigned bucket);

/* NaN if nothing is known. */
double series_mean(const struct series *s);
double bucket_mean(const struct bucket *b);

/* Makes s a series of zeros where `known` is known. */
void series_zeros(struct series *s, const struct series *known);

void series_free(struct series *s);

/* How long each value of a range held: bins over time. The caller knows what a bin is. */
enum { BINS_MOST = 48 };

struct bins {
	float (*v)[BINS_MOST]; /* by bucket; NULL: nothing yet */
	double total[BINS_MOST], all;
};

void bins_add(struct bins *b, const struct stretch *t, unsigned bin, double weight);
void bins_free(struct bins *b);

/* ---- Strips: the pictures */

enum strip_kind {
	STRIP_HEAT,   /* how the values are distributed, over time */
	STRIP_LINES,  /* the mean, and from the least to the largest */
	STRIP_PANELS, /* a picture per row: figures on each other, and a limit */
	STRIP_ROWS,   /* a line of cells per row */
};

/* How a panel shows a figure. */
enum role { ROLE_LINE, ROLE_STACK, ROLE_LIMIT, ROLE_PEAK, ROLE_MARK };

struct strip_figure {
	int column; /* has its unit and its digits */
	const char *name;
	enum role role;
	double (*value)(const struct cell *row); /* NULL: the column */
};

enum { STRIP_FIGURES = 6, NAME_COLUMNS = 3 };

struct strip_plan {
	const char *id, *title;
	const char *says; /* how to read it */
	enum strip_kind kind;
	const struct tool *tool;
	char flag;              /* an option of the tool that selects a form of it; 0: none */
	const char *key;        /* the column of the first figure of such a form; NULL: by number */
	int name[NAME_COLUMNS]; /* columns whose labels name a row; -1: no more */
	const char *prefix;     /* of names that are numbers; or NULL */
	const char *only, *without; /* rows whose first label is this, or is not; or NULL */
	/* up to one without a name; the first one ranks the rows */
	struct strip_figure figures[STRIP_FIGURES];
	int worst;            /* a column that ranks the rows instead; 0: none */
	unsigned kept, shown; /* rows; the worst are shown */
	bool zero;            /* a row that is absent is 0, and not unknown */
	bool several;         /* not if there is only one row */
	bool ordered;         /* by name, not the worst first */
	double full;          /* the largest value of the scale; 0: as large as needed */
	const char *unit;     /* NULL: the column's */
	const char *rules[6]; /* of pq why, whose findings it shows */
	/* heat maps: the bin of a value, and the name of a bin; by rows of weight_key, else of the
	 * samples of the tool's gauge */
	unsigned (*bin)(double value);
	void (*bin_name)(unsigned bin, char *out, size_t n);
	const char *weight_key;
};

struct strip_row {
	char *name;
	struct series figure[STRIP_FIGURES];
	double now[STRIP_FIGURES];
	uint64_t turn; /* the sample that `now` is of */
	double worst;  /* the sum of what ranks it */
};

struct strip {
	const struct strip_plan *plan;
	struct sampler *sampler;      /* NULL: not in the recording, or it is closed */
	const struct column *columns; /* of its form of the tool */
	int nfigures, column, weight; /* of the plan's keys */
	struct map names;
	struct strip_row *rows;
	size_t n, room;
	uint64_t dropped; /* rows that were replaced by worse ones */
	uint64_t turn, samples;
	struct series known; /* 0 wherever there was a sample */
	struct bins bins;
	int64_t ticked_ns; /* the last sample of the gauge; 0: none */
};

extern const struct strip_plan strip_plans[];
enum { STRIPS_MOST = 24 };

/* The unit of a strip's figure, as people write it: "CPUs", "%", "". */
const char *figure_unit(const struct strip *s, int figure);

/* Appends a figure with its unit; "-" if it is unknown. */
void figure_number(const struct strip *s, int figure, double x, struct buf *b);

/* Begins all[n], of which the first n have begun: adds a sampler unless one of them has it, or the
 * recording does not have the tool. */
void strip_begin(struct strip *all, size_t n, const struct strip_plan *plan, struct recorded *r);

/* The rows that are shown, the worst first: sets v[] to them. Returns how many. */
size_t strip_worst(const struct strip *s, const struct strip_row *v[], size_t most);

/* Takes what this sample says, and with `row` its rows. What began before since_ns is not known, as
 * there was a gap. */
void strip_take(
    struct strip *s, const struct axis *a, bool row, const struct sample *now, int64_t since_ns);

bool strip_is_empty(const struct strip *s);
void strip_free(struct strip *s);

/* ---- Verdicts */

enum { PARTS_MOST = 60 };

/* What why says of a part of the time. */
struct judged {
	int64_t from_ns, to_ns;
	struct samples_count count; /* two rows are needed */
	struct tape_window window;
	bool sampled; /* it was judged */
	enum verdict verdict;
	struct findings findings;
	struct buf unknown; /* what could not be checked: lines */
};

/* ---- A recording */

struct mark {
	int64_t real_ns;
	char *text;
};

enum { MARKS_MOST = 40, GAPS_MOST = 100, NOTES_KEPT = 40 };

/* How the wall clock ran, compared with the boot clock. */
struct clock_steps {
	int64_t first_ns, last_ns; /* the difference of the two, since the boot */
	unsigned n;                /* steps of more than a second */
	int64_t most_ns, at_ns;    /* the largest of them, and when, by the clock that was set */
	int64_t parted_ns;         /* how far the two parted */
};

struct report_tape {
	const char *path, *written;  /* written: with the window, if it has one of its own */
	struct when_option from, to; /* that window; not given: written is NULL */
	struct axis axis; /* that of the page, or as long, if it begins at its own time */
	long offset_s;    /* of the times that are shown from UTC */
	struct host_facts facts;
	char tools[128], asked[512], losses[256];
	int64_t from_ns, to_ns; /* the first and last sample */
	int64_t step_ns;        /* the usual time between samples */
	uint64_t samples, rows, ticks, boots;
	bool captured; /* a directory: it cannot be judged in parts */
	struct clock_steps clock;
	struct span gaps[GAPS_MOST];
	unsigned ngaps;
	double gaps_s;
	struct strip strips[STRIPS_MOST];
	size_t nstrips;
	uint64_t triggered; /* the last trigger that is a mark */
	struct mark marks[MARKS_MOST];
	size_t nmarks;
	struct mark changes[MARKS_MOST]; /* of limits; until they are among the marks */
	size_t nchanges;
	struct judged whole, parts[PARTS_MOST];
	size_t nparts;
	int64_t part_ns;
	char *notes[NOTES_KEPT];
	size_t nnotes;
};

struct report_page {
	struct axis axis;
	struct report_tape *tapes;
	size_t ntapes;
	bool utc, timed;  /* timed: --from or --to was given */
	long offset_s;    /* of the times that are shown from UTC */
	int64_t shift_ns; /* by how much an axis with its own start is ahead of that of the page */
	const struct comparison *changes;  /* NULL: nothing is compared */
	const struct report_tape *side[2]; /* A and B; NULL: a baseline, which has no pictures */
	const char *baseline;              /* its file; NULL: none */
	struct arena arena;                /* of the words of the command line */
};

/* The options of the command, with the recording as their source, and its window. */
struct options tape_options(const struct report_tape *t, const struct options *o);

/* The page with the axis and the clock of this recording. */
struct report_page page_of(const struct report_page *p, const struct report_tape *t);

/* verdict.c: divides that time of the recording into equal parts. Counts each sample for the part that
 * it is in, and for the whole. Then judges the whole, and each part. */
void judge_parts(struct report_tape *t, const struct span *whole);
void judge_count(struct report_tape *t, const struct host *h, const struct sample *m);
void judge_tape(struct report_tape *t, const struct options *o);
void judged_free(struct judged *j);

/* svg.c: appends the picture of a strip: an <svg>, in units of buckets and of the strip's own height. */
void svg_heat(struct buf *b, const struct axis *a, const struct strip *s, unsigned nbins);
void svg_lines(struct buf *b, const struct axis *a, const struct strip *s,
    const struct strip_row *const *v, size_t n, double top);
void svg_panel(struct buf *b, const struct axis *a, const struct strip *s,
    const struct strip_row *row, double top);
void svg_rows(struct buf *b, const struct axis *a, const struct strip *s,
    const struct strip_row *const *v, size_t n, double top);

enum { HEAT_LEVELS = 6, COLOURS = 6 };

/* The level of a share of the largest value: 0 for nothing, HEAT_LEVELS for all of it. */
unsigned heat_level(double share);

/* The largest value of a scale that has round figures and reaches x. */
double scale_top(double x);

/* chart.c: the section of a strip, which is not empty; `cause`: it shows what the verdict names. */
void chart_print(
    const struct report_page *p, size_t tape, const struct strip *s, bool cause, struct buf *b);
void chart_axis(const struct report_page *p, struct buf *b);

/* changes.c: the section that says what changed from A to B. */
void changes_print(const struct report_page *p, struct buf *b);

/* page.c: the whole file. */
void page_print(const struct report_page *p, struct buf *b);

/* Lines, without the empty ones, as a list that can be unfolded. */
void page_list(const char *summary, struct text lines, struct buf *b);

/* html.c: other people's bytes in text and in attributes, at most so many of them. */
void html_name(struct buf *b, const char *s);
void html_text(struct buf *b, const char *s);
void html_time(struct buf *b, const struct report_page *p, int64_t real_ns, bool date);
void html_clock(struct buf *b, const struct report_page *p, int64_t real_ns);
void html_duration(struct buf *b, double s);

/* Appends the attributes that put an element at its place on the axis. */
void html_place(struct buf *b, const struct report_page *p, int64_t from_ns, int64_t to_ns);

#endif
