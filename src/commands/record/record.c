/* record: the flight recorder: keeps a recording of what tools read, and saves windows of it. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/units.h"
#include "cli/open.h"
#include "cli/signals.h"
#include "commands/recorder/triggers.h"
#include "commands/trace/windows.h"
#include "session/session.h"

enum { RING_LEAST = 256 << 10 };

struct record_options {
	struct saving_options saving;
	uint64_t ring;  /* bytes; 0: not given */
	uint64_t trace; /* the same, of the scheduler's events */
	bool json;      /* log events as JSON */
	bool report;    /* write a report beside each saved recording */
};

struct recorder {
	const struct options *options;
	const struct record_options *own;
	struct plan plan;
	char *path; /* the file to record to, or "-" */
	struct journal journal;
	struct tape_file tape;
	struct host *live;       /* for the trace: what it reads is not recorded; NULL: no trace */
	struct trace_ring trace; /* if there is one */
	bool told_trace;         /* how long it lasts */
	struct session session;
	struct triggers triggers;
	struct saves saves;
	uint64_t lost; /* samples that could not be written */
	bool troubled; /* the last sample is one of them */
	bool told_rate;
	int64_t late_ns, worst_ns; /* how late samples were: the sum and the maximum */
	int64_t checked_ns;        /* when the file was last checked */
	int64_t cost_told_ns;      /* when the recorder's cost was last put in the recording */
};

/* ---- The plan, from the options */

static void
set_tape(struct recorder *r)
{
	const struct record_options *own = r->own;
	const struct saving_options *saving = &own->saving;
	const char *save = saving->save, *out = r->options->out;
	char path[4096];

	if (own->ring && own->ring < RING_LEAST)
		die(EXIT_USAGE,
		    "invalid --ring: too small for a recording: want 256K or more; 64M holds "
		    "hours");
	snprintf(path, sizeof path, "%s%spq.tape", save ? save : "", save ? "/" : "");
	r->path = xstrdup(out ? out : path);
	if (own->trace && (strcmp(r->path, "-") == 0 || r->options->root))
		die(EXIT_USAGE, "--trace: not allowed with %s",
		    r->options->root ? "--root: it is about this machine" :
				       "-o -: it needs a file");
	if (strcmp(r->path, "-") == 0 && (own->ring || saving->when.n || save || saving->command))
		die(EXIT_USAGE,
		    "-o -: not allowed with --ring, --when, --save or --exec, which need a file");
}

/* Saved windows are in the directory of --save, or in that of the recording. */
static void
set_directory(struct recorder *r)
{
	const char *save = r->own->saving.save, *slash = strrchr(r->path, '/');
	char *directory = xstrdup(save ? save : slash ? r->path : ".");

	if (!save && slash)
		directory[slash == r->path ? 1 : slash - r->path] = '\0';
	if (save || r->own->saving.when.n)
		plan_directory(&r->plan, directory);
	else
		r->plan.directory = xstrdup(directory);
	free(directory);
}

/* Makes the plan from the options. A wrong argument ends the program. */
static void
make_plan(struct recorder *r, const struct options *o)
{
	r->options = o;
	r->own = o->ask.options;
	r->plan.own = &r->own->saving;
	tool_list_parse(&r->plan.list, o, 200000000);
	plan_conditions(&r->plan, r->own->trace > 0);
	set_tape(r);
	set_directory(r);
}

/* ---- What it reports about itself, in the log and in the recording */

static void
say(struct recorder *r, int64_t real_ns, const char *event, const char *message)
{
	journal_begin(&r->journal, real_ns, event, message);
	journal_end(&r->journal);
}

/* Puts the recorder's cost in the recording, once a second. The keys are part of the format. */
static void
record_cost(struct recorder *r)
{
	const struct session *s = &r->session;
	int64_t now_ns = s->now.mono_ns;
	char text[256];

	if (now_ns - r->cost_told_ns < 1000000000)
		return;
	r->cost_told_ns = now_ns;
	int n = snprintf(text, sizeof text,
	    "cpu_us %lld\nmoments %llu\nmissed %llu\nlost %llu\nlate_sum_us %lld\nlate_max_us "
	    "%lld\n",
	    (long long)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1000, (unsigned long long)s->rows,
	    (unsigned long long)s->missed, (unsigned long long)r->lost,
	    (long long)r->late_ns / 1000, (long long)r->worst_ns / 1000);
	tape_writer_keep(&r->tape.writer, text_of(TAPE_COST), 0, (struct text){ text, (size_t)n });
}

