/* list: the lower part of pq top: cgroups, processes or threads, and what each waits for. */
#ifndef PQ_TOP_LIST_H
#define PQ_TOP_LIST_H

#include "commands/top/frame.h"
#include "commands/why/why.h"

enum list_view { VIEW_CGROUPS, VIEW_PROCESSES, VIEW_THREADS };

/* In % of the interval: 100 is one thread that did nothing else. NaN: unknown. */
enum list_column {
	LIST_HURT, /* the sum of all waits: the usual order */
	LIST_CPU,
	LIST_WAIT,
	LIST_QUOTA,
	LIST_MEMORY,
	LIST_IO,
	LIST_LOCK,
	LIST_COLUMNS,
	LIST_NAME = LIST_COLUMNS, /* sorts only */
	LIST_SORTS
};

struct list_entry {
	const char *key;       /* the path of the cgroup, or "PID", or "PID/TID" */
	const char *name, *of; /* for people: its name, and the cgroup of a task, or NULL */
	const char *pid, *tid; /* NULL: none */
	const char *process;   /* the name of a thread's process, for the filter; or NULL */
	double value[LIST_COLUMNS];
	double rank;
};

enum { FILTER_MOST = 64 };

/* Zero-initialise to start. */
struct list {
	enum list_view view;
	int sort; /* enum list_column */
	char filter[FILTER_MOST];
	/* of the last row: all of them */
	struct list_entry *all;
	size_t n, room;
	struct arena arena;
	struct map keys;
	/* those that the filter lets through, sorted */
	struct list_entry **shown;
	size_t nshown, shown_room;
	size_t top;     /* the first one on the screen */
	char *selected; /* its key; NULL: the first one */
};

/* The samplers that only the list needs, beside the evidence. */
struct list_samplers {
	struct sampler *wait;    /* what each thread waits for */
	struct sampler *threads; /* a row per thread; NULL: the list does not show threads */
};

/* Takes the entries of a row. */
void list_take(struct list *l, const struct evidence *e, const struct list_samplers *s);

/* Sorts and filters them anew, after a change of sort, filter or view. */
void list_arrange(struct list *l);

/* Sorts by the next column, or with step -1 by the one before. */
void list_sort_by_next(struct list *l, int step);

/* Moves the selection by so many entries. */
void list_move(struct list *l, long by);

/* The selected entry, or NULL. */
const struct list_entry *list_selected(const struct list *l);

/* Draws the heading and as many entries as fit. Without `marked`, no entry is shown as selected. */
void list_draw(struct list *l, struct frame *f, int line, int lines, bool marked);

/* "waits", "%CPU", … */
const char *list_sort_name(int sort);

void list_free(struct list *l);

#endif
