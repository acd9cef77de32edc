/*
 * journal: the log of the recorder: one line on stderr per event, as text or as JSON.
 *
 *  journal_begin(&j, real_ns, "saved", "throttle.throttled_pct is 31.2: spike.tape, 41 KiB");
 *  journal_text(&j, "tape", "spike.tape");
 *  journal_number(&j, "value", 31.2, 3);
 *  journal_end(&j);
 *
 * writes
 *  pq record: 2026-11-22T17:12:01.250+01:00 saved: throttle.throttled_pct is 31.2: spike.tape, 41 KiB
 * or
 *  {"tool":"record","schema":2,"time":"2026-11-22T17:12:01.250+01:00","unix_s":1795363921.250,
 *      "event":"saved","message":"throttle…","tape":"spike.tape","value":31.2}
 */
#ifndef PQ_RECORDER_JOURNAL_H
#define PQ_RECORDER_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "table/table.h"

/* Zero-initialise, then set json, tool and times.utc. */
struct journal {
	bool json;
	const char *tool;    /* "record" */
	struct report times; /* only its fields for times are used */
	struct buf line;
};

/* Begins a line: the time, one word for the event, and a sentence. The sentence may hold untrusted
 * bytes. */
void journal_begin(struct journal *j, int64_t real_ns, const char *event, const char *message);

/* Adds a field to JSON. Text omits fields, so the sentence must have what matters. NULL, NaN and
 * infinity become null; a number has at most this many digits after the point. */
void journal_text(struct journal *j, const char *key, const char *text);
void journal_number(struct journal *j, const char *key, double value, int digits);

/* Writes the line, with one write(2). The line is lost if that fails, or if stderr is a pipe that
 * is full: the recorder does not wait. */
void journal_end(struct journal *j);

void journal_free(struct journal *j);

#endif
