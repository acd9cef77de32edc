/* triggers: the conditions of --when. Each fires when it becomes true, and again only after it was
 * clearly false. */
#ifndef PQ_RECORDER_TRIGGERS_H
#define PQ_RECORDER_TRIGGERS_H

#include "commands/recorder/saves.h"
#include "expr/expr.h"
#include "session/session.h"

/* Zero-initialise, then set the first two. */
struct trigger {
	const struct expr *when; /* NULL: about a single wait */
	int64_t cooldown_ns;     /* the least time between two firings */
	bool disarmed;           /* it has fired, and was not clearly false since */
	/* consecutive samples that count towards firing, or towards arming when disarmed */
	uint64_t run;
	int64_t since_ns; /* the first of them */
	int64_t known_ns; /* the last sample that was not unknown */
	int64_t held_ns; /* the last sample that was true, by the relaxed condition when disarmed */
	bool fired;      /* at fired_ns for the last time; suppressed firings do not count */
	int64_t fired_ns;
	bool pending;        /* suppressed; it fires after the cool-down if it is still true */
	uint64_t suppressed; /* how often; the caller resets it when it has reported it */
	bool unknown;        /* it was unknown at some time */
	bool told;           /* for the caller: that it was unknown was reported */
};

enum trigger_event { TRIGGER_NOTHING, TRIGGER_FIRES, TRIGGER_SUPPRESSED };

/*
 * Takes the next sample, at this monotonic time.
 *
 * An armed trigger fires when its condition was true for the samples or the time of its `for`, else
 * for one sample. A disarmed one is armed again when the relaxed condition was false that long.
 * Unknown samples are skipped, as the share of a quota is unknown in a sample in which no period
 * ends; when they last longer than a second, both counts start over.
 *
 * *hit (may be NULL) has the reason of TRIGGER_FIRES and TRIGGER_SUPPRESSED.
 */
enum trigger_event trigger_step(
    struct trigger *t, const struct expr_now *now, int64_t mono_ns, struct expr_hit *hit);

/* The triggers of a plan. */
struct triggers {
	struct saves *saves; /* with the plan and the journal */
	int64_t from_ns;     /* CLOCK_MONOTONIC: waits that ended before are not looked at */
	struct trigger v[OPTION_LIST_MOST];
};

/* Whether a condition needs rows of the plan's tool with this index. */
bool triggers_use(const struct plan *p, size_t tool);

void triggers_begin(struct triggers *t, struct saves *s);

/* Evaluates the conditions on the rows of this sample, and asks for a save when one fires. The
 * session's samplers are in the order of the plan's tools. */
void triggers_step(struct triggers *t, const struct session *s);

/* A thread that got a CPU after a wait for it. */
struct waited {
	int64_t ns;
	uint32_t tid;
	void (*name)(void *ctx, uint32_t tid, char *out, size_t n); /* prints who it is */
	void *ctx;
};

/* Asks for a save if that wait, which ended at this time, is longer than a condition says. Such a
 * condition fires at most once a second. */
void triggers_waited(struct triggers *t, const struct sample *m, const struct waited *w);

/* From when on a wait may fire, CLOCK_MONOTONIC; INT64_MAX: there is no such condition. */
int64_t triggers_waits_from_ns(const struct triggers *t);

#endif
