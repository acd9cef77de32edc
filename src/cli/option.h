/* option: the command line. One table of options parses them, prints --help, and tells completion
 * what there is. */
#ifndef PQ_CLI_OPTION_H
#define PQ_CLI_OPTION_H

#include "table/formats.h"
#include "tools/tool.h"
#include "cli/when.h"

struct given;

struct options {
	const struct tool *tool;
	struct request ask;
	const struct format *format;
	/* all words: what a command takes beside this, it looks for itself */
	const struct given *given;
	const char *source;    /* -f: a tape, "-", or a directory of moments; NULL: live */
	const char *from, *to; /* --from and --to, or NULL */
	struct when from_when, to_when;
	bool follow;
	const char *out;     /* -o: a tape, or NULL */
	const char *root;    /* --root, or NULL */
	int64_t interval_ns; /* 0: none was given */
	uint64_t count;      /* rows to print; 0: until stopped */
	int64_t tick_ns;
	bool utc;
	int shown[COLUMNS_MOST]; /* the columns, in order */
	int nshown;
};

/* Fills *o from the words behind the tool's name. --help, --columns and --version print and exit; a
 * wrong argument ends the program with one line and EXIT_USAGE. */
void options_parse(struct options *o, const struct tool *tool, struct given *g, char **words);

/* Sets the interval and the count from their words, each NULL when it was not given. */
void options_numbers(struct options *o, const char *interval, const char *count);

/* "1", "0.1", "100ms", "2s", "1m", "1h" into nanoseconds: 0, or -1 when it is none, or not from 1
 * ms to 31 days. */
int interval_parse(struct text t, int64_t *ns);

#endif
