/* state: the tracks of a tape as they are read back, at one sample: from records to texts. */
#ifndef PQ_TAPE_STATE_H
#define PQ_TAPE_STATE_H

#include "base/map.h"
#include "tape/format.h"
#include "tape/template.h"

/* A text or an error that came as a whole. */
struct words {
	int error;
	struct figures figures;
};

struct played {
	struct words key, own; /* of the key frame, and from a record since */
	bool is_own;           /* which of them holds */
	uint64_t *values;      /* its numbers now */
	size_t room;
	struct buf text; /* printed last */
	bool stale;      /* since when numbers have changed */
	bool fresh;      /* something may have changed in this sample */
	bool whole;      /* the record of this sample had it as a whole */
};

/* Zero-initialise to start. */
struct playback {
	struct map paths;
	/* by the path's number; there may be more of them than paths: their memory is used again */
	struct played *v;
	uint32_t room;
	uint32_t keyed; /* how many paths the key frame has */
};

/* Reads a key frame: 0, or -1 when it is none; nothing is known then. */
int playback_key(struct playback *p, struct text record);

/* Reads the tracks of a sample's record: how they are other than in the key frame, or than they
 * were. 0, or -1 when it is not to be understood; nothing is known then until a record leans on the
 * key frame again. */
int playback_sample(struct playback *p, struct text record, bool from_key);

/* The text of a track (a path, with a slash at the end for a directory): 0, valid until the next
 * record; or -1 with the errno that was recorded, or ENODATA when there is no such track. */
int playback_text(struct playback *p, const char *path, struct text *text);

/* The same for the track of that number, below p->paths.n. */
int playback_track(struct playback *p, uint32_t i, struct text *text);

void playback_free(struct playback *p);

#endif
