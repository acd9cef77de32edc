/*
 * session: any number of samplers over one host, on one schedule. It is the loop of run, record,
 * export, check, why and top: it waits for what is due next, reads it, makes the rows, and says which
 * event it was.
 *
 *  struct session s = { .host = host, .options = o, .interval_ns = second, .say = say };
 *  session_add(&s, &tool_runq, &o->ask);
 *  if (session_start(&s) && session_begin(&s))
 *          while (session_next(&s) != SESSION_END)
 *                  ... sampler_table(s.v[0]) ...
 *  session_end(&s);
 *
 * The commands differ in these options:
 *
 *           rows            between rows       an ended sampler     a signal       a wrong -p or -g
 *   run     every interval  ticks              ends the session     ends it [1]    is its status
 *   record  every interval  nothing            is tried again       ends it        ends it at once
 *   export  every interval  ticks, 1 s apart   is tried again       ends it        ends it at once
 *   check   one             ticks and steps    has no rows          makes the row  is unknown
 *   top     every interval  ticks              is tried again       ends it        ends it at once
 *   why     one             ticks and steps    has no rows          makes the row  is its status
 *
 * [1] a signal before the first row makes that row, over the time so far
 *
 * limits only starts a session, and then reads the first sample without it.
 *
 * A sampler may be read at every second, third … row only (`planned`). In a recording a sample may
 * lack tools (host_left_out): samplers of these skip it.
 */
#ifndef PQ_SESSION_SESSION_H
#define PQ_SESSION_SESSION_H

#include "cli/args.h"
#include "session/sampler.h"

enum { SAMPLERS_MOST = 32, SESSION_NOTES = 48 };

/* Zero-initialise, then set the host and the options, and what else the command needs down to
 * `about`. Times are the host's monotonic nanoseconds. */
struct session {
	struct host *host;
	bool lent; /* session_end leaves the host open */
	const struct options *options;
	/* Between rows. 0: one row after a second; of a recording, one row per sample. */
	int64_t interval_ns;
	/* The first row is due this soon, and the schedule starts again there; 0: no such row. */
	int64_t first_ns;
	/* One row over the whole time. It ends after interval_ns (0: never), when over() says so,
	 * at a signal, or with the recording of session_open_whole. */
	bool whole;
	/* On a live host a signal before the first row makes it, unless hardly any time has passed. */
	bool some_row;
	bool (*over)(void *about); /* asked at each sample before anything is read; or NULL */
	int64_t step_ns;           /* samplers with `steps` are read this often too; 0: never */
	/* An ended sampler is tried again every two seconds, unless it watches one process. A wrong
	 * argument, found at the first sample, ends the session. */
	bool lasting;
	/* The share of one CPU that a live session may use: beyond it, the costliest sampler is
	 * read less often, and says so once. 0: no limit. Not with `whole`. */
	double budget;
	/* Sleeps on a live host until then (CLOCK_MONOTONIC), or less if the caller has something to do
	 * meanwhile. NULL: the host sleeps */
	void (*sleep)(void *about, int64_t until_ns);
	/* takes each note; NULL: notes are kept, each once */
	void (*say)(void *about, const struct tool *, const char *message);
	void *about;

	struct sampler *v[SAMPLERS_MOST];
	size_t n;
	struct sample from, now;           /* the first sample, and this one */
	uint64_t left;                     /* samples left of the recording of session_open_whole */
	uint64_t last_left[SAMPLERS_MOST]; /* the same at the last sample of each of tools[] */
	uint64_t row;                      /* the number of the row that is due at row_ns */
	int64_t row_ns, step_due_ns;
	int64_t late_ns; /* how late the last row was */
	uint64_t rows, missed;
	int64_t could_ns; /* the last sample of a recording that could have been a row */
	bool done;        /* the only row was made, or no sampler can be read any more */
	bool quiet;       /* notes are dropped while a sampler is tried again */
	int64_t spent_ns; /* the thread's CPU time at the end of the last row; 0: unknown */
	enum exit_status refused;
	struct arena resolved; /* paths of cgroups that -g names in another way */
	struct {
		const struct tool *tool;
		const char *said;
	} notes[SESSION_NOTES];
	size_t nnotes;
};

/* Appends `lead` and the names of all tools that gave this note; false, and nothing: an earlier note is the
 * same. */
bool session_note_tools(const struct session *s, size_t note, const char *lead, struct buf *b);

enum session_event {
	SESSION_END,  /* end of the recording, a signal, or no sampler can be read any more */
	SESSION_ROW,  /* the samplers that are due were read: sampler_table has their rows */
	SESSION_STEP, /* the samplers with `steps` were read */
	SESSION_TICK, /* some samplers ticked */
	SESSION_WOKEN /* a signal, the end of a child, or sleep() ended the sleep early */
};

/* Opens the live host or the recording of -f for a session with one row. It reads a recording
 * twice, first to count its samples. Ends the program if one row cannot cover the recording: it is
 * a pipe, has fewer than two samples, or the machine was rebooted in between. */
void session_open_whole(struct session *s, const struct options *o);

/* How many samples a recording has up to the last one that can end a row, and how many are left of them at
 * the last sample of each of tools[]. Zero-initialise to start. */
struct samples_count {
	uint64_t samples, rows, whole;
	uint64_t last[SAMPLERS_MOST];
};

/* Counts this sample, and with it what of the recording was read for it. */
void samples_count_add(struct samples_count *c, const struct host *h, const struct sample *m);

/* The same as session_open_whole for somebody who has read the recording already: at least two rows, of
 * one boot. With `lent`, in the window of that open recording; NULL: opens it. */
void session_open_counted(
    struct session *s, const struct options *o, const struct samples_count *c, struct host *lent);

/* Adds a sampler of the tool; the caller sets its options. */
struct sampler *session_add(struct session *s, const struct tool *tool, const struct request *ask);

/* Begins a sampler that was added to a session which has begun: the next row takes its first snapshot. */
void session_join(struct session *s, struct sampler *v);

/* Ends a sampler, which is gone then. */
void session_leave(struct session *s, struct sampler *v);

/* When session_next has something to do on a live host: a row, a tick or a step (CLOCK_MONOTONIC). */
int64_t session_due_ns(const struct session *s);

/* Goes to the first sample that is not a tick. False if a signal interrupts that. Ends the program
 * if there is no such sample. */
bool session_start(struct session *s);

/* Goes to the next sample that is not a tick. False if there is none. */
bool session_skip(struct session *s);

/* Takes the first snapshots, at this sample, and starts the schedule. A second call starts again.
 * False if no sampler can be read, or if one refuses its options. */
bool session_begin(struct session *s);

/* Waits until something is due, ticks or reads samplers, makes rows, and returns what it did. Ends
 * the program if the host fails. */
enum session_event session_next(struct session *s);

/* The seconds from the first sample to this one. */
double session_span_s(const struct session *s);

/* The status of the sampler that refused, or of the first that failed; else EXIT_DONE. */
enum exit_status session_status(const struct session *s);

/* Warns if parts of a recording could not be read. */
void session_tell_losses(const struct session *s);

/* Ends the samplers and closes the host. */
void session_end(struct session *s);

/* Runs one tool with rows as the options say: prints rows until the end, then the summary. Returns
 * the program's exit status. */
enum exit_status run(const struct options *o);

#endif
