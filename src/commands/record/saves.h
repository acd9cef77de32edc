/* saves: windows of the tape that are to be saved, one after the other, and the command that is run
 * for each. */
#ifndef PQ_RECORD_SAVES_H
#define PQ_RECORD_SAVES_H

#include <stddef.h>
#include <stdint.h>

#include "session/job.h"
#include "commands/record/journal.h"
#include "commands/record/plan.h"
#include "tape/file.h"

/* Why a window is saved. */
struct reason {
	/* the condition, or how it was asked for; it lives as long as the recorder */
	const char *expr;
	char column[96];  /* "throttle.throttled_pct", or "" */
	char label[1024]; /* of the row, or "" */
	double value, threshold;
	uint64_t suppressed; /* firings that were not told before */
};

struct save {
	struct reason reason;
	int64_t at_ns;      /* CLOCK_REALTIME: when it fired */
	struct span window; /* CLOCK_MONOTONIC, which nobody sets */
	int64_t due_ns;     /* … when it is complete */
	char path[4096];    /* when it is begun */
};

enum { SAVES_MOST = 8 };

struct saves {
	const struct plan *plan;
	struct journal *journal;
	const struct host_facts *facts;
	const struct tape_file *tape;
	struct save v[SAVES_MOST]; /* the first of them is worked on */
	size_t n;
	struct job job;
	bool running_command; /* the job is that, and not the copying */
	bool stopping;        /* no command while windows wait */
	uint64_t refused;     /* firings that came to nothing, not told yet */
};

/* Asks for the window around this sample, or only before it; the journal is told, also when that is
 * refused. */
void saves_ask(struct saves *s, const struct sample *m, const struct reason *why, bool after);

/* Does what is due now, without waiting. */
void saves_step(struct saves *s, int64_t mono_ns, int64_t real_ns);

/* The recorder stops: saves what is asked for still, and waits for that, for some seconds at
 * most. */
void saves_finish(struct saves *s);

/* saved: the directory in which windows of a tape are saved. */

#endif