/* Puts the trigger in the recording, with the next sample that is written: that of the trigger, unless it came between two. */
static void
keep_trigger(void *about, int64_t real_ns, const char *why)
{
	struct recorder *r = about;
	struct buf b = { 0 };

	buf_u64(&b, (uint64_t)real_ns, 1);
	buf_char(&b, ' ');
	buf_printable(&b, why);
	buf_char(&b, '\n');
	tape_writer_keep(&r->tape.writer, text_of(TAPE_TRIGGER), 0, (struct text){ b.s, b.n });
	buf_free(&b);
}

/* Puts in the recording which tools read this sample, and how often each does. */
static void
record_tools(struct recorder *r)
{
	const struct tool_list *l = &r->plan.list;
	char text[TOOLS_MOST * 80];
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct sampler *v = r->session.v[i];
		n += (size_t)snprintf(text + n, sizeof text - n, "%s %d %llu %llu\n",
		    l->tool[i]->name, v->sampled,
		    (unsigned long long)v->every * (unsigned long long)l->interval_ns / 1000000,
		    (unsigned long long)l->own_ns[i] / 1000000);
	}
	tape_writer_keep(&r->tape.writer, text_of(TAPE_TOOLS), 0, (struct text){ text, n });
}

/* Whether each tool was read twice after its first sample. Some are read every ten seconds only, and before that
 * the recording has less of them than later. */
static bool
is_usual(const struct recorder *r)
{
	uint64_t slowest = 1;

	for (size_t i = 0; i < r->session.n; i++)
		slowest = r->session.v[i]->every > slowest ? r->session.v[i]->every : slowest;
	return r->session.rows > 2 * slowest;
}

/* Logs once, when the rate is known, how much a sample takes and how much time the ring holds. */
static void
say_rate(struct recorder *r, const struct sample *m)
{
	double rate = tape_writer_rate(&r->tape.writer),
	       per_s = (double)r->session.rows / session_span_s(&r->session);
	double lasts_s = r->tape.ring ? (double)r->tape.ring / rate / per_s : NAN;
	char message[256], text[HUMAN_MOST];

	if (r->told_rate || isnan(rate) || !is_usual(r))
		return;
	r->told_rate = true;
	if (r->tape.ring)
		snprintf(message, sizeof message,
		    "%.0f bytes per sample: the ring holds the last %s", rate,
		    human_duration(lasts_s, text));
	else
		snprintf(message, sizeof message, "%.0f bytes per sample: %s per hour", rate,
		    human_size(rate * per_s * 3600, text));
	journal_begin(&r->journal, m->real_ns, "rate", message);
	journal_number(&r->journal, "bytes_per_sample", rate, 1);
	journal_number(&r->journal, "lasts_s", lasts_s, 3);
	journal_end(&r->journal);
	if (r->plan.own->when.n &&
	    lasts_s < (double)(r->plan.own->before_ns + r->plan.own->after_ns) * 1e-9)
		say(r, m->real_ns, "warning",
		    "the ring is shorter than --before and --after together (use a larger --ring)");
}

static void
say_start(struct recorder *r)
{
	const struct plan *p = &r->plan;
	char message[4600], size[HUMAN_MOST];

	snprintf(message, sizeof message, "%s every %g ms to %s%s%s%s", p->list.plan,
	    (double)p->list.interval_ns * 1e-6, strcmp(r->path, "-") == 0 ? "stdout" : r->path,
	    r->tape.ring ? ", a ring of " : "",
	    r->tape.ring ? human_size((double)r->tape.ring, size) : "",
	    r->tape.writer.samples ? ", continuing it" : "");
	say(r, clock_ns(CLOCK_REALTIME), "records", message);
}

static void
say_end(struct recorder *r)
{
	char message[256];

	snprintf(message, sizeof message,
	    "%llu sample%s, %llu missed, %llu lost, %.2f s of CPU time",
	    (unsigned long long)r->tape.writer.run_samples,
	    r->tape.writer.run_samples == 1 ? "" : "s", (unsigned long long)r->session.missed,
	    (unsigned long long)r->lost, (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) * 1e-9);
	if (r->tape.writer.run_samples + r->lost > 0)
		say(r, clock_ns(CLOCK_REALTIME), "stopped", message);
}

