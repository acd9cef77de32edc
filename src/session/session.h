/*
 * session: any number of samplers at work over one host, all at the same samples. This is the one
 * loop of run, record, export, check and why: it waits for what is due, reads what has to be read,
 * and says what it was.
 *
 *  struct session s = { .host = host, .options = o, .interval_ns = second, .say = say };
 *  session_add(&s, &tool_runq, &o->ask);
 *  if (session_start(&s) && session_begin(&s))
 *          while (session_next(&s) != SESSION_END)
 *                  ... sampler_table(s.v[0]) ...
 *  session_end(&s);
 *
 * The commands differ in this:
 *           rows          between rows        a sampler that is over  SIGINT         refuses at first
 *   run     each interval ticks               ends the session        ends it        -
 *   record  each interval -                   is tried again          ends it        wrong -p, -g
 *   export  each interval ticks, 1 s apart    is tried again          ends it        wrong -p, -g
 *   check   one           ticks, steps        has no rows             makes the row  -
 *   why     one           ticks, steps        has no rows             makes the row  -
 * limits only starts one: it reads the first sample itself.
 */
#ifndef PQ_SESSION_SESSION_H
#define PQ_SESSION_SESSION_H

#include "cli/args.h"
#include "session/sampler.h"

enum { SAMPLERS_MOST = 16, SESSION_NOTES = 48 };

/* Zero-initialise and set what is wanted of the first part. Times are the host's monotonic
 * nanoseconds. */
struct session {
	struct host *host; /* session_end closes it */
	const struct options *options;
	/* Between rows. 0: one row a second later; of a recording, a row for each sample. */
	int64_t interval_ns;
	int64_t first_ns; /* the first row comes so soon, and the others count from it; 0: it does
	                     not */
	/* One row over the whole time: interval_ns (0: no end), or until over() says so, a signal
	 * stops it, or the recording of session_open_whole ends. */
	bool whole;
	bool (*over)(void *about); /* asked at each sample, before anything is read; or NULL */
	int64_t step_ns;           /* samplers with `steps` are read this often too; 0: never */
	/* A sampler that is over is tried again every two seconds, unless it is of a process. A
	 * wrong argument at the first sample ends the session. */
	bool lasting;
	/* takes each note; NULL: they are kept, each once, in notes */
	void (*say)(void *about, const struct tool *, const char *message);
	void *about;

	struct sampler *v[SAMPLERS_MOST];
	size_t n;
	struct moment from, now; /* the first sample, and this one */
	uint64_t left;           /* of a whole recording: samples that are left; 0: of none */
	int64_t row_ns, step_due_ns;
	int64_t late_ns; /* so long after it was due came the last row */
	uint64_t rows, missed;
	int64_t could_ns; /* the last sample that could have been a row */
	bool done;        /* the row of a whole session was made */
	bool quiet;       /* notes are not said: a sampler is tried again */
	enum exit_status refused;
	struct {
		const struct tool *tool;
		const char *said;
	} notes[SESSION_NOTES];
	size_t nnotes;
};

enum session_event {
	SESSION_END,  /* no more; no sampler has anything to read; or a signal stops it */
	SESSION_ROW,  /* all were read: sampler_table has their rows, if any */
	SESSION_STEP, /* those with `steps` were */
	SESSION_TICK, /* some ticked */
	SESSION_WOKEN /* by a signal, or the end of a child */
};

/* Opens what -f names, or the live host, for a whole session. A recording is read twice: to count
 * its samples first. What cannot be judged (a pipe, fewer than two rows, a boot in between) ends
 * the program. */
void session_open_whole(struct session *s, const struct options *o);

/* Adds a tool; the caller sets what it wants of the sampler. */
struct sampler *session_add(struct session *s, const struct tool *tool, const struct request *ask);

/* Goes to the first sample that has all files. False when a signal interrupts that; where there is
 * none, the program ends. */
bool session_start(struct session *s);

/* Goes to the next such sample. False when there is none. */
bool session_skip(struct session *s);

/* Begins with the snapshots of this sample; when called again, anew. False when no sampler has
 * anything to read, or one refuses. */
bool session_begin(struct session *s);

/* Waits for what is due next, ticks, reads and makes rows, and says what it was. An error of the
 * clock, or of a recording, ends the program. */
enum session_event session_next(struct session *s);

/* From the first sample to this one, in seconds. */
double session_span_s(const struct session *s);

/* Why nothing can be read: of the sampler that refused, or the first that failed; or EXIT_DONE. */
enum exit_status session_status(const struct session *s);

/* Says what of a recording could not be read. */
void session_tell_losses(const struct session *s);

/* Ends the samplers and closes the host. */
void session_end(struct session *s);

#endif
