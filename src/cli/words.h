/* words: the words of the command line, sorted by the table of options; what they mean is
 * option.c's. */
#ifndef PQ_CLI_WORDS_H
#define PQ_CLI_WORDS_H

#include "tools/tool.h"

enum option_id {
	OPT_JSON,
	OPT_CSV,
	OPT_METRICS,
	OPT_SOURCE,
	OPT_FROM,
	OPT_TO,
	OPT_FOLLOW,
	OPT_ROOT,
	OPT_OUT,
	OPT_TO_FILE,
	OPT_RING,
	OPT_PID,
	OPT_CGROUP,
	OPT_ALL,
	OPT_CPUS,
	OPT_ALLOWED,
	OPT_BUSIEST,
	OPT_TICK,
	OPT_THREADS,
	OPT_MOST,
	OPT_COMM,
	OPT_BY_CGROUP,
	OPT_BUDGET,
	OPT_PROVENANCE,
	OPT_PERIOD,
	OPT_HISTOGRAM,
	OPT_MILLIS,
	OPT_VERBOSE,
	OPT_HZ,
	OPT_SLOW,
	OPT_IDLE,
	OPT_FOLDED,
	OPT_WHEN,
	OPT_SAVE,
	OPT_BEFORE,
	OPT_AFTER,
	OPT_COOLDOWN,
	OPT_MAX_SAVES,
	OPT_MAX_BYTES,
	OPT_EXEC_LIMIT,
	OPT_LOG_JSON,
	OPT_EXEC,
	OPT_TEXTFILE,
	OPT_INFO_JSON,
	OPT_WARN,
	OPT_CRITICAL,
	OPT_SPAN,
	OPT_DURING,
	OPT_EACH_PID,
	OPT_EACH_CGROUP,
	OPT_SHARE,
	OPT_PAGE_JSON,
	OPT_COLUMNS,
	OPT_GROUPS,
	OPT_UTC,
	OPT_LIST,
	OPT_HELP,
	OPT_VERSION,
	OPTIONS
};

/* What was given. */
enum { WORDS_MOST = 64, REPEATS_MOST = 32 };

struct given {
	bool seen[OPTIONS];
	const char *arg[OPTIONS];
	const char *word[WORDS_MOST]; /* that are no options: an interval and a count, names */
	int words;
	/* each time of what may be given again */
	struct repeated {
		enum option_id id;
		const char *arg;
	} repeated[REPEATS_MOST];
	int repeats;
	char **command; /* the words behind --exec, and NULL */
};

/* Sorts the words behind the tool's name. What is no option of this tool, lacks its argument, or is
 * given twice ends the program with one line and EXIT_USAGE. */
void words_take(struct given *g, const struct tool *t, char **words);

/* Ends the program with one line and EXIT_USAGE if both were given. */
void words_exclude(const struct given *g, enum option_id a, enum option_id b);

/* Prints --help of a tool, from the same table. */
void words_help(const struct tool *t);

#endif
