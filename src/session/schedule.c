#include "session/schedule.h"

static const int64_t second = 1000000000;

static int64_t
first_row(const struct moment *start, int64_t interval_ns, bool aligned)
{
	int64_t end = start->real_ns + interval_ns;

	if (!aligned || interval_ns % second != 0)
		return start->mono_ns + interval_ns;
	end -= end % second;
	if (end - start->real_ns < interval_ns / 4)
		end += second;
	return start->mono_ns + (end - start->real_ns);
}

void
schedule_start(
    struct schedule *s, const struct moment *start, int64_t interval_ns, int64_t tick_ns, bool live)
{
	*s = (struct schedule){ .interval_ns = interval_ns ? interval_ns : second };
	s->tick_ns = tick_ns < s->interval_ns ? tick_ns : 0;
	s->row_ns = first_row(start, s->interval_ns, interval_ns && live);
	s->ticked_ns = start->mono_ns;
}

int64_t
schedule_next(const struct schedule *s, bool *row)
{
	int64_t tick_ns = s->tick_ns ? s->ticked_ns + s->tick_ns : INT64_MAX;

	*row = s->row_ns <= tick_ns;
	return *row ? s->row_ns : tick_ns;
}

void
schedule_ticked(struct schedule *s, int64_t now_ns, int64_t cost_ns)
{
	const int64_t ahead_ns = 1000000000;

	if (!s->tick_ns)
		return;
	int64_t passed =
	    now_ns > s->ticked_ns ? (now_ns - s->ticked_ns) / s->tick_ns * s->tick_ns : 0;
	s->owed_ns += cost_ns * 100 - passed;
	s->owed_ns = s->owed_ns > 0 ? s->owed_ns : 0;
	int64_t skipped =
	    s->owed_ns > ahead_ns ? (s->owed_ns - ahead_ns) / s->tick_ns * s->tick_ns : 0;
	s->owed_ns -= skipped;
	s->ticked_ns += passed + skipped;
}

void
schedule_row_done(struct schedule *s, int64_t now_ns)
{
	s->rows++;
	s->row_ns += s->interval_ns;
	if (s->row_ns > now_ns)
		return;
	int64_t passed = (now_ns - s->row_ns) / s->interval_ns + 1;
	s->missed += (uint64_t)passed;
	s->row_ns += passed * s->interval_ns;
}
