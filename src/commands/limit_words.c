/* limit_words: changes of limits for people and programs: in pq tape info and pq why. */
#include "commands/limit_words.h"

#include <math.h>
#include <stdio.h>

#include "base/units.h"
#include "table/table.h"

/* A change that was seen between samples this close has one time. */
static const int64_t AT_ONCE_NS = 2000000000;

static const struct {
	const char *key, *words, *unit;
} kinds[LIMIT_KINDS] = {
	[LIMIT_QUOTA] = { "quota", "quota", "cpus" },
	[LIMIT_MEMORY] = { "memory", "memory limit", "bytes" },
	[LIMIT_HIGH] = { "memory_high", "memory.high", "bytes" },
	[LIMIT_SWAP] = { "swap", "swap limit", "bytes" },
	[LIMIT_CPUSET] = { "cpuset", "cpuset", "list" },
};

static void
put_value(const struct limit_changes *all, enum limit_kind k, const struct limit_value *v,
    bool exactly, struct buf *b)
{
	char text[HUMAN_MOST];

	if (v->state != LIMIT_SET)
		buf_text(b, v->state == LIMIT_NONE ? "unlimited" : "-");
	else if (k == LIMIT_QUOTA)
		buf_fixed(b, v->number, exactly ? 6 : 2);
	else if (k == LIMIT_CPUSET)
		buf_text(b, limit_changes_cpuset(all, v));
	else if (exactly)
		buf_fixed(b, v->number, 0);
	else
		buf_text(b, human_size(v->number, text));
}

/* Whether rounding hides the difference. */
static bool
look_same(const struct limit_changes *all, const struct limit_change *c)
{
	struct buf from = { 0 }, to = { 0 };

	put_value(all, c->kind, &c->from, false, &from);
	put_value(all, c->kind, &c->to, false, &to);
	bool same = text_same((struct text){ from.s, from.n }, (struct text){ to.s, to.n });
	buf_free(&from);
	buf_free(&to);
	return same;
}

static void
put_both(const struct limit_changes *all, const struct limit_change *c, struct buf *b)
{
	bool exactly = look_same(all, c);

	put_value(all, c->kind, &c->from, exactly, b);
	buf_text(b, " -> ");
	put_value(all, c->kind, &c->to, exactly, b);
	if (c->kind == LIMIT_QUOTA && c->to.state == LIMIT_SET)
		buf_text(b, " CPUs");
	else if (exactly && c->kind != LIMIT_CPUSET && c->kind != LIMIT_QUOTA)
		buf_text(b, " bytes");
}

static void
put_ms(struct buf *b, uint64_t us)
{
	char text[32];

	snprintf(text, sizeof text, "%g ms", (double)us / 1000);
	buf_text(b, text);
}

static bool
is_of_period(const struct limit_change *c)
{
	return c->kind == LIMIT_QUOTA && c->from.state == LIMIT_SET && c->to.state == LIMIT_SET &&
	    c->from.period_us != c->to.period_us;
}

static void
put_periods(const struct limit_change *c, struct buf *b)
{
	put_ms(b, c->from.period_us);
	buf_text(b, " -> ");
	put_ms(b, c->to.period_us);
}

void
limit_change_text(const struct limit_changes *all, const struct limit_change *c, struct buf *b)
{
	bool only_period = is_of_period(c) && c->from.number == c->to.number;

	buf_text(b, only_period ? "quota period" : kinds[c->kind].words);
	buf_text(b, " of ");
	buf_text(b, c->cgroup);
	buf_text(b, " changed ");
	if (only_period) {
		put_periods(c, b);
		buf_text(b, ", at the same quota of ");
		put_value(all, c->kind, &c->to, false, b);
		buf_text(b, " CPUs");
		return;
	}
	put_both(all, c, b);
	if (is_of_period(c)) {
		buf_text(b, ", its period ");
		put_periods(c, b);
	}
}

static void
put_time(int64_t real_ns, bool utc, bool dates, struct buf *b)
{
	struct report times = { .utc = utc };
	char text[16];

	if (dates)
		buf_iso_time(b, &times, real_ns);
	else
		buf_text(b, clock_text(text, &times, real_ns));
}

static bool
is_sudden(const struct limit_change *c)
{
	return c->at.mono_ns - c->before.mono_ns <= AT_ONCE_NS;
}

void
limit_change_when(const struct limit_change *c, bool utc, bool dates, struct buf *b)
{
	buf_text(b, is_sudden(c) ? " at " : " between ");
	if (!is_sudden(c)) {
		put_time(c->before.real_ns, utc, dates, b);
		buf_text(b, " and ");
	}
	put_time(c->at.real_ns, utc, dates, b);
}

static void
json_time(struct buf *b, const char *key, int64_t real_ns, bool utc)
{
	buf_json_key(b, key);
	buf_char(b, '"');
	put_time(real_ns, utc, true, b);
	buf_char(b, '"');
}

/* The number, and as words: "1.00", "64 MiB", "unlimited", "0-3". */
static void
json_value(const struct limit_changes *all, enum limit_kind k, const struct limit_value *v,
    const char *key, const char *words, struct buf *b)
{
	bool number = v->state == LIMIT_SET && k != LIMIT_CPUSET;
	struct buf text = { 0 };

	buf_json_number(b, key, number ? v->number : NAN, k == LIMIT_QUOTA ? 6 : 0);
	put_value(all, k, v, false, &text);
	buf_char(&text, '\0');
	buf_json_text(b, words, text.s);
	buf_free(&text);
}

static void
json_change(const struct limit_changes *all, const struct limit_change *c, bool utc, struct buf *b)
{
	buf_char(b, '{');
	buf_json_text(b, "cgroup", c->cgroup);
	buf_json_text(b, "limit", kinds[c->kind].key);
	buf_json_text(b, "unit", kinds[c->kind].unit);
	json_value(all, c->kind, &c->from, "from", "from_text", b);
	json_value(all, c->kind, &c->to, "to", "to_text", b);
	if (c->kind == LIMIT_QUOTA) {
		buf_json_number(b, "from_period_us",
		    c->from.state == LIMIT_SET ? (double)c->from.period_us : NAN, 0);
		buf_json_number(
		    b, "to_period_us", c->to.state == LIMIT_SET ? (double)c->to.period_us : NAN, 0);
	}
	json_time(b, "before", c->before.real_ns, utc);
	json_time(b, "at", c->at.real_ns, utc);
	buf_char(b, '}');
}

void
limit_changes_json(const struct limit_changes *all, bool utc, struct buf *b)
{
	buf_json_key(b, "limit_changes");
	buf_char(b, '[');
	for (size_t i = 0; i < limit_changes_kept(all); i++) {
		if (i)
			buf_char(b, ',');
		json_change(all, limit_changes_get(all, i), utc, b);
	}
	buf_char(b, ']');
	buf_json_number(b, "limit_changes_total", (double)all->total, 0);
}
