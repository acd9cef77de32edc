#include "commands/record/account.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/human.h"

void
account_say(struct recorder *r, int64_t real_ns, const char *event, const char *message)
{
	journal_begin(&r->journal, real_ns, event, message);
	journal_end(&r->journal);
}

void
account_cost(struct recorder *r, const struct moment *m)
{
	char text[256];

	if (m->mono_ns - r->cost_told_ns < 1000000000)
		return;
	r->cost_told_ns = m->mono_ns;
	int n = snprintf(text, sizeof text,
	    "cpu_us %lld\nmoments %llu\nmissed %llu\nlost %llu\nlate_sum_us %lld\nlate_max_us "
	    "%lld\n",
	    (long long)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1000, (unsigned long long)r->due.rows,
	    (unsigned long long)r->due.missed, (unsigned long long)r->lost,
	    (long long)r->late_ns / 1000, (long long)r->worst_ns / 1000);
	tape_writer_keep(&r->tape.writer, text_of(TAPE_COST), 0, (struct text){ text, (size_t)n });
}

void
account_rate(struct recorder *r, const struct moment *m)
{
	double rate = tape_writer_rate(&r->tape.writer), per_s = 1e9 / (double)r->plan.interval_ns;
	double lasts_s = r->tape.ring ? (double)r->tape.ring / rate / per_s : NAN;
	char message[256], text[HUMAN_MOST];

	if (r->told_rate || isnan(rate))
		return;
	r->told_rate = true;
	if (r->tape.ring)
		snprintf(message, sizeof message,
		    "a moment takes %.0f bytes now: the ring lasts %s", rate,
		    human_duration(lasts_s, text));
	else
		snprintf(message, sizeof message, "a moment takes %.0f bytes now: %s an hour", rate,
		    human_size(rate * per_s * 3600, text));
	journal_begin(&r->journal, m->real_ns, "rate", message);
	journal_number(&r->journal, "bytes_per_moment", rate);
	journal_number(&r->journal, "lasts_s", lasts_s);
	journal_end(&r->journal);
	if (r->plan.whens && lasts_s < (double)(r->plan.before_ns + r->plan.after_ns) * 1e-9)
		account_say(r, m->real_ns, "warning",
		    "that is less than --before and --after: give a larger --ring");
}

void
account_start(struct recorder *r)
{
	const struct plan *p = &r->plan;
	char message[4600], size[HUMAN_MOST];

	snprintf(message, sizeof message, "%s every %g ms to %s%s%s%s", p->names,
	    (double)p->interval_ns * 1e-6, strcmp(p->tape, "-") == 0 ? "a pipe" : p->tape,
	    r->tape.ring ? ", a ring of " : "",
	    r->tape.ring ? human_size((double)r->tape.ring, size) : "",
	    r->tape.writer.moments ? ", going on where it ended" : "");
	account_say(r, clock_ns(CLOCK_REALTIME), "records", message);
}

void
account_end(struct recorder *r)
{
	char message[256];

	snprintf(message, sizeof message,
	    "%llu moment%s, %llu missed, %llu lost, %.2f s of CPU time",
	    (unsigned long long)r->tape.writer.run_moments,
	    r->tape.writer.run_moments == 1 ? "" : "s", (unsigned long long)r->due.missed,
	    (unsigned long long)r->lost, (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) * 1e-9);
	if (r->tape.writer.run_moments + r->lost > 0)
		account_say(r, clock_ns(CLOCK_REALTIME), "stopped", message);
}
