/* when: points in time as people write them on a command line. Times are nanoseconds since 1970
 * (CLOCK_REALTIME). */
#ifndef PQ_CLI_WHEN_H
#define PQ_CLI_WHEN_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"

enum when_kind {
	WHEN_CLOCK, /* 17:12, 9:05:01.250: a time of day */
	/* 2026-11-22, 2026-11-22 17:12, 2026-11-22T17:12:01.250: a date without a zone, midnight if
	 * no time */
	WHEN_DATE,
	WHEN_INSTANT,     /* a date with Z, +01:00 or -0500 behind it, and @1790000000.5 */
	WHEN_AFTER_FIRST, /* +30s: so long after the first moment */
	WHEN_BEFORE_LAST, /* -2h: so long before the last one */
};

struct when {
	enum when_kind kind;
	/* CLOCK: hour, minute, second; DATE: those and the date. Local time or UTC: when_resolve is
	 * told */
	struct tm written;
	bool whole_day; /* DATE: no time of day was written */
	/* CLOCK, DATE: the second's fraction; INSTANT: since 1970; the others: how long, 0 or
	 * more */
	int64_t ns;
};

/* --from or --to. */
struct when_option {
	const char *written; /* NULL: not given */
	struct when when;
};

/* Any of the forms above. Dates are from 1970 to 2200, fractions have 9 digits at most, lengths of
 * time the units ms, s, m, h and d, without one they are seconds. 0, or -1 with EINVAL when t is no
 * time; *out is set on success only. */
int when_parse(struct text t, struct when *out);

/* The time in ns since 1970, local times by TZ unless utc; span: from the first to the last moment of
 * the recording. A time of day is the one of the last moment's day; where that is later than the
 * last moment, it is the one of the day before if that is within the recording or nearer to it. Of
 * a local time that comes twice, when clocks are set back, it is the first one; of one that is left
 * out, as long after the change as it is written to be. Sums too large end at INT64_MIN or _MAX. */
int64_t when_resolve(const struct when *w, const struct span *span, bool utc);

/* The same for the end of a window: of a date without a time it is the end of the day. */
int64_t when_resolve_end(const struct when *w, const struct span *span, bool utc);

#endif
