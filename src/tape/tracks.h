/* tracks: what a tape is to have of each file: its last text, and what the tape has of it
 * already. */
#ifndef PQ_TAPE_TRACKS_H
#define PQ_TAPE_TRACKS_H

#include "tape/template.h"
#include "tape/paths.h"

struct track {
	int error; /* its last reading failed so; 0: it gave the text `now` */
	struct figures now;
	uint64_t *written; /* its numbers as the last record left them */
	uint64_t *keyed;   /* as the key frame has them */
	size_t room;       /* of these two */
	/* the next record has it as a whole: it is new, or has other words, or another error */
	bool fresh;
	bool as_keyed;    /* its words, or its error, are those of the key frame */
	bool changed;     /* its numbers may be others than those written */
	uint64_t touched; /* the moment in which it was read last */
	uint64_t reads;
	bool late; /* it was read first when the recording was under way */
};

/* Zero-initialise to start. */
struct tracks {
	struct paths paths;
	struct track *v; /* by the path's number */
	size_t room;
};

/* A file was read in this moment, or a directory listed (its path ends in a slash), or a link read
 * (in @): its text, or the errno that it gave. */
void tracks_keep(struct tracks *t, struct text path, uint64_t moment, int error, struct text text);

/* Whether a record has the track as a whole: one that leans on the key frame, or on the record
 * before. */
bool track_is_whole(const struct track *t, bool from_key);

/* How many numbers it has. */
size_t track_numbers(const struct track *t);

/* It is written; and it is in the key frame. */
void track_written(struct track *t);
void track_keyed(struct track *t);

/* Drops those that were read often once, but not since `since`, nor in the last some hundred
 * moments: their cgroup or process has gone, and nobody will ask for them. What is read once at the
 * start (mountinfo) stays. */
void tracks_drop_dead(struct tracks *t, uint64_t since, uint64_t now);

void tracks_free(struct tracks *t);

#endif
