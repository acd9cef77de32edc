/* why: watches for a few seconds, and says what makes it slow, how one knows, and what to do. */
#include <stdlib.h>

#include "cli/option.h"
#include "cli/output.h"
#include "session/signals.h"
#include "cli/words.h"
#include "commands/why/causes.h"

enum { EXIT_UNKNOWN = 3 };

static void
judge(const struct evidence *e, struct findings *f)
{
	static cause_fn *const *const subjects[] = { causes_quota, causes_cpu, causes_memory,
		causes_waits };

	for (size_t s = 0; s < sizeof subjects / sizeof subjects[0]; s++)
		for (size_t i = 0; subjects[s][i]; i++)
			subjects[s][i](e, f);
	findings_sort(f);
}

/* Whom it was asked for is not there: nothing can be judged. That a cgroup is missing in one
 * hierarchy (v1) is no such thing. */
static bool
has_failed(const struct evidence *e)
{
	const struct sampler *target = e->view[VIEW_TARGET];

	if (!target || target->watch.fail != EXIT_USAGE)
		return false;
	if (target->notes.n > 0)
		warn("%s", target->notes.said[target->notes.n - 1]);
	return true;
}

/* Nothing that could be looked at is not the same as nothing found. */
static int
verdict(const struct evidence *e, const struct findings *f)
{
	int worst = findings_verdict(f);

	for (int v = 0; v < VIEWS; v++)
		if (evidence_rows(e, (enum view)v) > 0)
			return worst;
	return EXIT_UNKNOWN;
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
	struct evidence *e = xmalloc(sizeof *e);
	struct findings f = { .n = 0 };
	int status = EXIT_UNKNOWN;

	signals_catch();
	if (!evidence_begin(e, o, span_ns))
		die(EXIT_FAILED, "stopped by a signal: nothing is judged");
	if (!has_failed(e)) {
		evidence_watch(e);
		judge(e, &f);
		print(e, &f, o->given->seen[OPT_INFO_JSON]);
		status = verdict(e, &f);
	}
	evidence_end(e);
	free(e);
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
