/* account: a recorder, and what it tells of itself: in its log, and on its tape. */
#ifndef PQ_RECORD_ACCOUNT_H
#define PQ_RECORD_ACCOUNT_H

#include "session/schedule.h"
#include "session/crew.h"
#include "commands/record/lookout.h"

struct recorder {
	struct plan plan;
	struct journal journal;
	struct tape_file tape;
	struct host *host;
	struct crew crew;
	struct lookout lookout;
	struct saves saves;
	struct schedule due;
	uint64_t lost; /* moments that could not be written */
	bool troubled; /* … the last one */
	bool told_rate;
	int64_t late_ns, worst_ns; /* summed, and the most */
	int64_t cost_told_ns;      /* when the track of its own cost was renewed */
};

/* An event in the log. */
void account_say(struct recorder *r, int64_t real_ns, const char *event, const char *message);

/* What it records, and where to; and at the end what that came to. */
void account_start(struct recorder *r);
void account_end(struct recorder *r);

/* What recording costs stands on the tape, once a second. */
void account_cost(struct recorder *r, const struct moment *m);

/* Tells once, when some moments have been written, how much they take and how long a ring lasts. */
void account_rate(struct recorder *r, const struct moment *m);

#endif
