/* output: what becomes of rows on stdout: a sample's in one write(2), and the summary behind
 * them. */
#ifndef PQ_CLI_OUTPUT_H
#define PQ_CLI_OUTPUT_H

#include "cli/args.h"
#include "table/summary.h"

struct output {
	const struct format *format;
	struct report report;
	struct summary summary;
	struct buf out;
	bool summed; /* a summary follows the rows */
};

/* Begins with the columns and the format that were asked for; nothing is written yet. */
void output_begin(struct output *p, const struct options *o);

/* Writes the rows. A reader that has gone ends the program quietly; anything else that keeps them
 * from being written ends it with an error. */
void output_rows(struct output *p, const struct rows *rows);

/* Writes what is left, and for people the summary. */
void output_end(struct output *p);

/* Writes all of it to stdout: false when there is no reader any more, or somebody is in a hurry to
 * end it. A full disk ends the program. */
bool output_write(const struct buf *b);

void output_free(struct output *p);

#endif
