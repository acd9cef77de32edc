/* tape_records: the part of tape_writer that puts together what a segment consists of, in
 * w->out. */
#ifndef PQ_TAPE_RECORDS_H
#define PQ_TAPE_RECORDS_H

#include "tape/writer.h"

/* The header of a segment that begins with this moment, twice. */
void tape_put_start(struct tape_writer *w, const struct moment *m);

/* The key frame, twice. 0; -1 with EMSGSIZE when the tape has no room for it. */
int tape_put_key(struct tape_writer *w);

/* The record of a moment, which leans on the key frame or on the record before. */
void tape_put_moment(struct tape_writer *w, const struct moment *m, bool from_key);

#endif
