#include "cli/when.h"

#include <errno.h>

#include "base/units.h"

static const int64_t second = 1000000000;
static const int64_t most_ns =
    7289654400 * INT64_C(1000000000) - 1; /* the end of 2200: it fits into 63 bits */

static int
fail(int error)
{
	errno = error;
	return -1;
}

static struct text
take_digits(struct text *rest)
{
	struct text digits = { rest->s, 0 };

	for (; rest->n > 0 && *rest->s >= '0' && *rest->s <= '9'; rest->n--, rest->s++)
		digits.n++;
	return digits;
}

/* A field of exactly n digits. */
static bool
take_field(struct text *rest, size_t n, int least, int most, int *out)
{
	uint64_t v;

	if (rest->n < n || text_u64((struct text){ rest->s, n }, &v) < 0 || v < (uint64_t)least ||
	    v > (uint64_t)most)
		return false;
	*out = (int)v;
	rest->s += n;
	rest->n -= n;
	return true;
}

/* ".250", or nothing. Not by way of a double: with ten digits before the point it has none for
 * nanoseconds. */
static bool
take_fraction(struct text *rest, int64_t *billionths)
{
	uint64_t v;

	*billionths = 0;
	if (!text_skip(rest, "."))
		return true;
	struct text digits = take_digits(rest);
	if (digits.n > 9 || text_u64(digits, &v) < 0)
		return false;
	for (size_t i = digits.n; i < 9; i++)
		v *= 10;
	*billionths = (int64_t)v;
	return true;
}

/* "17:12", "9:05", "17:12:01", "17:12:01.250" */
static bool
take_clock(struct text *rest, struct when *w)
{
	struct tm *t = &w->written;
	size_t digits = rest->n > 1 && rest->s[1] == ':' ? 1 : 2;

	if (!take_field(rest, digits, 0, 23, &t->tm_hour) || !text_skip(rest, ":") ||
	    !take_field(rest, 2, 0, 59, &t->tm_min))
		return false;
	if (!text_skip(rest, ":"))
		return true;
	return take_field(rest, 2, 0, 59, &t->tm_sec) && take_fraction(rest, &w->ns);
}

/* "2026-11-22". timegm makes 03-02 of 02-30, and fails where time_t ends in 2038. */
static bool
take_date(struct text *rest, struct tm *t)
{
	if (!take_field(rest, 4, 1970, 2200, &t->tm_year) || !text_skip(rest, "-") ||
	    !take_field(rest, 2, 1, 12, &t->tm_mon) || !text_skip(rest, "-") ||
	    !take_field(rest, 2, 1, 31, &t->tm_mday))
		return false;
	t->tm_year -= 1900;
	t->tm_mon -= 1;
	struct tm there = *t;
	return timegm(&there) >= 0 && there.tm_mday == t->tm_mday;
}

/* "Z", "+01:00", "-0500": seconds east of Greenwich */
static bool
take_zone(struct text *rest, int *east_s)
{
	int h, m;
	bool west = text_skip(rest, "-");

	*east_s = 0;
	if (!west && !text_skip(rest, "+"))
		return text_skip(rest, "Z");
	if (!take_field(rest, 2, 0, 23, &h))
		return false;
	text_skip(rest, ":");
	if (!take_field(rest, 2, 0, 59, &m))
		return false;
	*east_s = (h * 60 + m) * (west ? -60 : 60);
	return true;
}

static struct tm
broken_down(int64_t at_s, bool utc)
{
	time_t s = (time_t)at_s;
	struct tm t = { 0 };

	(void)(utc ? gmtime_r(&s, &t) : localtime_r(&s, &t));
	return t;
}

/* The seconds since 1970. Of a local time that comes twice, mktime may give either, by what it was
 * asked before; of one that is left out, the hour before or after, by libc. What the offset of the
 * day before makes of them is the same always. */
static int64_t
seconds(struct tm t, bool utc)
{
	struct tm copy = t;
	int64_t written = timegm(&copy);

	if (utc)
		return written;
	int64_t before = broken_down(written - 86400, false).tm_gmtoff;
	int64_t first = written - before;
	t.tm_isdst = -1;
	int64_t s = mktime(&t);
	bool left_out = s + broken_down(s, false).tm_gmtoff != written;
	return left_out || broken_down(first, false).tm_gmtoff == before ? first : s;
}

