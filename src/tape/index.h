/* tape_index: where the segments of a tape are. */
#ifndef PQ_TAPE_INDEX_H
#define PQ_TAPE_INDEX_H

#include "tape/source.h"
#include "tape/format.h"

/* A segment, and the place of its header. */
struct tape_place {
	uint64_t at, limit; /* nothing of it is at the limit or behind it */
	struct tape_segment segment;
};

struct tape_index {
	struct tape_place *v; /* in the order of their sequence numbers */
	size_t n, room;
	uint64_t damaged; /* headers of which one copy is no good */
	bool later;       /* one is of a later version */
};

/* Looks at the start of a block for a segment's header, either copy: 1, 0 there is none, -1 with
 * errno. */
int tape_index_look(struct tape_index *x, struct source *s, uint64_t at, struct tape_segment *out);

/* Adds the segment at that place as the last one. */
void tape_index_add(struct tape_index *x, uint64_t at, const struct tape_segment *segment);

/* Finds all segments of a file: 0, or -1 with errno. */
int tape_index_scan(struct tape_index *x, struct source *s);

void tape_index_free(struct tape_index *x);

#endif
