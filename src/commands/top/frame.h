/*
 * frame: what a screen shows, as cells. It is filled anew for each frame; only the cells that differ
 * from those on the terminal are written. Text from elsewhere is clipped and made harmless: control
 * characters, and characters without a width, appear as \ooo.
 */
#ifndef PQ_TOP_FRAME_H
#define PQ_TOP_FRAME_H

#include <stdbool.h>

#include "base/buf.h"

/* A colour, and any of the others added to it. */
enum style {
	STYLE_PLAIN,
	STYLE_GREEN,
	STYLE_YELLOW,
	STYLE_RED,
	STYLE_CYAN,
	STYLE_COLOUR = 7, /* the bits of the colour */
	STYLE_BOLD = 8,
	STYLE_DIM = 16,
	STYLE_REVERSE = 32
};

/* A character of UTF-8. Of one that is two columns wide, the second cell is empty. */
struct frame_cell {
	char s[5];
	unsigned char style;
};

enum { FRAME_COLUMNS = 1000, FRAME_LINES = 500 };

/* Zero-initialise, then set `utf8` and `colour`: whether the terminal has them. */
struct frame {
	bool utf8, colour;
	int width, height;
	struct frame_cell *now, *shown; /* line by line: wanted, and on the terminal */
	bool known;                     /* `shown` is what the terminal shows */
	int line, column;               /* the next text goes there */
	unsigned style;
};

/* Begins a frame of that size, at most FRAME_COLUMNS and FRAME_LINES, with blanks only. */
void frame_begin(struct frame *f, int width, int height);

/* Goes to a place, which may be outside: then nothing is shown. */
void frame_at(struct frame *f, int line, int column, unsigned style);

/* Puts text there, up to the end of the line, or at most `room` columns. Returns how many. */
int frame_text(struct frame *f, const char *text);
int frame_clipped(struct frame *f, const char *text, int room);

/* As frame_clipped; a text that is too long ends with a mark. */
void frame_cut(struct frame *f, const char *text, int room);

/* Puts text right-aligned into the next `width` columns. A longer text loses its end. */
void frame_right(struct frame *f, const char *text, int width);

/* Puts text of at most `room` columns. A longer one loses its beginning, which a '<' shows: cgroups
 * mostly differ at their ends. */
void frame_name(struct frame *f, const char *text, int room);

/* Gives the rest of the line this style. */
void frame_fill(struct frame *f, unsigned style);

/* How many columns the text takes. */
int frame_columns(const struct frame *f, const char *text);

/* How many bytes of the text fit into `room` columns: all, or those before a blank or after a comma, or, of a
 * word that is wider, as many characters as fit, and at least one. */
size_t frame_fit(const struct frame *f, const char *text, int room);

/* The terminal's contents are unknown: the next frame is written whole. */
void frame_forget(struct frame *f);

/* Appends what makes the terminal show this frame, and takes it as shown. */
void frame_diff(struct frame *f, struct buf *out);

/* Appends the frame as plain lines, without blanks at their ends, and without empty lines at the end. */
void frame_lines(const struct frame *f, struct buf *out);

void frame_free(struct frame *f);

#endif
