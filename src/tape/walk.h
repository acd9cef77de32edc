/* tape_walk: the part of tape_reader that goes from one segment to the next, and counts what is
 * lost on the way. */
#ifndef PQ_TAPE_WALK_H
#define PQ_TAPE_WALK_H

#include "tape/reader.h"

/* How many bytes of a segment are looked through for records behind damage: a hostile tape costs no
 * more. */
enum { WALK_EFFORT = 4 << 20 };

/* Opens the next segment: 1, 0 there is none, -1 with errno. */
int walk_on(struct tape_reader *r);

#endif
