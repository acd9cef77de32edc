/*
 * textfile: a file that is replaced as a whole: who reads it sees the old text or the new one,
 * never half of one. It is DIR/pq.prom: of a directory, node_exporter's textfile collector reads
 * the files that end in .prom, and no others.
 */
#ifndef PQ_COMMANDS_TEXTFILE_H
#define PQ_COMMANDS_TEXTFILE_H

#include "base/buf.h"

struct textfile {
	char *path, *fresh; /* the file, and the one that is to take its place */
	int lock;
};

/* Looks whether the directory can be written to, and keeps other writers away until it is closed.
 * 0, or -1 with errno: EWOULDBLOCK another one is at work there; open's, when the directory cannot
 * be had or no file be made in it. One that is full is taken: it may come to have room. */
int textfile_open(struct textfile *f, const char *directory);

/* Replaces the text; anybody may read it (mode 0644). 0, or -1 with errno, and what was there stays
 * as it is. */
int textfile_put(struct textfile *f, const struct buf *text);

/* Takes the file away. */
void textfile_close(struct textfile *f);

#endif
