/* plan: what a recorder is to do, from its command line. */
#ifndef PQ_RECORD_PLAN_H
#define PQ_RECORD_PLAN_H

#include "cli/args.h"
#include "expr/expr.h"

enum { TOOLS_MOST = 16 };

/* So many rows of a tool that shows the worst, such as pq tasks, are recorded and exported. */
enum { PLAN_ROWS = 20 };

struct record_options {
	uint64_t ring; /* bytes; 0: none was given */
	struct option_list when;
	const char *save; /* the directory for what is saved */
	int64_t before_ns, after_ns, cooldown_ns, exec_limit_ns;
	unsigned max_saves;
	uint64_t max_bytes;
	bool json;      /* log as JSON */
	char **command; /* of --exec; NULL: none */
};

struct plan {
	const struct options *options;
	const struct tool *tool[TOOLS_MOST]; /* that are recorded */
	struct request ask[TOOLS_MOST];      /* what of -p, -g and -a each of them takes */
	struct arena arena;                  /* of their options */
	size_t tools;
	char names[256]; /* theirs, with blanks between them */
	int64_t interval_ns;
	uint64_t count; /* moments; 0: until stopped */
	char *tape;     /* where to: a file, or "-" */
	uint64_t ring;  /* 0: none was given */
	const char *when[OPTION_LIST_MOST];
	struct expr *expr[OPTION_LIST_MOST];
	size_t whens;
	char *directory; /* for what is saved */
	int64_t before_ns, after_ns, cooldown_ns, exec_limit_ns;
	uint64_t max_saves, max_bytes;
	char **command; /* NULL: none */
	bool json;      /* what is said */
};

/* Only the tools, what they are asked, the interval (usual_ns if none was given) and the count, as
 * a command of the form [interval [count]] [TOOL...] has them. A wrong argument ends the program
 * with one line and EXIT_USAGE. */
void plan_tools(struct plan *p, const struct options *o, int64_t usual_ns);

/* Fills the plan; a wrong argument ends the program with one line and EXIT_USAGE. */
void plan_make(struct plan *p, const struct options *o);

void plan_free(struct plan *p);

#endif
