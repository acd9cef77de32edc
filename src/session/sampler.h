/* sampler: one tool at work on a host: its notes, its ticks, its last two snapshots and the rows
 * between them. */
#ifndef PQ_SESSION_SAMPLER_H
#define PQ_SESSION_SAMPLER_H

#include "table/table.h"
#include "table/total.h"
#include "tools/tool.h"

/* The notes of a tool, each line once. */
enum { NOTES_MOST = 64 };

struct notes {
	char *said[NOTES_MOST];
	size_t n;
};

/* A tool's snapshot, and when it was taken. */
struct sampled {
	struct sample at;
	struct arena arena;
	void *data;
};

/* Zero-initialise, then set the part down to `planned`. It must not move once it has begun. */
struct sampler {
	struct watch watch; /* first, so that note() finds the sampler; set only shown and nshown */
	const struct tool *tool;
	struct request ask;
	/* called with each note, which lives as long as the sampler */
	void (*say)(void *about, const struct tool *, const char *message);
	void *about;
	int64_t tick_ns;  /* between ticks; 0: it ticks only when it is read */
	int64_t ahead_ns; /* costly ticks may exceed their share of a CPU by this much */
	bool steps;       /* the session reads it at each step, too */
	bool adds_up;     /* the table has the rows of all steps, as those of the whole time */
	bool unseen;      /* nobody uses its rows, so none are made */
	bool early;       /* it is read at the first row, too */
	uint64_t planned; /* it is read at every planned-th row; 0: at each */

	struct notes notes;
	struct sampled sample[2];
	unsigned now;   /* which of the samples is the later one */
	unsigned taken; /* how many there are, up to two */
	bool over;      /* the last read had no snapshot: there is nothing more to read */
	bool has_rows;  /* the table has the rows between the last two samples */
	struct table table;
	struct total total;
	uint64_t every;      /* planned, or more to keep the session's budget */
	uint64_t due_row;    /* the row that reads it next */
	bool sampled;        /* the last row read it */
	double cost_ns;      /* mean CPU time of a read, with what the session does for it */
	double read_ns;      /* of the last read alone */
	bool slowed;         /* it is or was read less often than planned, and has said so */
	unsigned reads;      /* that were measured; the first two open files and do not count */
	uint64_t last_left;  /* of a recording of one row: s->left at its last sample; 0: the end */
	bool closed;         /* that sample was read */
	int64_t every_ns;    /* between ticks; 0: none between rows */
	int64_t ticked_ns;   /* the last tick's place on their grid */
	unsigned ticks;      /* so many were taken */
	int64_t tick_ran_ns; /* CPU time of the last tick that was measured */
	int64_t owed_ns;     /* time to pass until the ticks are within their share of a CPU */
};

/* Begins, or begins again after sampler_end, without a snapshot. The caller keeps the host. */
void sampler_begin(struct sampler *s, struct host *host);

/* Starts the grid of ticks. There are no ticks between rows that are as close as ticks. */
void sampler_start_ticks(struct sampler *s, int64_t now_ns, int64_t interval_ns);

/* When the next tick is due; INT64_MAX: never. */
int64_t sampler_due_ns(const struct sampler *s);

/* Lets the tool read its gauge. On a live host a costly tick delays the next one, so that ticks
 * between rows take no more of a CPU than the tool's costly_tick. */
void sampler_tick(struct sampler *s, const struct sample *m);

/* Ticks, takes a snapshot, and makes the rows since the previous one. Without a snapshot, returns
 * false and sets s->over; s->watch.fail or s->watch.ended says why. */
bool sampler_read(struct sampler *s, const struct sample *m);

/* Forgets the snapshots: the next one cannot be compared with them. */
void sampler_forget(struct sampler *s);

/* The rows between the last two snapshots. Of a tool that adds up, the sums so far. NULL: no rows. */
const struct table *sampler_table(const struct sampler *s);

/* The same with their times, for a format. */
struct rows sampler_rows(struct sampler *s);

void sampler_end(struct sampler *s);

#endif
