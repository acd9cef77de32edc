/* saves: the windows of the recording that are to be saved. They are saved one after the other, and
 * --exec runs its command for each. */
#ifndef PQ_RECORD_SAVES_H
#define PQ_RECORD_SAVES_H

#include <stddef.h>
#include <stdint.h>

#include "commands/record/journal.h"
#include "commands/record/plan.h"
#include "session/job.h"
#include "tape/file.h"

/* Why a window is saved. */
struct reason {
	const char *expr; /* the condition, or "asked for by SIGUSR1"; it outlives the save */
	char column[96];  /* "throttle.throttled_pct", or "" */
	char label[1024]; /* of the row, or "" */
	char name[1024];  /* what people call that, or "" */
	double value, threshold;
	uint64_t suppressed; /* triggers that were not reported before */
};

struct save {
	struct reason reason;
	int64_t at_ns;      /* the trigger, CLOCK_REALTIME */
	struct span window; /* CLOCK_MONOTONIC, which nobody sets */
	int64_t due_ns;     /* when the window is complete, CLOCK_MONOTONIC */
	char path[4096];    /* set when the copy starts */
};

enum { SAVES_MOST = 8 };

struct saves {
	const struct plan *plan;
	struct journal *journal;
	const struct host_facts *facts;
	const struct tape_file *tape;
	struct save v[SAVES_MOST]; /* v[0] is in progress, or waits to be due */
	size_t n;
	struct job job;
	bool running_command; /* the job is the command of v[0], else its copy */
	bool stopping;        /* no command is run while windows wait */
	uint64_t refused;     /* triggers without a save that were not reported yet */
};

/* Asks for the window around this sample, or with `after` false for the part before it. Logs the
 * trigger, and why the save is refused if it is. */
void saves_ask(struct saves *s, const struct sample *m, const struct reason *why, bool after);

/* Does what is due now, without waiting. */
void saves_step(struct saves *s, int64_t mono_ns, int64_t real_ns);

/* For the end of the recorder: saves all windows with the samples that exist. Waits some seconds at
 * most. */
void saves_finish(struct saves *s);

#endif
