/*
 * option: how a tool declares its command-line options. cli/args.c finds them by this table and
 * prints --help from it. The completions and scripts/check-docs read that; the completions take the
 * words of a CHOICE from the error for a wrong one. A tool declares its table beside its columns, and
 * reads its own struct:
 *
 *  struct runq_options { int64_t tick_ns; };
 *  static const struct option options[] = {
 *  	{ 0, "tick", "TIME", OPTION_TIME, offsetof(struct runq_options, tick_ns),
 *  	    .help = "sample the run queue this often (default 10ms)" },
 *  	{ .type = OPTION_END },
 *  };
 */
#ifndef PQ_BASE_OPTION_H
#define PQ_BASE_OPTION_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct format;

/* What an option's argument is, and what it is parsed into. */
enum option_type {
	OPTION_END,     /* of a table */
	OPTION_TABLE,   /* no option, but those of `table`, for the struct at `at` */
	OPTION_FLAG,    /* no argument: bool */
	OPTION_TEXT,    /* const char * */
	OPTION_PATH,    /* the same, of a file or directory: a word that is an option is refused */
	OPTION_LIST,    /* const char *; the option may be repeated: struct option_list */
	OPTION_COMMAND, /* this word and all that follow: char **, NULL at the end */
	OPTION_NUMBER,  /* 1 to `most`: unsigned */
	OPTION_ROWS,    /* the same; OPTION_ROWS_UNSET as the default means what fits the screen */
	OPTION_SHARE,   /* 0.001 to 1, or 0.1% to 100%: double */
	OPTION_TIME,    /* a duration from 1 ms to 31 days, in ns: int64_t */
	OPTION_DELAY,   /* the same, or 0 */
	OPTION_SIZE,    /* bytes: uint64_t */
	OPTION_WHEN,    /* a point in time: struct when_option, of base/units.h */
	OPTION_CHOICE,  /* one of `choices`; its index among them, counted from 1: int */
	OPTION_CPUS,    /* struct cpu_choice, of tools/tool.h */
};

enum { OPTION_LIST_MOST = 32 };

#define OPTION_ROWS_UNSET UINT_MAX

struct option_list {
	const char *v[OPTION_LIST_MOST];
	int at[OPTION_LIST_MOST]; /* positions on the command line, to merge two lists in order */
	int n;
};

struct option {
	char letter;      /* 0: none */
	const char *name; /* NULL: none */
	const char *arg;  /* the argument, as --help shows it; NULL: none */
	enum option_type type;
	size_t at;        /* offset of the value in the tool's struct */
	const char *help; /* one line for --help */

	const struct option *table;  /* TABLE: it has no such line itself */
	const char *implied;         /* the argument may be left out; only "--name=" gives it */
	const char *want;            /* for errors: which arguments are valid; CHOICE: none */
	const char *not_with;        /* options that cannot be combined with it: "-p --json" */
	bool writes;                 /* PATH: a file to write; "-" is stdout (base/out_file.h) */
	uint64_t most;               /* NUMBER, ROWS: the largest valid one */
	const char *const *choices;  /* CHOICE: the valid words, then NULL; errors list them */
	const char *group;           /* FLAG: also shows this group of columns */
	const struct format *format; /* FLAG: selects this output format */
};

#endif
