/*
 * journal: one line on stderr per event, for people or for machines.
 *
 *  journal_begin(&j, real_ns, "saved", "throttle.throttled_pct 31.2 > 25: spike.tape (412 KB)");
 *  journal_text(&j, "tape", "spike.tape");
 *  journal_number(&j, "value", 31.2);
 *  journal_end(&j);
 *
 * writes "pq record: 2026-11-22T17:12:01.250+01:00 saved: throttle.throttled_pct 31.2 > 25:
 * spike.tape (412 KB)", or
 * {"time":"2026-11-22T17:12:01.250+01:00","event":"saved","message":"throttle…","tape":"spike.tape","value":31.2}
 */
#ifndef PQ_RECORD_JOURNAL_H
#define PQ_RECORD_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "table/table.h"

/* Zero-initialise, then set the first two, and times.utc as the user wants it. */
struct journal {
	bool json;
	const char *name;    /* "pq record" */
	struct report times; /* only what concerns times is used */
	struct buf line;
};

/* Begins a line: when, an event's one word, and a sentence for people, which may hold anybody's
 * bytes. */
void journal_begin(struct journal *j, int64_t real_ns, const char *event, const char *message);

/* Fields are for machines only: in text they are left out, so the message must tell what matters.
 * NULL is null, and so is a number that is NaN or infinite; numbers have at most three digits after
 * the point. */
void journal_text(struct journal *j, const char *key, const char *text);
void journal_number(struct journal *j, const char *key, double value);

/* Writes the line, with one write(2). Where that fails, or stderr is a pipe that is full, the line
 * is lost and no error is made of it. */
void journal_end(struct journal *j);

void journal_free(struct journal *j);

#endif
