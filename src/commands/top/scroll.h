/* scroll: text of any length in a part of the screen: what is too wide is folded, the rest is scrolled to. */
#ifndef PQ_TOP_SCROLL_H
#define PQ_TOP_SCROLL_H

#include "commands/top/frame.h"

/* Zero-initialise. */
struct scroll {
	int top;  /* the first folded line that is shown */
	int most; /* the largest top: the last line is at the bottom; set by scroll_draw */
};

/* Draws the text's lines, each of which ends in a newline, into `lines` lines from `line` on. A line that begins with
 * '#' is a heading, without the '#'. */
void scroll_draw(struct scroll *s, struct frame *f, const struct buf *text, int line, int lines);

/* Moves by so many lines, within what was drawn. */
void scroll_move(struct scroll *s, long by);

#endif
