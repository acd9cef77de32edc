/* ring: the last minutes of a live machine, as a recording in memory, and a file that they are saved to. */
#ifndef PQ_TOP_RING_H
#define PQ_TOP_RING_H

#include "session/job.h"
#include "session/session.h"
#include "tape/file.h"

struct ring {
	bool kept; /* there is one */
	struct tape_file tape;
	struct job job;
	char path[64]; /* that the job saves to */
	uint64_t samples;
	bool failed; /* a sample could not be kept: the ring is too small for it */
};

/* Makes a ring of that many bytes around the host. Returns the host to use: the same one, with no ring, if
 * there cannot be one. */
struct host *ring_begin(struct ring *r, struct host *inner, uint64_t bytes, int64_t interval_ns);

/* Keeps what the session has read for this sample, and which tools that were if it is a row. */
void ring_keep(struct ring *r, const struct session *s, bool row);

/* Begins to save all of it to pq-top-DATE-TIME.tape in the current directory, in a child process. Says in
 * `message` why it does not. */
void ring_save(struct ring *r, int64_t now_ns, int64_t real_ns, char *message, size_t n);

/* True once after it was saved, or failed, which the message says. */
bool ring_saved(struct ring *r, int64_t now_ns, char *message, size_t n);

/* To be called after the host was closed. */
void ring_end(struct ring *r);

#endif
