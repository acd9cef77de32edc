/* text: a comparison for people: what was compared and how it differs, then the changes, worst first. */
#ifndef PQ_COMMANDS_DIFF_TEXT_H
#define PQ_COMMANDS_DIFF_TEXT_H

#include "commands/diff/lines.h"

struct text_view {
	bool utc;
	bool all;    /* also the figures that have not changed */
	size_t most; /* lines of each section; 0: all */
};

void comparison_text(const struct comparison *c, const struct text_view *view, struct buf *out);

/* Appends how many figures are worse, better and so on, in one to three lines. */
void comparison_counts(const struct comparison *c, struct buf *out);

/* Appends a value of the column in fewer than so many bytes; "-" if it is unknown. */
void line_number(struct buf *b, const struct column *c, double x, size_t width);

/* Appends a limit, and its later value in the same recording. */
void line_setting(struct buf *b, const struct column *c, const struct spread *g);

/* Appends notes about the comparison, each a line after `lead`: different machines, damage, other
 * intervals. */
void comparison_notes(const struct comparison *c, const char *lead, struct buf *out);

#endif
