/* windows: windows of the rings, and conditions of single waits. */
#include "commands/trace/windows.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/units.h"
#include "cli/signals.h"

/* ---- Windows */

/* The rings are overwritten meanwhile: a copy is not to wait behind other processes. */
static int
copy(void *ctx, const struct save *s, const char *path)
{
	struct trace_ring *t = ctx;
	const int64_t shift_ns = s->boot_ns - s->mono_ns;
	const int64_t from_ns = s->window.from_ns + shift_ns, to_ns = s->window.to_ns + shift_ns;
	char words[5600];
	struct trace_cause why = { .at_ns = (uint64_t)s->boot_ns, .words = words };
	size_t n = 0;

	setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, (id_t)getppid()));
	if (!s->reason.asked) {
		why.trigger = s->reason.expr;
		n = (size_t)snprintf(words, sizeof words, "trigger ");
	}
	reason_text(&s->reason, words + n, sizeof words - n);
	if (trace_ring_save(
		t, path, (uint64_t)(from_ns > 0 ? from_ns : 0), (uint64_t)to_ns, &why) == 0)
		return 0;
	return errno > 0 && errno < SAVE_NOTHING ? errno : SAVE_FAILED;
}

static int64_t
lasts_ns(void *ctx)
{
	const struct trace_ring *t = ctx;
	struct switch_ring_rate rate;

	switch_ring_rate(t->ring, &rate);
	return rate.lasts_s < 1e9 ? (int64_t)(rate.lasts_s * 1e9) : INT64_MAX;
}

static void
add_note(void *ctx, const char *message)
{
	buf_text(ctx, "; ");
	buf_text(ctx, message);
}

static void
about(void *ctx, char *out, size_t n)
{
	const struct trace_saved *s = ((const struct trace_ring *)ctx)->saved;
	struct buf notes = { 0 };
	char words[200];

	trace_saved_words(s, words, sizeof words);
	trace_saved_notes(s, add_note, &notes);
	snprintf(out, n, "%s%.*s", words, (int)notes.n, notes.s ? notes.s : "");
	buf_free(&notes);
}

struct save_medium
trace_medium(struct trace_ring *t)
{
	return (struct save_medium){
		.name = "trace", .ctx = t, .copy = copy, .lasts_ns = lasts_ns, .about = about
	};
}

/* ---- Conditions of single waits */

void
trace_take_waits(struct trace_ring *t, struct triggers *triggers)
{
	const int most = 1000; /* more may come while these are taken */
	struct switch_alarm a;

	for (int i = 0; i < most && switch_ring_take_alarm(t->ring, &a); i++) {
		const int64_t ago_ns = clock_ns(CLOCK_BOOTTIME) - (int64_t)a.at_ns;
		const struct sample m = { .mono_ns = clock_ns(CLOCK_MONOTONIC) - ago_ns,
			.real_ns = clock_ns(CLOCK_REALTIME) - ago_ns };
		const struct waited w = { (int64_t)a.wait_ns, a.tid, trace_thread_words, t };
		triggers_waited(triggers, &m, &w);
	}
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Nobody is woken up by waits that do not matter yet. */
void
trace_sleep(struct trace_ring *t, const struct triggers *triggers, const struct saves *saves,
    int64_t until_ns)
{
	const int64_t now_ns = clock_ns(CLOCK_MONOTONIC),
		      waits_ns = triggers_waits_from_ns(triggers);
	int64_t due_ns = earlier(saves_due_ns(saves, now_ns), until_ns);

	if (now_ns < waits_ns)
		signals_wait(-1, trace_ring_tend(t, earlier(due_ns, waits_ns)));
	else
		signals_wait(switch_ring_alarm_fd(t->ring), trace_ring_tend(t, due_ns));
}

bool
trace_tell_rate(const struct trace_ring *t, struct journal *j)
{
	struct switch_ring_rate rate;
	char message[256], lasts[HUMAN_MOST];

	switch_ring_rate(t->ring, &rate);
	if (!isfinite(rate.lasts_s))
		return false;
	snprintf(message, sizeof message, "%.0f events per second: the ring holds the last %s",
	    rate.per_s, human_duration(rate.lasts_s, lasts));
	journal_begin(j, clock_ns(CLOCK_REALTIME), "rate", message);
	journal_number(j, "events_per_s", rate.per_s, 1);
	journal_number(j, "lasts_s", rate.lasts_s, 3);
	journal_end(j);
	return true;
}
