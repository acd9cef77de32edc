/* time: clock readings as people and machines write them. */
#include <stdio.h>
#include <time.h>

#include "table/format.h"

/* The local time's distance from UTC in seconds. It changes at quarters of an hour only, and asking
 * libc is dear: it may look at /etc/localtime, and walks its rules. */
static long
offset_s(struct report *r, time_t s)
{
	enum { QUARTER = 900 };
	struct tm t = { 0 };

	if (r->quarter != s / QUARTER + 1) {
		localtime_r(&s, &t);
		r->quarter = s / QUARTER + 1;
		r->offset_s = t.tm_gmtoff;
	}
	return r->offset_s;
}

static struct tm
broken_down(struct report *r, int64_t real_ns)
{
	time_t s = (time_t)(real_ns / 1000000000);
	long offset = r->utc ? 0 : offset_s(r, s);
	struct tm t = { 0 };

	s += offset;
	gmtime_r(&s, &t);
	t.tm_gmtoff = offset;
	return t;
}

static unsigned
milliseconds(int64_t real_ns)
{
	return (unsigned)(real_ns / 1000000 % 1000);
}

const char *
clock_text(char out[16], struct report *r, int64_t real_ns)
{
	struct tm t = broken_down(r, real_ns);
	int n = snprintf(out, 16, "%02d:%02d:%02d", t.tm_hour % 24, t.tm_min % 60, t.tm_sec % 61);

	if (r->fractions)
		snprintf(out + n, 16 - (size_t)n, ".%03u", milliseconds(real_ns));
	return out;
}

static void
two(struct buf *b, char before, int v)
{
	buf_char(b, before);
	buf_u64(b, (uint64_t)v, 2);
}

void
buf_iso_time(struct buf *b, struct report *r, int64_t real_ns)
{
	struct tm t = broken_down(r, real_ns);
	long offset_min = t.tm_gmtoff / 60;

	buf_u64(b, (uint64_t)(t.tm_year + 1900), 4);
	two(b, '-', t.tm_mon + 1);
	two(b, '-', t.tm_mday);
	two(b, 'T', t.tm_hour);
	two(b, ':', t.tm_min);
	two(b, ':', t.tm_sec);
	buf_char(b, '.');
	buf_u64(b, milliseconds(real_ns), 3);
	two(b, offset_min < 0 ? '-' : '+', (int)(offset_min < 0 ? -offset_min : offset_min) / 60);
	two(b, ':', (int)(offset_min < 0 ? -offset_min : offset_min) % 60);
}
