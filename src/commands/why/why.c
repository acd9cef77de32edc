/* why: watches for a few seconds, and says what makes it slow, how one knows, and what to do. */
#include <stdlib.h>

#include "cli/option.h"
#include "cli/output.h"
#include "session/signals.h"
#include "cli/open.h"
#include "cli/words.h"
#include "commands/why/finding.h"
#include "session/survey.h"

/* Whom it was asked for is not there: nothing can be judged. That a cgroup is missing in one
 * hierarchy (v1) is no such thing. */
static bool
has_failed(const struct evidence *e)
{
	const struct member *target = e->target.of;

	if (!target || target->sampler.watch.fail != EXIT_USAGE)
		return false;
	if (target->sampler.notes.n > 0)
		warn("%s", target->sampler.notes.said[target->sampler.notes.n - 1]);
	return true;
}

/* Nothing that could be looked at is not the same as nothing found. */
static enum verdict
verdict(const struct evidence *e, const struct findings *f)
{
	return evidence_is_empty(e) ? VERDICT_UNKNOWN : findings_verdict(f);
}

static void
print(const struct evidence *e, const struct findings *f, bool json)
{
	struct buf b = { 0 };

	if (json)
		findings_json(f, e, &b);
	else
		findings_text(f, e, &b);
	output_write(&b); /* a reader that has gone does not change the verdict */
	buf_free(&b);
}

static int64_t
span_of(const struct options *o)
{
	const struct given *g = o->given;
	int64_t ns = 5000000000;

	if (g->words > 1)
		die(EXIT_USAGE, "one argument too many: %s; there is the time for which to watch",
		    g->word[1]);
	if (g->words == 1 && (interval_parse(text_of(g->word[0]), &ns) < 0 || ns < 1000000000))
		die(EXIT_USAGE, "%s: it takes the time for which to watch, 1s or more", g->word[0]);
	if (g->words == 1 && o->source)
		die(EXIT_USAGE,
		    "%s: a recording is judged as a whole; --from and --to choose a part of it",
		    g->word[0]);
	return ns;
}

static enum exit_status
why(const struct options *o)
{
	int64_t span_ns = span_of(o);
	struct host past = { .replay = false };
	uint64_t moments = o->source ? survey(o, &past) : 0;
	struct host *host = tapes_open(o);
	struct evidence *e = xmalloc(sizeof *e);
	struct findings f = { .n = 0 };
	enum verdict status = VERDICT_UNKNOWN;

	signals_catch();
	if (!evidence_begin(e, host, &o->ask, moments))
		die(EXIT_FAILED, "%s: there is no moment in it",
		    o->source ? o->source : "the clock");
	e->utc = o->utc;
	if (!has_failed(e)) {
		panel_watch(&e->panel, host->replay ? 0 : span_ns, NULL, NULL);
		causes_find(e, &f);
		print(e, &f, o->given->seen[OPT_INFO_JSON]);
		status = verdict(e, &f);
	}
	evidence_end(e);
	free(e);
	host_close(host);
	return (enum exit_status)status;
}

const struct tool tool_why = {
	.name = "why",
	.brief = "what makes it slow, how one knows, and what to do",
	.usage = "[options] [seconds]",
	.examples = "  pq why                 the whole machine, for 5 seconds\n"
		    "  pq why -p 4242 10      what holds up this process\n"
		    "  pq why -f spike.tape   what it was\n",
	.takes = TAKES_PID | TAKES_CGROUP | TAKES_VERDICT,
	.judges = true,
	.command = why,
};
