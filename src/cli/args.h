/* args: the command line, parsed by the tables of options that tools declare (base/option.h). */
#ifndef PQ_CLI_ARGS_H
#define PQ_CLI_ARGS_H

#include "base/units.h"
#include "expr/expr.h"
#include "table/table.h"
#include "tools/tool.h"

enum { WORDS_MOST = 64, OWN_OPTIONS_MOST = 2048 };

struct options {
	const struct tool *tool; /* or the form of it that the options ask for */
	struct request ask;      /* the target, and the tool's own options */
	const struct format *format;
	const char *source; /* -f: a tape, "-", or a directory of samples; NULL: live */
	struct when_option from, to;
	bool follow;
	const char *root;    /* --root, or NULL */
	const char *out;     /* -o: a tape, or NULL */
	int64_t interval_ns; /* 0: not given */
	uint64_t count;      /* rows to print; 0: until stopped */
	bool utc;
	const char *columns, *groups; /* -c and -w, or NULL */
	int shown[COLUMNS_MOST];      /* the columns, in order */
	int nshown;
	const char *word[WORDS_MOST]; /* arguments that are no options */
	int words;
	bool help, version, list;                         /* --help, --version, --columns */
	bool formatted;                                   /* by --json, --csv or --metrics */
	_Alignas(max_align_t) char own[OWN_OPTIONS_MOST]; /* what ask.options points to */
};

/* Options that several commands share. Tools that print rows have all of them. */
extern const struct option option_source, option_from, option_to, option_root, option_out;

/* Fills *o from the words after the tool's name. --help, --columns and --version print and exit; a
 * wrong argument ends the program with one line and EXIT_USAGE. */
void options_parse(struct options *o, const struct tool *tool, char **words);

/* Sets the interval and the count from their words, each NULL when it was not given. Wrong ones end
 * the program with EXIT_USAGE. */
void options_numbers(struct options *o, const char *interval, const char *count);

/* "1", "0.1", "100ms", "2s", "1m", "1h", "1d" into nanoseconds, from 1 ms to 31 days. 0, or -1. */
int interval_parse(struct text t, int64_t *ns);

/* Ends the program with EXIT_USAGE unless -p is a process number and -g a name. */
void target_check(const struct target *t);

/* expr_parse for an option, or "EXPR" for an argument. A wrong expression ends the program with
 * EXIT_USAGE, one line, and the expression with a mark below the character that is wrong. */
struct expr *condition_parse(
    const char *option, const char *source, const struct expr_tool *tools, size_t n);

/* Ends the program in the same way. */
_Noreturn void condition_wrong(const char *option, const char *source, const struct expr_error *e);

#endif