/* ---- Recording */

/* The sample cannot be written: ends the program if later ones cannot be either. */
static void
write_failed(struct recorder *r)
{
	if (errno == EPIPE || (r->tape.stream && signals_urged()))
		exit(EXIT_DONE);
	if (r->tape.stream)
		die(EXIT_FAILED, "cannot write to stdout: %s", strerror(errno));
	if (errno == EMSGSIZE && r->tape.writer.run_samples == 0) {
		unsigned long long least = tape_writer_least_ring(&r->tape.writer);
		tape_file_close(&r->tape);
		die(EXIT_USAGE,
		    "--ring: too small for the files that these tools read here: want at least "
		    "%llu bytes",
		    least);
	}
}

/* Opens the path again, for a new recording of this host. The tools read on. */
static void
start_new(struct recorder *r)
{
	uint64_t ring = r->tape.ring;
	struct tape_file fresh;

	saves_finish(&r->saves); /* they copy from the file that is open */
	r->saves.stopping = false;
	if (tape_file_open(&fresh, r->path, ring) < 0)
		die(EXIT_FAILED, "%s %s", r->path,
		    errno == EINVAL ? "exists and is not a pq recording; not overwriting it" :
				      strerror(errno));
	tape_file_replace(&r->tape, &fresh);
}

/* Twice a second looks whether the file is still there, and at each sample whether it is whole. */
static void
check_file(struct recorder *r, const struct sample *m)
{
	bool path = m->mono_ns - r->checked_ns >= 500000000;
	char message[5000];

	r->checked_ns = path ? m->mono_ns : r->checked_ns;
	if (tape_file_check(&r->tape, path) == 0)
		return;
	snprintf(message, sizeof message, "%s %s; starting a new recording there", r->path,
	    errno == ENOENT      ? "was deleted" :
		errno == ESTALE  ? "was replaced by another file" :
		errno == ENODATA ? "was truncated" :
				   strerror(errno));
	say(r, m->real_ns, "lost", message);
	start_new(r);
}

static void
write_sample(struct recorder *r, const struct sample *m)
{
	char message[256];

	if (host_recorded(r->session.host, &r->tape) == 0) {
		if (r->troubled) {
			snprintf(message, sizeof message,
			    "writing works again; %llu samples were lost in all",
			    (unsigned long long)r->lost);
			say(r, m->real_ns, "written", message);
		}
		r->troubled = false;
		return;
	}
	write_failed(r);
	if (!r->troubled) {
		snprintf(message, sizeof message,
		    "cannot write the recording: %s; retrying with each sample",
		    errno == EMSGSIZE ? "the sample does not fit in the ring" : strerror(errno));
		say(r, m->real_ns, "trouble", message);
	}
	r->troubled = true;
	r->lost++;
}

static void
say_note(void *about, const struct tool *tool, const char *message)
{
	struct recorder *r = about;
	char line[1000];

	snprintf(line, sizeof line, "%s: %s", tool->name, message);
	say(r, clock_ns(CLOCK_REALTIME), "note", line);
}

/* SIGUSR1 asks for the window up to now. */
static void
take_request(struct recorder *r)
{
	const struct reason why = {
		.expr = "asked for by SIGUSR1", .value = NAN, .threshold = NAN, .asked = true
	};

	if (signals_asked() && !r->tape.stream)
		saves_ask(&r->saves, &r->session.now, &why, false);
}

static void
step_trace(struct recorder *r)
{
	if (!r->live)
		return;
	trace_take_waits(&r->trace, &r->triggers);
	if (!r->told_trace && session_span_s(&r->session) >= 1)
		r->told_trace = trace_tell_rate(&r->trace, &r->journal);
}

/* Evaluates the conditions on this sample, and writes it with what triggered. */
static void
take_sample(struct recorder *r)
{
	const struct sample *m = &r->session.now;

	check_file(r, m);
	record_cost(r);
	record_tools(r);
	take_request(r);
	triggers_step(&r->triggers, &r->session);
	write_sample(r, m);
	step_trace(r);
	say_rate(r, m);
	saves_step(&r->saves, m->mono_ns, m->real_ns);
}

/* Waits that are too long, and windows that the rings would overwrite, do not wait for the next sample. */
static void
sleep_between(void *about, int64_t until_ns)
{
	struct recorder *r = about;

	trace_sleep(&r->trace, &r->triggers, &r->saves, until_ns);
}

