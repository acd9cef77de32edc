/* panel: the upper part of pq top: the verdict, and a line for each resource with a bar, its figures and a
 * sparkline of the last minute. */
#ifndef PQ_TOP_PANEL_H
#define PQ_TOP_PANEL_H

#include "commands/top/frame.h"
#include "commands/why/why.h"

enum meter {
	METER_CPU,
	METER_QUEUE,
	METER_THROTTLED,
	METER_MEMORY,
	METER_PRESSURE,
	METER_SOCKETS,
	METER_DISKS,
	METERS
};

enum { HISTORY_MOST = 1200, METER_WORDS = 96, VERDICT_WORDS = 512 };

/* What one row gave. NaN: unknown. */
struct panel_row {
	int64_t from_ns, to_ns; /* CLOCK_REALTIME; if it was set in between, that at the end */
	double value[METERS];
};

/* Zero-initialise to start. */
struct panel {
	struct panel_row rows[HISTORY_MOST]; /* a ring: the last one is at (taken - 1) */
	uint64_t taken;
	int64_t real_ns;    /* CLOCK_REALTIME at the end of the last one, or at the start */
	int64_t step_ns;    /* by which the wall clock was last set; negative: back */
	int64_t stepped_ns; /* CLOCK_MONOTONIC at the end of that row */
	double cpus;
	char words[METERS][METER_WORDS];
	/* the verdict of the last row that had a finding; it fades after some seconds */
	enum verdict severity;
	enum verdict now;            /* of the last row alone */
	int64_t verdict_ns, mono_ns; /* CLOCK_MONOTONIC: of that verdict, and of the last row */
	char verdict[VERDICT_WORDS];
};

/* Takes the figures of a row that began at `from`, and what the rules find in it. */
void panel_take(struct panel *p, const struct evidence *e, const struct sample *from);

/* How many lines the verdict takes in a frame of that size. */
int panel_verdict_lines(int width, int height);

/* Draws the verdict, and below it the meters: all, unless `whole` is false and the frame is so low that the list
 * would have no room. Returns the lines it took. */
int panel_draw(const struct panel *p, struct frame *f, int line, bool whole);

/* Puts "clock set back by 3 s" if it was in the minute that the sparklines show: the times before and after
 * cannot be compared. False: it was not. */
bool panel_clock(const struct panel *p, char *out, size_t n);

#endif
