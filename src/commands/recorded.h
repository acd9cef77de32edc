/* recorded: reads a recording once, and gives the rows of all tools that it has. report, diff and
 * exports of traces go through a recording in this way. */
#ifndef PQ_COMMANDS_RECORDED_H
#define PQ_COMMANDS_RECORDED_H

#include "session/session.h"

/*
 *  recorded_open(&r, options, "spike.tape");
 *  recorded_begin(&r);
 *  while (recorded_next(&r))
 *          for (size_t i = 0; i < r.session.n; i++)
 *                  if (recorded_rows(&r, i, &rows))
 *                          ... r.session.v[i]->tool, rows.table ...
 *  recorded_close(&r);
 *
 * Zero-initialise. It must not move once it is open. Errors end the program with one line that names
 * the recording.
 */
struct recorded {
	const char *path;
	struct options options; /* those of the command, with the recording as their source */
	struct session session;
	struct arena arena; /* of the tools' options */
	bool begun;
};

/* Opens a recording, "-", a captured directory or, for NULL, this machine, in the window of the options' --from and --to, at
 * its first sample. */
void recorded_open(struct recorded *r, const struct options *o, const char *path);

/* Whether the recording, or the captured directory, has what the tool needs. */
bool recorded_has(const struct recorded *r, const struct tool *tool);

/* Adds a sampler of the tool with all its rows, for the options' target; without one, for the target
 * of the recording. `options` are of the tool's own type; NULL: its defaults. */
struct sampler *recorded_add(struct recorded *r, const struct tool *tool, const void *options);

/* Adds a sampler of each tool that the recording has. */
void recorded_add_all(struct recorded *r);

/* Takes the first snapshots. False if there are none. */
bool recorded_begin(struct recorded *r);

/* Goes to the next sample that makes a row. False at the end, or after a signal. */
bool recorded_next(struct recorded *r);

/* Sets *rows if this sample made rows of sampler i. */
bool recorded_rows(struct recorded *r, size_t i, struct rows *rows);

/* Warns about parts of the recording that cannot be read, and closes it. */
void recorded_close(struct recorded *r);

#endif
