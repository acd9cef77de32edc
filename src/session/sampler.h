/* sampler: a tool at work: the run that it sees, and its last two snapshots. The driver has one,
 * the recorder one for each tool. */
#ifndef PQ_SESSION_SAMPLER_H
#define PQ_SESSION_SAMPLER_H

#include "tools/tool.h"

/* What a tool says of itself, each line once. */
enum { NOTES_MOST = 64 };

struct notes {
	char *said[NOTES_MOST];
	size_t n;
};

/* A tool's snapshot, and when it was taken. */
struct sample {
	struct moment at;
	struct arena arena;
	void *data;
};

struct sampler {
	struct watch watch; /* first: a note comes with it */
	const struct tool *tool;
	/* what the tool notes, each line once */
	void (*say)(void *about, const struct tool *, const char *message);
	void *about;
	struct notes notes;
	struct sample sample[2];
	unsigned now;   /* which of the samples is the later one */
	unsigned taken; /* how many there are, up to two */
	bool over;      /* the last reading gave none: there is nothing more to read */
	struct table table;
};

/* Begins with no snapshot. The host stays the caller's. Notes go to stderr; set `say` to have them
 * elsewhere. */
void sampler_begin(
    struct sampler *s, const struct tool *tool, struct host *host, const struct request *ask);

/* Lets the tool look, at every moment: this one. */
void sampler_tick(struct sampler *s, const struct moment *m);

/* Takes a snapshot at this moment. False, and s->over, when there is none: s->watch.fail or
 * s->watch.ended says why. */
bool sampler_read(struct sampler *s, const struct moment *m);

/* Forgets the snapshots: what comes cannot be compared with what was. */
void sampler_forget(struct sampler *s);

/* Makes the rows of what lies between the last two snapshots in s->table. False when there are not
 * two, or no time between them. */
bool sampler_rows(struct sampler *s);

/* The earlier and the later of the two. */
const struct sample *sampler_from(const struct sampler *s);
const struct sample *sampler_to(const struct sampler *s);

void sampler_end(struct sampler *s);

#endif