static void
count_late(struct recorder *r)
{
	int64_t late_ns = r->session.late_ns;

	r->late_ns += late_ns;
	r->worst_ns = late_ns > r->worst_ns ? late_ns : r->worst_ns;
}

static void
loop(struct recorder *r)
{
	uint64_t n = 1, count = r->plan.list.count;
	enum session_event event = SESSION_ROW;

	if (!session_start(&r->session) || !session_begin(&r->session))
		return;
	r->triggers.from_ns = r->session.now.mono_ns; /* the recording has nothing before */
	take_sample(r);
	while (event != SESSION_END && (count == 0 || n < count)) {
		event = session_next(&r->session);
		if (event == SESSION_ROW) {
			count_late(r);
			take_sample(r);
			n++;
		} else { /* SIGUSR1, the end of a child, or a long wait */
			take_request(r);
			step_trace(r);
			saves_step(&r->saves, r->session.now.mono_ns, r->session.now.real_ns);
		}
	}
}

static struct host *
open_both(struct recorder *r)
{
	const struct plan *p = &r->plan;
	struct buf about = { 0 };

	open_output(&r->tape, r->path, r->own->ring - r->own->ring % 4096); /* whole blocks */
	recording_about(&about, p->list.names, p->list.interval_ns, &r->options->ask.target);
	buf_text(&about, "budget_pct ");
	buf_fixed(&about, 100 * p->own->budget, 1);
	buf_char(&about, '\n');
	struct host *h =
	    host_record(open_host(r->options), &r->tape.writer, (struct text){ about.s, about.n });
	buf_free(&about);
	return h;
}

/* Copies the window of the recording. */
static int
copy_tape(void *ctx, const struct save *save, const char *path)
{
	struct recorder *r = ctx;
	struct tape_reader reader;

	tape_reader_begin_at(&reader, r->tape.fd, &r->tape.index);
	int64_t copied = cut_save(&reader, save->window, r->tape.writer.segment.boot_id, path);
	return copied > 0                     ? 0 :
	    copied == 0                       ? SAVE_NOTHING :
	    errno > 0 && errno < SAVE_NOTHING ? errno :
						SAVE_FAILED;
}

/* The trace is of the whole machine, whatever the tools record: who else ran is what it is for. */
static void
open_trace(struct recorder *r)
{
	const struct trace_ring_options ask = { .bytes = r->own->trace,
		.wait_over_ns = plan_least_wait_ns(&r->plan) };

	if (r->own->trace == 0)
		return;
	r->live = open_host(r->options);
	trace_ring_open(&r->trace, r->live, &ask);
}

/* "web.trace" beside "web.tape", or "web-2.trace". */
static void
trace_name(const struct recorder *r, char out[4200])
{
	size_t n = strlen(r->path), end = strlen(".tape");
	char again[16] = "";
	struct stat st;

	n -= n > end && strcmp(r->path + n - end, ".tape") == 0 ? end : 0;
	for (int copy = 2; copy < 1000; copy++) {
		snprintf(out, 4200, "%.*s%s.trace", (int)n, r->path, again);
		if (lstat(out, &st) < 0)
			return;
		snprintf(again, sizeof again, "-%d", copy);
	}
}

/* Without windows that are saved, the trace is saved at the end. */
static bool
save_trace(struct recorder *r)
{
	const struct saving_options *saving = &r->own->saving;
	char path[4200], words[200], message[4600];

	if (!r->live || saving->save || saving->when.n)
		return true;
	trace_name(r, path);
	bool saved =
	    trace_ring_save(&r->trace, path, r->trace.begun.boot_ns, UINT64_MAX, NULL) == 0;
	trace_saved_words(r->trace.saved, words, sizeof words);
	snprintf(message, sizeof message, saved ? "%s: %s" : "cannot save the trace to %s: %s",
	    path, saved ? words : strerror(errno));
	say(r, clock_ns(CLOCK_REALTIME), saved ? "saved" : "failed", message);
	return saved;
}

static void
close_trace(struct recorder *r)
{
	if (!r->live)
		return;
	trace_ring_close(&r->trace);
	host_close(r->live);
}

