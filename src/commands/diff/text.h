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

/* Appends notes about the comparison, each a line after `lead`: different machines, damage, other
 * intervals. */
void comparison_notes(const struct comparison *c, const char *lead, struct buf *out);

#endif
