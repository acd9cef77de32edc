/* column_choice: which columns of a tool are shown, and which have a sparkline. A list with a wrong
 * name ends the program with one line and EXIT_USAGE. */
#ifndef PQ_CLI_COLUMN_CHOICE_H
#define PQ_CLI_COLUMN_CHOICE_H

#include "table/spark.h"
#include "tools/tool.h"

/* What the command line says about columns. */
struct column_wish {
	const char *list;        /* -c: these columns and no others; NULL: not given */
	const char *groups;      /* -w: groups of columns, or "" */
	const char *const *also; /* groups that other options show, then NULL */
	const char *usual;       /* the tool's own default columns; NULL: those without a group */
	bool all_groups;         /* the rows are for programs */
	bool folded;             /* a row is a line for flame graphs: labels and one figure */
};

struct column_choice {
	const struct tool *tool;
	int shown[COLUMNS_MOST]; /* the columns, in order */
	int nshown;
	int sparks[SPARKS_MOST]; /* the columns with a sparkline */
	int nsparks;
};

/* Fills *c. Without -c, it shows the usual columns and those of all groups that are wished. */
void columns_choose(struct column_choice *c, const struct tool *t, const struct column_wish *w);

/* Gives a sparkline to the listed columns, which must be shown figures; "": to the tool's main
 * figures or, if none of them is shown, to the first figure. */
void columns_spark(struct column_choice *c, const char *list);

/* The columns that the argument of --labels names, as bits; labels: NULL if it is not given. It may
 * name only columns that some tool has as names of a cgroup. */
uint64_t columns_labels(const struct column *columns, const char *labels);

/* What the argument of --labels is. */
extern const char labels_want[];

/* Ends the program: the tool has no column of that key. It suggests one that is near. */
_Noreturn void columns_unknown(const struct tool *t, struct text key);

/* Prints a line for each column on stdout: key, heading, kind, unit, group and help. */
void columns_print(const struct tool *t);

#endif
