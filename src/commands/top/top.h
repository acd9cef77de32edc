/*
 * top: what the parts of pq top share. top.c has the command, its loop and its keys; rows.c runs the
 * session, and goes through the time of a recording; ring.c keeps the last minutes of a live machine and
 * saves them; draw.c puts panel.c, list.c and detail.c together into a frame.
 */
#ifndef PQ_TOP_TOP_H
#define PQ_TOP_TOP_H

#include "cli/args.h"
#include "commands/top/detail.h"
#include "commands/top/frame.h"
#include "commands/top/keys.h"
#include "commands/top/list.h"
#include "commands/top/panel.h"
#include "commands/top/ring.h"
#include "commands/why/why.h"

enum top_page { PAGE_LIST, PAGE_DETAIL, PAGE_HELP };

enum { TOP_MESSAGE = 320, TOP_NOTES = 40 };

struct top_options {
	int view, sort;     /* 1 and more: as in enum list_view; in the order of top_sorts */
	const char *filter; /* NULL: none */
	unsigned rows;      /* of the list, without a terminal */
	uint64_t keep;      /* bytes of the ring */
	const char *svg;    /* the file for a picture: then it prints nothing; NULL: none */
	bool plain;
};

struct top {
	const struct options *options;
	const struct top_options *own;
	struct host *host; /* of the session */
	int64_t interval_ns;
	bool screen; /* a full screen with keys, not rows */

	struct evidence machine;
	bool runs; /* the machine's session has begun */
	struct list_samplers samplers;
	struct arena arena;            /* their options */
	struct sample last;            /* where the next row begins */
	struct sample shown, previous; /* the ends of the last row, and of the one before it */
	bool ended;                    /* a recording: there are no more rows */
	struct ring ring;

	enum top_page page, before_help;
	struct detail detail;
	struct panel panel, *frozen; /* frozen: what was shown then; NULL: it goes on */
	struct list list;
	struct frame frame;
	int screenful; /* lines of the list, the details or the help that the last frame showed */
	bool editing;  /* the filter */
	char message[TOP_MESSAGE];
	struct scroll help;

	char *notes[TOP_NOTES]; /* of the tools, each once */
	size_t nnotes;
};

/* rows.c */

/* Opens the host and starts the session. False if a signal stops it. */
bool top_begin(struct top *t);
void top_end(struct top *t);

/* Lets the session do what is due. True if it made a row, which the panel and the list have then taken,
 * unless the screen is frozen. */
bool top_step(struct top *t);

/* Goes on to the next row of a recording; false at its end. */
bool top_next_row(struct top *t);

/* Whether the recording can be read again: it is no pipe. */
bool top_can_seek(const struct top *t);

/* Goes to the row of a recording that ends at that sample, or the first one after it. */
bool top_seek(struct top *t, const struct sample *to);

/* Shows another kind of rows in the list. */
void top_view(struct top *t, enum list_view v);

/* Opens the details of a target, and closes them. The strings are copied. */
void top_open_detail(struct top *t, const struct target *target, const char *title);
void top_close_detail(struct top *t);

/* Stops the screen, or lets it go on. */
void top_freeze(struct top *t, bool frozen);

/* draw.c: fills the frame. `plain`: it is printed, without keys. */
void top_draw(struct top *t, int width, int height, bool plain);

#endif
