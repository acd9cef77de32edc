/* crew: the tools of a plan at work, all at the same moments: what a recorder and an exporter have
 * in common. */
#ifndef PQ_SESSION_CREW_H
#define PQ_SESSION_CREW_H

#include "session/sampler.h"
#include "commands/record/plan.h"

/* Zero-initialise, then set the first four. */
struct crew {
	const struct plan *plan;
	struct host *host;
	/* what a tool notes, each line once */
	void (*say)(void *about, const struct tool *, const char *message);
	void *about;
	struct sampler samplers[TOOLS_MOST]; /* in the plan's order */
	/* when one that has nothing to read is tried again */
	int64_t again_ns[TOOLS_MOST];
	bool quiet; /* that is being tried */
	/* what was asked for is not there: at the first moment */
	enum exit_status refused;
};

void crew_begin(struct crew *c);

/* Between the moments at which all is read: those look that are cheap enough. */
void crew_tick(struct crew *c, const struct moment *m);

/* All read. False when that cannot go on: none has anything to read, nor will have, or what was
 * asked for is not there. */
bool crew_read(struct crew *c, const struct moment *m, bool first);

/* At the end: why nothing at all could be read, when `nothing` was; else EXIT_DONE. */
enum exit_status crew_status(const struct crew *c, bool nothing);

void crew_end(struct crew *c);

#endif
