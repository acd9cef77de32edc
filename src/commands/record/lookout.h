/* lookout: the conditions of a recorder: what fires at a moment. */
#ifndef PQ_RECORD_LOOKOUT_H
#define PQ_RECORD_LOOKOUT_H

#include "session/sampler.h"
#include "commands/record/saves.h"
#include "commands/record/trigger.h"

struct lookout {
	const struct plan *plan;
	struct saves *saves;
	struct journal *journal;
	bool begun;
	struct trigger triggers[REPEATS_MOST];
	bool wanted[TOOLS_MOST]; /* by a condition: the tool's rows are made */
	const struct table *tables[TOOLS_MOST];
};

void lookout_begin(struct lookout *l, const struct plan *p, struct saves *s, struct journal *j);

/* Looks at the rows between the last two snapshots of each tool, in the plan's order, and asks for
 * what is to be saved. */
void lookout_step(struct lookout *l, struct sampler *samplers, double cpus, const struct moment *m);

#endif