static bool
parse_date(struct text t, struct when *w)
{
	int east_s;

	if (!take_date(&t, &w->written))
		return false;
	w->whole_day = t.n == 0;
	if ((text_skip(&t, "T") || text_skip(&t, " ")) && !take_clock(&t, w))
		return false;
	if (t.n == 0)
		return true;
	if (!take_zone(&t, &east_s))
		return false;
	w->kind = WHEN_INSTANT;
	w->ns += (seconds(w->written, true) - east_s) * second;
	return t.n == 0;
}

/* "@1790000000.5": seconds since 1970. */
static bool
parse_seconds(struct text t, int64_t *ns)
{
	struct text digits = take_digits(&t);
	int64_t billionths;
	uint64_t whole;

	if (text_u64(digits, &whole) < 0 || !take_fraction(&t, &billionths) || t.n > 0 ||
	    whole > (uint64_t)(most_ns / second))
		return false;
	*ns = (int64_t)whole * second + billionths;
	return true;
}

int
when_parse(struct text t, struct when *out)
{
	struct when w = { .kind = text_skip(&t, "@") ? WHEN_INSTANT :
		    text_skip(&t, "+")               ? WHEN_AFTER_FIRST :
		    text_skip(&t, "-")               ? WHEN_BEFORE_LAST :
		    t.n > 4 && t.s[4] == '-'         ? WHEN_DATE :
						       WHEN_CLOCK };
	bool good = w.kind == WHEN_DATE ? parse_date(t, &w) :
	    w.kind == WHEN_CLOCK        ? take_clock(&t, &w) && t.n == 0 :
	    w.kind == WHEN_INSTANT      ? parse_seconds(t, &w.ns) :
					  duration_parse(t, &w.ns) == 0;

	if (!good)
		return fail(EINVAL);
	*out = w;
	return 0;
}

/* A recording's moments may be anything; what is brought back to these years leaves room for a
 * day's arithmetic. */
static int64_t
sane(int64_t ns)
{
	return ns > most_ns ? most_ns : ns < -most_ns ? -most_ns : ns;
}

/* A time after the end is meant to be of the day before when the recording reaches back to it, or
 * nearly so. */
static int64_t
day_time_ns(const struct when *w, const struct span *span, bool utc)
{
	int64_t first_ns = sane(span->from_ns), last_ns = sane(span->to_ns);
	struct tm t = broken_down(last_ns / second, utc);
	t.tm_hour = w->written.tm_hour;
	t.tm_min = w->written.tm_min;
	t.tm_sec = w->written.tm_sec;
	int64_t ns = seconds(t, utc) * second + w->ns;
	if (ns <= last_ns)
		return ns;
	t.tm_mday--;
	int64_t earlier_ns = seconds(t, utc) * second + w->ns;
	/* the whole could be too large */
	return first_ns / 2 - earlier_ns / 2 < ns / 2 - last_ns / 2 ? earlier_ns : ns;
}

static int64_t
sum(int64_t a, int64_t b)
{
	if (b > 0 ? a > INT64_MAX - b : a < INT64_MIN - b)
		return b > 0 ? INT64_MAX : INT64_MIN;
	return a + b;
}

int64_t
when_resolve_end(const struct when *w, const struct span *span, bool utc)
{
	struct when next = *w;

	if (!w->whole_day)
		return when_resolve(w, span, utc);
	next.written.tm_mday++;
	return when_resolve(&next, span, utc) - 1;
}

int64_t
when_resolve(const struct when *w, const struct span *span, bool utc)
{
	if (w->kind == WHEN_CLOCK)
		return day_time_ns(w, span, utc);
	if (w->kind == WHEN_DATE)
		return seconds(w->written, utc) * second + w->ns;
	if (w->kind == WHEN_INSTANT)
		return w->ns;
	return w->kind == WHEN_AFTER_FIRST ? sum(span->from_ns, w->ns) : sum(span->to_ns, -w->ns);
}
