/*
 * option: how a tool declares its command-line options. One table parses them, prints --help, and
 * tells the completions and the documents' check what there is. A tool declares its table beside
 * its columns, and reads its own struct:
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
	OPTION_FLAG,    /* no argument: bool */
	OPTION_TEXT,    /* const char * */
	OPTION_LIST,    /* const char *, each time it is given: struct option_list */
	OPTION_COMMAND, /* this word and all that follow: char **, NULL at the end */
	OPTION_NUMBER,  /* 1 to `most`: unsigned */
	OPTION_ROWS,    /* the same, and OPTION_ROWS_UNSET unless given */
	OPTION_SHARE,   /* 0.001 to 1: double */
	OPTION_TIME,    /* a length of time from 1 ms to 31 days, in ns: int64_t */
	OPTION_DELAY,   /* the same, or 0 */
	OPTION_SIZE,    /* bytes: uint64_t */
	OPTION_WHEN,    /* a point in time: struct when_option, of base/units.h */
	OPTION_CHOICE,  /* one of `choices`; its place among them, counted from 1: int */
	OPTION_CPUS,    /* struct cpu_choice, of tools/tool.h */
};

enum { OPTION_LIST_MOST = 32 };

#define OPTION_ROWS_UNSET UINT_MAX

struct option_list {
	const char *v[OPTION_LIST_MOST];
	int at[OPTION_LIST_MOST]; /* places on the command line, to merge two lists in order */
	int n;
};

struct option {
	char letter;      /* 0: it has only its name */
	const char *name; /* NULL: it has only its letter */
	const char *arg;  /* the argument, as --help shows it; NULL: it takes none */
	enum option_type type;
	size_t at;        /* where in the table's struct the value is put */
	const char *help; /* one line for --help */

	const char *want;            /* of an argument: what would be right */
	const char *not_with;        /* the options that it excludes: "-p --json" */
	uint64_t most;               /* of a number */
	const char *const *choices;  /* and NULL */
	const char *group;           /* this flag shows that group of columns, too */
	const struct format *format; /* this flag chooses that output format */
};

#endif
