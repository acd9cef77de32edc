/*
 * lookup: finds the tracks of the files that tools read. Tools read the same files in the same order for
 * each sample, so the file after the last one is mostly one that followed it before: comparing two
 * paths takes less time than looking one up. Some tools skip samples, so two paths may follow.
 */
#ifndef PQ_TAPE_LOOKUP_H
#define PQ_TAPE_LOOKUP_H

#include "tape/state.h"

struct asked;

/* Zero-initialise to start. */
struct lookup {
	struct map paths; /* that were asked for */
	struct asked *v;  /* by the number of the path */
	size_t room;
	uint32_t last; /* the path that was asked for last */
};

/* The number of the track with the text of this file; -1: the recording has none at this sample. The path
 * need not be clean (see path_clean). */
int lookup_file(struct lookup *l, const struct playback *p, const char *path);

/* The same for a path in parts: by its seat, which is set if it is not known. -1 also if the path is too
 * long. */
int lookup_parts(struct lookup *l, const struct playback *p, const struct path_parts *parts);

/* The same for the names in a directory, and for the target of a link. */
int lookup_other(const struct playback *p, const char *path, enum path_mark mark);

void lookup_free(struct lookup *l);

#endif
