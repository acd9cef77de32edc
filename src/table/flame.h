/*
 * flame: a flame graph in one SVG file. A frame is as wide as its time, with the frames that it called
 * above it. A browser shows it alone; its script zooms and searches.
 */
#ifndef PQ_TABLE_FLAME_H
#define PQ_TABLE_FLAME_H

#include "base/buf.h"
#include "base/map.h"

enum { FLAME_NODES_MOST = 200000 };

struct flame_node {
	uint32_t name;        /* its number in names */
	uint32_t first, next; /* of its callees, and of those of its caller; 0: none */
	double seconds;       /* with those of its callees */
};

/* Zero-initialise to start. */
struct flame {
	struct map names;
	struct flame_node *v; /* v[0] is the whole */
	size_t n, room;
};

/* Adds the time of a stack: its frames, the outermost first, each but the last followed by a newline.
 * Frames beyond FLAME_NODES_MOST different ones are left out, and their time counts for their caller. */
void flame_add(struct flame *f, const char *frames, double seconds);

void flame_print(const struct flame *f, const char *title, struct buf *out);

void flame_free(struct flame *f);

#endif
