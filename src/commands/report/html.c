/* html: what every part of the page writes: other people's bytes, times and durations. Nothing that was
 * read from a recording goes into the page by another way. */
#include "commands/report/report.h"

#include <string.h>
#include <time.h>

#include "base/units.h"

enum { NAME_MOST = 200 };

void
html_text(struct buf *b, const char *s)
{
	buf_markup(b, s ? s : "");
}

/* The direction of its letters stays inside of the element. A long name is cut, and says so. */
void
html_name(struct buf *b, const char *s)
{
	char part[NAME_MOST + 1];
	size_t n = strlen(s);

	buf_text(b, "<bdi>");
	if (n <= NAME_MOST) {
		html_text(b, s);
	} else {
		size_t end = NAME_MOST;
		while (end > 0 && ((unsigned char)s[end] & 0xc0) == 0x80)
			end--;
		memcpy(part, s, end);
		part[end] = '\0';
		html_text(b, part);
		buf_text(b, "… (");
		buf_u64(b, n, 1);
		buf_text(b, " bytes)");
	}
	buf_text(b, "</bdi>");
}

static void
put_clock(struct buf *b, const struct report_page *p, int64_t real_ns, bool date)
{
	time_t t = (time_t)(real_ns / 1000000000) + p->offset_s;
	char text[64];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, sizeof text, date ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S", &tm);
	buf_text(b, text);
}

void
html_clock(struct buf *b, const struct report_page *p, int64_t real_ns)
{
	put_clock(b, p, real_ns, false);
}

void
html_time(struct buf *b, const struct report_page *p, int64_t real_ns, bool date)
{
	put_clock(b, p, real_ns, date);
	if (p->axis.to_ns - p->axis.from_ns < INT64_C(600000000000)) { /* ten minutes */
		buf_char(b, '.');
		buf_u64(b, (uint64_t)(real_ns % 1000000000) / 100000000, 1);
	}
}

void
html_duration(struct buf *b, double s)
{
	char text[HUMAN_MOST];

	buf_text(b, human_duration(s, text));
}
