/*
 * samples: the figures of a recording: of each tool, row and column the distribution of its values over
 * the recording, and the means of at most BLOCKS_MOST blocks of time. What is kept does not grow with
 * the length of the recording: about 4 KB for each figure that varies, and FIGURES_MOST of them.
 *
 * Rows of two recordings are the same if their names are: without process IDs and what else only
 * lives as long as the row. Rows of a sample with the same name count as one: their amounts are added, and
 * their shares and mean times are averaged.
 */
#ifndef PQ_COMMANDS_DIFF_SAMPLES_H
#define PQ_COMMANDS_DIFF_SAMPLES_H

#include "base/hist.h"
#include "base/map.h"
#include "commands/diff/compare.h"
#include "commands/recorded.h"

enum { TOOLS_MOST = 16, FIGURES_MOST = 20000, SIDE_NOTES = 100 };

/* What the values of a block of time add up to. */
struct block_sum {
	double sum, weight;
};

struct spread {
	/* how often `last` came in a row in the block `run_block`, which is not counted yet */
	uint32_t run, run_block;
	double run_weight;
	double last, min, max, first;
	uint64_t n;         /* known values, without the run */
	double sum, weight; /* as in an average */
	struct hist hist;
	struct block_sum block[BLOCKS_MOST];
};

/* A row of a tool. */
struct row_figures {
	uint64_t seen;      /* samples that had the row */
	uint64_t turn;      /* the last of them, as a number of tool_side.samples */
	size_t at;          /* its row in the table of that sample */
	struct spread **of; /* by column; NULL: no value was known */
};

/* Some columns of a tool. */
struct chosen_column {
	uint8_t i; /* its index */
	bool per_second;
};

struct chosen_columns {
	struct chosen_column v[COLUMNS_MOST];
	size_t n;
};

struct tool_side {
	struct chosen_columns naming, compared;
	uint64_t samples; /* that had rows; 0: the recording does not have the tool */
	double span_s;    /* of all rows */
	struct map names; /* of the rows */
	struct row_figures *row;
	size_t room;
	/* the numbers of the rows of the last sample, in their order */
	uint32_t *present;
	size_t npresent, present_room;
};

struct side_note {
	const struct tool *tool;
	char *message;
};

/* Zero-initialise to start. */
struct side {
	char *path; /* of the recording, for messages */
	struct host_facts facts;
	int64_t from_ns, to_ns; /* CLOCK_REALTIME of the first and the last sample; 0: none */
	uint64_t samples;       /* with rows */
	char *losses;           /* what could not be read; NULL: nothing */
	/* what tools said about the recording, each line once */
	struct side_note *note;
	size_t notes, note_room;
	struct tool_side tool[TOOLS_MOST]; /* by index in tools[] */
	size_t count;                      /* figures */
	uint64_t left_out;                 /* values beyond FIGURES_MOST */
	/* the time of the blocks: gaps in a recording are left out */
	int64_t block_ns, clock_ns;
	uint32_t block;  /* of the last sample */
	int64_t last_ns; /* CLOCK_MONOTONIC of the last sample */
	struct arena arena;
	struct buf name; /* of a row */
};

/* Whether the values of a column can be compared, as figures or as a setting. */
bool column_compares(const struct column *c);

/* Whether its values are numbers of events in an interval, which are kept per second. */
bool column_per_second(const struct column *c);

/* Begins with the facts of a host. */
void side_begin(struct side *s, const char *path, const struct host_facts *facts);

/* The time goes on to this sample, whose rows are added next. */
void side_sample(struct side *s, const struct sample *m);

/* Adds the rows of one tool, by its index in tools[]. */
void side_add(struct side *s, size_t tool, const struct rows *rows);

/* Keeps what a tool says about the recording, each line once. */
void side_note(struct side *s, const struct tool *tool, const char *message);

/* Whether a tool has said the same about this recording. */
bool side_noted(const struct side *s, const struct side_note *note);

/* Reads all of a recording that is open, or a live host for so long. */
void side_read(struct side *s, struct recorded *r, int64_t span_ns);

/* The figure, which is added; NULL if there are too many. `row` is the number of the row. */
struct spread *side_put(struct side *s, size_t tool, uint32_t row, int column);

/* The number of the row of that name, which is added. */
uint32_t side_row(struct side *s, size_t tool, struct text name);

/* Counts all values that were added; call it once at the end. */
void side_end(struct side *s);

double spread_mean(const struct spread *g);

/* The value below which the share q of the values lies, at most 1 % off. */
double spread_quantile(const struct spread *g, const struct column *c, double q);

/* The means of its blocks that have values, in the order of time; so many neighbours count as one block.
 * Returns how many. */
size_t spread_blocks(const struct spread *g, size_t join, double out[BLOCKS_MOST]);

/* How many blocks the recording has. */
size_t side_blocks(const struct side *s);

void side_free(struct side *s);

#endif
