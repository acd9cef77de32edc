/* triggers: when a condition fires: once when it begins to hold, and again only after it was
 * clearly over; and the conditions of a recorder. */
#ifndef PQ_RECORD_TRIGGERS_H
#define PQ_RECORD_TRIGGERS_H

#include "commands/record/saves.h"
#include "expr/expr.h"
#include "session/session.h"

/* Zero-initialise, then set when. */
struct trigger {
	const struct expr *when;
	bool disarmed; /* it has fired, and is not over yet */
	/* consecutive samples that speak for firing, or when disarmed for being armed again */
	uint64_t run;
	int64_t since_ns; /* the first of them */
	int64_t known_ns; /* the last sample that was not unknown */
	int64_t held_ns;  /* the last sample in which it held, relaxed when disarmed */
	bool fired;       /* at fired_ns for the last time; a suppressed one does not count */
	int64_t fired_ns;
	/* it was suppressed, and may still hold when the cool-down is over */
	bool pending;
	uint64_t suppressed; /* how often; the caller sets it to 0 when it tells it */
	bool unknown;        /* it was unknown at some time */
	bool told;           /* the caller's: that was told */
};

struct trigger_rules {
	int64_t cooldown_ns; /* the least time between two firings */
};

enum trigger_event { TRIGGER_NOTHING, TRIGGER_FIRES, TRIGGER_SUPPRESSED };

/* Takes the next sample, at this monotonic time. It fires when the condition held for as many
 * samples, or as long, as its `for` says (else one sample), and then when the relaxed condition was
 * false so long in between. Samples that are unknown are passed over (when no period of a quota
 * ends in a sample, its share is), but where it is unknown for longer than a second both begin
 * anew. *hit (may be NULL) tells why when it fires or is suppressed, and is of no meaning
 * otherwise. */
enum trigger_event trigger_step(struct trigger *t, const struct expr_now *now, int64_t mono_ns,
    const struct trigger_rules *rules, struct expr_hit *hit);

/* The conditions of a recorder. */
struct triggers {
	const struct plan *plan;
	struct saves *saves;
	struct journal *journal;
	struct trigger v[OPTION_LIST_MOST];
};

/* Whether a condition asks for rows of this tool, by its place in the plan. */
bool triggers_use(const struct plan *p, size_t tool);

void triggers_begin(struct triggers *t, const struct plan *p, struct saves *s, struct journal *j);

/* Looks at the rows of this sample, of samplers in the plan's order, and asks for what is to be
 * saved. */
void triggers_step(struct triggers *t, const struct session *s);

#endif
