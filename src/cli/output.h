/* output: writes rows to stdout, those of a sample in one write(2), and a summary at the end. */
#ifndef PQ_CLI_OUTPUT_H
#define PQ_CLI_OUTPUT_H

#include "cli/args.h"
#include "table/spark.h"
#include "table/summary.h"

struct output {
	const struct format *format;
	struct report report;
	struct summary summary;
	struct sparks sparks;
	struct buf out;
	bool summed; /* a summary follows the rows */
};

/* Prepares the columns and the format of the options. Nothing is written yet. */
void output_begin(struct output *p, const struct options *o);

/* Writes the rows. If the reader of a pipe has gone, the program ends quietly; any other failure
 * ends it with an error. */
void output_rows(struct output *p, const struct rows *rows);

/* Writes the rest, and the summary if the format has one. */
void output_end(struct output *p);

/* Writes all of it to stdout. False when the reader has gone, or a second signal ends a write that
 * blocks. A full disk ends the program. */
bool output_write(const struct buf *b);

void output_free(struct output *p);

#endif
