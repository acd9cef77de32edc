/* plan: what pq record and pq trace are told about saving: conditions, windows, and a command. */
#ifndef PQ_RECORDER_PLAN_H
#define PQ_RECORDER_PLAN_H

#include "cli/tool_list.h"
#include "expr/expr.h"

struct saving_options {
	struct option_list when;
	const char *save; /* the directory of --save, or NULL */
	int64_t before_ns, after_ns, cooldown_ns, exec_limit_ns;
	unsigned max_saves;
	uint64_t max_bytes;
	double budget;  /* share of a CPU */
	char **command; /* of --exec; NULL: none */
};

/* The options that fill it, as a part of a command's own options. */
extern const struct option saving_options[];

/* The defaults. */
#define SAVING_USUAL \
	{ \
		.before_ns = INT64_C(60000000000), .after_ns = INT64_C(10000000000), \
		.cooldown_ns = INT64_C(300000000000), .exec_limit_ns = INT64_C(60000000000), \
		.budget = 0.01, .max_saves = 20, .max_bytes = UINT64_C(1) << 30 \
	}

struct plan {
	const struct saving_options *own;
	struct tool_list list; /* tools whose rows the conditions may use */
	char *directory;       /* of saved windows */
	/* of own->when. NULL: a condition on a single wait, that it is longer than over_ns */
	struct expr *expr[OPTION_LIST_MOST];
	int64_t over_ns[OPTION_LIST_MOST];
};

/* Fills in the conditions, on the tools of the list and, with `waits`, on single waits. A wrong one
 * ends the program, as in the next two. */
void plan_conditions(struct plan *p, bool waits);

/* Fills the list with the tools of all that the conditions use, to be read at this interval. */
void plan_tools(struct plan *p, const struct target *t, int64_t interval_ns);

/* Sets the directory of saved windows, which must exist. */
void plan_directory(struct plan *p, const char *path);

/* The shortest wait that a condition is about; 0: none is. */
int64_t plan_least_wait_ns(const struct plan *p);

void plan_free(struct plan *p);

#endif
