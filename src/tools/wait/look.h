/* wait_look: the looks at all threads: what each did since the look before, and which waits were
 * long. */
#ifndef PQ_WAIT_LOOK_H
#define PQ_WAIT_LOOK_H

#include "tools/wait/wait.h"

/* How far a CPU's clock is behind the moments': see wait_clock.c. */
struct wait_clock {
	/* since when that is known, if not 0; the last time that it was looked for */
	int64_t lag_ns, learned_ns, asked_ns;
};

/* The tool's state. */
struct wait_looks {
	struct wait_clock *clocks; /* by CPU; NULL: none is known */
	struct wait_threads threads;
	struct wait_sums sums;
	struct wait_event *events; /* ended since the last row */
	size_t nevents, events_room;
	int64_t seen_ns; /* the look before */
	int64_t row_ns;  /* the last row */
	uint64_t round;  /* counts the looks */
	unsigned looks;  /* since the last row */
	unsigned rows;
	/* with --slow: one that rests is looked at at least once in so many looks … */
	unsigned rarest;
	bool thins;          /* … or each time */
	unsigned until_list; /* looks until the threads are listed again */
	int error;           /* with which the target could not be listed; 0: it could */
	bool sched_seen;     /* some thread's schedstat had figures */
	bool placed;         /* some thread's place could be read */
	bool told_end;       /* the rows up to the target's end are made */
};

enum { WAIT_EVENTS_MOST = 10000 };

/* struct tool's tick: looks at every thread. */
void wait_look(struct watch *w);

/* Counts the time of those who stand still up to now, for a row. */
void wait_settle(struct watch *w);

/* The threads' waits that last, and are long; each is told once. They are added to the events. */
void wait_add_lasting(struct watch *w);

#endif
