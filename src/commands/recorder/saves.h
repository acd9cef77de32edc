/* saves: windows that are to be saved, of a recording, a trace, or both. They are saved one after the
 * other, and --exec runs its command for each. */
#ifndef PQ_RECORDER_SAVES_H
#define PQ_RECORDER_SAVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "commands/recorder/journal.h"
#include "commands/recorder/plan.h"
#include "host/host.h"
#include "session/job.h"

/* Why a window is saved. */
struct reason {
	const char *expr; /* the condition, or "asked for by SIGUSR1"; it outlives the save */
	char column[96];  /* "throttle.throttled_pct", or "" */
	char label[1024]; /* of the row, or "" */
	char name[1024];  /* what people call that, or "" */
	double value, threshold;
	uint64_t suppressed; /* triggers that were not reported before */
	bool asked;          /* there is no condition */
};

enum { SAVES_MOST = 8, SAVE_MEDIA_MOST = 2, SAVE_PATH = 4096 };

struct save {
	struct reason reason;
	int64_t at_ns; /* the trigger, CLOCK_REALTIME */
	/* the same in CLOCK_MONOTONIC and CLOCK_BOOTTIME, which goes on while the machine is suspended */
	int64_t mono_ns, boot_ns;
	struct span window; /* CLOCK_MONOTONIC, which nobody sets */
	/* when the window of each medium is complete, CLOCK_MONOTONIC */
	int64_t due_ns[SAVE_MEDIA_MOST];
	char path[SAVE_PATH]; /* without ".tape" or ".trace"; set when the first copy starts */
	size_t tried;         /* media */
	bool saved[SAVE_MEDIA_MOST];
};

/* Results of save_medium.copy; lower ones are an errno, 0 is success. */
enum { SAVE_NOTHING = 100, SAVE_FAILED = 101 };

/* Where samples or events are kept, and what saves them. */
struct save_medium {
	const char *name; /* "tape": its files end in .tape */
	void *ctx;
	/* In a child process: copies the window to a new file, which appears once it is complete. */
	int (*copy)(void *ctx, const struct save *s, const char *path);
	/* What lasts of it after a trigger before it is overwritten; NULL: long enough */
	int64_t (*lasts_ns)(void *ctx);
	/* After a copy: what to say about it, such as losses, or "". NULL: nothing */
	void (*about)(void *ctx, char *out, size_t n);
};

struct saves {
	const struct plan *plan;
	struct journal *journal;
	const struct host_facts *facts;
	/* in the order in which they are overwritten */
	struct save_medium media[SAVE_MEDIA_MOST];
	size_t nmedia;
	const int *own_fd; /* a file in the directory that is no saved window; NULL: none */
	bool report;       /* each saved recording gets a report beside it */
	/* told of each trigger, with the reason as a sentence; NULL: nobody is */
	void (*fired)(void *about, int64_t real_ns, const char *why);
	void *about;
	struct save v[SAVES_MOST];
	size_t n;
	struct job job;
	size_t at;            /* the window that the job is for */
	bool running_command; /* the job is its command */
	bool running_report;  /* the job is its report; neither: its copy */
	bool stopping;        /* no command is run while windows wait */
	uint64_t refused;     /* triggers without a save that were not reported yet */
};

/* Asks for the window around this sample, or with `after` false for the part before it. Logs the
 * trigger, and why the save is refused if it is. */
void saves_ask(struct saves *s, const struct sample *m, const struct reason *why, bool after);

/* Does what is due now, without waiting. */
void saves_step(struct saves *s, int64_t mono_ns, int64_t real_ns);

/* When saves_step has something to do again, if no child ends before; INT64_MAX: never. */
int64_t saves_due_ns(const struct saves *s, int64_t mono_ns);

/* For the end of the recorder: saves all windows with what exists. Waits some seconds at most. */
void saves_finish(struct saves *s);

/* Prints the reason as a sentence. */
void reason_text(const struct reason *why, char *out, size_t n);

#endif
