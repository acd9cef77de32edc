/* detail: one cgroup or process: its verdict, the waits of its threads, and its limits, as lines. */
#ifndef PQ_TOP_DETAIL_H
#define PQ_TOP_DETAIL_H

#include "commands/top/frame.h"
#include "commands/why/why.h"

struct detail {
	bool open;
	struct target target; /* in the arena */
	const char *title;
	struct arena arena;
	struct evidence evidence;
	struct buf limits; /* the page of pq limits, read once */
	struct buf lines;  /* of the last row; each ends in a newline */
	unsigned rows;     /* how many were taken */
	int top;           /* the first line on the screen */
};

/* Opens it: its samplers join the session of the machine, which has begun. */
void detail_open(
    struct detail *d, struct evidence *machine, const struct target *t, const char *title);

/* Takes the row that began at `from`. */
void detail_take(struct detail *d, const struct sample *from);

/* Moves by so many lines. */
void detail_move(struct detail *d, int by);

void detail_draw(struct detail *d, struct frame *f, int line, int lines);

/* How many lines it has now. */
int detail_lines(const struct detail *d);

void detail_close(struct detail *d);

/* Draws lines of text, from the given one on. A line that begins with '#' is a heading, without the '#'. */
void draw_lines(struct frame *f, const struct buf *b, int first, int line, int lines);

/* Appends `first` and the words of a text in lines of 78 columns, with blanks before them; two more from
 * the second line on. */
void wrap_lines(struct buf *b, size_t indent, const char *first, const char *text);

#endif
