/* trace: pq trace: opens saved traces. text.c prints them, info.c sums them up. */
#include "commands/trace/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "commands/saved_trace.h"

void
trace_json_begin(struct buf *b, const struct trace_file *t, uint64_t at_ns, struct report *times)
{
	int64_t real_ns;

	if (trace_real(t, at_ns, &real_ns)) {
		buf_json_begin(b, "trace", times, real_ns);
		return;
	}
	buf_text(b, "{\"tool\":\"trace\",\"schema\":");
	buf_u64(b, SCHEMA, 1);
	buf_text(b, ",\"time\":null,\"unix_s\":null");
}

uint64_t
trace_lost(const struct trace_file *t)
{
	uint64_t n = 0;

	for (size_t i = 0; i < t->nlosses; i++)
		n += t->losses[i].lost;
	return n;
}

bool
trace_damage_text(const struct trace_file *t, char *out, size_t n)
{
	char damaged[64] = "";

	if (t->damaged > 0)
		snprintf(damaged, sizeof damaged, "%" PRIu64 " block%s damaged", t->damaged,
		    t->damaged == 1 ? " is" : "s are");
	snprintf(out, n, "%s%s%s", damaged, t->damaged > 0 && t->cut ? "; " : "",
	    t->cut ? "the end is missing" : "");
	return t->damaged > 0 || t->cut;
}

static void
tell_missing(const struct trace_file *t, const char *path)
{
	uint64_t lost = trace_lost(t);
	char damage[128];

	if (trace_damage_text(t, damage, sizeof damage))
		warn("%s: %s", path, damage);
	if (lost > 0)
		warn("%s: %" PRIu64 " event%s lost; times that depend on %s are unknown", path,
		    lost, lost == 1 ? " is" : "s are", lost == 1 ? "it" : "them");
}

/* ---- The command line */

static const struct work {
	const char *name;
	enum exit_status (*f)(const struct options *, const char *, const struct trace_file *);
	bool selects; /* it has the options that select lines */
} works[] = {
	{ "text", trace_text, true },
	{ "info", trace_info, false },
};

static const struct work *
find_work(const char *name)
{
	for (size_t i = 0; i < sizeof works / sizeof works[0]; i++)
		if (strcmp(works[i].name, name) == 0)
			return &works[i];
	die(EXIT_USAGE, "unknown command '%s': want text or info", name);
}

static void
check_words(const struct work *w, const struct options *o)
{
	const struct trace_options *own = o->ask.options;
	const struct target *target = &o->ask.target;
	const char *extra = o->from.written ? "--from" :
	    o->to.written                   ? "--to" :
	    target->pid                     ? "-p" :
	    target->cgroup                  ? "-g" :
	    own->slow_ns                    ? "--slow" :
					      NULL;

	if (o->words < 2)
		die(EXIT_USAGE, "%s: missing argument: want a saved trace", w->name);
	if (o->words > 2)
		die(EXIT_USAGE, "unexpected argument '%s'", o->word[2]);
	if (!w->selects && extra)
		die(EXIT_USAGE, "%s: %s is not allowed (only text takes it)", w->name, extra);
}

static enum exit_status
trace(const struct options *o)
{
	struct trace_file t;

	if (o->words == 0)
		die(EXIT_USAGE, "missing command: want text or info, and a file");
	const struct work *w = find_work(o->word[0]);
	check_words(w, o);
	saved_trace_open(&t, o->word[1]);
	enum exit_status status = w->f(o, o->word[1], &t);
	if (w->selects)
		tell_missing(&t, o->word[1]);
	trace_close(&t);
	if (status == EXIT_DONE)
		exit_printed();
	return status;
}

static const struct option options[] = {
	{ 0, "slow", "TIME", OPTION_TIME, offsetof(struct trace_options, slow_ns),
	    .help = "text: only after a wait for a CPU of at least TIME" },
	{ 0, "json", NULL, OPTION_FLAG, offsetof(struct trace_options, json),
	    .help = "print one JSON object, or with text one per line" },
	{ .type = OPTION_END },
};

const struct tool tool_trace = {
	.name = "trace",
	.brief = "read saved traces: who ran, waited and blocked, and when",
	.usage = "text|info FILE [options]",
	.examples =
	    "  pq trace info x.trace                  times, CPUs, events, losses, damage\n"
	    "  pq trace text x.trace --slow 10ms      who waited 10 ms for a CPU, and when\n"
	    "  pq trace text x.trace -p 4242 --from -1s\n",
	.shared = (const struct option *const[]){ &option_pid, &option_cgroup, &option_from,
	    &option_to, NULL },
	.shared_help = { .pid = "text: only the process or thread of this number",
	    .cgroup = "text: only this cgroup and its child cgroups" },
	.options = options,
	.options_size = sizeof(struct trace_options),
	.command = trace,
};
