/* plan: the options of pq record, and what it makes of them. */
#ifndef PQ_RECORD_PLAN_H
#define PQ_RECORD_PLAN_H

#include "cli/tool_list.h"
#include "expr/expr.h"

struct record_options {
	uint64_t ring; /* bytes; 0: not given */
	struct option_list when;
	const char *save; /* the directory of --save, or NULL */
	int64_t before_ns, after_ns, cooldown_ns, exec_limit_ns;
	unsigned max_saves;
	uint64_t max_bytes;
	double budget;  /* share of a CPU */
	bool json;      /* log events as JSON */
	char **command; /* of --exec; NULL: none */
};

struct plan {
	const struct options *options;
	const struct record_options *own;
	struct tool_list list;
	char *tape;                          /* the file to record to, or "-" */
	char *directory;                     /* of saved windows */
	struct expr *expr[OPTION_LIST_MOST]; /* of own->when */
};

#endif
