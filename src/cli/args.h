/* args: parses the command line by the tables of options that tools declare (base/option.h). */
#ifndef PQ_CLI_ARGS_H
#define PQ_CLI_ARGS_H

#include "base/units.h"
#include "expr/expr.h"
#include "table/spark.h"
#include "tools/tool.h"

enum { WORDS_MOST = 64, OWN_OPTIONS_MOST = 2048 };

/* The argument of --color. */
enum colour { COLOUR_UNSET, COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

struct options {
	const struct tool *tool; /* or the form of it that the options select */
	struct request ask;      /* the target, and the tool's own options */
	const struct format *format;
	const char *source; /* -f: a recording, "-", or a captured directory; NULL: live */
	struct when_option from, to;
	bool follow;
	const char *root;    /* --root, or NULL */
	const char *out;     /* -o: the file of a recording, or NULL */
	int64_t interval_ns; /* 0: not given */
	uint64_t count;      /* rows to print; 0: until stopped */
	bool utc, full;
	const char *labels;           /* --labels, or NULL */
	const char *columns, *groups; /* -c and -w, or NULL */
	int shown[COLUMNS_MOST];      /* the columns, in order */
	int nshown;
	const char *spark;       /* --spark: "", or a list of columns; NULL: not given */
	int sparks[SPARKS_MOST]; /* the columns with a sparkline */
	int nsparks;
	int colour;                   /* --color: enum colour */
	const char *word[WORDS_MOST]; /* arguments that are not options */
	int words;
	bool help, version, list;                         /* --help, --version, --columns */
	bool fit;                                         /* print the rows that fit the terminal */
	bool formatted;                                   /* --json, --csv or --metrics */
	_Alignas(max_align_t) char own[OWN_OPTIONS_MOST]; /* what ask.options points to */
};

/* Options that commands share with the tools that print rows, which have all of them. */
extern const struct option option_source, option_from, option_to, option_root, option_out,
    option_labels;

/* Fills *o from the words after the tool's name. --help, --columns and --version print and exit. A
 * wrong argument ends the program with one line and EXIT_USAGE, as in all functions below. */
void options_parse(struct options *o, const struct tool *tool, char **words);

/* The columns of --labels, as bits; it names only columns that some tool has as names of a cgroup. */
uint64_t options_labels(const struct options *o, const struct column *columns);

/* Sets the interval and the count from their words; NULL: not given. */
void options_numbers(struct options *o, const char *interval, const char *count);

/* Parses "1", "0.1", "100ms", "2s", "1m", "1h" or "1d" into nanoseconds, from 1 ms to 31 days.
 * Returns 0, or -1. */
int interval_parse(struct text t, int64_t *ns);

/* Checks that -p is a process number and -g a name. */
void target_check(const struct target *t);

/* Parses the expression of an option, or of an argument ("EXPR"). The error for a wrong one also
 * shows the expression, with a mark below the wrong character. */
struct expr *condition_parse(
    const char *option, const char *source, const struct expr_tool *tools, size_t n);

/* Ends the program with that error. */
_Noreturn void condition_wrong(const char *option, const char *source, const struct expr_error *e);

#endif
