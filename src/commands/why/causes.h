/*
 * causes: what pq why knows. A rule is a function that looks at the evidence and adds what it
 * finds; a new one is written in the file of its subject, and listed there. A figure that is
 * unknown is NaN, of which every comparison is false: so a rule says nothing of what it cannot
 * know, without asking.
 */
#ifndef PQ_WHY_CAUSES_H
#define PQ_WHY_CAUSES_H

#include "commands/why/finding.h"

typedef void cause_fn(const struct evidence *e, struct findings *f);

/* Each ends with NULL. */
extern cause_fn *const causes_quota[], *const causes_cpu[], *const causes_memory[],
								*const causes_waits[];

#endif
