/* trace: pq trace: opens saved traces. text.c prints them, info.c sums them up, export.c writes them for
 * other programs. */
#include "commands/trace/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/out_file.h"
#include "cli/open.h"
#include "cli/values.h"
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

bool
trace_window(
    const struct options *o, const char *path, const struct trace_file *t, struct span *window)
{
	struct span whole;

	if (!o->from.written && !o->to.written)
		return false;
	if (!trace_real(t, t->from_ns, &whole.from_ns) || !trace_real(t, t->to_ns, &whole.to_ns))
		die(EXIT_FAILED, "%s: --from and --to need a reading of the clock, and it has none",
		    path);
	*window = recording_window(o, &whole);
	return true;
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
	bool times;  /* it has --from and --to */
	bool lines;  /* it has the other options that select lines */
	bool export; /* it has -o and -f */
} works[] = {
	{ "text", trace_text, true, true, false },
	{ "info", trace_info, false, false, false },
	{ "export", trace_export, true, false, true },
};

static const struct work *
find_work(const char *name)
{
	for (size_t i = 0; i < sizeof works / sizeof works[0]; i++)
		if (strcmp(works[i].name, name) == 0)
			return &works[i];
	die(EXIT_USAGE, "unknown command '%s': want text, info, export or save", name);
}

/* An option that only recording has, if it is given. */
static const char *
recording_option(const struct options *o)
{
	const struct trace_options *own = o->ask.options;
	const struct saving_options *s = &own->saving;

	return own->ring      ? "--ring" :
	    own->last_ns      ? "--last" :
	    own->source       ? "--source" :
	    s->when.n         ? "--when" :
	    s->save           ? "--save" :
	    s->command        ? "--exec" :
	    o->ask.target.all ? "-a" :
				NULL;
}

static void
check_words(const struct work *w, const struct options *o)
{
	const struct trace_options *own = o->ask.options;
	const struct target *target = &o->ask.target;
	const char *times = o->from.written ? "--from" : o->to.written ? "--to" : NULL;
	const char *lines = target->pid ? "-p" :
	    target->cgroup              ? "-g" :
	    own->slow_ns                ? "--slow" :
					  NULL;
	const char *export = own->out ? "-o" : own->beside ? "-f" : NULL;

	if (recording_option(o))
		die(EXIT_USAGE, "%s: %s is not allowed (only recording takes it)", w->name,
		    recording_option(o));
	if (o->words < 2)
		die(EXIT_USAGE, "%s: missing argument: want a saved trace", w->name);
	if (o->words > 2)
		die(EXIT_USAGE, "unexpected argument '%s'", o->word[2]);
	if (own->beside && strcmp(own->beside, "-") == 0 && strcmp(o->word[1], "-") == 0)
		die(EXIT_USAGE, "export: the trace and the recording cannot both be stdin");
	if (!w->times && times)
		die(EXIT_USAGE, "%s: %s is not allowed (text and export take it)", w->name, times);
	if (!w->lines && lines)
		die(EXIT_USAGE, "%s: %s is not allowed (only text takes it)", w->name, lines);
	if (!w->export && export)
		die(EXIT_USAGE, "%s: %s is not allowed (only export takes it)", w->name, export);
}

/* pq trace [seconds] */
static enum exit_status
take(const struct options *o, int64_t for_ns)
{
	const struct trace_options *own = o->ask.options;
	const struct saving_options *s = &own->saving;
	bool keeps = s->when.n || s->save || s->command;
	const char *wrong = o->from.written ? "--from" :
	    o->to.written                   ? "--to" :
	    own->slow_ns                    ? "--slow" :
	    own->beside                     ? "-f" :
					      NULL;

	if (o->words == 0 && !own->out && !keeps && !recording_option(o))
		die(EXIT_USAGE,
		    "missing argument: want -o FILE [seconds] to record, or text, info or export "
		    "with a file");
	if (o->words > 1)
		die(EXIT_USAGE, "unexpected argument '%s'", o->word[1]);
	if (wrong)
		die(EXIT_USAGE, "%s: not allowed while recording (see pq trace text)", wrong);
	if (own->ring && own->last_ns)
		die(EXIT_USAGE, "--last: cannot be combined with --ring");
	if (keeps)
		return trace_keep(o, for_ns);
	if (o->ask.target.cgroup || o->ask.target.all)
		die(EXIT_USAGE, "%s: only for the conditions of --when",
		    o->ask.target.all ? "-a" : "-g");
	if (own->json)
		die(EXIT_USAGE, "--json: not allowed with -o, which logs nothing");
	return trace_take(o, for_ns);
}

