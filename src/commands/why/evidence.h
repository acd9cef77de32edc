/* evidence: what pq why judges by: the rows of the tools, each of them once, and how memory
 * grew. */
#ifndef PQ_WHY_EVIDENCE_H
#define PQ_WHY_EVIDENCE_H

#include "session/session.h"

/* RUNQ, CPUS, PSI and TASKS are of the machine; those with TARGET of -p or -g, and without one not
 * there. */
enum view {
	VIEW_RUNQ,
	VIEW_CPUS,
	VIEW_THROTTLE,
	VIEW_MEM,
	VIEW_GROWTH,
	VIEW_PSI,
	VIEW_TARGET_PSI,
	VIEW_TASKS,
	VIEW_TARGET,
	VIEW_WAIT,
	VIEWS
};

/* How the memory of a cgroup grew that cannot be reclaimed, looked at in each step. */
struct growth {
	char *cgroup;
	double first, last, least_step; /* bytes; the least growth from one step to the next */
	double limit;
	unsigned steps;
};

enum { GROWTHS_MOST = 64 };

struct evidence {
	struct session session;
	struct sampler *view[VIEWS]; /* NULL: it is not looked at */
	const struct request *ask;
	struct growth growth[GROWTHS_MOST];
	size_t ngrowth;
	bool utc; /* how times are told */
};

/* Begins to watch the machine, or whom the options ask for, for span_ns. False when a signal
 * stops it. */
bool evidence_begin(struct evidence *e, const struct options *o, int64_t span_ns);

/* Watches to the end of the span, or of the recording. */
void evidence_watch(struct evidence *e);

/* How many rows a view has; 0 when it is not there. */
size_t evidence_rows(const struct evidence *e, enum view v);

/* A figure by its column's key, NaN when it is unknown, or not there; a label, or "". */
double evidence_num(const struct evidence *e, enum view v, size_t row, const char *key);
const char *evidence_text(const struct evidence *e, enum view v, size_t row, const char *key);

/* The row with the largest figure; evidence_rows when none is known. */
size_t evidence_most(const struct evidence *e, enum view v, const char *key);

/* The row whose label under the key is this one; evidence_rows when there is none. */
size_t evidence_find(const struct evidence *e, enum view v, const char *key, const char *label);

/* How many CPUs are online; NaN when it is not known. */
double evidence_cpus(const struct evidence *e);

/* Whether somebody was asked for, and words to ask the tools for the same: " -p 4242", " -g /web",
 * or "". */
bool evidence_has_target(const struct evidence *e);
const char *evidence_words(const struct evidence *e, char out[256]);

void evidence_end(struct evidence *e);

#endif
