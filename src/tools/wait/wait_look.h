/* wait_look: the looks at all threads: what each did since the look before, and which waits were
 * long. */
#ifndef PQ_WAIT_WAIT_LOOK_H
#define PQ_WAIT_WAIT_LOOK_H

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

/* Of a thread that has run since the look before: learns its CPU's clock, if that is due. */
void wait_clock_learn(struct watch *w, const struct wait_thread *t);

/* When the thread left its CPU, as a moment's mono_ns. False when it is not known. */
bool wait_clock_left(struct watch *w, const struct wait_thread *t, int64_t *ns);

/* The thread, its process, and their names. */
void wait_fill_whose(
    const struct wait_looks *s, const struct wait_thread *t, struct wait_whose *out);

/* How the time since the look before was spent by one that has run in it. The kernel's wait_ns
 * grows when a wait ends, by all of it: what was counted of it before is not counted again. The
 * sleep was where it sleeps now; or, when it does not, where it slept before. */
void wait_split(struct watch *w, struct wait_thread *t, const struct task_sched *now,
    const struct wait_place *before);

/* Of one that was ready at both looks it is not yet known where the rest went: a wait, or a run,
 * may go on and be added later. What was not by the next time is sleep. For a row it is decided
 * earlier: it is taken to wait. */
void wait_decide(struct watch *w, struct wait_thread *t);

/* Adds time of the thread's to its place. It has stood still there for stood_ns; 0: it has not. */
void wait_count(struct watch *w, const struct wait_thread *t, const struct wait_place *place,
    int64_t ns, int64_t stood_ns);

#endif
