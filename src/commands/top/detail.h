/* detail: one cgroup or process: its verdict, the waits of its threads, and its limits, as lines. */
#ifndef PQ_TOP_DETAIL_H
#define PQ_TOP_DETAIL_H

#include "commands/top/scroll.h"
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
	struct scroll scroll;
};

/* Opens it: its samplers join the session of the machine, which has begun. */
void detail_open(
    struct detail *d, struct evidence *machine, const struct target *t, const char *title);

/* Takes the row that began at `from`. */
void detail_take(struct detail *d, const struct sample *from);

void detail_draw(struct detail *d, struct frame *f, int line, int lines);

void detail_close(struct detail *d);

#endif