static void
begin(struct recorder *r)
{
	struct plan *p = &r->plan;

	open_trace(r);

	r->session = (struct session){ .host = open_both(r),
		.options = r->options,
		.interval_ns = p->list.interval_ns,
		.lasting = true,
		.budget = p->own->budget,
		.say = say_note,
		.about = r };
	for (size_t i = 0; i < p->list.n; i++) {
		struct sampler *v = session_add(&r->session, p->list.tool[i], &p->list.ask[i]);
		v->unseen = !triggers_use(p, i);
		v->planned = p->list.every[i];
	}
	r->saves = (struct saves){ .plan = p,
		.journal = &r->journal,
		.facts = &r->session.host->facts,
		.own_fd = &r->tape.fd,
		.report = r->own->report,
		.fired = keep_trigger,
		.about = r };
	if (r->live) {
		r->saves.media[r->saves.nmedia++] = trace_medium(&r->trace);
		r->session.sleep = sleep_between;
	}
	r->saves.media[r->saves.nmedia++] =
	    (struct save_medium){ .name = "tape", .ctx = r, .copy = copy_tape };
	triggers_begin(&r->triggers, &r->saves);
}

/* Failed if nothing was recorded, or if the recording could not be written at the end. */
static enum exit_status
status_of(const struct recorder *r)
{
	bool nothing = r->tape.writer.run_samples + r->lost == 0;
	enum exit_status status = nothing ? session_status(&r->session) : EXIT_DONE;

	return status ? status : r->troubled ? EXIT_FAILED : EXIT_DONE;
}

static enum exit_status
end(struct recorder *r)
{
	enum exit_status status = status_of(r);

	saves_finish(&r->saves);
	if (!save_trace(r))
		status = EXIT_FAILED;
	say_end(r);
	close_trace(r);
	session_end(&r->session);
	if (tape_file_close(&r->tape) < 0)
		die(EXIT_FAILED, "cannot write %s: %s", r->path, strerror(errno));
	journal_free(&r->journal);
	plan_free(&r->plan);
	free(r->path);
	return status;
}

static enum exit_status
record(const struct options *o)
{
	struct recorder *r = xmalloc(sizeof *r);

	memset(r, 0, sizeof *r);
	make_plan(r, o);
	r->journal =
	    (struct journal){ .json = r->own->json, .tool = "record", .times = { .utc = o->utc } };
	signals_catch();
	signals_catch_asking();
	begin(r);
	r->tape.writer.give_up = signals_urged;
	say_start(r);
	loop(r);
	enum exit_status status = end(r);
	free(r);
	return status;
}

static const struct record_options usual_options = { .saving = SAVING_USUAL };

#define AT(member) offsetof(struct record_options, member)

static const struct option options[] = {
	{ 0, "ring", "SIZE", OPTION_SIZE, AT(ring),
	    .help = "keep only the newest samples, in SIZE bytes: 64M, 1G" },
	{ 0, "trace", "[=SIZE]", OPTION_SIZE, AT(trace), .implied = "64M",
	    .help = "also keep the scheduler's events, in SIZE bytes (64M)" },
	{ 0, "report", NULL, OPTION_FLAG, AT(report),
	    .help = "write a report (see pq-report) beside each saved recording" },
	{ 0, "json", NULL, OPTION_FLAG, AT(json),
	    .help = "log events as JSON, one object per line" },
	{ .type = OPTION_TABLE, .at = AT(saving), .table = saving_options },
	{ .type = OPTION_END },
};

const struct tool tool_record = {
	.name = "record",
	.brief = "record samples to a file, and save the minutes before a spike",
	.usage = "[options] [interval [count]] [TOOL...]",
	.examples =
	    "  pq record -o web.tape 100ms     default tools; replay: pq runq -f web.tape\n"
	    "  pq record -a --ring 64M --save DIR --when 'throttle.throttled_pct > 25 for 3'\n"
	    "  pq record --when 'runq.waiting > 2*cpus' --after 0s --exec ./fetch-profile\n",
	.shared = (const struct option *const[]){ &option_root, &option_out, &option_pid,
	    &option_cgroup, &option_all, NULL },
	.shared_help = { .pid = "record this process, or its cgroup (depends on the tool)",
	    .cgroup = "record this cgroup and its parents: /web, or its directory",
	    .all = "record all cgroups with a limit (psi, disk: all)" },
	.options = options,
	.options_size = sizeof(struct record_options),
	.defaults = &usual_options,
	.command = record,
	.runs = &tool_report, /* --report */
};