/* Whether the word is a time: "5", "500ms". */
static bool
interval_is(const char *word, int64_t *ns)
{
	return *word >= '0' && *word <= '9' && interval_parse(text_of(word), ns) == 0;
}

/* pq trace save [PID] */
static enum exit_status
ask(const struct options *o)
{
	const struct trace_options *own = o->ask.options;

	if (o->words > 2)
		die(EXIT_USAGE, "unexpected argument '%s'", o->word[2]);
	if (recording_option(o) || own->out || own->json || own->slow_ns || own->beside ||
	    o->from.written || o->to.written || o->ask.target.pid || o->ask.target.cgroup)
		die(EXIT_USAGE, "save: takes no options: usage is pq trace save [PID]");
	return trace_ask(o->words == 2 ? o->word[1] : NULL);
}

static enum exit_status
trace(const struct options *o)
{
	struct trace_file t;
	int64_t for_ns = 0;

	if (o->words == 0 || interval_is(o->word[0], &for_ns))
		return take(o, for_ns);
	if (strcmp(o->word[0], "save") == 0)
		return ask(o);
	const struct work *w = find_work(o->word[0]);
	check_words(w, o);
	saved_trace_open(&t, o->word[1]);
	enum exit_status status = w->f(o, o->word[1], &t);
	if (w->times)
		tell_missing(&t, o->word[1]);
	trace_close(&t);
	if (status == EXIT_DONE)
		exit_printed();
	return status;
}

static const char *const sources[] = { "bpf-btf", "bpf-raw", "bpf-tp", "bpf", "perf", NULL };

int
trace_create(const char *path, unsigned mode)
{
	int fd = out_open(path, O_EXCL, mode);

	if (fd >= 0)
		return fd;
	if (errno == EEXIST)
		die(EXIT_USAGE, "%s: file exists (choose a new name)", path);
	die(EXIT_FAILED, "cannot write %s: %s", out_name(path), strerror(errno));
}

static const struct option options[] = {
	{ 0, "slow", "TIME", OPTION_TIME, offsetof(struct trace_options, slow_ns),
	    .help = "text: only after a wait for a CPU of at least TIME" },
	{ 0, "json", NULL, OPTION_FLAG, offsetof(struct trace_options, json),
	    .help = "print, log or, with export, write JSON (for speedscope)" },
	{ 'o', NULL, "FILE", OPTION_PATH, offsetof(struct trace_options, out),
	    .help = "record or export to FILE ('-': to stdout)", .writes = true },
	{ 0, "ring", "SIZE", OPTION_SIZE, offsetof(struct trace_options, ring),
	    .help = "record: keep the newest events, in SIZE bytes; default 64M" },
	{ 0, "source", "NAME", OPTION_CHOICE, offsetof(struct trace_options, source),
	    .help = "record: use bpf, bpf-btf, bpf-raw, bpf-tp, or perf (with -p)",
	    .choices = sources },
	{ 0, "last", "TIME", OPTION_TIME, offsetof(struct trace_options, last_ns),
	    .help = "record: like --ring, sized to hold TIME at the current rate" },
	{ 'f', NULL, "RECORDING", OPTION_PATH, offsetof(struct trace_options, beside),
	    .help = "export: add the figures of a recording, as counters" },
	{ .type = OPTION_TABLE,
	    .at = offsetof(struct trace_options, saving),
	    .table = saving_options },
	{ .type = OPTION_END },
};

static const struct trace_options usual_options = { .saving = SAVING_USUAL };

const struct tool tool_trace = {
	.name = "trace",
	.brief = "record what the scheduler does: who ran, waited and blocked",
	.usage = "-o FILE [seconds] | --save DIR [options]\n"
		 "       pq trace text|info|export|save FILE|PID [options]",
	.examples =
	    "  pq trace -o x.trace 5                  record the next five seconds\n"
	    "  pq trace --save . --when 'wait > 100ms'   save around each such wait\n"
	    "  pq trace info x.trace                  times, CPUs, events, losses, damage\n"
	    "  pq trace text x.trace --slow 10ms      who waited 10 ms for a CPU, and when\n"
	    "  pq trace text x.trace -p 4242 --from -1s\n"
	    "  pq trace export x.trace -o x.perfetto  a file for Perfetto's viewer\n",
	.shared = (const struct option *const[]){ &option_pid, &option_cgroup, &option_all,
	    &option_from, &option_to, NULL },
	.shared_help = { .pid = "only this process; text: this process or thread",
	    .cgroup = "text: only this cgroup and those below; --when: of this one",
	    .all = "--when: of all cgroups with a limit" },
	.options = options,
	.options_size = sizeof(struct trace_options),
	.defaults = &usual_options,
	.command = trace,
};
