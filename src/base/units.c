#include "base/units.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include "base/fail.h"

static const int64_t second = 1000000000;
/* The end of the year 2200. It leaves room in 63 bits, and is the longest duration as well. */
static const int64_t most_ns = 7289654400 * INT64_C(1000000000) - 1;

static struct text
take_digits(struct text *rest)
{
	struct text digits = { rest->s, 0 };

	for (; rest->n > 0 && *rest->s >= '0' && *rest->s <= '9'; rest->n--, rest->s++)
		digits.n++;
	return digits;
}

/* Takes ".250", if it is there, in billionths. A double would lose nanoseconds after ten digits. */
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

/* Takes "12" or "12.250". */
static bool
take_decimal(struct text *rest, uint64_t *whole, int64_t *billionths)
{
	return text_u64(take_digits(rest), whole) == 0 && take_fraction(rest, billionths);
}

int64_t
duration_unit(struct text unit)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = { { "us", 1000 }, { "ms", 1000000 }, { "s", INT64_C(1000000000) },
		{ "m", INT64_C(60000000000) }, { "h", INT64_C(3600000000000) },
		{ "d", INT64_C(86400000000000) } };

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (text_eq(unit, units[i].name))
			return units[i].ns;
	return 0;
}

int
duration_parse(struct text t, int64_t *ns)
{
	int64_t billionths;
	uint64_t whole;

	if (!take_decimal(&t, &whole, &billionths))
		return fail_with(EINVAL);
	int64_t unit = t.n ? duration_unit(t) : second;
	if (unit < 1000000 || whole > (uint64_t)(most_ns / unit))
		return fail_with(EINVAL);
	/* billionths * unit would overflow */
	*ns = (int64_t)whole * unit + billionths * (unit / 1000000) / 1000;
	return 0;
}

int
size_parse(struct text t, uint64_t *bytes)
{
	struct text digits = take_digits(&t);
	unsigned shift = text_skip(&t, "K") ? 10 :
	    text_skip(&t, "M")              ? 20 :
	    text_skip(&t, "G")              ? 30 :
	    text_skip(&t, "T")              ? 40 :
					      0;
	uint64_t v;

	if (shift > 0)
		text_skip(&t, "iB");
	if (t.n > 0 || digits.n == 0)
		return fail_with(EINVAL);
	if (text_u64(digits, &v) < 0)
		return -1;
	if (v == 0 || v > UINT64_MAX >> shift)
		return fail_with(v == 0 ? EINVAL : ERANGE);
	*bytes = v << shift;
	return 0;
}

struct scale {
	double from, unit;
	const char *name;
};

/* Prints up to three digits in the largest scale that the value reaches. */
static const char *
print(double v, const struct scale *scales, size_t n, char out[HUMAN_MOST])
{
	size_t i = 0;

	if (isnan(v) || isinf(v)) {
		snprintf(out, HUMAN_MOST, "-");
		return out;
	}
	while (i + 1 < n && v < scales[i].from)
		i++;
	v /= scales[i].unit;
	snprintf(
	    out, HUMAN_MOST, v < 10 && v != floor(v) ? "%.1f %s" : "%.0f %s", v, scales[i].name);
	return out;
}

const char *
human_duration(double s, char out[HUMAN_MOST])
{
	static const struct scale scales[] = {
		{ 2 * 86400, 86400, "days" },
		{ 2 * 3600, 3600, "hours" },
		{ 120, 60, "minutes" },
		{ 1, 1, "s" },
		{ 0, 1e-3, "ms" },
	};

	return print(s, scales, sizeof scales / sizeof scales[0], out);
}

const char *
human_size(double bytes, char out[HUMAN_MOST])
{
	static const struct scale scales[] = {
		{ 1024.0 * 1024 * 1024, 1024.0 * 1024 * 1024, "GiB" },
		{ 1024 * 1024, 1024 * 1024, "MiB" },
		{ 1024, 1024, "KiB" },
		{ 0, 1, "bytes" },
	};

	return print(bytes, scales, sizeof scales / sizeof scales[0], out);
}

/* ---- Points in time */

/* Takes exactly n digits, for a number from `least` to `most`. */
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

/* Takes "17:12", "9:05", "17:12:01" or "17:12:01.250". */
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

/* Takes "2026-11-22". timegm turns 02-30 into 03-02, and fails where time_t ends in 2038. */
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

/* Takes "Z", "+01:00" or "-0500", as seconds east of Greenwich. */
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

/* The seconds since 1970. mktime is not reliable where clocks change: of a local time that occurs
 * twice it may return either, depending on earlier calls, and one that does not occur is moved
 * forward or back, depending on the libc. So those take the offset of the day before. */
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
	bool skipped = s + broken_down(s, false).tm_gmtoff != written;
	return skipped || broken_down(first, false).tm_gmtoff == before ? first : s;
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

/* Parses "1790000000.5", seconds since 1970. */
static bool
parse_seconds(struct text t, int64_t *ns)
{
	int64_t billionths;
	uint64_t whole;

	if (!take_decimal(&t, &whole, &billionths) || t.n > 0 ||
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
		return fail_with(EINVAL);
	*out = w;
	return 0;
}

/* A recording may hold any times. Clamped to these years, adding a day does not overflow. */
static int64_t
clamp(int64_t ns)
{
	return ns > most_ns ? most_ns : ns < -most_ns ? -most_ns : ns;
}

/* A time of day after the end of the recording means the day before, if the recording reaches back
 * to it, or nearly. */
static int64_t
day_time_ns(const struct when *w, const struct span *span, bool utc)
{
	int64_t first_ns = clamp(span->from_ns), last_ns = clamp(span->to_ns);
	struct tm t = broken_down(last_ns / second, utc);
	t.tm_hour = w->written.tm_hour;
	t.tm_min = w->written.tm_min;
	t.tm_sec = w->written.tm_sec;
	int64_t ns = seconds(t, utc) * second + w->ns;
	if (ns <= last_ns)
		return ns;
	t.tm_mday--;
	int64_t earlier_ns = seconds(t, utc) * second + w->ns;
	/* halved, as the differences could overflow */
	return first_ns / 2 - earlier_ns / 2 < ns / 2 - last_ns / 2 ? earlier_ns : ns;
}

/* Ends at INT64_MIN or INT64_MAX where the sum would overflow. */
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
