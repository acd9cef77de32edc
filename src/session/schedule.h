/* schedule: when rows and ticks are due, on a grid that does not drift. Times are the host's
 * monotonic nanoseconds. */
#ifndef PQ_SESSION_SCHEDULE_H
#define PQ_SESSION_SCHEDULE_H

#include "host/host.h"

struct schedule {
	int64_t interval_ns;
	int64_t tick_ns;   /* 0: there are none between rows */
	int64_t row_ns;    /* the next row */
	int64_t ticked_ns; /* the last tick's place on its grid */
	/* time that must pass before the costs of ticks are what they may be */
	int64_t owed_ns;
	uint64_t rows, missed;
};

/* Begins at this moment. Without an interval (0) there is one row, a second later. The first row of
 * a live run is due at a whole second of the wall clock when the interval is one of whole seconds,
 * so that the rows of two machines lie side by side; but not before a quarter of the interval has
 * passed. */
void schedule_start(struct schedule *s, const struct moment *start, int64_t interval_ns,
    int64_t tick_ns, bool live);

/* What is due next: its time, and whether it is a row or a tick. */
int64_t schedule_next(const struct schedule *s, bool *row);

/* A tick was done that took cost_ns of CPU time (0: it costs next to nothing): the next one between
 * rows is put so far away that these take no more than a hundredth of a CPU, but for a second's
 * worth at once. A row looks once, whatever it costs. */
void schedule_ticked(struct schedule *s, int64_t now_ns, int64_t cost_ns);

/* A row was done: the next one is due at the first deadline ahead; those that have passed meanwhile
 * were missed. */
void schedule_row_done(struct schedule *s, int64_t now_ns);

#endif
