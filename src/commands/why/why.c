/* why: watches for a few seconds and prints the likely causes, with evidence and fix. */
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "cli/keys.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "cli/values.h"
#include "commands/why/why.h"

struct why_options {
	bool json;
};

/* Whether the target of -p or -g does not exist: pq tasks did not find it. A cgroup that one
 * hierarchy of v1 lacks still has tasks in another. */
static bool
lacks_target(const struct evidence *e)
{
	const struct sampler *target = e->target.of;

	if (!target || target->watch.fail != EXIT_USAGE)
		return false;
	if (target->notes.n > 0)
		warn("%s", target->notes.said[target->notes.n - 1]);
	return true;
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
	int64_t ns = 5000000000;

	if (o->words > 1)
		die(EXIT_USAGE, "unexpected argument '%s': usage is pq why [options] [seconds]",
		    o->word[1]);
	if (o->words == 1 && (interval_parse(text_of(o->word[0]), &ns) < 0 || ns < 1000000000))
		die(EXIT_USAGE,
		    "invalid time '%s': want a time to watch such as 5, 10s or 1m (at least 1s)",
		    o->word[0]);
	if (o->words == 1 && o->source)
		die(EXIT_USAGE,
		    "unexpected argument '%s': with -f the whole recording is judged (select a "
		    "part with --from and --to)",
		    o->word[0]);
	return ns;
}

static enum exit_status
why(const struct options *o)
{
	int64_t span_ns = span_of(o);
	struct evidence *e = xmalloc(sizeof *e);
	bool named = o->source && strcmp(o->source, "-") != 0;
	struct findings f = { .recording = named ? o->source : NULL };
	enum verdict status = VERDICT_UNKNOWN;

	signals_catch();
	if (!o->source)
		keys_catch();
	if (!evidence_begin(e, o, span_ns))
		die(EXIT_FAILED, "stopped by a signal: no verdict");
	if (!lacks_target(e)) {
		evidence_watch(e);
		causes_find(e, &f);
		print(e, &f, ((const struct why_options *)o->ask.options)->json);
		status = findings_verdict(&f, e);
	}
	findings_free(&f);
	evidence_end(e);
	free(e);
	return (enum exit_status)status;
}

static const struct option options[] = {
	{ 0, "json", NULL, OPTION_FLAG, offsetof(struct why_options, json),
	    .help = "print one JSON object" },
	{ .type = OPTION_END },
};

const struct tool tool_why = {
	.name = "why",
	.brief = "find what is slow: likely cause, evidence, fix",
	.usage = "[options] [seconds]",
	.examples = "  pq why                 watch the whole machine for 5 seconds\n"
		    "  pq why -p 4242 10      watch one process for 10 seconds\n"
		    "  pq why -f spike.tape   find the cause in a recording\n",
	.shared = (const struct option *const[]){ &option_source, &option_from, &option_to,
	    &option_root, &option_pid, &option_cgroup, NULL },
	.shared_help = { .pid = "judge this process, its cgroup and the parents",
	    .cgroup = "judge the processes of this cgroup: /web, or its directory",
	    .source = "judge a recording (a file; not a pipe) or captured directory" },
	.options = options,
	.options_size = sizeof(struct why_options),
	.judges = true,
	.command = why,
};
