/* sampler: one tool at work on a host: its notes, its ticks, its last two snapshots and the rows
 * between them. */
#ifndef PQ_SESSION_SAMPLER_H
#define PQ_SESSION_SAMPLER_H

#include "table/formats.h"
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

/* Zero-initialise and set the first part. It must not move once it has begun. */
struct sampler {
	struct watch watch; /* first: a note comes with it; of it only shown and nshown are set */
	const struct tool *tool;
	struct request ask;
	/* takes each note, which lives as long as the sampler */
	void (*say)(void *about, const struct tool *, const char *message);
	void *about;
	int64_t tick_ns;  /* it ticks this often between rows; 0: only when it is read */
	int64_t ahead_ns; /* costly ticks may run ahead of their share of a CPU by this much */
	bool steps;       /* the session reads it at each step too */
	bool unseen;      /* nobody looks at its rows: they are not made */

	struct notes notes;
	struct sample sample[2];
	unsigned now;   /* which of the samples is the later one */
	unsigned taken; /* how many there are, up to two */
	bool over;      /* the last reading gave none: there is nothing more to read */
	bool has_rows;  /* between the last two samples, in table */
	struct table table;
	int64_t every_ns;  /* between ticks; 0: none between rows */
	int64_t ticked_ns; /* the last tick's place on their grid */
	int64_t owed_ns;   /* time that must pass before ticks cost no more than they may */
	int64_t over_ns;   /* when it was over */
};

/* Begins with no snapshot; one that has ended begins again. The host stays the caller's. */
void sampler_begin(struct sampler *s, struct host *host);

/* Ticks are due on a grid from now on, where they are closer than rows are. */
void sampler_start_ticks(struct sampler *s, int64_t now_ns, int64_t interval_ns);

/* When the next tick is due; INT64_MAX: never. */
int64_t sampler_due_ns(const struct sampler *s);

/* Lets the tool look at its gauge. On a live host costly ticks move the next one away, so that
 * those between rows take no more of a CPU than the tool says. */
void sampler_tick(struct sampler *s, const struct moment *m);

/* Ticks, takes a snapshot and makes the rows since the one before. False, and s->over, when there
 * is no snapshot: s->watch.fail or s->watch.ended says why. */
bool sampler_read(struct sampler *s, const struct moment *m);

/* Forgets the snapshots: the next ones cannot be compared with them. */
void sampler_forget(struct sampler *s);

/* The rows between the last two snapshots; NULL when there are none. */
const struct table *sampler_table(const struct sampler *s);

/* The same with their times, for a format. */
struct rows sampler_rows(const struct sampler *s);

void sampler_end(struct sampler *s);

#endif
