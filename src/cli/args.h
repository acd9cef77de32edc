/* args: parses the command line by the tables of options that tools declare (base/option.h): which
 * option and which word is what. values.h says what their arguments mean. */
#ifndef PQ_CLI_ARGS_H
#define PQ_CLI_ARGS_H

#include "base/units.h"
#include "cli/column_choice.h"
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
	const char *spark;            /* --spark: "", or a list of columns; NULL: not given */
	struct column_choice chosen;  /* the columns that -c, -w and --spark select */
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

/* Sets the interval and the count from their words; NULL: not given. */
void options_numbers(struct options *o, const char *interval, const char *count);

#endif
