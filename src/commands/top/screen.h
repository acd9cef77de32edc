/* screen: the terminal as a full screen: the alternate screen, keys without Enter, its size. It is put
 * back as it was whenever the program ends or stops, unless it is killed by SIGKILL. */
#ifndef PQ_TOP_SCREEN_H
#define PQ_TOP_SCREEN_H

#include <stdbool.h>

#include "base/buf.h"

/* Whether stdin and stdout are a terminal that can show a full screen: TERM is set, and is not "dumb". */
bool screen_possible(void);

/* Takes the terminal. Warnings are kept until screen_leave. False if it cannot be changed. */
bool screen_enter(void);

/* Gives it back; may be called at any time. */
void screen_leave(void);

/* Its size, at least 1×1. */
void screen_size(int *width, int *height);

/* Whether another program has the terminal now. */
bool screen_taken(void);

/* Whether the process that started this one has ended, and the terminal is another's. */
bool screen_orphaned(void);

/* Whether the program was stopped and continued since the last call: the screen must be drawn anew. */
bool screen_continued(void);

/* Writes it by one write(2), or more if the terminal takes only parts. False if the terminal has gone,
 * or if the program should stop meanwhile. */
bool screen_write(const struct buf *b);

#endif
