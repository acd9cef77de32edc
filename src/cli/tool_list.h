/* tool_list: the words [interval [count]] [TOOL[:INTERVAL]...] of commands that run several tools. */
#ifndef PQ_CLI_TOOL_LIST_H
#define PQ_CLI_TOOL_LIST_H

#include "cli/args.h"

/* TOOL_ROWS: how many rows each tool that shows the worst, such as pq wait, makes; RECORDED_ROWS: of
 * tools that pq record includes without being told. */
enum { TOOLS_MOST = 16, TOOL_ROWS = 20, RECORDED_ROWS = 10 };

struct tool_list {
	const struct tool *tool[TOOLS_MOST];
	struct request ask[TOOLS_MOST]; /* what of -p, -g and -a each tool takes */
	size_t n;
	int64_t own_ns[TOOLS_MOST]; /* the interval of each */
	uint64_t every[TOOLS_MOST]; /* each is read at every so many-th interval */
	char names[256];            /* their names, separated by blanks */
	char plan[400];             /* the same with intervals: "runq mem:1s" */
	int64_t interval_ns;        /* the shortest one */
	uint64_t count;             /* 0: not given */
	struct arena arena;         /* of the tools' options */
};

/* Takes the list from the options' words. Without a tool, it is the tools of pq record if the
 * command takes -o, else all that are not costly; without an interval, usual_ns. A wrong argument
 * ends the program with EXIT_USAGE. */
void tool_list_parse(struct tool_list *l, const struct options *o, int64_t usual_ns);

/* Adds a tool to a list that began zeroed. All have this interval. */
void tool_list_add(
    struct tool_list *l, const struct tool *t, const struct target *target, int64_t interval_ns);

/* Appends the names of the tools to out, each with its interval unless it is the shortest. */
void tool_list_plan(const struct tool_list *l, const uint64_t *every, char *out, size_t n);

void tool_list_free(struct tool_list *l);

#endif
