/* units: durations, sizes and points in time, as people write and read them. Times are nanoseconds;
 * points in time count from 1970 (CLOCK_REALTIME). */
#ifndef PQ_BASE_UNITS_H
#define PQ_BASE_UNITS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"

/* ---- Durations and sizes */

/* Parses "90s", "1.5h", "100ms" or "30" (seconds) into nanoseconds. The units are ms, s, m, h and
 * d; at most nine digits follow the point. Returns 0, or -1 with EINVAL, also above 230 years. */
int duration_parse(struct text t, int64_t *ns);

/* The nanoseconds of one "us", "ms", "s", "m", "h" or "d"; 0 for any other unit. */
int64_t duration_unit(struct text unit);

/* Parses "4096", "512K", "64M", "64MiB", "1G" or "1T" into bytes, by powers of 1024. Returns 0, or
 * -1 with EINVAL (not a size, or 0) or ERANGE (more than 64 bits). Sets *bytes only on success. */
int size_parse(struct text t, uint64_t *bytes);

enum { HUMAN_MOST = 32 };

/* Prints seconds as "17 hours" or "1.5 s", or "-" if they are not finite. Returns out. */
const char *human_duration(double s, char out[HUMAN_MOST]);

/* Prints bytes as "64 MiB" or "512 bytes", or "-" if they are not finite. Returns out. */
const char *human_size(double bytes, char out[HUMAN_MOST]);

/* ---- Points in time */

enum when_kind {
	WHEN_CLOCK,   /* a time of day: 17:12, 9:05:01.250 */
	WHEN_DATE,    /* a date without a zone: 2026-11-22, 2026-11-22T17:12, 2026-11-22 17:12:01 */
	WHEN_INSTANT, /* a date with a zone (Z, +01:00, -0500), or @1790000000.5 */
	WHEN_AFTER_FIRST, /* +30s: this long after the first sample */
	WHEN_BEFORE_LAST, /* -2h: this long before the last sample */
};

struct when {
	enum when_kind kind;
	/* CLOCK: hour, minute and second; DATE: the date too. The caller of when_resolve says
	 * whether they are UTC or local time. */
	struct tm written;
	bool whole_day; /* DATE: without a time of day */
	/* CLOCK, DATE: the fraction of the second; INSTANT: since 1970; AFTER_FIRST, BEFORE_LAST:
	 * the duration, at least 0 */
	int64_t ns;
};

/* The value of --from or --to. */
struct when_option {
	const char *written; /* NULL: not given */
	struct when when;
};

/* Parses any of the forms above. Dates are from 1970 to 2200, fractions have at most nine digits,
 * and durations are those of duration_parse. Returns 0, or -1 with EINVAL. Sets *out only on
 * success. */
int when_parse(struct text t, struct when *out);

/*
 * The point in time, for a recording that spans `span`. Times without a zone are UTC, or local time
 * (TZ).
 *
 * A time of day is on the day of the last sample. If that is after the last sample, it is on the
 * day before, provided the recording reaches back to it or that time is nearer to the recording. A
 * local time that occurs twice, because clocks were set back, is the first one. A local time that
 * does not occur is as long after the change of the clocks as written. Sums that overflow end at
 * INT64_MIN or INT64_MAX.
 */
int64_t when_resolve(const struct when *w, const struct span *span, bool utc);

/* The same for the end of a window: a date without a time of day is the end of that day. */
int64_t when_resolve_end(const struct when *w, const struct span *span, bool utc);

#endif
